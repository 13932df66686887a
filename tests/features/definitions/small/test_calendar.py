"""Orders around the public holidays of [calendar], their days worked out by rule."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import chain, product
from typing import Any
from zoneinfo import ZoneInfo

import pytest

DAY = timedelta(1)
AMOUNTS = (10.0, 4.0, 0.0, -3.0, 25.0)
#: Cut-offs (UTC): on a holiday, at the turn of the year, at a change of the clock, in summer.
CUTOFFS = ("2023-01-01T00:00", "2023-11-23T05:00", "2024-01-01T04:59:59", "2024-03-31T01:00",
           "2024-12-26T12:00")  # fmt: skip


def thanksgiving(year: int) -> date:
    """The fourth Thursday of November."""
    first = date(year, 11, 1)
    return first + timedelta((3 - first.weekday()) % 7 + 21)


def easter(year: int) -> date:
    """Meeus, Astronomical Algorithms (1991), chapter 8."""
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    month, day = divmod(d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114, 31)
    return date(year, month, day + 1)


#: A country with its zone, its holidays and their days of a year, and the days around them.
CALENDARS = {
    "US": ("America/New_York", 3, 9, {
        "Thanksgiving Day": thanksgiving, "New Year's Day": lambda year: date(year, 1, 1),
    }),
    "DE": ("Europe/Berlin", 7, 0, {
        "Easter Monday": lambda year: easter(year) + DAY,
        "Christmas Day": lambda year: date(year, 12, 25),
        "Second Day of Christmas": lambda year: date(year, 12, 26),
    }),
    "NZ": ("Pacific/Auckland", 0, 0, {"New Year's Day": lambda year: date(year, 1, 1)}),
}  # fmt: skip


def moments(zone: ZoneInfo, days: list[date], before: int, after: int) -> list[datetime]:
    """The first and the last moment of the days around, those next to them, and midsummer (UTC)."""
    made = [datetime(year, 7, 1, 12) for year in (2022, 2024)]
    for day in days:
        if 2022 <= day.year <= 2024:
            for edge in (day - before * DAY, day + (after + 1) * DAY):
                start = datetime(edge.year, edge.month, edge.day, tzinfo=zone).astimezone(UTC)
                made += [start.replace(tzinfo=None) - timedelta(microseconds=n) for n in (0, 1)]
    return made


@pytest.mark.parametrize("country", CALENDARS)
def test_what_is_bought_around_a_holiday_is_told_by_its_definition_and_not_by_the_future(
    small: Callable[..., Any], same: Callable[[Any, Any], bool], country: str
) -> None:
    zone, before, after, rules = CALENDARS[country]
    days = {name: [rule(year) for year in range(2020, 2028)] for name, rule in rules.items()}
    every = sorted(set(moments(ZoneInfo(zone), [*chain(*days.values())], before, after)))
    rows = [
        (f"c{i % 7}", f"{at.isoformat()}Z", AMOUNTS[i % len(AMOUNTS)]) for i, at in enumerate(every)
    ]
    chosen = ", ".join(f'"{name}"' for name in rules)
    shop = small(
        f'[calendar]\ncountry = "{country}"\nholidays = [{chosen}]\n'
        f"days_before = {before}\ndays_after = {after}\n",
        zone,
        orders=[("who", "when", "paid"), *rows],
    )
    spec, customers = shop.spec, [f"c{i}" for i in range(7)]
    columns = [*by_hand([], datetime.min, ZoneInfo(zone), days, before, after)]
    asked = [(who, datetime.fromisoformat(at)) for at in CUTOFFS for who in customers]
    found = shop.features(asked, spec, columns=columns)
    for (who, as_of), row in zip(asked, found, strict=True):
        lines = [
            (at, amount)
            for at, (customer, _, amount) in zip(every, rows, strict=True)
            if customer == who and at < as_of
        ]
        worked_out = by_hand(lines, as_of, ZoneInfo(zone), days, before, after)
        differing = {n: (row[n], v) for n, v in worked_out.items() if not same(row[n], v)}
        assert (who, as_of, differing) == (who, as_of, {})
    then = [pair for pair in asked if pair[1] == asked[-1][1]]
    past = shop.features(then, spec, shop.known_by(then[0][1]), columns)
    assert past == found[-len(then) :]


def by_hand(
    lines: list[tuple[datetime, float]],
    as_of: datetime,
    zone: ZoneInfo,
    days: dict[str, list[date]],
    before: int,
    after: int,
) -> dict[str, float | None]:
    """Of lines known at `as_of`, each an order of its own or a return."""
    made: dict[str, float | None] = {}
    paid = sum(amount for _, amount in lines if amount > 0)
    recencies = []
    for name, dates in days.items():
        around = {
            day + n * DAY for day, n in product(dates, range(-before, after + 1))
        }  # first and last day included
        near = [(at, a) for at, a in lines if local_day(at, zone) in around]
        slug = name.lower().replace("'", "_").replace(" ", "_")
        share = sum(amount for _, amount in near if amount > 0) / paid if paid else None
        recency = min(((as_of - at) / DAY for at, a in near if a >= 0), default=None)
        made |= {f"occasion_share_{slug}": share, f"occasion_recency_{slug}": recency}
        recencies += [] if recency is None else [recency]
    return made | {"occasion_recency": min(recencies, default=None)}


def local_day(moment: datetime, zone: ZoneInfo) -> date:
    return moment.replace(tzinfo=UTC).astimezone(zone).date()


@pytest.mark.parametrize("slip", ["1900-01-01", "2199-12-31"])
@pytest.mark.parametrize(
    ("country", "holidays"),
    [
        ("DE", {"New Year's Day", "Easter Monday", "Christmas Day"}),
        ("US", {"Juneteenth National Independence Day", "Martin Luther King Jr. Day"}),
        ("GB", {"New Year's Day"}),
    ],
)
def test_one_wrong_year_takes_no_holiday_away(
    small: Callable[..., Any], slip: str, country: str, holidays: set[str]
) -> None:
    rows = [("a", f"{year}-{month:02}-15", 5) for year in (2022, 2023) for month in range(1, 13)]
    text = f'[calendar]\ncountry = "{country}"\n'
    head = ("who", "when", "paid")
    usual = small(text, orders=[head, *rows]).learned("2023-06-01")
    slipped = small(text, orders=[head, *rows, ("b", slip, 5)]).learned("2023-06-01")
    assert {o.name for o in slipped.occasions} == {o.name for o in usual.occasions} >= holidays
