import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from training.measures import metrics
from training.measures.bootstrap import Metric

Rows = np.ndarray
NAN = pytest.approx(float("nan"), nan_ok=True)


def gini_in_order(actual: np.ndarray, order: np.ndarray) -> float:
    """Twice the trapezium area between the gain curve of one definite order and the diagonal."""
    gain = np.concatenate([[0.0], np.cumsum(actual[order])]) / actual.sum()
    return float(2 * np.trapezoid(gain, dx=1 / len(actual)) - 1)


# ---------------------------------------------------------------------------------- probabilities


def test_auc_is_the_share_of_pairs_ranked_rightly(
    by_pairs: Callable[[np.ndarray, np.ndarray], float],
) -> None:
    generator = np.random.default_rng(1)
    truth, score = generator.integers(0, 2, 300), generator.integers(0, 9, 300)
    assert metrics.roc_auc(truth, score) == pytest.approx(by_pairs(truth, score), abs=1e-12)


def test_one_prediction_for_all_ranks_nothing() -> None:
    truth = [0, 0, 0, 1]
    assert metrics.roc_auc(truth, [0.3] * 4) == 0.5
    assert metrics.pr_auc(truth, [0.3] * 4) == 0.25
    assert metrics.pr_auc([1, 1], [0.3, 0.4]) == 1  # where all left, whoever is named did


def test_pr_auc_by_hand() -> None:
    # thresholds .9 .8 .7 .6: precision 1, 1/2, 2/3, 2/4 at recall 1/2, 1/2, 1, 1
    assert metrics.pr_auc([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.6]) == pytest.approx(1 / 2 + 2 / 3 / 2)


def test_brier_by_hand() -> None:
    assert metrics.brier([1, 0], [0.7, 0.4]) == pytest.approx((0.09 + 0.16) / 2)


def test_ece_weighs_ten_bins_of_equal_count() -> None:
    # 20 rows, two a bin; only the last bin is wrong, by .5
    said = np.repeat(np.arange(10) / 10, 2)
    truth = np.zeros(20)
    expected = sum(abs(0 - p) for p in np.arange(10) / 10) / 10
    assert metrics.ece(truth, said) == pytest.approx(expected)


def test_ece_weighs_a_bin_by_its_customers() -> None:
    # 19 rows: nine bins of two and one of one, the first, which alone is wrong
    said = np.r_[0.5, np.ones(18)]
    assert metrics.ece(np.r_[0, np.ones(18)], said) == pytest.approx(0.5 / 19)


def test_ece_of_ties_depends_on_nobodys_place() -> None:
    truth = np.array([1] * 30 + [0] * 70)
    assert metrics.ece(truth, np.full(100, 0.3)) == pytest.approx(0, abs=1e-12)
    assert metrics.ece(truth[::-1], np.full(100, 0.5)) == pytest.approx(0.2)


def test_ece_of_a_calibrated_model_is_what_chance_leaves() -> None:
    generator = np.random.default_rng(4)
    rate = stats.beta(0.8, 2.2).rvs(7_043, random_state=generator)
    drawn = [metrics.ece(generator.random(7_043) < rate, rate) for _ in range(30)]
    assert np.mean(drawn) == pytest.approx(0.010, abs=0.002)


@pytest.mark.parametrize("measure", [metrics.roc_auc, metrics.pr_auc])
def test_undefined_is_nan(measure: Metric) -> None:
    assert measure([0, 0], [0.1, 0.2]) == NAN


# ---------------------------------------------------------------------------------------- amounts


def test_gini_by_hand() -> None:
    # gain of the order 3, 1, 0, 2 (sixths): 1/2, 2/3, 2/3, 1; of the best: 1/2, 5/6, 1, 1
    ours = 2 * (0.5 / 2 + (0.5 + 4 / 6) / 2 + 4 / 6 + (4 / 6 + 1) / 2) / 4 - 1
    best = 2 * (0.5 / 2 + (0.5 + 5 / 6) / 2 + (5 / 6 + 1) / 2 + 1) / 4 - 1
    got = metrics.normalized_gini([3, 1, 0, 2], [4, 3, 2, 1])
    assert got == pytest.approx(ours / best)


