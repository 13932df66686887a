"""One date that slipped moves no window of contracts without a word."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from features.ingestion.contract_rows import Contracts
from training.contracts import contract_span

DAY = pd.Timedelta(days=1)
FIRST, LAST = pd.Timestamp("2022-01-01"), pd.Timestamp("2024-12-31")


def contracts(*, start: str | None = None, end: str | None = None) -> Contracts:
    """Two starts and an end a day for three years, and one start, or one end, beside them."""
    days = np.arange((LAST - FIRST).days + 1)
    starts = FIRST + pd.to_timedelta(np.repeat(days, 2), "D")
    rows = pd.DataFrame({"(start)": starts, "(ended_on)": pd.NaT})
    rows.loc[::2, "(ended_on)"] = np.minimum(starts[::2] + 100 * DAY, LAST)
    rows.loc[rows["(ended_on)"] == LAST, "(ended_on)"] = pd.NaT
    if start is not None:
        rows.loc[1, "(start)"] = pd.Timestamp(start)
    if end is not None:
        rows.loc[0, ["(start)", "(ended_on)"]] = pd.Timestamp("1997-01-01"), pd.Timestamp(end)
    return Contracts(rows, (), True, pd.DataFrame(), (), None)


def test_contracts_begin_with_the_first_end_that_is_no_slip() -> None:
    assert contract_span.begin(contracts()) == FIRST + 100 * DAY
    assert contract_span.begin(contracts(end="1998-05-05")) == FIRST + 101 * DAY


@pytest.mark.parametrize(("slip", "few"), [("start", "2025-02-10"), ("end", "2025-02-10")])
def test_days_in_which_hardly_anything_happened_before_the_last_date_are_named(
    slip: str, few: str
) -> None:
    assert contract_span.caution(contracts(), 90) == ""
    assert contract_span.caution(contracts(**{slip: few}), 90) == (
        "Of the 22 days until the last start or end, 2025-02-10, the table holds 1 of them, where "
        "66 are usual. If that date is a slip, correct it or run with --as-of 2025-01-01: all "
        "contracts look as if they had stayed since."
    )


def test_of_a_small_table_a_quiet_month_is_no_slip() -> None:
    slipped = contracts(start="2025-02-10")
    few = dataclasses.replace(slipped, rows=slipped.rows.iloc[1::5])
    assert few.rows["(start)"].max() == pd.Timestamp("2025-02-10")
    assert contract_span.caution(few, 90) == ""
