"""What holds however a log is delivered: twice, in any order, in whatever zone it is written."""

import dataclasses
from datetime import UTC, datetime, timedelta, timezone

import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from features import config, sources
from features.schema import SPINE
from features.snapshot import snapshot

AS_OF = pd.Timestamp("2024-06-01")
TEXT = """
[experiment]
name = "shop"
currency = "EUR"
horizon_days = 30
time_zone = "Europe/Berlin"
[orders]
url = "orders.csv"
line_id = "line"
[orders.columns]
customer_id = "who"
moment = "when"
amount = "paid"
order_id = "order"
category = "category"
brand = "brand"
store = "branch"
quantity = "pieces"
discount = ["off"]
channel = "channel"
[[events]]
name = "met"
url = "events.csv"
line_id = "line"
[events.columns]
customer_id = "who"
moment = "when"
kind = "kind"
channel = "channel"
[[goals]]
name = "cart"
kinds = ["cart"]
completed_by = "order"
within_days = 3
[[occasions]]
name = "Easter"
dates = ["2024-03-31"]
"""
WHEN = st.builds(
    lambda days, minutes: datetime(2024, 6, 1, tzinfo=UTC) - timedelta(days=days, minutes=minutes),
    st.integers(-5, 300),
    st.integers(0, 1439),
)
LINES = st.fixed_dictionaries(
    {
        "who": st.sampled_from("abc"),
        "when": WHEN,
        "paid": st.integers(-40, 400).map(lambda n: n / 4),
        "order": st.sampled_from(["1", "2", "3", "4"]),
        "category": st.sampled_from(["fruit", "wine", ""]),
        "brand": st.sampled_from(["own", "other", ""]),
        "branch": st.sampled_from(["north", "south", ""]),
        "pieces": st.sampled_from(["1", "2", ""]),
        "off": st.sampled_from(["0.5", ""]),
        "channel": st.sampled_from(["web", "shop", ""]),
    }
)
EVENTS = st.fixed_dictionaries(
    {
        "who": st.sampled_from("abc"),
        "when": WHEN,
        "kind": st.sampled_from(["mail", "cart"]),
        "channel": st.sampled_from(["app", "post", ""]),
    }
)
# One line and one event of every kind at least, so that every column and kind exists.
FIRST = {"who": "a", "when": datetime(2024, 1, 5, 12, tzinfo=UTC), "paid": 5.0, "order": "0",
         "category": "fruit", "brand": "own", "branch": "north", "pieces": "1", "off": "0.5",
         "channel": "web"}  # fmt: skip
MET = [{"who": "a", "when": datetime(2024, 1, day, tzinfo=UTC), "kind": kind, "channel": "app"}
       for day, kind in ((6, "mail"), (7, "cart"))]  # fmt: skip
HISTORIES = st.tuples(
    st.lists(LINES, max_size=15).map(lambda rows: [FIRST, *rows]),
    st.lists(EVENTS, max_size=8).map(lambda rows: [*MET, *rows]),
)


def features(folder, *tables):
    """Of three customers, from files written of these rows, whose order is their line's number."""
    for name, rows in zip(("orders.csv", "events.csv"), tables, strict=True):
        pd.DataFrame(rows).to_csv(folder / name, index=False)
    experiment = config.parse(TEXT, folder / "shop.toml")
    read = sources.load(experiment)
    spec = sources.everything(read, experiment)
    spine = pa.Table.from_pylist([{"customer_id": who, "as_of": AS_OF} for who in "abc"], SPINE)
    return dataclasses.asdict(spec), snapshot(read.connection, spec, spine)


def numbered(rows, zone=UTC):
    return [
        {"line": i, **row, "when": row["when"].astimezone(zone).isoformat()}
        for i, row in enumerate(rows)
    ]


def same(one, other):
    assert one[0] == other[0]
    pd.testing.assert_frame_equal(one[1], other[1], rtol=1e-9, atol=1e-9)


@settings(max_examples=3)
@given(history=HISTORIES, draw=st.randoms(use_true_random=False))
def test_a_second_delivery_and_any_order_of_rows_change_nothing(tmp_path_factory, history, draw):
    folder = tmp_path_factory.mktemp("delivered")
    once = [numbered(rows) for rows in history]
    twice = [[*rows, *rows] for rows in once]
    for rows in twice:
        draw.shuffle(rows)
    same(features(folder, *once), features(folder, *twice))


@settings(max_examples=3)
@given(history=HISTORIES, hours=st.integers(-11, 13))
def test_the_zone_in_which_moments_are_written_changes_nothing(tmp_path_factory, history, hours):
    folder = tmp_path_factory.mktemp("zones")
    elsewhere = timezone(timedelta(hours=hours))
    here = features(folder, *(numbered(rows) for rows in history))
    same(here, features(folder, *(numbered(rows, elsewhere) for rows in history)))
