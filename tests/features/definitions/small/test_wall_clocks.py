"""Moments that name no zone, where the clock is changed: one that occurs twice is the second, one
that never occurs later by what the clock was put forward.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PARTS = ("night", "morning", "afternoon", "evening")
TICK, HOUR = timedelta(microseconds=1), timedelta(hours=1)
#: Wall clocks at changes: by an hour, by half an hour, at midnight, by a day; some just beside.
CHANGES = {
    "Europe/Berlin": (
        "2024-03-31T01:59:59.999999", "2024-03-31T02:00", "2024-03-31T02:30", "2024-03-31T03:00",
        "2024-10-27T01:59:59.999999", "2024-10-27T02:00", "2024-10-27T02:30", "2024-10-27T03:00",
    ),
    "Australia/Lord_Howe": ("2024-04-07T01:30", "2024-04-07T01:59", "2024-10-06T02:15"),
    "America/Sao_Paulo": ("2018-02-17T23:30", "2018-11-04T00:00", "2018-11-04T00:59"),
    "Pacific/Apia": ("2011-12-29T23:59", "2011-12-30T18:00", "2011-12-31T00:00"),
}  # fmt: skip
TEXT = """\
arrived = "arrived"
[[events]]
name = "met"
url = "met.csv"
kind = "mail"
[events.columns]
customer_id = "who"
moment = "when"
[[attributes]]
name = "people"
url = "people.csv"
customer_id = "who"
valid_from = "since"
[attributes.columns]
home = { lens = "geographic", kind = "category" }
"""


def utc(wall: datetime, zone: ZoneInfo) -> datetime:
    """Of the two readings of a wall clock the later one, naive."""
    both = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return max(both).replace(tzinfo=None)


@pytest.mark.parametrize("zone", CHANGES)
def test_a_wall_clock_is_read_alike_in_every_source_and_known_right_after(
    small: Callable[..., Any], zone: str
) -> None:
    walls = [datetime.fromisoformat(text) for text in CHANGES[zone]]
    texts = [wall.isoformat() for wall in walls]
    orders = [(f"c{i}", text, 1, "") for i, text in enumerate(texts)]
    late = [(f"l{i}", "2010-01-01", 1, text) for i, text in enumerate(texts)]
    shop = small(
        TEXT,
        zone,
        orders=[("who", "when", "paid", "arrived"), *orders, *late],
        met=[("who", "when"), *((f"c{i}", text.replace("T", " ")) for i, text in enumerate(texts))],
        people=[("who", "since", "home"), *((f"c{i}", text, "Bonn") for i, text in
                                            enumerate(texts))],
    )  # fmt: skip
    moments = [utc(wall, ZoneInfo(zone)) for wall in walls]
    steps = [(timedelta(0), False), (TICK, True), (HOUR, True)]
    cases = [(i, m, after, known) for i, m in enumerate(moments) for after, known in steps]
    counts = ["orders", "events", "recency_days", "events_recency", "attribute_home"]
    columns = [*counts, *(f"{name}_share" for name in (*WEEKDAYS, *PARTS))]
    asked = [(f"{kind}{i}", m + after) for i, m, after, _ in cases for kind in "cl"]
    found = iter(shop.features(asked, columns=columns))
    for _, moment, after, known in cases:
        own, late_one = next(found), next(found)
        local = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
        day, part = WEEKDAYS[local.weekday()], PARTS[local.hour // 6]
        shares = {name: float(name in (day, part)) for name in (*WEEKDAYS, *PARTS)}
        days = after / timedelta(1) if known else None
        told = [int(known), int(known), days, days, "Bonn" if known else None]
        expected = dict(zip(counts, told, strict=True))
        expected |= {f"{name}_share": share if known else None for name, share in shares.items()}
        assert {name: own[name] for name in expected} == pytest.approx(expected, abs=1e-12)
        assert late_one["orders"] == int(known)
