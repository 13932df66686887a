"""Ends of contracts long after the last start: perhaps planned, and not what happened.

A firm without new contracts has such ends too, all of them in the past. A table that was written
soon after its last start has them where the end of a fixed term is known in advance.
"""

from __future__ import annotations

import pandas as pd

from features.errors import HistoryError
from features.ingestion.contract_rows import Contracts

LEAST_DAYS = 60
DAY = pd.Timedelta(days=1)


def caution(contracts: Contracts, horizon_days: int) -> str:
    """What the head of the report card says of it, or nothing."""
    start, end = _lasts(contracts)
    if (end - start).days <= max(LEAST_DAYS, horizon_days):
        return ""
    return (
        f"No contract starts after {start:%Y-%m-%d}, but ends are known until {end:%Y-%m-%d}: if "
        f"those ends are planned, run with --as-of {start + DAY:%Y-%m-%d}; they are taken for ends "
        "that happened."
    )


def refusal(contracts: Contracts, horizon_days: int) -> HistoryError | None:
    """Why nothing is trained without `as_of`: the table surely holds planned ends, and those that
    would be tested on cannot be told from them.
    """
    if contracts.as_of is not None or not contracts.scheduled:
        return None
    if not caution(contracts, horizon_days):
        return None
    start, end = _lasts(contracts)
    return HistoryError(
        "Where ends of contracts are planned, as_of must say until when they happened.",
        f"no start after {start:%Y-%m-%d}, ends until {end:%Y-%m-%d}, and {contracts.scheduled:,} "
        "after today",
        f"if those ends are planned, run with --as-of {start + DAY:%Y-%m-%d}; if those until "
        f"{end:%Y-%m-%d} happened, with --as-of {end + DAY:%Y-%m-%d}",
    )


def _lasts(contracts: Contracts) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The last start and the last end."""
    return contracts.rows["(start)"].max(), contracts.rows["(ended_on)"].max()
