"""How late orders reach the log: what a window's outcomes have to wait for."""

from __future__ import annotations

from typing import Any

import ibis
import numpy as np
import pandas as pd

from features.asof import days_between

#: The share of the order lines that have arrived after so many days.
SHARE = 0.99
LEAST_DAYS = 0.5  # what comes within hours is there when a day ends, but for a few of its lines


def days_late(connection: Any) -> int:
    """Whole days after which 99 % of the order lines have arrived; 0 where nothing comes later than
    it happened, or within half a day.

    Of the lines since the first arrival: what happened before it was loaded all at once, when the
    log began. `connection` as of `features.sources.Sources`.
    """
    orders = connection.table("orders")
    began = orders.arrived.min().to_pyarrow().as_py()
    if began is None:
        return 0
    since = orders.filter(orders.moment >= ibis.literal(began, "timestamp(6)"))
    waited = days_between(since.arrived.fill_null(since.moment), since.moment)
    whole = ibis.ifelse(waited < LEAST_DAYS, 0, waited.ceil()).cast("int64")
    counted = since.group_by(days=whole).aggregate(lines=since.count()).order_by("days")
    table = counted.to_pyarrow()
    days, lines = (table[name].to_numpy() for name in ("days", "lines"))
    if not len(days):
        return 0
    there = lines.cumsum()
    return int(days[np.searchsorted(there, SHARE * there[-1])])


def last_arrival(connection: Any) -> pd.Timestamp | None:
    """When the last order line arrived; None where nothing says so."""
    last = connection.table("orders").arrived.max().to_pyarrow().as_py()
    return None if last is None else pd.Timestamp(last)
