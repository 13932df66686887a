"""How much of a window was seen: days of an outage, a closure or a lost file count for less.

A window of which days were lost shows fewer orders and more silent customers than there are. What
was learned of its level speaks of the part that was seen, the exposure in the language of
actuaries: amounts are divided by it, and the probability of no order over all of the window is that
over the part raised to its reciprocal, as of a customer who orders at a constant rate.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from features.rhythm import LEAST_MISSED, Gap, dispersion, runs

#: A day with less than this part of the customers who are usual on its weekday is low; all low days
#: on end together have no more than the second part, or it is a slack season.
LOW, TOGETHER = 0.25, 0.15
#: Usual is the median of so many weeks before, low days left out: a peak of a month is not usual.
WEEKS, LEAST_WEEKS = 12, 3
#: Where fewer are usual a day without anybody is usual too (e^-3 is 5 %), and is not left out.
FEW = 3.0
#: Fewer low days on end are made up for on the days around: holidays, which everybody foresees.
LEAST_DAYS = 4
#: More of them are another level of the business.
MOST_DAYS = 60
#: Low days are lost where half of the usual customers are back in so many days after. Where the
#: log ends with them they are lost if next to nobody came: else it may be a season that ended.
AFTER, BACK, NOBODY = 14, 0.5, 0.02
#: A window counts as this part at least: of less, what is left would be blown up too far.
LEAST = 0.3
#: The column of snapshot rows with outcomes that holds the exposure of their window.
COLUMN = "exposure"


@dataclasses.dataclass(frozen=True)
class Exposure:
    """Customers with order lines a day from the first day on, on a daily index (wall clock).

    What is told of a window looks at the days before its end alone, so that a model which is tested
    later learned nothing of its test.

    >>> days = pd.Series(40.0, pd.date_range("2024-01-01", periods=120))
    >>> days["2024-03-01":"2024-03-06"] = 1.0
    >>> found, at = Exposure(days), pd.Timestamp("2024-02-20")
    >>> round(found.of(at, 30), 3), [gap.days for gap in found.lost(at, 30)]
    (0.805, [6])
    """

    daily: pd.Series

    def of(self, as_of: pd.Timestamp, days: int) -> float:
        """The part of [as_of, as_of + days) that was seen, `LEAST` to 1: of those who came and
        those who are missing on its lost days, the former; 1 of days that are not in the log.
        """
        known, missed = self._before(as_of + pd.Timedelta(days=days))
        inside = known.index >= as_of.floor("D")
        came, missing = float(known[inside].sum()), float(missed[inside].sum())
        return max(came / (came + missing), LEAST) if missing else 1.0

    def lost(self, as_of: pd.Timestamp, days: int) -> tuple[Gap, ...]:
        """The stretches of lost days in [as_of, as_of + days)."""
        known, missed = self._before(as_of + pd.Timedelta(days=days))
        missed[known.index < as_of.floor("D")] = 0.0
        return _stretches(known.index, missed)

    def everywhere(self) -> tuple[Gap, ...]:
        """The stretches of lost days in all of the log."""
        return _stretches(self.daily.index, _missed(self.daily.to_numpy(float)))

    def _before(self, end: pd.Timestamp) -> tuple[pd.Series, np.ndarray]:
        """The days before `end`, and who is missing on each."""
        known = self.daily[self.daily.index < end]
        return known, _missed(known.to_numpy(float))


def measure(connection: Any, until: pd.Timestamp) -> Exposure:
    """The customers of every day from that of the first order to the last before `until` (UTC)."""
    orders = connection.table("orders")
    counted = (
        orders.group_by(day=orders.local.date())
        .aggregate(customers=orders.customer_id.nunique())
        .to_pyarrow()
        .to_pandas()
    )
    daily = pd.Series(counted.customers.to_numpy(float), pd.DatetimeIndex(counted.day))
    last = (until - pd.Timedelta(microseconds=1)).floor("D")
    whole = pd.date_range(daily.index.min(), max(last, daily.index.min()), freq="D")
    return Exposure(daily.sort_index().reindex(whole, fill_value=0.0))


def _missed(counts: np.ndarray) -> np.ndarray:
    """Who is missing on each day of so many customers; 0 but on lost days."""
    usual, low = _usual(counts)
    lacking = np.where(low, usual - counts, 0.0)
    least = LEAST_MISSED * dispersion(np.where(low, usual, counts))
    missed = np.zeros(len(counts))
    closed = usual == 0
    # A single day on which some came does not end an outage.
    between = np.append(low[1:], False) & np.append(False, low[:-1])
    for begin, end in runs(low | closed | between):
        enough = lacking[begin:end].sum() >= least and low[begin:end].sum() >= LEAST_DAYS
        empty = counts[begin:end].sum() <= TOGETHER * usual[begin:end].sum()
        if enough and empty and _over(counts, usual, low, begin, end):
            missed[begin:end] = lacking[begin:end]
    return missed


def _over(counts: np.ndarray, usual: np.ndarray, low: np.ndarray, begin: int, end: int) -> bool:
    """Whether low days are an outage: customers came back after it, or nobody came to the end."""
    after = slice(end, end + AFTER)
    if usual[after].sum() > 0:
        return bool(counts[after].sum() >= BACK * usual[after].sum())
    these = low[begin:end]
    return bool(counts[begin:end][these].sum() <= NOBODY * usual[begin:end][these].sum())


def _usual(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(usual, low): who is usual on each day by what came before it, 0 where that is not known or
    the shop is closed; and whether hardly anybody came, for as long as that is no other level.
    """
    usual, low = np.zeros(len(counts)), np.zeros(len(counts), dtype=bool)
    before: list[deque[float]] = [deque(maxlen=WEEKS) for _ in range(7)]
    waiting: list[int] = []
    for day, came in enumerate(counts.tolist()):
        alike = before[day % 7]
        usual[day] = median(alike) if len(alike) >= LEAST_WEEKS else 0.0
        low[day] = came < LOW * usual[day]
        if not low[day] or usual[day] < FEW:
            alike.append(came)
        if not low[day]:
            waiting = [] if usual[day] > 0 else waiting
            continue
        waiting.append(day)
        if len(waiting) > MOST_DAYS:
            low[waiting] = False
            for other in waiting:
                if usual[other] >= FEW:
                    before[other % 7].append(counts[other])
            waiting = []
    return usual, low


def _stretches(index: pd.Index, missed: np.ndarray) -> tuple[Gap, ...]:
    return tuple(
        Gap(index[begin], index[end - 1], float(missed[begin:end].sum()))
        for begin, end in runs(missed > 0)
    )
