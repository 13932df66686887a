"""Ends that lie long after the last start are named, and refused where they are surely planned."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.errors import HistoryError
from features.ingestion import contract_rows
from features.ingestion.contract_rows import Contracts
from features.settings import contracts
from training.cards.report_card import OURS
from training.contracts import contract_card, contract_evaluation, contract_plans, contract_run
from training.contracts.contract_evaluation import HeldOut
from training.contracts.contract_suspects import Search
from training.windows.splits import Splits, Window

SEED = 7
T = pd.Timestamp
DAY = pd.Timedelta(days=1)
TODAY = T("2026-11-28")
FILE = """
[experiment]
name = "firm"
currency = "EUR"
horizon_days = 90

[contracts]
url = "contracts.csv"
customer_id = "who"
start = "from"
ended_on = "until"

[contracts.columns]
plan = { kind = "category" }
"""
Read = Callable[..., Contracts]


def terms(last_start: str) -> pd.DataFrame:
    """Two years and a half of contracts for half a year to two and a half, all ends known."""
    generator = np.random.default_rng(SEED)
    start = T(last_start) - pd.to_timedelta(np.arange(1_000) % 900, "D")
    end = start + pd.to_timedelta(generator.integers(180, 880, 1_000), "D")
    return pd.DataFrame({"who": np.arange(1_000), "from": start, "until": end, "plan": "term"})


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Reads a table of contracts, on the day `TODAY`."""
    monkeypatch.setattr(contract_rows, "tomorrow", lambda: TODAY + DAY)
    (tmp_path / "firm.toml").write_text(FILE)

    def loaded(rows: pd.DataFrame, as_of: str | None = None) -> Contracts:
        rows.to_csv(tmp_path / "contracts.csv", index=False)
        return contract_rows.load(
            contracts.load(tmp_path / "firm.toml"), None if as_of is None else T(as_of)
        )

    return loaded


def plan_of(read: Contracts, tmp_path: Path) -> Splits:
    plan = contract_run.planned(read, contracts.load(tmp_path / "firm.toml"))
    assert plan is not None
    return plan


def test_without_as_of_no_window_reaches_beyond_the_day_of_the_run(
    read: Read, tmp_path: Path
) -> None:
    rows = terms("2026-11-20")
    assert rows["until"].max() > T("2028-06-01")
    plan = plan_of(read(rows), tmp_path)
    assert T("2026-11-20") < plan.now <= TODAY + DAY
    assert plan.test.end <= plan.now


def test_what_is_planned_after_now_leaves_no_trace_in_any_row(read: Read, tmp_path: Path) -> None:
    rows = terms("2026-11-20")
    later = rows["until"] > TODAY
    assert later.sum() > 100
    moved = rows.assign(until=rows["until"].where(~later, rows["until"] + 77 * DAY))
    moved.loc[later & (rows["who"] % 2 == 0), "until"] = pd.NaT
    begins = pd.DataFrame({"who": [5_000], "from": [T("2027-01-01")], "plan": ["later"]})
    one, other = read(rows), read(pd.concat([moved, begins]))
    pd.testing.assert_frame_equal(one.rows, other.rows)
    plan = plan_of(one, tmp_path)
    assert plan == plan_of(other, tmp_path)
    windows = (*plan.train, plan.calibration, plan.test, Window(plan.now, plan.now))
    made = [contract_evaluation.stacked(each, windows) for each in (one, other)]
    pd.testing.assert_frame_equal(made[0].inputs, made[1].inputs)
    np.testing.assert_array_equal(made[0].ended, made[1].ended)


def test_an_as_of_in_the_future_sees_no_plans_either(read: Read) -> None:
    found = read(terms("2026-11-20"), "2027-06-01")
    assert found.rows["(ended_on)"].max() <= TODAY


def test_planned_ends_that_cannot_be_told_from_others_are_refused(
    read: Read, tmp_path: Path
) -> None:
    rows = terms("2025-09-26")
    found = read(rows)
    with pytest.raises(HistoryError) as caught:
        plan_of(found, tmp_path)
    last = rows["until"][rows["until"] <= TODAY].max()
    assert str(caught.value) == (
        "Where ends of contracts are planned, as_of must say until when they happened. Seen: no "
        f"start after 2025-09-26, ends until {last:%Y-%m-%d}, and "
        f"{(rows['until'] > TODAY).sum():,} after today. Remedy: if those ends are planned, run "
        f"with --as-of 2025-09-27; if those until {last:%Y-%m-%d} happened, with --as-of "
        f"{last + DAY:%Y-%m-%d}"
    )


def test_both_remedies_of_the_refusal_run(read: Read, tmp_path: Path) -> None:
    rows = terms("2025-09-26")
    planned = read(rows, "2025-09-27")
    assert plan_of(planned, tmp_path).now == T("2025-09-27")
    assert contract_plans.caution(planned, 90) == ""
    last = rows["until"][rows["until"] <= TODAY].max()
    happened = read(rows, f"{last + DAY:%Y-%m-%d}")
    assert plan_of(happened, tmp_path).now == last + DAY
    assert contract_plans.caution(happened, 90) != ""


def test_a_firm_without_new_contracts_is_trained_with_a_caution_at_the_head_of_its_card(
    read: Read, tmp_path: Path
) -> None:
    rows = terms("2025-09-26")
    found = read(rows.assign(until=rows["until"].where(rows["until"] <= TODAY)))
    plan = plan_of(found, tmp_path)
    truth = np.tile([1.0, 0], 20)
    tested = HeldOut(
        truth, {OURS: np.full((1, 40), 0.5)}, np.zeros((1, 40), int), np.arange(40).astype(str)
    )
    said = contract_card.heading(
        contracts.load(tmp_path / "firm.toml"), found, tested, plan, Search((), ())
    )
    last = found.rows["(ended_on)"].max()
    assert said[2] == (
        f"No contract starts after 2025-09-26, but ends are known until {last:%Y-%m-%d}: if those "
        "ends are planned, run with --as-of 2025-09-27; they are taken for ends that happened."
    )


@pytest.mark.parametrize(
    ("days", "horizon", "warned"),
    [(60, 30, False), (61, 30, True), (90, 90, False), (91, 90, True), (0, 30, False)],
)
def test_an_end_within_two_months_or_a_horizon_of_the_last_start_is_usual(
    read: Read, days: int, horizon: int, warned: bool
) -> None:
    start = T("2025-01-01")
    rows = pd.DataFrame({
        "who": [1, 2], "from": start, "until": [start + days * DAY, pd.NaT], "plan": "term",
    })  # fmt: skip
    assert bool(contract_plans.caution(read(rows), horizon)) == warned
