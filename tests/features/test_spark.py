"""Spark computes what DuckDB computes: every feature, on tiny histories and on the whole demo."""

import dataclasses
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from features import catalog, discovery, sources
from features.engine import connection_of
from features.lenses import periods
from features.proof import differences
from features.settings import config
from features.snapshot import snapshot
from features.spine import customers_known, everyone

pytestmark = [
    pytest.mark.spark,
    pytest.mark.usefixtures("local_spark"),
    # pyspark leaves the sockets open that it takes answers from.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

DEMO = Path(__file__).parents[2] / "mlflow" / "experiments" / "complete_journey.toml"
T = datetime(2024, 6, 1)
SPARK = 'engine = "spark"'


def rows(frame):
    """Of a snapshot, null being None."""
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def assert_same(spark, duckdb):
    """Integers, texts and nulls exactly, floats within 1e-9, and the same columns of one type."""
    assert spark.dtypes.to_dict() == duckdb.dtypes.to_dict()
    assert list(spark) == list(duckdb)
    assert len(spark) == len(duckdb) > 0
    assert [*differences(rows(spark), rows(duckdb))] == []


def test_every_feature_of_the_demo_is_the_same():
    text = DEMO.read_text(encoding="utf-8")
    assert "seed = 7\n" in text
    experiment, on_spark = (
        config.parse(one, DEMO) for one in (text, text.replace("seed = 7", SPARK))
    )
    read, other = sources.load(experiment), sources.load(on_spark)
    before = pd.Timestamp("2017-07-01")
    spec = discovery.learned(read, experiment, before)
    assert discovery.learned(other, on_spark, before) == spec
    every = [feature.name for feature in catalog.features(spec)]
    assert set(every) == {f.name for f in catalog.features(discovery.everything(read, experiment))}
    assert set(periods.NAMES) < set(every)
    assert spec.responses
    assert spec.occasions
    assert spec.categories
    assert spec.event_kinds
    cutoffs = [pd.Timestamp("2017-08-16 12:00"), pd.Timestamp("2017-11-22")]
    spine = customers_known(read.connection, cutoffs)
    assert customers_known(other.connection, cutoffs).equals(spine)
    some = everyone(read.connection, cutoffs[-1], 500)
    assert len(some) == 500
    assert everyone(other.connection, cutoffs[-1], 500).equals(some)
    assert len(spine) > 4_800
    found = snapshot(other.connection, spec, spine, horizon_days=30)
    assert [name for name in found if name in set(every)] == every
    assert_same(found, snapshot(read.connection, spec, spine, horizon_days=30))
    assert set(found.stage) > {"lapsed", "loyal", "new"}


@pytest.fixture(scope="module")
def edges(shop, many):
    """Many customers, and some of what engines are known to differ in."""
    quarter = timedelta(milliseconds=250)
    lines = [
        # To the microsecond: first and last, and the gap between.
        shop.line(T - quarter, 5, "a", category="fruit", quantity=1.0),
        shop.line(T - timedelta(days=1) - 3 * quarter, 7, "a", category=None, discount=0.1),
        shop.line(T, 9, "a", category="wine"),
        # Two orders at one moment, one of them a return and a line at another moment.
        shop.line("2024-03-31 23:59:59.999999", 4.4, "b", order_id="Ä", brand="own"),
        shop.line("2024-03-31 23:59:59.999999", -1.1, "b", order_id="z", brand="own"),
        shop.line("2024-04-01 00:00:00", 3.3, "b", order_id="z", brand="other"),
        shop.line("2024-05-31", 0, "c", channel="web"),
        shop.line("2024-05-30", -5, "d"),
        # Known a day later than it happened; the second only after T.
        shop.line("2024-05-20", 8, "c", arrived=datetime(2024, 5, 21)),
        shop.line("2024-05-29", 6, "b", arrived=datetime(2024, 6, 2)),
    ]
    events = [shop.event(T - timedelta(microseconds=1), "mail", "e", channel="app")]
    attributes = [
        # Of one moment the greater text counts: by bytes U+FFFD lies before the emoji, by UTF-16
        # units behind it; capitals before small letters.
        *(shop.attribute("home", text, None, "a") for text in ("z", "\ufffd", "\U0001f600", "Ä")),
        *(shop.attribute("sector", text, "2024-05-01", "a") for text in ("steel", "Steel")),
        shop.attribute("home", "Bonn", "1900-01-01", "b"),
        shop.attribute("home", "Köln", None, "b"),
        shop.attribute("home", None, "2024-05-01", "b"),
        *(
            shop.attribute("score", text, who=who)
            for who, text in zip("abcde", ("1e3", "nan", "-inf", "many", " 2.5 "), strict=True)
        ),
        shop.attribute("age", "ancient", who="c"),
        *(
            shop.attribute("region", text, who=who)
            for who, text in zip("abcde", ("DE / Köln/x/y", "DE//x", "/DE", "DE", ""), strict=True)
        ),
        *(
            shop.attribute("position", text, who=who)
            for who, text in zip(
                "abcde", ("52.5,13.4", "52.5", "91,0", "1,nan", "a,b"), strict=True
            )
        ),
    ]
    own = shop.log(lines, events, attributes)
    return shop.log(*(pa.concat_tables(pair).to_pylist() for pair in zip(
        vars(many).values(), vars(own).values(), strict=True)))  # fmt: skip


@pytest.mark.parametrize("late", [False, True], ids=["at their moment", "with arrivals"])
def test_every_kind_of_feature_is_the_same(shop, edges, late):
    spec = (
        dataclasses.replace(shop.spec, present=(*shop.spec.present, "arrived"))
        if late
        else (shop.spec)
    )
    cuts = (T, datetime(2024, 4, 1), datetime(2023, 5, 1))
    who = sorted({*edges.orders["customer_id"].to_pylist(), "e", "nobody"})
    spine = shop.spine(*((customer, at) for at in cuts for customer in who))
    spark = snapshot(connection_of("spark", edges.connect()), spec, spine, horizon_days=30)
    assert_same(spark, snapshot(edges.connect(), spec, spine, horizon_days=30))
    (a,) = rows(spark[(spark.customer_id == "a") & (spark.as_of == T)])
    assert a["recency_days"] == pytest.approx(0.25 / 86_400, rel=1e-12)
    assert a["gap_last"] == pytest.approx((86_400 + 0.5) / 86_400, rel=1e-12)
    assert a["orders_trend"] == pytest.approx((2 + 1) / (2 / 3 + 1), rel=1e-15)
    assert a["attribute_home"] == "\U0001f600"
    assert (a["attribute_score"], a["future_orders"]) == (1_000.0, 1)
    of_others = {row["customer_id"]: row["attribute_score"] for row in rows(spark)}
    assert [of_others[who] for who in "bcde"] == [None, None, None, 2.5]
