from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.errors import FitError
from features.ingestion.contract_rows import TENURE, Standing
from features.spec import Attribute
from training.cards.report_card import OURS
from training.contracts import contract_card
from training.contracts.contract_evaluation import alike, cross_validate, folds
from training.measures import metrics

SEED = 7
FEE = (Attribute("fee", "contract", "number"),)


def standing(customers: list[str], fees: list[float]) -> Standing:
    inputs = pd.DataFrame({TENURE: 1.0, "fee": fees})
    return Standing(np.array(customers, dtype=object), inputs, np.zeros(len(fees)))


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


def test_contracts_that_hardly_differ_cannot_be_drawn_into_folds() -> None:
    ended = np.tile([0.0, 1.0], 50)
    rows = standing([str(i) for i in range(100)], np.tile([1.0, 2, 3], 34)[:100].tolist())
    with pytest.raises(FitError) as caught:
        cross_validate(
            Standing(rows.customer_id, rows.inputs, ended), FEE, SEED, lambda *_: None, repeats=1
        )
    assert str(caught.value) == (
        "Contracts without dates must make at least 5 groups, to be drawn into folds. Seen: 3, "
        "where contracts of one customer, or equal in every column, are one group. Remedy: name "
        "columns that tell the contracts apart in [contracts.columns]"
    )


def test_a_table_of_noise_is_predicted_as_noise() -> None:
    # Each outcome is written twice with the same inputs: told across folds, it would be known.
    generator = np.random.default_rng(SEED)
    fees, ended = generator.random(150), (generator.random(150) < 0.5).astype(float)
    inputs = pd.DataFrame({"fee": np.repeat(fees, 2)})
    rows = Standing(np.arange(300).astype(str).astype(object), inputs, np.repeat(ended, 2))
    tested = cross_validate(rows, FEE, SEED, lambda *_: None, repeats=1)
    assert metrics.roc_auc(tested.truth, tested.predictions[OURS][0]) < 0.65
    assert "tenure alone" not in tested.predictions


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
