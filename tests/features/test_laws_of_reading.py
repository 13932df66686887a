"""What holds however a log is delivered: twice, in any order, in whatever zone it is written."""

import dataclasses
from datetime import UTC, datetime, timedelta, timezone

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import discovery, sources
from features.proof import differences
from features.schema import SPINE
from features.settings import config
from features.snapshot import snapshot

AS_OF = pd.Timestamp("2024-06-01")
HEAD = 'time_zone = "Europe/Berlin"'
FORM = 'line_id = "line"'
COLUMNS = """\
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


@pytest.fixture(scope="module")
def features(tmp_path_factory, experiment_text):
    """Of three customers, from files written of these rows, whose order is their line's number."""

    def read(*tables):
        folder = tmp_path_factory.mktemp("log")
        for name, rows in zip(("orders.csv", "events.csv"), tables, strict=True):
            pd.DataFrame(rows).to_csv(folder / name, index=False)
        text = experiment_text(head=HEAD, form=FORM, columns=COLUMNS)
        experiment = config.parse(text, folder / "shop.toml")
        loaded = sources.load(experiment)
        spec = discovery.everything(loaded, experiment)
        spine = pa.Table.from_pylist([{"customer_id": who, "as_of": AS_OF} for who in "abc"], SPINE)
        return dataclasses.asdict(spec), snapshot(loaded.connection, spec, spine)

    return read


def numbered(rows, zone=UTC):
    return [
        {"line": i, **row, "when": row["when"].astimezone(zone).isoformat()}
        for i, row in enumerate(rows)
    ]


def differing(one, other):
    """The columns of two snapshots that are not equal: floats within 1e-9, all else exactly."""
    assert one.dtypes.equals(other.dtypes)
    records = (f.astype(object).where(f.notna(), None).to_dict("records") for f in (one, other))
    return {difference.feature for difference in differences(*records)}


@pytest.mark.slow
@settings(max_examples=3)
@given(history=HISTORIES, draw=st.randoms(use_true_random=False))
def test_a_second_delivery_and_any_order_of_rows_change_nothing(features, history, draw):
    once = [numbered(rows) for rows in history]
    twice = [[*rows, *rows] for rows in once]
    for rows in twice:
        draw.shuffle(rows)
    (spec, one), (other_spec, other) = features(*once), features(*twice)
    assert spec == other_spec
    assert differing(one, other) == set()
    assert one.orders.tolist()[0] > 0


@pytest.mark.slow
@settings(max_examples=3)
@given(history=HISTORIES, hours=st.integers(-11, 13))
def test_the_zone_in_which_moments_are_written_changes_nothing(features, history, hours):
    elsewhere = timezone(timedelta(hours=hours))
    here, there = ([numbered(rows, zone) for rows in history] for zone in (UTC, elsewhere))
    (spec, one), (other_spec, other) = features(*here), features(*there)
    assert spec == other_spec
    assert differing(one, other) == set()
    assert one.orders.tolist()[0] > 0
