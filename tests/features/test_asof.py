from datetime import datetime

import ibis
import pandas as pd
import pytest

from features.asof import days_between, known, known_or_undated, part_of, within_horizon

MOMENT, NOON = datetime(2024, 6, 1), datetime(2024, 6, 1, 12)
JUST_BEFORE = datetime(2024, 5, 31, 23, 59, 59, 999999)


def table(schema, *rows):
    return ibis.memtable(rows, schema=ibis.schema(schema))


def spine(*rows):
    return table({"customer_id": "string", "as_of": "timestamp(6)"}, *rows)


def happened(*rows):
    return table({"customer_id": "string", "moment": "timestamp(6)", "what": "string"}, *rows)


def said(expression, *columns):
    frame = expression.order_by(*columns).execute()
    return [tuple(row) for row in frame[list(columns)].itertuples(index=False)]


def test_known_is_what_happened_strictly_before_as_of():
    rows = happened(
        ("a", datetime(2024, 5, 30), "two days before"),
        ("a", JUST_BEFORE, "a microsecond before"),
        ("a", MOMENT, "at the moment"),
        ("a", NOON, "after"),
    )
    seen = known(rows, spine(("a", MOMENT)))
    assert said(seen, "what") == [("a microsecond before",), ("two days before",)]


def test_what_arrived_late_is_known_strictly_after_it_arrived():
    rows = table(
        {"customer_id": "string", "moment": "timestamp(6)", "arrived": "timestamp(6)",
         "what": "string"},
        ("a", datetime(2024, 5, 1), JUST_BEFORE, "a microsecond before"),
        ("a", datetime(2024, 5, 1), MOMENT, "at the moment"),
        ("a", datetime(2024, 5, 1), None, "at once"),
    )  # fmt: skip
    seen = known(rows, spine(("a", MOMENT)))
    assert said(seen, "what") == [("a microsecond before",), ("at once",)]
    told = rows.mutate(part=part_of(rows, [MOMENT, NOON]))
    assert said(told, "what", "part") == [
        ("a microsecond before", 0), ("at once", 0), ("at the moment", 1),
    ]  # fmt: skip


def test_a_row_stands_beside_every_later_as_of_of_its_own_customer():
    rows = happened(("a", datetime(2024, 5, 31), "x"), ("b", datetime(2024, 5, 1), "y"))
    seen = known(rows, spine(("a", MOMENT), ("a", NOON), ("b", datetime(2024, 4, 1)), ("c", NOON)))
    assert said(seen, "customer_id", "as_of", "what", "age_days") == [
        ("a", pd.Timestamp(MOMENT), "x", 1.0),
        ("a", pd.Timestamp(NOON), "x", 1.5),
    ]
    assert set(seen.columns) == {"customer_id", "moment", "what", "as_of", "age_days"}


def test_an_undated_row_is_known_always_and_a_dated_one_from_after_its_day():
    rows = table(
        {"customer_id": "string", "value": "string", "valid_from": "timestamp(6)"},
        ("a", "undated", None),
        ("a", "before", JUST_BEFORE),
        ("a", "at", MOMENT),
        ("a", "after", NOON),
        ("b", "another's", None),
    )
    seen = known_or_undated(rows, spine(("a", MOMENT)))
    assert said(seen, "value") == [("before",), ("undated",)]


def test_the_horizon_holds_its_start_and_not_its_end():
    rows = happened(
        ("a", JUST_BEFORE, "before"),
        ("a", MOMENT, "first moment"),
        ("a", datetime(2024, 6, 30, 23, 59, 59, 999999), "last moment"),
        ("a", datetime(2024, 7, 1), "end"),
        ("b", NOON, "another's"),
    )
    seen = within_horizon(rows, spine(("a", MOMENT)), 30)
    assert said(seen, "what") == [("first moment",), ("last moment",)]
    assert set(seen.columns) == {"customer_id", "moment", "what", "as_of"}


@pytest.mark.parametrize(
    ("later", "days"),
    [("2024-06-01", 0.0), ("2024-06-02", 1.0), ("2024-06-01 06:00", 0.25), ("2025-06-01", 365.0)],
)
def test_days_between_counts_fractions_of_a_day(later, days):
    row = table({"at": "timestamp(6)", "later": "timestamp(6)"}, (MOMENT, pd.Timestamp(later)))
    assert row.select(days=days_between(row.later, row.at)).execute().days.tolist() == [days]
