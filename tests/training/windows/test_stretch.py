import numpy as np
import pytest

from training.windows import stretch
from training.windows.stretch import Stretch


def test_observed_ratios_are_those_of_the_same_customers() -> None:
    short = (np.array([0.0, 1.0, 2.0, 0.0]), np.array([0.0, 10.0, 20.0, 0.0]))
    long = (np.array([0.0, 2.0, 4.0, 3.0]), np.array([0.0, 20.0, 30.0, 10.0]))
    made = stretch.observed(short, long)
    assert (made.orders, made.spend) == (3.0, 2.0)
    assert 0.5**made.churn_power == pytest.approx(0.25)  # half had not come back, then a quarter
    assert made.source == "observed at the latest cut-off with a whole horizon"


def test_a_longer_wait_never_loses_orders_nor_gains_churners() -> None:
    short = (np.array([2.0, 1.0, 0.0]), np.array([20.0, 10.0, 0.0]))
    returned = (np.array([2.0, 1.0, 0.0]), np.array([5.0, 10.0, 0.0]))  # most was sent back later
    made = stretch.observed(short, returned)
    assert (made.orders, made.spend, made.churn_power) == (1.0, 1.0, 1.0)


def test_nobody_came_back_stretches_nothing() -> None:
    nothing, later = (np.zeros(3), np.zeros(3)), (np.array([0.0, 1, 2]), np.array([0.0, 10, 20]))
    for long in (nothing, later):
        made = stretch.observed(nothing, long)
        assert (made.orders, made.spend, made.churn_power) == (1.0, 1.0, 1.0)


def histories(rows: int = 800) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """BG/NBD customers (r 2, alpha 40 days, a 1, b 4), observed for 100 to 300 days."""
    rng = np.random.default_rng(7)
    T = rng.uniform(100, 300, rows)
    x, t_x = np.zeros(rows), np.zeros(rows)
    for i in range(rows):
        rate, lost = rng.gamma(2, 1 / 40), rng.beta(1, 4)
        at = rng.exponential(1 / rate)
        while at < T[i]:
            x[i], t_x[i] = x[i] + 1, at
            if rng.random() < lost:
                break
            at += rng.exponential(1 / rate)
    return x, t_x, T


def test_the_modelled_ratios_know_that_customers_are_lost() -> None:
    made = stretch.modelled(*histories(), 30, 90)
    assert made is not None
    assert made.source == "BG/NBD"
    assert 1.5 < made.orders < 3.0  # thrice the days bring less than thrice the orders
    assert made.spend == made.orders
    assert made.churn_power > 1.0


def test_a_window_as_long_as_the_horizon_is_not_stretched() -> None:
    made = stretch.modelled(*histories(), 30, 30)
    assert made is not None
    assert (made.orders, made.churn_power) == pytest.approx((1.0, 1.0))
    assert (Stretch().orders, Stretch().spend, Stretch().churn_power) == (1.0, 1.0, 1.0)


def test_where_the_structural_model_is_refused_there_are_no_modelled_ratios() -> None:
    once = np.zeros(300)  # nobody ordered twice: nothing determines BG/NBD
    assert stretch.modelled(once, once, np.full(300, 100.0), 30, 90) is None
    assert stretch.constant(30, 90).orders == 3.0
    assert stretch.constant(30, 90).source == "constant rates, for want of anything better"


def test_days_lost_of_window_or_horizon_do_not_change_what_is_observed() -> None:
    """Of the horizon's last half nothing was recorded: it says no more than the window."""
    rng = np.random.default_rng(7)
    rate = rng.gamma(1.0, 1.0, 50_000)
    short, long = (rng.poisson(rate * part).astype(float) for part in (0.5, 0.5))
    made = stretch.observed((short, short), (long, long), (1.0, 0.5))
    assert made.orders == pytest.approx(2.0, rel=0.02)
    assert made.spend == pytest.approx(2.0, rel=0.02)
    assert made.churn_power == pytest.approx(2.0, rel=0.02)


def test_of_a_window_of_which_half_was_lost_the_rest_stands_for_all() -> None:
    short = (np.array([0.0, 1.0]), np.array([0.0, 10.0]))
    long = (np.array([0.0, 6.0]), np.array([0.0, 80.0]))
    made = stretch.observed(short, long, (0.5, 1.0))
    assert (made.orders, made.spend) == (3.0, 4.0)
    # Half were silent in half of the window: a quarter in all of it, and no more over the horizon.
    assert made.churn_power == 1.0
