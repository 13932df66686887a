"""Where a log begins: lone lines long before all others are slips of a date, or tests.

They stay what they are to their customers; no window of training looks at the years between.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

#: Lines are lone where nobody ordered for more than a year after them, and they are fewer than one
#: in so many.
YEAR_DAYS, ONE_IN = 365, 200


def begin(lines: pd.Series) -> pd.Timestamp:
    """The first day of a log with so many order lines a day: `lines` > 0 on the days that have any,
    in order of time.

    >>> days = pd.DatetimeIndex(["1900-01-01", "2024-03-01", "2024-03-02"])
    >>> begin(pd.Series([1, 150, 150], days)), begin(pd.Series([2, 150, 150], days))
    (Timestamp('2024-03-01 00:00:00'), Timestamp('1900-01-01 00:00:00'))
    """
    before = lines.cumsum().shift(fill_value=0)
    silent = lines.index.to_series().diff().dt.days > YEAR_DAYS
    begun = lines.index[silent & (before * ONE_IN < lines.sum())]
    return pd.Timestamp(begun[-1] if len(begun) else lines.index[0])


def of(connection: Any) -> pd.Timestamp:
    """The first day (UTC) of the table `orders`."""
    orders = connection.table("orders")
    counted = orders.group_by(day=orders.moment.date()).aggregate(lines=orders.count())
    lines = connection.to_pyarrow(counted).to_pandas().set_index("day")["lines"]
    lines.index = pd.DatetimeIndex(lines.index)
    return begin(lines.sort_index())
