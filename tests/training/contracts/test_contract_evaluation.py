import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.errors import FitError
from features.ingestion.contract_rows import TENURE, Standing
from features.spec import Attribute
from training.cards.report_card import OURS
from training.contracts import contract_card, contract_evaluation
from training.contracts.contract import Blend
from training.contracts.contract_evaluation import (
    BASE_RATE,
    BOOSTING,
    LOGISTIC,
    TENURE_ALONE,
    alike,
    coarse,
    cross_validate,
    folds,
)
from training.measures import metrics

SEED = 7
FEE = (Attribute("fee", "contract", "number"),)


def standing(customers: list[str], fees: list[float]) -> Standing:
    inputs = pd.DataFrame({TENURE: 1.0, "fee": fees})
    n = len(fees)
    return Standing(np.array(customers, dtype=object), inputs, np.zeros(n), np.arange(n) + 1)


def test_equal_contracts_and_those_of_one_customer_belong_together() -> None:
    # a has the fees 1 and 2; b's is 2 as well, so all three; the unknown fees are equal.
    rows = standing(["a", "a", "b", "c", "d", "e"], [1, 2, 2, np.nan, np.nan, 3])
    group = alike(rows)
    assert len(set(group)) == 3
    assert group[0] == group[1] == group[2]
    assert group[3] == group[4]


def test_what_belongs_together_is_in_one_fold() -> None:
    generator = np.random.default_rng(SEED)
    rows = standing([str(i) for i in range(200)], generator.integers(0, 60, 200).tolist())
    groups = alike(rows)
    ended = (generator.random(200) < 0.4).astype(float)
    seen = np.zeros(200, int)
    for train, test in folds(ended, groups, 5, SEED):
        assert not set(groups[train]) & set(groups[test])
        seen[test] += 1
    assert seen.tolist() == [1] * 200


def test_contracts_of_three_customers_cannot_be_drawn_into_folds() -> None:
    ended = np.tile([0.0, 1.0], 50)
    rows = standing([str(i % 3) for i in range(100)], np.arange(100.0).tolist())
    with pytest.raises(FitError) as caught:
        cross_validate(
            dataclasses.replace(rows, ended=ended), FEE, SEED, lambda *_: None, repeats=1
        )
    assert str(caught.value) == (
        "Contracts without dates must make at least 5 groups, to be drawn into folds. Seen: 3, "
        "where contracts of one customer, or copies of each other, are one group. Remedy: bring "
        "contracts of more customers, or columns that tell the contracts apart"
    )


def test_a_table_of_noise_is_predicted_as_noise() -> None:
    # Each outcome is written twice with the same inputs: told across folds, it would be known.
    generator = np.random.default_rng(SEED)
    fees, ended = generator.random(150), (generator.random(150) < 0.5).astype(float)
    inputs = pd.DataFrame({"fee": np.repeat(fees, 2)})
    row = np.arange(300)
    rows = Standing(row.astype(str).astype(object), inputs, np.repeat(ended, 2), row + 1)
    tested = cross_validate(rows, FEE, SEED, lambda *_: None, repeats=1)
    assert metrics.roc_auc(tested.truth, tested.predictions[OURS][0]) < 0.65
    assert "tenure alone" not in tested.predictions


@pytest.mark.slow
def test_contracts_of_few_kinds_are_predicted_by_their_kind() -> None:
    """Eight plans in any order: no contract is a copy of another, though all are equal to many."""
    generator = np.random.default_rng(SEED)
    chance = np.array([0.05, 0.5, 0.1, 0.6, 0.15, 0.7, 0.2, 0.35])
    plan = generator.integers(0, 8, 1_500)
    ended = (generator.random(1_500) < chance[plan]).astype(float)
    inputs = pd.DataFrame({"plan": np.array([f"plan {i}" for i in plan], dtype=object)})
    row = np.arange(1_500)
    rows = Standing(row.astype(str).astype(object), inputs, ended, row + 1)
    assert coarse(rows)
    tested = cross_validate(
        rows, (Attribute("plan", "contract", "category"),), SEED, lambda *_: None, repeats=1
    )
    truth = metrics.roc_auc(ended, chance[plan])
    said = tested.predictions[OURS][0]
    assert metrics.roc_auc(ended, said) > truth - 0.02
    assert np.abs(said - chance[plan]).mean() < 0.04


@pytest.mark.parametrize(
    "months", [[12.0] * 400, [np.nan] * 400, [np.nan] * 399 + [1.0], [12.0] * 399 + [13.0]]
)
@pytest.mark.slow
def test_a_tenure_that_tells_nothing_is_the_base_rate(months: list[float]) -> None:
    generator = np.random.default_rng(SEED)
    row = np.arange(400)
    inputs = pd.DataFrame({TENURE: months, "fee": generator.random(400)})
    ended = (generator.random(400) < inputs.fee.to_numpy()).astype(float)
    rows = Standing(row.astype(str).astype(object), inputs, ended, row + 1)
    tested = cross_validate(rows, FEE, SEED, lambda *_: None, repeats=1)
    alone, rate = (tested.predictions[name] for name in (TENURE_ALONE, BASE_RATE))
    assert np.abs(alone - rate).max() < (
        0.01 if months[-1] != months[-1] or months[-1] == months[0] else 0.5
    )
    assert np.median(np.abs(alone - rate)) < 0.01


def test_rivals_learn_the_level_of_the_later_window_too() -> None:
    """Twice as many end there: whoever knows it is not better for that."""
    generator = np.random.default_rng(SEED)

    def drawn(level: float) -> Standing:
        row = np.arange(3_000)
        inputs = pd.DataFrame({TENURE: generator.random(3_000), "fee": generator.random(3_000)})
        ended = (generator.random(3_000) < level * inputs.fee.to_numpy()).astype(float)
        return Standing(row.astype(str).astype(object), inputs, ended, row + 1)

    train, later, test = drawn(0.4), drawn(0.8), drawn(0.8)
    made = contract_evaluation._predicted(train, later, Blend(), test.inputs, FEE, SEED)
    for name in (BASE_RATE, TENURE_ALONE, LOGISTIC, BOOSTING):
        assert made[name].mean() == pytest.approx(later.ended.mean(), abs=0.02)


@pytest.mark.slow
def test_telecom_contracts_are_predicted_as_well_as_they_can_be_and_no_better(
    bench_contracts: Any, tmp_path: Path
) -> None:
    _, tested = bench_contracts.measure(tmp_path, repeats=1)
    auc = contract_card.by_fold(tested, OURS, metrics.roc_auc).mean()
    # Published and measured elsewhere: .850 and .1333; a draw of folds moves it by .001. Above .87
    # something tells the outcome (oversampling before the split alone gives .96).
    assert 0.848 < auc <= bench_contracts.LEAK
    assert metrics.brier(tested.truth, tested.predictions[OURS][0]) < 0.134
    plain = tested.predictions["plain logistic regression"][0]
    assert metrics.brier(tested.truth, tested.predictions[OURS][0]) < metrics.brier(
        tested.truth, plain
    )