def test_gini_is_the_mean_over_every_way_to_break_ties() -> None:
    generator = np.random.default_rng(2)
    actual, score = generator.gamma(0.5, size=60), generator.integers(0, 4, 60)
    best = gini_in_order(actual, np.argsort(-actual))
    broken = [
        gini_in_order(actual, np.lexsort([generator.random(60), -score])) / best
        for _ in range(4_000)
    ]
    error = np.std(broken) / np.sqrt(len(broken))
    assert metrics.normalized_gini(actual, score) == pytest.approx(np.mean(broken), abs=4 * error)


def test_gini_of_the_authors_rectangles_is_one_nth_away() -> None:
    # google/lifetime_value adds up rectangles: 2 * mean(gain) - 1
    generator = np.random.default_rng(3)
    actual, score = generator.gamma(0.5, size=2_000), generator.random(2_000)

    def rectangles(order: np.ndarray) -> float:
        return float(2 * np.mean(np.cumsum(actual[order]) / actual.sum()) - 1)

    theirs = rectangles(np.argsort(-score)) / rectangles(np.argsort(-actual))
    assert metrics.normalized_gini(actual, score) == pytest.approx(theirs, abs=2 / 2_000)


def test_gini_runs_from_minus_one_to_one() -> None:
    actual = np.array([0.0, 0.0, 1.0, 5.0])
    assert metrics.normalized_gini(actual, actual) == 1
    assert metrics.normalized_gini(actual, -actual) == -1
    assert metrics.normalized_gini([2, 2], [1, 9]) == NAN
    assert metrics.normalized_gini([0, 0], [1, 9]) == NAN


def test_gain_by_hand() -> None:
    assert metrics.gain_at([5, 3, 1, 1], [9, 8, 7, 6], 0.5) == pytest.approx(0.8)
    assert metrics.gain_at([5, 3, 1, 1], [9, 8, 7, 6], 0.125) == pytest.approx(0.25)
    assert metrics.gain_at([5, 3, 1, 1], [1, 1, 1, 1], 0.2) == pytest.approx(0.2)
    assert metrics.gain_at([5, 3, 1, 1], [9, 8, 7, 6], 1) == 1
    assert metrics.gain_at([0, 0], [1, 2], 0.5) == NAN


def test_spearman_ties_have_their_mean_rank() -> None:
    ranks = np.corrcoef([1, 2.5, 2.5, 4], [1, 2, 3, 4])[0, 1]
    assert metrics.spearman([0, 1, 1, 2], [1, 2, 3, 4]) == pytest.approx(ranks)
    assert metrics.spearman([1, 1], [1, 2]) == NAN


def test_errors_of_amounts_by_hand() -> None:
    actual, predicted = [0, 4, 8], [1, 2, 12]
    assert metrics.rmse(actual, predicted) == pytest.approx(math.sqrt(21 / 3))
    assert metrics.mae_over_mean(actual, predicted) == pytest.approx((7 / 3) / 4)
    assert metrics.total_bias(actual, predicted) == pytest.approx(0.25)
    assert metrics.total_bias([0, 0], [1, 1]) == NAN
    assert metrics.mae_over_mean([0, 0], [1, 1]) == NAN


def test_decile_mape_by_hand() -> None:
    predicted = np.repeat(np.arange(1.0, 11), 3)  # ten deciles, predicted 1 to 10
    assert metrics.decile_mape(predicted * 2, predicted) == pytest.approx(0.5)
    actual = predicted.copy()
    actual[:3] = 0  # the lowest decile brought nothing though 1 was predicted
    assert metrics.decile_mape(actual, predicted) == pytest.approx(0.1)
    predicted[:3] = 0
    assert metrics.decile_mape(actual, predicted) == 0


# ---------------------------------------------------------------------------------------- intervals


def test_interval_score_by_hand() -> None:
    # 90 %: a miss costs 20 a unit; widths 2, 2, 2; missed by 0, 1 below, .5 above
    scores = metrics.interval_scores([1, -1, 2.5], [0, 0, 0], [2, 2, 2], level=0.9)
    assert scores == pytest.approx([2, 22, 12])
    assert metrics.coverage([0, -1, 2], [0, 0, 0], [2, 2, 2]) == pytest.approx(2 / 3)
    assert metrics.coverage([0, 1], [0, 0], [0, 0]) == 0.5


