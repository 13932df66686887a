"""When things happen: days without any, changes of level, the hours of the day.

Counted are customers a day, not rows: lines of one basket come together, customers do not. What
chance does to their number is told by how much one week differs from the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import pandas as pd

from features.discovery import MAX_KINDS

ORDERS = "orders"
#: Customers that a silence must have kept away to be one: where they come independently of each
#: other, chance does that once in exp(20) = 5e8 times. Where a whole mailing comes at once, more.
LEAST_MISSED = 20.0
_AROUND_DAYS = 28
_SIDE_WEEKS = 4
_PEAK_WEEKS = 8  # what comes and goes again within so many is a peak, Christmas say, and no level
_YEAR_DAYS = 364  # of whole weeks
#: How many times the level before, or what part of it, is another level.
SHIFT_FACTOR = 2.0
_NIGHT_HOURS = 5


@dataclass(frozen=True)
class Gap:
    """Days from `first` to `last` without any; `missed` customers were to be expected in them."""

    first: pd.Timestamp
    last: pd.Timestamp
    missed: float

    @property
    def days(self) -> int:
        """How many, at least 1."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True)
class Shift:
    """From the week of `at` on the median week has `after` customer-days, before it `before`."""

    at: pd.Timestamp
    before: float
    after: float


@dataclass(frozen=True)
class Series:
    """Orders, or one kind of event, day by day.

    daily: customers a day from the first day to the last (wall clock for orders, UTC for events);
    float64 on a daily index. empty: days of it without any.
    """

    name: str
    rows: int
    daily: pd.Series
    gaps: tuple[Gap, ...]
    shift: Shift | None

    @property
    def empty(self) -> int:
        """Days between the first and the last without any."""
        return int((self.daily == 0).sum())


@dataclass(frozen=True)
class Hours:
    """Order lines by hour of the wall clock, 24 counts, without those at midnight sharp.

    bare: share of the lines at midnight sharp (wall clock or UTC), 0 to 1: dates without a time.
    """

    counts: tuple[int, ...]
    bare: float

    @property
    def quietest(self) -> int:
        """The hour that the quietest five in a row begin at; 0 where there is no hour at all."""
        return int(np.argmin(self._fives()))

    @property
    def night(self) -> float:
        """The share of the quietest five, 0 to 1; .21 where all hours are alike, or there is no
        hour at all.
        """
        fives = self._fives()
        return float(fives.min() / fives.sum() * _NIGHT_HOURS) if fives.any() else _NIGHT_HOURS / 24

    def _fives(self) -> np.ndarray:
        """The lines of five hours in a row, by the hour that they begin at."""
        twice = np.array([*self.counts, *self.counts], dtype=float)
        return np.array([twice[h : h + _NIGHT_HOURS].sum() for h in range(24)])


def series(connection: Any) -> tuple[Series, ...]:
    """Orders, then the commonest kinds of event."""
    orders, events = connection.table("orders"), connection.table("events")
    bought = orders.select(
        "customer_id", "moment", name=ibis.literal(ORDERS), day=orders.local.date()
    )
    met = events.select("customer_id", "moment", name=events.kind, day=events.moment.date())
    made = []
    for table, most in ((bought, 1), (met, MAX_KINDS)):
        counted = table.group_by("name").aggregate(rows=table.count())
        kept = counted.order_by(ibis.desc("rows"), "name").limit(most).to_pyarrow().to_pylist()
        days = (
            table.group_by("name", "day")
            .aggregate(customers=table.customer_id.nunique())
            .to_pyarrow()
            .to_pandas()
        )
        for row in kept:
            own = days[days.name == row["name"]]
            daily = pd.Series(own.customers.to_numpy(float), pd.DatetimeIndex(own.day))
            daily = daily.sort_index().asfreq("D", fill_value=0.0)
            found = gaps(daily)
            made.append(Series(row["name"], row["rows"], daily, found, shift(daily, found)))
    return tuple(made)


def gaps(daily: pd.Series) -> tuple[Gap, ...]:
    """Silences in which, by the same weekdays of four weeks around, customers were to be expected.

    A shop that is closed on Sundays has none on Sundays, and events that come in batches have
    few: what is expected must be `LEAST_MISSED` times the dispersion, the variance of a day (half
    the mean square of its difference to a week before) over its mean. `daily` is as in `Series`.

    >>> days = pd.Series(10.0, pd.date_range("2024-01-01", periods=366))
    >>> days["2024-02-01":"2024-02-03"] = 0.0
    >>> [(f"{gap.first:%m-%d}", gap.days, gap.missed) for gap in gaps(days)]
    [('02-01', 3, 30.0)]
    """
    counts = daily.to_numpy(float)
    least = LEAST_MISSED * dispersion(counts)
    made = []
    for begin, end in runs(counts == 0):
        expected = _expected(counts, begin, end)
        if expected >= least:
            made.append(Gap(daily.index[begin], daily.index[end - 1], expected))
    return tuple(made)


def dispersion(counts: np.ndarray) -> float:
    """The variance of a day's count over its mean, at least 1, as between independent customers."""
    steps = counts[7:] - counts[:-7]
    return max(float(np.mean(steps**2) / 2 / counts.mean()), 1.0) if steps.any() else 1.0


