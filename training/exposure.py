"""How much of a window was seen: days of an outage, a closure or a lost file count for less.

A window of which days are lost shows fewer orders and more silent customers than there are. What
was learned of its level speaks of the part that was seen, the exposure in the language of
actuaries: amounts are divided by it, and the probability of no order is raised to its reciprocal,
as of a customer who orders at a constant rate.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from features.rhythm import LEAST_MISSED, dispersion, runs

#: A day with less than this part of the customers that come on its weekday is lost, if enough of
#: them are missing (`features.rhythm.LEAST_MISSED`) that chance did not keep them away.
LOST_BELOW = 0.25
#: Fewer lost days on end are made up for on the days around: holidays, which everybody foresees.
LEAST_DAYS = 4
WEEKS_AROUND = 4
#: Of less than this part of a window nothing is told of the rest.
LEAST = 0.3


#: The column of snapshot rows with outcomes that holds the exposure of their window.
COLUMN = "exposure"


@dataclasses.dataclass(frozen=True)
class Exposure:
    """Customers a day, on a daily index (wall clock): the `usual` ones of the weekday, and those
    `missed`, 0 but on lost days.
    """

    usual: pd.Series
    missed: pd.Series

    def of(self, as_of: pd.Timestamp, days: int) -> float:
        """The part of [as_of, as_of + days) that was seen, `LEAST` to 1; 1 of days of which nothing
        is known.
        """
        end = as_of + pd.Timedelta(days=days)
        inside = (self.usual.index >= as_of.floor("D")) & (self.usual.index < end)
        usual = float(self.usual[inside].sum())
        if usual <= 0:
            return 1.0
        return float(np.clip(1.0 - self.missed[inside].sum() / usual, LEAST, 1.0))

    def lost(self, as_of: pd.Timestamp, days: int) -> pd.DatetimeIndex:
        """The lost days of [as_of, as_of + days)."""
        end = as_of + pd.Timedelta(days=days)
        index = self.missed.index[(self.missed > 0).to_numpy()]
        return pd.DatetimeIndex(index[(index >= as_of.floor("D")) & (index < end)])


def measure(connection: Any, until: pd.Timestamp) -> Exposure:
    """The exposure of every day from the first order to the last before `until` (UTC)."""
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
    return of_days(daily.sort_index().reindex(whole, fill_value=0.0))


def of_days(daily: pd.Series) -> Exposure:
    """The exposure of days with so many customers each, on a daily index.

    >>> days = pd.Series(40.0, pd.date_range("2024-01-01", periods=120))
    >>> days["2024-03-01":"2024-03-06"] = 1.0
    >>> found, at = of_days(days), pd.Timestamp("2024-02-20")
    >>> round(found.of(at, 30), 3), len(found.lost(at, 30))
    (0.805, 6)
    """
    counts = daily.to_numpy(float)
    usual = _usual(counts)
    low = counts < LOST_BELOW * usual
    missed = np.where(low, usual - counts, 0.0)
    least = LEAST_MISSED * dispersion(np.where(low, usual, counts))
    for begin, end in runs(low | (usual == 0)):
        if missed[begin:end].sum() < least or low[begin:end].sum() < LEAST_DAYS:
            missed[begin:end] = 0.0
    return Exposure(pd.Series(usual, daily.index), pd.Series(missed, daily.index))


def _usual(counts: np.ndarray) -> np.ndarray:
    """The median of the same weekday in the weeks around, of each day; 0 where it has none."""
    near = [7 * week for week in range(-WEEKS_AROUND, WEEKS_AROUND + 1) if week]
    days = np.arange(len(counts))[:, None] + np.array(near)
    inside = (days >= 0) & (days < len(counts))
    around = np.where(inside, counts[np.clip(days, 0, len(counts) - 1)], np.nan)
    known = inside.any(axis=1)
    made = np.zeros(len(counts))
    made[known] = np.nanmedian(around[known], axis=1)
    return made