def test_interval_score_is_least_at_the_true_quantiles() -> None:
    values = stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    ends = np.linspace(0.8, 2.4, 33)
    scores = [
        metrics.interval_scores(values, values * 0 - e, values * 0 + e, 0.8).mean() for e in ends
    ]
    assert ends[np.argmin(scores)] == pytest.approx(stats.norm.ppf(0.9), abs=0.05)


# ------------------------------------------------------------------------------------------- laws

OUTCOME: list[Metric] = [
    metrics.roc_auc,
    metrics.pr_auc,
    metrics.brier,
    metrics.ece,
]
AMOUNT: list[Metric] = [
    metrics.normalized_gini,
    metrics.spearman,
    metrics.rmse,
    metrics.mae_over_mean,
    metrics.decile_mape,
    metrics.total_bias,
]
RANKING: list[Metric] = [metrics.roc_auc, metrics.pr_auc, metrics.normalized_gini, metrics.spearman]
columns = arrays.arrays(
    np.int64, st.shared(st.integers(2, 40), key="n"), elements=st.integers(0, 8)
)


@pytest.mark.parametrize("measure", OUTCOME + AMOUNT)
@given(actual=columns, predicted=columns, seed=st.integers(0, 9))
@settings(max_examples=30)
def test_row_order_is_irrelevant(measure: Metric, actual: Rows, predicted: Rows, seed: int) -> None:
    truth = actual % 2 if measure in OUTCOME else actual
    score = predicted / 8
    before = measure(truth, score)
    order = np.random.default_rng(seed).permutation(len(truth))
    assert measure(truth[order], score[order]) == pytest.approx(before, nan_ok=True, abs=1e-9)


@pytest.mark.parametrize("measure", RANKING)
@given(actual=columns, predicted=columns)
@settings(max_examples=30)
def test_a_ranking_measure_sees_only_the_ranking(
    measure: Metric, actual: Rows, predicted: Rows
) -> None:
    truth = actual % 2 if measure in OUTCOME else actual
    before = measure(truth, predicted)
    assert measure(truth, np.exp(predicted)) == pytest.approx(before, nan_ok=True, abs=1e-9)


@pytest.mark.parametrize("measure", OUTCOME + AMOUNT)
def test_a_wrong_call_says_what_is_wrong(measure: Metric) -> None:
    with pytest.raises(ValueError, match=r"one row a customer\. Seen shapes: \[\(2,\), \(3,\)\]\."):
        measure([0, 1], [0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match=r"rows of shape \(n,\), n >= 1\. Seen: \(0,\)\."):
        measure([], [])
    with pytest.raises(ValueError, match=r"takes finite numbers\. Seen: nan in row 1\."):
        measure([0, 1], [0.1, float("nan")])
    with pytest.raises(ValueError, match=r"takes finite numbers\. Seen: inf in row 0\."):
        measure([0, 1], [float("inf"), 0.1])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: metrics.roc_auc([0, 2], [0, 1]), "An outcome is 0 or 1. Seen: 2.0."),
        (lambda: metrics.ece([0, 1], [0, 1.2]), "A probability lies between 0 and 1. Seen: 1.2."),
        (
            lambda: metrics.normalized_gini([1, -1], [0, 1]),
            "What a customer brought is not below 0. Seen: -1.0.",
        ),
        (lambda: metrics.gain_at([1], [1], 0), "A share lies above 0 and up to 1. Seen: 0."),
        (
            lambda: metrics.coverage([1], [2], [1]),
            "Low is not above high. Seen: [2.0, 1.0] in row 0.",
        ),
        (
            lambda: metrics.interval_scores([1], [1], [1], 80),
            "An interval's level lies between 0 and 1. Seen: 80.",
        ),
        (
            lambda: metrics.interval_scores([1], [1], [1], 1),
            "An interval's level lies between 0 and 1. Seen: 1.",
        ),
    ],
)
def test_refusals(call: Callable[[], float], says: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the wording is compared whole
        call()
    assert str(refused.value) == says
