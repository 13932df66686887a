"""Spark computes what DuckDB computes: every feature, on tiny histories and on the whole demo."""

import dataclasses
import gc
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import ibis
import pandas as pd
import pyarrow as pa
import pytest

from features import config, sources
from features.engine import connection_of
from features.errors import ConfigError
from features.proof import choose_cutoffs, differences, prove
from features.schema import ATTRIBUTES, EVENTS, ORDERS
from features.snapshot import customers_known, snapshot
from features.spec import learn_spec

pytestmark = [
    pytest.mark.spark,
    pytest.mark.usefixtures("local_spark"),
    # pyspark leaves the sockets open that it takes answers from.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

DEMO = Path(__file__).parents[2] / "mlflow" / "experiments" / "complete_journey.toml"
SCHEMAS = {"orders": ORDERS, "events": EVENTS, "attributes": ATTRIBUTES}
T = datetime(2024, 6, 1)
SPARK = 'engine = "spark"'


@pytest.fixture(autouse=True)
def own_folder(monkeypatch, tmp_path):
    """Where the tables of this machine's Spark are written."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def rows(frame):
    """Of a snapshot, null being None."""
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def assert_same(spark, duckdb):
    """Integers, texts and nulls exactly, floats within 1e-9, and the same columns of one type."""
    assert spark.dtypes.to_dict() == duckdb.dtypes.to_dict()
    assert list(spark) == list(duckdb)
    assert len(spark) == len(duckdb) > 0
    assert [*differences(rows(spark), rows(duckdb))] == []


# ------------------------------------------------------------------------------- the values


def test_every_feature_of_the_demo_is_the_same():
    text = DEMO.read_text(encoding="utf-8")
    assert "seed = 7\n" in text
    read, other = (
        sources.load(config.parse(one, DEMO)) for one in (text, text.replace("seed = 7", SPARK))
    )
    experiment = config.load(DEMO)
    attributes = [column for source in experiment.attributes for column in source.columns]
    spec, learned = (
        learn_spec(
            of.connection.table("orders"), of.connection.table("events"),
            attributes, experiment.occasions, pd.Timestamp("2017-07-01"),
        )
        for of in (read, other)
    )  # fmt: skip
    assert learned == spec
    assert spec.categories
    assert spec.event_kinds
    cutoffs = [pd.Timestamp("2017-08-16 12:00"), pd.Timestamp("2017-11-22")]
    spine = customers_known(read.connection, cutoffs)
    assert customers_known(other.connection, cutoffs).equals(spine)
    assert len(spine) > 4_800
    found = snapshot(other.connection, spec, spine, horizon_days=30)
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


# ------------------------------------------------------------------------------ the connection


def test_an_experiment_with_engine_spark_has_the_same_tables(loaded):
    orders = "who,when,paid,kind\na,2024-01-01,10,Käse\nb,2024-01-02 10:30:00.25,2.5,\n"
    columns = 'category = "kind"'
    read = loaded(orders, columns=columns)
    other = loaded(orders, columns=columns, head=SPARK)
    assert other.connection.name == "pyspark"
    assert (other.start, other.end, other.ingested) == (read.start, read.end, read.ingested)
    for name, schema in SCHEMAS.items():
        table, expected = (of.connection.table(name).to_pyarrow() for of in (other, read))
        assert table.schema.types == schema.types
        assert table.cast(schema).equals(expected.cast(schema))
    assert other.connection.table("orders").count().execute() == 2


def test_two_experiments_do_not_see_each_others_tables(loaded, good):
    one = loaded(good, head=SPARK)
    other = loaded("who,when,paid\nz,2024-03-01,7\n", head=SPARK)
    for of, expected in ((one, ["a", "b"]), (other, ["z"]), (one, ["a", "b"])):
        assert sorted(of.connection.table("orders").to_pyarrow()["customer_id"].to_pylist()) == (
            expected
        )


def test_the_tables_files_go_with_the_connection(loaded, tmp_path, monkeypatch):
    shared = tmp_path / "shared with all"
    shared.mkdir()
    monkeypatch.setenv("COTERIE_SPARK_FOLDER", str(shared))
    read = loaded(head=SPARK)
    (folder,) = shared.iterdir()
    assert {file.name for file in folder.iterdir()} == {f"{name}.parquet" for name in SCHEMAS}
    assert read.connection.table("orders").count().execute() == 2
    del read
    gc.collect()
    assert [*shared.iterdir()] == []


def test_a_session_that_does_not_see_the_folder_says_so(loaded, tmp_path):
    spark = loaded(head=SPARK).connection
    file = tmp_path / "elsewhere.parquet"
    with pytest.raises(ConfigError) as caught:
        spark.take("orders", file)
    assert str(caught.value).startswith(
        "A Spark cluster reads the tables from a folder that all its machines see. Seen: local[2] "
        f"cannot read {file}: [PATH_NOT_FOUND] "
    )
    assert str(caught.value).endswith(
        "Remedy: name a folder on shared storage in COTERIE_SPARK_FOLDER, the same path everywhere"
    )


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        (
            "An error occurred while calling None.x.\n: java.io.IOException: no way\n\tat y",
            "no way",
        ),
        ("Java gateway process exited", "Java gateway process exited"),
    ],
)
def test_a_session_that_does_not_start_says_why(monkeypatch, said, seen):
    from py4j.protocol import Py4JError  # comes with pyspark

    def fail():
        raise Py4JError(said)

    monkeypatch.setattr("features.spark._classic", fail)
    with pytest.raises(ConfigError) as caught:
        connection_of("spark", ibis.duckdb.connect())
    assert str(caught.value).startswith(
        'engine = "spark" needs a Spark session that starts. Seen: '
    )
    assert str(caught.value).endswith(
        f"{seen}. Remedy: see what Spark printed above: it needs Java 17 or 21 here, or a server "
        "that answers"
    )


def test_a_table_in_memory_and_a_named_one_meet(loaded):
    spark = loaded(head=SPARK).connection
    wanted = ibis.memtable({"customer_id": ["b", "c"]})
    found = spark.table("orders").semi_join(wanted, "customer_id").amount.to_pyarrow()
    assert found.to_pylist() == [2.5]


def test_the_proof_compares_spark_with_duckdb(loaded):
    days = [f"c{who},2024-03-{day:02},{day}" for day in range(1, 11) for who in range(9)]
    read = loaded("\n".join(["who,when,paid", *days]), head=SPARK)
    experiment_spec = learn_spec(
        read.connection.table("orders"), read.connection.table("events"), (), (), T
    )
    cutoffs = choose_cutoffs(read.start, read.end, 2)
    proof = prove(read, experiment_spec, cutoffs, customers=5)
    assert proof.holds
    passed = [cut.as_of.day - 1 for cut in proof.cutoffs]
    assert [cut.known for cut in proof.cutoffs] == [5 * days for days in passed]
    assert [cut.hidden for cut in proof.cutoffs] == [5 * (10 - days) for days in passed]