def runs(flags: np.ndarray) -> Iterator[tuple[int, int]]:
    """(begin, end) of every stretch of True."""
    edges = np.flatnonzero(np.diff([0, *flags.astype(int), 0]))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _expected(counts: np.ndarray, begin: int, end: int) -> float:
    near = [*range(max(0, begin - _AROUND_DAYS), begin)]
    near += [*range(end, min(len(counts), end + _AROUND_DAYS))]
    place = np.array(near)
    missed = 0.0
    for weekday in range(7):
        alike = counts[place[place % 7 == weekday]]
        silent = (np.arange(begin, end) % 7 == weekday).sum()
        missed += silent * (alike.mean() if len(alike) else 0.0)
    return float(missed)


def shift(daily: pd.Series, without: tuple[Gap, ...] = ()) -> Shift | None:
    """The greatest change between the medians of four weeks and the four before them.

    None where it is below twice (or above half), where a week of one side reaches the other side,
    or where neither side has 20 customer-days a week; nor is there one where a line of growth is as
    near, on a flank of a peak, or where half of it (in logs) came a year earlier or later too, as a
    season does. Gaps `without` which the level is to be judged are cut out; a last week that is not
    whole does not count.

    >>> weeks = pd.Series(10.0, pd.date_range("2024-01-01", periods=84))
    >>> weeks["2024-02-12":] = 30.0
    >>> shift(weeks)
    Shift(at=Timestamp('2024-02-12 00:00:00'), before=70.0, after=210.0)
    """
    kept = daily
    for gap in without:
        kept = kept[(kept.index < gap.first) | (kept.index > gap.last)]
    whole = len(kept) // 7
    weeks = kept.to_numpy(float)[: whole * 7].reshape(whole, 7).sum(axis=1)
    best: tuple[tuple[float, float], Shift] | None = None
    for at in range(_SIDE_WEEKS, whole - _SIDE_WEEKS + 1):
        sides = weeks[at - _SIDE_WEEKS : at], weeks[at : at + _SIDE_WEEKS]
        before, after = (float(np.median(side)) for side in sides)
        ratio = (after + 0.5) / (before + 0.5)
        apart = sides[0].max() < sides[1].min() or sides[1].max() < sides[0].min()
        if max(before, after) < LEAST_MISSED or max(ratio, 1 / ratio) < SHIFT_FACTOR or not apart:
            continue
        if _grows(weeks, at) or _peak(weeks, at, before, after) or _recurs(kept, weeks, at, ratio):
            continue
        # Of equal medians the clean step wins.
        means = [side.mean() + 0.5 for side in sides]
        size = (abs(float(np.log(ratio))), abs(float(np.log(means[1] / means[0]))))
        if best is None or size > best[0]:
            best = size, Shift(kept.index[at * 7], before, after)
    return best[1] if best else None


def _grows(weeks: np.ndarray, at: int) -> bool:
    """Whether the logs of the weeks around are as near to a line as to a step at week `at`."""
    first = max(0, at - 2 * _SIDE_WEEKS)
    logs = np.log(weeks[first : at + 2 * _SIDE_WEEKS] + 0.5)
    sides = logs[: at - first], logs[at - first :]
    line = np.polynomial.Polynomial.fit(np.arange(len(logs)), logs, 1)
    off_line = np.sum((logs - line(np.arange(len(logs)))) ** 2)
    off_step = sum(np.sum((side - side.mean()) ** 2) for side in sides)
    return bool(off_line <= off_step)


def _recurs(daily: pd.Series, weeks: np.ndarray, at: int, ratio: float) -> bool:
    """Whether the medians changed half as much, in logs, a year before or after week `at`; by
    date, for `daily`, which the weeks are of, may have gaps cut out.
    """
    for days in (-_YEAR_DAYS, _YEAR_DAYS):
        when = daily.index[at * 7] + pd.Timedelta(days=days)
        there = round(int(daily.index.searchsorted(when)) / 7)
        if _SIDE_WEEKS <= there <= len(weeks) - _SIDE_WEEKS:
            before = np.median(weeks[there - _SIDE_WEEKS : there])
            after = np.median(weeks[there : there + _SIDE_WEEKS])
            if np.log((after + 0.5) / (before + 0.5)) / np.log(ratio) >= 0.5:
                return True
    return False


def _peak(weeks: np.ndarray, at: int, before: float, after: float) -> bool:
    """Whether the greater of two medians, before and from week `at` on, is a peak's: four weeks
    within `_PEAK_WEEKS` on its other side are nearer to the smaller one, in logs.
    """
    rises = after > before
    starts = range(at + _SIDE_WEEKS, at + _PEAK_WEEKS + 1)
    if not rises:
        starts = range(at - _PEAK_WEEKS - _SIDE_WEEKS, at - 2 * _SIDE_WEEKS + 1)
    middle = (before + 0.5) * (after + 0.5)
    return any(
        (np.median(weeks[start : start + _SIDE_WEEKS]) + 0.5) ** 2 < middle
        for start in starts
        if 0 <= start <= len(weeks) - _SIDE_WEEKS
    )


def hours(connection: Any) -> Hours:
    """The order lines by hour of the wall clock."""
    orders = connection.table("orders")
    sharp = (orders.local == orders.local.truncate("D")) | (
        orders.moment == orders.moment.truncate("D")
    )
    counted = orders.group_by(hour=orders.local.hour(), sharp=sharp).aggregate(n=orders.count())
    rows = counted.to_pyarrow().to_pylist()
    counts, bare = [0] * 24, 0
    for row in rows:
        if row["sharp"]:
            bare += row["n"]
        else:
            counts[row["hour"]] += row["n"]
    return Hours(tuple(counts), bare / max(bare + sum(counts), 1))
