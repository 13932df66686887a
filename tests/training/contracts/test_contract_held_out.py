"""What rows that trained nothing are told by: later windows, and folds several times over."""

import numpy as np
import pandas as pd
import pytest

from features.errors import FitError
from features.ingestion.contract_rows import TENURE, Contracts, Standing
from features.spec import Attribute
from training.contracts import contract, contract_evaluation
from training.contracts.contract_evaluation import BASE_RATE, TENURE_ALONE, stacked
from training.measures import metrics
from training.windows import splits

SEED = 7
FEE = (Attribute("fee", "contract", "number"),)
FIRST, DAYS = pd.Timestamp("2022-01-01"), 730


def contracts(last_end: int) -> Contracts:
    """1,500 contracts of two years, of which none ends later than on that day."""
    generator = np.random.default_rng(SEED)
    start = generator.integers(0, 720, 1_500)
    end = start + 1 + generator.exponential(200, 1_500).astype(int)
    day = FIRST + pd.to_timedelta(start, "D")
    ended = pd.Series(FIRST + pd.to_timedelta(end, "D")).where(end <= last_end)
    rows = pd.DataFrame({
        "(row)": np.arange(1_500) + 1, "(customer_id)": np.arange(1_500).astype(str),
        "(start)": day, "(ended_on)": ended, "fee": generator.random(1_500),
    })  # fmt: skip
    return Contracts(rows, FEE, True, pd.DataFrame(), (), None)


@pytest.mark.slow
def test_every_repeat_draws_all_folds_anew_and_says_how_far_it_is() -> None:
    generator = np.random.default_rng(SEED)
    row = np.arange(250)
    inputs = pd.DataFrame({"fee": generator.random(250)})
    ended = (generator.random(250) < inputs.fee.to_numpy()).astype(float)
    rows = Standing(row.astype(str).astype(object), inputs, ended, row + 1)
    told: list[tuple[str, int, int]] = []
    tested = contract_evaluation.cross_validate(
        rows, FEE, SEED, lambda *said: told.append(said), repeats=2
    )
    assert told == [("fold", i, 10) for i in range(1, 11)]
    for fold in tested.fold:
        assert np.bincount(fold).tolist() == [50] * 5
    assert (tested.fold[0] != tested.fold[1]).any()


def test_a_tenure_that_tells_who_leaves_is_a_rival_that_knows_it() -> None:
    generator = np.random.default_rng(SEED)
    row = np.arange(600)
    inputs = pd.DataFrame({TENURE: generator.random(600), "fee": generator.random(600)})
    ended = (generator.random(600) < inputs[TENURE].to_numpy()).astype(float)
    rows = Standing(row.astype(str).astype(object), inputs, ended, row + 1)
    made = contract_evaluation._predicted(rows, None, contract.Blend(), inputs, FEE, SEED)
    said = metrics.roc_auc(ended, made[TENURE_ALONE])
    assert said == pytest.approx(metrics.roc_auc(ended, inputs[TENURE].to_numpy()))
    assert metrics.roc_auc(ended, made[BASE_RATE]) == 0.5


def test_a_test_window_in_which_nothing_ends_is_refused() -> None:
    read = contracts(last_end=DAYS - 61)
    plan = splits.plan(FIRST, FIRST + pd.Timedelta(days=DAYS), 60)
    running = len(stacked(read, (plan.test,)).ended)
    with pytest.raises(FitError) as caught:
        contract_evaluation.out_of_time(read, plan, SEED)
    assert str(caught.value) == (
        "In the test window some contracts must end, and some not. "
        f"Seen: 0 of {running:,} end in the 60 days from 2023-11-02 on. "
        "Remedy: choose a longer horizon_days, or bring more contracts"
    )


def test_the_served_blend_is_that_of_parts_that_know_the_calibration_window_too() -> None:
    read = contracts(last_end=DAYS - 1)
    plan = splits.plan(FIRST, FIRST + pd.Timedelta(days=DAYS), 60)
    _, served = contract_evaluation.out_of_time(read, plan, SEED)
    later = stacked(read, (*plan.train, plan.calibration))
    test = stacked(read, (plan.test,))
    parts = contract.fit_parts(later.inputs, later.ended, FEE, SEED)
    assert served == contract.fit_blend(parts.logits(test.inputs), test.ended)
