from functools import partial

import numpy as np
import pytest

from training.measures import metrics, separation, survival
from training.measures.bootstrap import (
    Interval,
    Metric,
    bootstrap_interval,
    paired_bootstrap,
    repeated_bootstrap,
)

OUTCOME: list[Metric] = [metrics.roc_auc, metrics.pr_auc, metrics.brier]
AMOUNT: list[Metric] = [
    metrics.normalized_gini,
    metrics.spearman,
    metrics.rmse,
    metrics.mae_over_mean,
    metrics.absolute_bias,
]


def world(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Outcome, spend, a good score and a coarse, worse one, both in [0, 1]."""
    generator = np.random.default_rng(seed)
    rate = generator.random(rows)
    outcome = (generator.random(rows) < rate).astype(np.float64)
    spend = outcome * generator.gamma(1, 50, rows)
    noisy = np.clip(rate + generator.normal(0, 0.2, rows), 0, 1)
    return outcome, spend, noisy, np.round(np.clip(noisy + generator.normal(0, 0.3, rows), 0, 1), 1)


@pytest.mark.parametrize("measure", OUTCOME + AMOUNT)
def test_counting_draws_equals_drawing_rows(measure: Metric) -> None:
    outcome, spend, ours, rival = world(300)
    truth = outcome if measure in OUTCOME else spend
    # a partial is not known by name, so each draw's rows are gathered and measured one by one
    by_rows = paired_bootstrap(partial(measure), truth, ours, rival, resamples=60)
    counted = paired_bootstrap(measure, truth, ours, rival, resamples=60)
    assert counted == pytest.approx(by_rows, abs=1e-9)


@pytest.mark.parametrize("measure", [survival.integrated_brier, survival.concordance])
def test_counting_draws_equals_drawing_rows_of_curves(measure: Metric) -> None:
    outcome, _, ours, rival = world(150)
    silent = survival.silent_until(np.where(outcome == 1, 9 * rival, np.nan), np.arange(1, 7))
    if measure is survival.integrated_brier:
        ours, rival = (np.tile(score[:, None], (1, 6)) for score in (ours, rival))
    by_rows = paired_bootstrap(partial(measure), silent, ours, rival, resamples=60)
    counted = paired_bootstrap(measure, silent, ours, rival, resamples=60)
    assert counted == pytest.approx(by_rows, abs=1e-9)
    assert counted.low < counted.high


@pytest.mark.parametrize("measure", OUTCOME + AMOUNT)
def test_draws_without_the_customer_who_is_ranked_first_count_too(measure: Metric) -> None:
    truth, ours, rival = np.arange(12) % 2, np.arange(12) / 12, np.arange(12)[::-1] / 12
    by_rows = paired_bootstrap(partial(measure), truth, ours, rival, resamples=60)
    counted = paired_bootstrap(measure, truth, ours, rival, resamples=60)
    assert counted == pytest.approx(by_rows, abs=1e-9)


@pytest.mark.parametrize("cells", [1_000, 100])  # five draws at a time, or not even one
def test_counting_in_batches_changes_nothing(monkeypatch: pytest.MonkeyPatch, cells: int) -> None:
    outcome, _, ours, _ = world(200)
    whole = bootstrap_interval(metrics.roc_auc, outcome, ours)
    monkeypatch.setattr("training.measures.bootstrap._CELLS", cells)
    assert bootstrap_interval(metrics.roc_auc, outcome, ours) == whole


def test_the_interval_is_as_wide_as_theory_says() -> None:
    # total bias of a constant prediction c is n c / sum(actual) - 1; delta method for its spread
    _, spend, _, _ = world(4_000)
    spread = spend.std() / np.sqrt(len(spend)) / spend.mean()
    found = bootstrap_interval(
        metrics.total_bias, spend, np.full(4_000, spend.mean()), resamples=1_000
    )
    assert found.value == pytest.approx(0)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * spread, rel=0.1)


@pytest.mark.slow
def test_the_interval_covers_as_often_as_it_says() -> None:
    # the true difference of two scores of one distribution is 0
    covered = 0
    for seed in range(200):
        generator = np.random.default_rng(seed)
        outcome = (generator.random(200) < 0.3).astype(np.float64)
        ours, rival = generator.random((2, 200)) + outcome * 0.3
        found = paired_bootstrap(metrics.roc_auc, outcome, ours, rival, 200, level=0.9)
        covered += not found.excludes_zero
    assert covered / 200 == pytest.approx(0.9, abs=3 * np.sqrt(0.09 / 200))


def test_pairing_narrows_the_interval_of_kindred_predictions() -> None:
    outcome, _, ours, _ = world(1_000)
    rival = ours + np.random.default_rng(1).normal(0, 0.02, 1_000)
    alone = bootstrap_interval(metrics.roc_auc, outcome, ours)
    paired = paired_bootstrap(metrics.roc_auc, outcome, ours, rival)
    assert paired.high - paired.low < (alone.high - alone.low) / 3


def test_a_better_score_is_found_better_and_the_same_score_the_same() -> None:
    outcome, _, ours, rival = world(1_000)
    assert paired_bootstrap(metrics.roc_auc, outcome, ours, rival).low > 0
    assert paired_bootstrap(metrics.roc_auc, outcome, ours, ours) == Interval(0, 0, 0)


def test_models_of_several_folds_count_as_their_mean() -> None:
    truth, ours = np.zeros(30), np.repeat([[1.0], [3.0]], 30, axis=1)
    assert repeated_bootstrap(metrics.rmse, truth, ours, ours * 0) == Interval(2, 2, 2)


def test_the_seed_decides() -> None:
    outcome, _, ours, _ = world(200)
    first = bootstrap_interval(metrics.ece, outcome, ours, resamples=50, seed=1)
    assert first == bootstrap_interval(metrics.ece, outcome, ours, resamples=50, seed=1)
    assert first != bootstrap_interval(metrics.ece, outcome, ours, resamples=50, seed=2)


@pytest.mark.parametrize("measure", OUTCOME + AMOUNT)
def test_rows_written_five_times_tell_no_more_than_the_rows_once(measure: Metric) -> None:
    outcome, spend, ours, rival = world(150)
    truth = outcome if measure in OUTCOME else spend
    once = paired_bootstrap(measure, truth, ours, rival, resamples=60)
    customer = np.repeat(np.random.default_rng(3).permutation(150), 5)
    truth, ours, rival = (np.repeat(column, 5) for column in (truth, ours, rival))
    drawn = paired_bootstrap(measure, truth, ours, rival, resamples=60, groups=customer)
    assert drawn == pytest.approx(once, rel=1e-6)
    alone = paired_bootstrap(measure, truth, ours, rival, resamples=60)
    assert alone.high - alone.low < 0.7 * (once.high - once.low)


@pytest.mark.parametrize("measure", OUTCOME + AMOUNT)
def test_counting_draws_of_customers_equals_drawing_their_rows(measure: Metric) -> None:
    outcome, spend, ours, rival = world(300)
    truth = outcome if measure in OUTCOME else spend
    customer = np.random.default_rng(3).integers(0, 80, 300).astype(str)  # of one row to nine
    by_rows = paired_bootstrap(partial(measure), truth, ours, rival, resamples=60, groups=customer)
    counted = paired_bootstrap(measure, truth, ours, rival, resamples=60, groups=customer)
    assert counted == pytest.approx(by_rows, abs=1e-9)


@pytest.mark.parametrize("measure", [metrics.roc_auc, metrics.spearman, metrics.ece])
def test_customers_of_one_row_are_drawn_as_rows_are(measure: Metric) -> None:
    outcome, _, ours, rival = world(200)
    customer = np.random.default_rng(3).permutation(200).astype(str)
    drawn = paired_bootstrap(measure, outcome, ours, rival, resamples=60, groups=customer)
    assert drawn == paired_bootstrap(measure, outcome, ours, rival, resamples=60)


@pytest.mark.slow
def test_the_interval_covers_customers_of_several_rows_as_often_as_it_says() -> None:
    # the true difference is 0; a customer's four rows have one outcome and nearly one score each
    covered = {True: 0, False: 0}
    customer = np.repeat(np.arange(100), 4)
    for seed in range(100):
        generator = np.random.default_rng(seed)
        outcome = np.repeat((generator.random(100) < 0.3).astype(np.float64), 4)
        scores = np.repeat(generator.random((2, 100)), 4, axis=1)
        ours, rival = scores + outcome * 0.3 + generator.normal(0, 0.01, (2, 400))
        for whole in covered:
            found = paired_bootstrap(
                metrics.roc_auc, outcome, ours, rival, 200, level=0.9,
                groups=customer if whole else None,
            )  # fmt: skip
            covered[whole] += not found.excludes_zero
    assert covered[True] / 100 == pytest.approx(0.9, abs=3 * np.sqrt(0.09 / 100))
    assert covered[False] < 75


def test_labels_may_be_text() -> None:
    outcome, spend, _, _ = world(300)
    ours, rival = np.where(outcome > 0, "buys", "rests"), np.array(["a", "b", "c"] * 100)
    found = paired_bootstrap(separation.eta_squared, spend, ours, rival, resamples=50)
    assert found.value > 0
    assert found.excludes_zero


def test_draws_without_a_churner_are_left_out_unless_they_are_most() -> None:
    rows = 50
    one = np.eye(1, rows)[0]  # a single 1: absent from 36 % of the draws
    found = bootstrap_interval(metrics.roc_auc, one, np.arange(rows) / rows)
    assert np.isfinite(found).all()
    # of one spender and another one predicted, both must be drawn: 60 % of the draws lack one
    both = bootstrap_interval(metrics.spearman, one, np.eye(1, rows, 1)[0])
    assert np.isnan([both.low, both.high]).all()
    none = np.zeros(rows)
    assert np.isnan(bootstrap_interval(metrics.roc_auc, none, np.arange(rows) / rows)).all()


def test_draws_whose_measure_is_infinite_are_left_out_too() -> None:
    """A draw without any spend has no mean to divide by."""
    found = bootstrap_interval(metrics.mae_over_mean, [0, 0, 0, 0, 1], [1] * 5)
    assert np.isfinite(found).all()


def test_input_is_left_alone() -> None:
    _, spend, ours, rival = world(100)
    before = [column.copy() for column in (spend, ours, rival)]
    paired_bootstrap(metrics.normalized_gini, spend, ours, rival, resamples=5)
    for column, copy in zip((spend, ours, rival), before, strict=True):
        np.testing.assert_array_equal(column, copy)


def test_a_few_customers_with_most_of_the_rows_tell_no_interval() -> None:
    rng = np.random.default_rng(3)
    truth, ours, rival = rng.integers(0, 2, 200), rng.random(200), rng.random(200)
    for customer in (np.zeros(200), np.r_[np.zeros(198), 1, 2], np.arange(200) % 19):
        drawn = paired_bootstrap(metrics.roc_auc, truth, ours, rival, resamples=60, groups=customer)
        assert np.isnan([drawn.low, drawn.high]).all()
        assert not drawn.excludes_zero
    enough = paired_bootstrap(
        metrics.roc_auc, truth, ours, rival, resamples=60, groups=np.arange(200) % 20
    )
    assert enough.low < enough.high
