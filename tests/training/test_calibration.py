import numpy as np
import pytest

from training import blend
from training.calibration import platt, total_scale


def world(rows: int, intercept: float, slope: float) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and outcomes drawn from sigmoid(intercept + slope * logit)."""
    rng = np.random.default_rng(7)
    logits = rng.normal(0, 2, rows)
    return logits, (rng.random(rows) < blend.sigmoid(intercept + slope * logits)).astype(float)


def test_platt_finds_the_line_that_made_the_outcomes() -> None:
    intercept, slope = platt(*world(50_000, -1.0, 0.5))
    assert intercept == pytest.approx(-1.0, abs=0.05)
    assert slope == pytest.approx(0.5, abs=0.02)


def test_calibrated_probabilities_add_up_to_the_outcomes() -> None:
    logits, outcome = world(2_000, -2.0, 1.5)
    a, b = platt(logits, outcome)
    assert blend.sigmoid(a + b * logits).sum() == pytest.approx(outcome.sum(), rel=1e-3)


def test_with_few_outcomes_of_a_kind_only_the_rate_is_learned() -> None:
    logits = np.random.default_rng(7).normal(0, 2, 1_000)
    outcome = np.zeros(1_000)
    outcome[:5] = 1
    a, b = platt(logits, outcome)
    assert b == 1.0
    assert blend.sigmoid(a + logits).mean() == pytest.approx(0.005, rel=0.01)


def test_one_among_very_many_is_no_problem() -> None:
    outcome = np.zeros(300_000)
    outcome[0] = 1
    a, b = platt(np.full(300_000, 20.0), outcome)
    assert np.isfinite([a, b]).all()


@pytest.mark.parametrize("all_of_them", [0.0, 1.0])
def test_one_outcome_alone_teaches_nothing(all_of_them: float) -> None:
    assert platt(np.arange(50.0), np.full(50, all_of_them)) == (0.0, 1.0)


def test_a_score_that_ranks_backwards_is_worth_its_rate() -> None:
    logits, outcome = world(2_000, 0.0, -1.0)
    a, b = platt(logits, outcome)
    assert b == 0.0
    assert blend.sigmoid(np.array([a])) == pytest.approx([outcome.mean()])


def test_the_scale_makes_the_totals_equal() -> None:
    assert total_scale(np.array([10.0, 30.0]), np.array([50.0, 10.0])) == pytest.approx(1.5)


def test_the_scale_stays_within_a_third_and_three() -> None:
    one = np.ones(4)
    assert total_scale(one, 100 * one) == 3.0
    assert total_scale(100 * one, one) == pytest.approx(1 / 3)


@pytest.mark.parametrize(("predicted", "actual"), [(0.0, 5.0), (5.0, 0.0)])
def test_nothing_predicted_or_nothing_spent_scales_nothing(predicted: float, actual: float) -> None:
    assert total_scale(np.array([predicted]), np.array([actual])) == 1.0
