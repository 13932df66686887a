"""How late orders reach the log: what a window's outcomes have to wait for."""

from __future__ import annotations

import math
from typing import Any

import ibis

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
    began = orders.arrived.min()
    waited = ibis.greatest(days_between(orders.arrived.fill_null(orders.moment), orders.moment), 0)
    since = orders.mutate(waited=waited).filter(orders.moment >= began)
    days = since.waited.quantile(SHARE).to_pyarrow().as_py()
    return 0 if days is None or days < LEAST_DAYS else math.ceil(days)
