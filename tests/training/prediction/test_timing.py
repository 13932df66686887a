"""The next order's curve, median and interval: from paper, from integration, and coherent."""

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from training.prediction.structure import Prior
from training.prediction.timing import COLUMNS, DAYS, LIMIT_DAYS, Timing, moments

PRIOR = Prior(1.0, 20.0, 1.0, 1.0, 6.0, 4.0, 15.0, 30)


def one(x: float, T: float, recency: float) -> dict[str, np.ndarray]:
    known = {"frequency": x, "T_days": T, "recency_days": recency, "spend": 10.0}
    return {name: np.array([value]) for name, value in known.items()}


def timing(churn: float, known: dict[str, np.ndarray], horizon: float = 30.0) -> Timing:
    return Timing(PRIOR, known, np.full(len(known["frequency"]), churn), horizon)


def test_a_curve_worked_by_hand() -> None:
    # x 1, T 40, last order today: log odds of being lost = ln(a / (b + 1)) = ln(1/2), so 2/3 alive.
    # Alive, silent for t days: (60 / (60 + t))^2; t 60: 1/4, so F = 2/3 * 3/4 = 1/2. At the horizon
    # of 30 days: 1 - F = 1 - 2/3 * 5/9 = 17/27. With c = 17/27 the curve is the structural one.
    mine = timing(17 / 27, one(1.0, 40.0, 0.0))
    assert mine.survival([0.0, 30.0, 60.0])[0] == pytest.approx([1.0, 17 / 27, 1 / 2])
    assert mine.days_until(0.5) == pytest.approx([60.0])
    # with c = (17/27)^2 twice the hazard: the square of it all
    twice = timing((17 / 27) ** 2, one(1.0, 40.0, 0.0))
    assert twice.survival([60.0])[0] == pytest.approx([1 / 4])
    assert twice.days_until(0.75) == pytest.approx([60.0])


def test_the_curve_is_the_integral_of_the_models_density() -> None:
    """Over the rate and the probability of being lost, from the model's definition."""
    x, T, t_x, days = 2.0, 50.0, 35.0, 45.0

    def weight(lost: float, rate: float) -> float:
        # orders at t_x and before, then either silence from t_x on for want of chance, or lost
        still = (1 - lost) ** (x + 1) * np.exp(-rate * T)
        gone = lost * (1 - lost) ** x * np.exp(-rate * t_x)
        prior = stats.gamma.pdf(rate, PRIOR.r, scale=1 / PRIOR.alpha)
        prior *= stats.beta.pdf(lost, PRIOR.a, PRIOR.b)
        return float(prior * rate**x * (still + gone))

    def silent(lost: float, rate: float) -> float:
        still = (1 - lost) ** (x + 1) * np.exp(-rate * (T + days))
        gone = lost * (1 - lost) ** x * np.exp(-rate * t_x)
        prior = stats.gamma.pdf(rate, PRIOR.r, scale=1 / PRIOR.alpha)
        prior *= stats.beta.pdf(lost, PRIOR.a, PRIOR.b)
        return float(prior * rate**x * (still + gone))

    above = integrate.dblquad(silent, 0, 2, 0, 1, epsabs=1e-13)[0]
    below = integrate.dblquad(weight, 0, 2, 0, 1, epsabs=1e-13)[0]
    known = one(x, T, T - t_x)
    assert 1 - PRIOR.p_order(known, days)[0] == pytest.approx(above / below, rel=1e-5)


def customers(count: int = 300) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    T = rng.uniform(1, 700, count)
    x = np.floor(T * rng.random(count) ** 3)
    recency = np.where(x > 0, T * rng.beta(1, 4, count), T)
    return {"frequency": x, "T_days": T, "recency_days": recency, "spend": x + 1}


def test_the_curve_passes_through_the_served_point_and_falls() -> None:
    known = customers()
    churn = np.random.default_rng(8).uniform(1e-6, 1 - 1e-6, 300)
    curve = Timing(PRIOR, known, churn, 45.0).survival([0, *DAYS, 45, 730])
    assert (curve[:, 0] == 1).all()
    assert curve[:, len(DAYS) + 1] == pytest.approx(churn, rel=1e-12)
    ordered = np.argsort([0, *DAYS, 45, 730])
    assert (np.diff(curve[:, ordered], axis=1) <= 1e-15).all()
    assert ((curve >= 0) & (curve <= 1)).all()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_quantile_is_where_the_curve_has_fallen_so_far(share: float) -> None:
    known = customers()
    churn = np.random.default_rng(8).uniform(0.01, 0.99, 300)
    mine = Timing(PRIOR, known, churn, 30.0)
    days = mine.days_until(share)
    reached = ~np.isnan(days)
    assert 20 < reached.sum() < 300
    assert (mine.survival([LIMIT_DAYS])[~reached, 0] >= 1 - share).all()
    for i in np.flatnonzero(reached)[:20]:
        alone = Timing(PRIOR, {n: v[[i]] for n, v in known.items()}, churn[[i]], 30.0)
        fallen = optimize.brentq(
            lambda day, alone=alone: alone.survival([day])[0, 0] - (1 - share), 0, LIMIT_DAYS + 1
        )
        assert days[i] == pytest.approx(fallen, rel=1e-6)


def test_who_mostly_never_returns_has_no_median() -> None:
    # as good as lost: 9 repeat orders in 10 days, then silence for two years
    lost = timing(0.97, one(9.0, 740.0, 730.0))
    low, median, high = lost.interval(0.8)
    assert np.isnan([median[0], high[0]]).all()
    sure = timing(1e-6, one(9.0, 10.0, 0.0)).interval(0.8)
    assert 0 < sure[0][0] < sure[1][0] < sure[2][0] < 30
    assert np.isnan(low[0])


def test_who_is_certain_not_to_return_has_no_next_order() -> None:
    assert np.isnan(timing(1.0, one(9.0, 10.0, 0.0)).interval(0.8)).all()


def test_who_has_not_ordered_has_no_curve() -> None:
    nobody = timing(0.4, one(np.nan, np.nan, np.nan))
    assert np.isnan(nobody.survival(DAYS)).all()
    assert np.isnan(nobody.interval(0.8)).all()


def test_moments_are_counted_from_as_of() -> None:
    as_of = np.array(["2024-01-01T12:00", "2024-01-01"], dtype="datetime64[us]")
    made = moments(as_of, np.array([1.5 + 0.9 / 86_400, np.nan]))
    assert made[0] == np.datetime64("2024-01-03T00:00:01")  # to the nearest second
    assert np.isnat(made[1])


def test_the_columns_name_their_days() -> None:
    assert COLUMNS[:2] == ("survival_7d", "survival_14d")
