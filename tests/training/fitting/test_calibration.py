import dataclasses

import numpy as np
import pytest

from training.fitting.calibration import intercept, of_all, platt, total_scale, transfer
from training.prediction import blend
from training.prediction.blend import EXPERTS, Calibration, Pool
from training.prediction.calibrated import Raw


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


@pytest.mark.parametrize("slope", [0.2, 1.0, 5.0])
@pytest.mark.parametrize("rate", [0.0, 0.01, 0.6, 1.0])
def test_an_intercept_makes_the_mean_as_near_as_a_sigmoid_comes(slope: float, rate: float) -> None:
    logits = np.random.default_rng(7).normal(0, 8, 1_000)
    made = blend.sigmoid(intercept(logits, slope, rate) + slope * np.clip(logits, -12, 12))
    assert made.mean() == pytest.approx(rate, abs=2e-5)


@pytest.mark.parametrize(("few", "line"), [(9, False), (10, True)])
def test_of_ten_of_each_outcome_a_slope_is_learned(few: int, line: bool) -> None:
    logits = np.random.default_rng(7).normal(0, 2, 1_000)
    assert (platt(logits, np.arange(1_000) < few)[1] != 1.0) == line


def test_one_logit_beyond_all_others_counts_as_the_greatest_that_there_is() -> None:
    logits, outcome = world(200, 0.0, 1.0)
    beyond, greatest = (platt(np.append(logits, x), np.append(outcome, 0.0)) for x in (500, 12))
    assert beyond == pytest.approx(greatest)


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


# ------------------------------------------------------------- from a rehearsal to the served model


POOL = Pool((0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.3), (20.0, 30.0, 30.0, 22.0, 24.0, 25.0, 40.0), 33.0)
LEARNED = Calibration(churn=(-0.3, 1.2), spend=POOL, orders=1.05)


def raw(rows: int = 2_000) -> Raw:
    rng = np.random.default_rng(7)
    logits, experts = rng.normal(0, 2, rows), rng.lognormal(3, 1, (rows, len(EXPERTS)))
    return Raw(logits, experts, rng.lognormal(0, 1, rows), np.zeros((rows, 2)), np.ones(rows, bool))


def test_a_model_that_says_the_same_needs_the_same_calibration() -> None:
    made = transfer(LEARNED, raw(), raw())
    assert made.churn == pytest.approx(LEARNED.churn, abs=0.01)
    assert dataclasses.replace(made, churn=LEARNED.churn, spend=POOL) == LEARNED
    assert made.spend.levels == pytest.approx(POOL.levels)
    assert dataclasses.replace(made.spend, levels=POOL.levels) == POOL


def test_what_the_pupil_says_otherwise_is_undone_on_average() -> None:
    teacher = raw()
    louder = np.array([2.0, 4.0, 0.5, 1.0, 0.7, 1.5, 3.0])
    pupil = Raw(
        0.5 * teacher.churn_logit + 1.0, louder * teacher.experts, teacher.boosted_orders / 2,
        teacher.scores, teacher.ordered,
    )  # fmt: skip
    made = transfer(LEARNED, teacher, pupil)
    wanted = blend.churn(teacher.churn_logit, LEARNED)
    assert blend.churn(pupil.churn_logit, made) == pytest.approx(wanted, abs=0.005)
    spend = blend.spend(teacher.experts, 0.0, LEARNED)
    assert blend.spend(pupil.experts, 0.0, made) == pytest.approx(spend)
    assert made.orders * pupil.boosted_orders == pytest.approx(
        LEARNED.orders * teacher.boosted_orders
    )


def test_the_level_comes_from_the_teacher_and_the_ranking_from_the_pupil() -> None:
    teacher = raw()
    noise = np.random.default_rng(8).normal(0, 1, len(teacher.churn_logit))
    pupil = dataclasses.replace(teacher, churn_logit=teacher.churn_logit + noise)
    made = blend.churn(pupil.churn_logit, transfer(LEARNED, teacher, pupil))
    assert made.mean() == pytest.approx(blend.churn(teacher.churn_logit, LEARNED).mean(), abs=1e-3)
    assert np.array_equal(np.argsort(made), np.argsort(pupil.churn_logit))


def test_a_pupil_that_ranks_backwards_keeps_what_was_learned() -> None:
    teacher = raw()
    backwards = dataclasses.replace(teacher, churn_logit=-teacher.churn_logit)
    assert transfer(LEARNED, teacher, backwards).churn == LEARNED.churn


def test_one_estimate_beyond_all_others_changes_no_level() -> None:
    teacher = raw()
    slipped = teacher.experts.copy()
    slipped[0] = 1e9
    made = transfer(LEARNED, teacher, dataclasses.replace(teacher, experts=slipped))
    assert made.spend.levels == pytest.approx(POOL.levels, rel=0.05)


def test_a_pupil_that_expects_nothing_is_not_divided_by() -> None:
    teacher = raw()
    nothing = np.where(np.arange(len(EXPERTS)) == 0, 0.0, teacher.experts)
    silent = dataclasses.replace(teacher, experts=nothing, boosted_orders=np.zeros(2_000))
    made = transfer(LEARNED, teacher, silent)
    assert made.spend.levels[0] == POOL.levels[0]
    assert made.orders == LEARNED.orders


# ---------------------------------------------------------------- a window of which a part was seen


def test_windows_of_one_truth_have_one_intercept_however_much_was_seen_of_them() -> None:
    """Customers of constant rates: of half of the windows all was seen, of the others 40 %."""
    rng = np.random.default_rng(7)
    rate = rng.gamma(1.0, 1.5, 100_000)
    logits = np.log(1 / np.expm1(rate))  # the logit of exp(-rate)
    seen = np.repeat([1.0, 0.4], 50_000)
    silent = rng.poisson(rate * seen) == 0
    assert silent.mean() > (rng.poisson(rate) == 0).mean() + 0.05
    assert intercept(logits, 1.0, float(silent.mean()), seen) == pytest.approx(0.0, abs=0.03)


@pytest.mark.parametrize("seed", range(4))
def test_one_probability_for_everybody_is_carried_on_too(seed: int) -> None:
    logits = np.random.default_rng(seed).normal(size=500)
    assert of_all(logits, (0.0, 0.0), 0.5) == (pytest.approx(np.log(0.25 / 0.75)), 0.0)


@pytest.mark.parametrize(("rate", "end"), [(0.001, -1), (1.0, 1)])
def test_a_rate_that_a_small_part_cannot_have_takes_the_nearest_that_it_can(
    rate: float, end: int
) -> None:
    """sigmoid(-12) ** .3 is .027: of no intercept fewer are silent in a third of the days."""
    logits = np.random.default_rng(7).normal(0, 2, 2_000)
    first = intercept(logits, 1.0, rate, 0.3)
    assert np.sign(first) == end
    assert (blend.sigmoid(first + logits) ** 0.3).mean() == pytest.approx(
        0.0273 if end < 0 else 1.0, abs=1e-4
    )
