"""From when to when a table of contracts tells what happened, slips of a date apart."""

from __future__ import annotations

import pandas as pd

from features import beginning
from features.ingestion.contract_rows import Contracts
from training.windows.splits import LEAST_WINDOW_DAYS

USUAL_LEAST, FEW = 20, 0.2  # starts and ends of a stretch that is usual, and what is few of them


def begin(contracts: Contracts) -> pd.Timestamp:
    """The first end that the table knows, or the first start where that is later. A few ends more
    than a year before all others are slips (`features.beginning`).
    """
    ends = contracts.rows["(ended_on)"].dropna()
    first = beginning.begin(ends.dt.floor("D").value_counts().sort_index())
    return max(contracts.rows["(start)"].min(), ends[ends >= first].min())


def caution(contracts: Contracts, horizon_days: int) -> str:
    """What the head of the report card says where hardly anything happened before the last start or
    end, or nothing: after one slip of a date all contracts look as if they stayed.
    """
    days = max(LEAST_WINDOW_DAYS, horizon_days // 4)
    moments = pd.concat([contracts.rows["(start)"], contracts.rows["(ended_on)"]]).dropna()
    ago = (moments.max() - moments).dt.days // days
    found = ago.value_counts().reindex(range(int(ago.max()) + 1), fill_value=0)
    usual = float(found[1:].head(12).median()) if len(found) > 1 else 0.0
    if usual < USUAL_LEAST or found[0] > FEW * usual:
        return ""
    before = moments[ago > 0].max()
    return (
        f"Of the {days} days until the last start or end, {moments.max():%Y-%m-%d}, the table "
        f"holds {int(found[0]):,} of them, where {usual:,.0f} are usual. If that date is a slip, "
        f"correct it or run with --as-of {before + pd.Timedelta(days=1):%Y-%m-%d}: all contracts "
        "look as if they had stayed since."
    )
