"""The structural models in numpy against the fitted ones, an archived package, and simulation."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from training.btyd.bg_nbd import MbgNbd
from training.prediction.structure import Prior

PRIOR = Prior(0.525, 43.3, 0.891, 1.614, 6.25, 3.74, 15.44, 30)  # CDNOW's, in days
MODEL = MbgNbd(PRIOR.r, PRIOR.alpha, PRIOR.a, PRIOR.b)
SHAPES = [(0.5, 43, 0.9, 1.6), (2, 10, 0.05, 3), (0.24, 31, 5, 20), (1, 5, 0.3, 0.2)]


def histories(count: int = 400) -> dict[str, np.ndarray]:
    """Customers of whom none orders oftener than once a day; the first has no order yet."""
    rng = np.random.default_rng(7)
    T = rng.uniform(1, 700, count)
    x = np.floor(T * rng.random(count) ** 3)
    recency = np.where(x > 0, T * rng.beta(1, 8, count), T)
    known = {"frequency": x, "T_days": T, "recency_days": recency, "spend": 20 * (x + 1)}
    return {name: np.concatenate([[np.nan], values]) for name, values in known.items()}


KNOWN = histories()
X, T = KNOWN["frequency"][1:], KNOWN["T_days"][1:]
T_X = np.where(X > 0, T - KNOWN["recency_days"][1:], 0)


def test_the_probability_of_an_order_is_the_fitted_models() -> None:
    for days in (7.0, 30.0, 365.0):
        assert PRIOR.p_order(KNOWN, days)[1:] == pytest.approx(
            MODEL.probability_of_order(days, X, T_X, T), rel=1e-10
        )


@pytest.mark.parametrize("shape", SHAPES)
def test_orders_to_expect_are_those_of_the_hypergeometric_function(shape: Any) -> None:
    prior, model = Prior(*shape, 6, 4, 15, 30), MbgNbd(*shape)
    days = (30.0, 365.0, 730.0)
    made = prior.orders_while_alive(KNOWN, days)[1:] * prior.p_alive(KNOWN)[1:, None]
    theirs = np.column_stack([model.expected_orders(d, X, T_X, T) for d in days])
    alive = model.p_alive(X, T_X, T) > 1e-100
    assert made[alive] == pytest.approx(theirs[alive], rel=1e-4)


def test_orders_to_expect_are_those_of_an_archived_package(
    lifetimes: Callable[[Any], Any],
) -> None:
    oracle = lifetimes(MODEL)
    few = (X < 60) & (MODEL.p_alive(X, T_X, T) > 1e-12)  # its hypergeometric function overflows
    theirs = oracle.conditional_expected_number_of_purchases_up_to_time(
        365, X[few], T_X[few], T[few]
    )
    made = PRIOR.orders_while_alive(KNOWN, [365.0])[1:, 0] * PRIOR.p_alive(KNOWN)[1:]
    assert few.sum() > 100
    assert made[few] == pytest.approx(np.asarray(theirs), rel=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_lasts_is_what_the_fitted_model_expects_over_what_none_lost_would_bring(
    shape: Any,
) -> None:
    prior, model = Prior(*shape, 6, 4, 15, 30), MbgNbd(*shape)
    none_lost = prior.columns(KNOWN)["structural_spend"][1:].sum()
    lost = (model.expected_orders(30.0, X, T_X, T) * prior.order_value(KNOWN)[1:]).sum()
    assert prior.lasting(KNOWN) == pytest.approx(lost / none_lost, rel=1e-4)
    assert 0 < prior.lasting(KNOWN) < 1


def test_of_nobody_all_lasts() -> None:
    assert PRIOR.lasting({name: values[:1] for name, values in KNOWN.items()}) == 1.0


def test_orders_and_moments_are_those_of_simulated_customers() -> None:
    # who is alive after 3 repeat orders in 100 days: rate Gamma(r + 3, alpha + 100), Beta(a, b + 4)
    rng = np.random.default_rng(7)
    count, days = 200_000, 200.0
    rate = rng.gamma(PRIOR.r + 3, 1 / (PRIOR.alpha + 100), count)
    lost = rng.beta(PRIOR.a, PRIOR.b + 4, count)
    at, alive = rng.exponential(1 / rate), np.ones(count, dtype=bool)
    first, orders = at.copy(), np.zeros(count)
    while (alive & (at <= days)).any():
        came = alive & (at <= days)
        orders += came
        alive &= ~came | (rng.random(count) >= lost)
        at = np.where(came, at + rng.exponential(1 / rate), at)
    known = {"frequency": np.array([3.0]), "T_days": np.array([100.0]),
             "recency_days": np.array([0.0]), "spend": np.array([80.0])}  # fmt: skip
    (expected,) = PRIOR.orders_while_alive(known, [days])[0]
    assert orders.mean() == pytest.approx(expected, abs=4 * orders.std() / np.sqrt(count))
    for day in (10.0, 50.0, 200.0):
        share = (first <= day).mean()
        wanted = PRIOR.p_order(known, day)[0] / PRIOR.p_alive(known)[0]
        assert share == pytest.approx(wanted, abs=4 * np.sqrt(0.25 / count))


def test_days_until_undoes_the_probability_of_an_order() -> None:
    wanted = PRIOR.p_order(KNOWN, 90.0)
    days = PRIOR.days_until(KNOWN, wanted)
    seen = wanted < (1 - 1e-9) * PRIOR.p_alive(KNOWN)  # a few come back for sure within a week
    assert seen.sum() > 200
    assert days[seen] == pytest.approx(np.full(seen.sum(), 90.0), rel=1e-6)
    assert np.isnan(days[0])


def test_more_than_ever_come_back_is_never_reached() -> None:
    alive = PRIOR.p_alive(KNOWN)
    assert np.isinf(PRIOR.days_until(KNOWN, alive * 1.001)[1:]).all()


def test_an_order_brings_what_the_published_note_says() -> None:
    # Fader & Hardie 2013, section 5: p 6.25, q 3.74, gamma 15.44; one order of 100
    known = {"frequency": np.array([0.0]), "spend": np.array([100.0])}
    assert PRIOR.order_value(known).round(2).tolist() == [80.26]


def test_who_has_not_ordered_expects_nothing_that_is_known() -> None:
    assert np.isnan(PRIOR.orders_while_alive(KNOWN, [30.0, 60.0])[0]).all()
    assert np.isnan(PRIOR.p_order(KNOWN, 30.0)[0])
