"""MBG/CNBD-k: MBG/NBD where k is 1, and what was simulated where it is more."""

import numpy as np
import pytest
from scipy import optimize

from features.errors import FitError
from training.btyd import mbg_cnbd
from training.btyd.bg_nbd import MbgNbd
from training.btyd.mbg_cnbd import MbgCnbd
from training.btyd.structural import Histories
from training.prediction.rhythm import Rhythm

Known = dict[str, np.ndarray]


def simulated(
    k: int, customers: int = 3_000, ahead: float = 60.0, seed: int = 5
) -> tuple[Known, np.ndarray]:
    """Customers of gaps of k steps, as features at T; and whether an order came `ahead` of it."""
    rng = np.random.default_rng(seed)
    T, rate = rng.uniform(100, 500, customers), rng.gamma(3.0, k / 100, customers)
    lost, x, last, back = rng.beta(1.0, 5.0, customers), *np.zeros((3, customers))
    for i in range(customers):
        at = 0.0
        while rng.random() >= lost[i]:
            at += rng.gamma(k, 1 / rate[i])
            if at > T[i]:
                back[i] = at <= T[i] + ahead
                break
            x[i], last[i] = x[i] + 1, at
    return {"frequency": x, "T_days": T, "recency_days": T - last}, back


def history(known: Known) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, T = known["frequency"], known["T_days"]
    return x, np.where(x > 0, T - known["recency_days"], 0.0), T


def test_of_one_step_it_is_mbg_nbd() -> None:
    x, t_x, T = history(simulated(1)[0])
    ours, theirs = MbgCnbd.fit(1, x, t_x, T), MbgNbd.fit(x, t_x, T)
    for name in ("r", "alpha", "a", "b"):
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=1e-3)


@pytest.mark.parametrize("k", [1, 2, 12])
def test_the_gradient_is_the_slope(k: int) -> None:
    histories = Histories.of(*history(simulated(2, 200)[0])).in_units(300.0)
    logs = np.log([0.8, 0.5, 0.7, 2.0])

    def value(at: np.ndarray) -> float:
        return mbg_cnbd._mean_log_likelihood(k, np.exp(at), histories)[0]

    gradient = mbg_cnbd._mean_log_likelihood(k, np.exp(logs), histories)[1]
    assert gradient == pytest.approx(optimize.approx_fprime(logs, value, 1e-7), rel=1e-4)


def test_it_finds_what_was_simulated_and_who_comes_back() -> None:
    known, back = simulated(4)
    fitted = MbgCnbd.fit(4, *history(known))
    assert (fitted.r, fitted.alpha) == pytest.approx((3.0, 25.0), rel=0.15)
    assert fitted.a / (fitted.a + fitted.b) == pytest.approx(1 / 6, rel=0.1)
    said = Rhythm(4, fitted.r, fitted.alpha, fitted.a, fitted.b).p_order(known, 60.0)
    for tenth in np.array_split(np.argsort(said), 10):
        error = np.sqrt(said[tenth].mean() * (1 - said[tenth].mean()) / len(tenth))
        assert back[tenth].mean() == pytest.approx(said[tenth].mean(), abs=4 * error + 0.005)
    at_random = MbgNbd.fit(*history(known)).probability_of_order(60.0, *history(known))
    assert np.mean((back - said) ** 2) < 0.9 * np.mean((back - at_random) ** 2)


def test_without_repeat_orders_it_is_refused() -> None:
    with pytest.raises(FitError, match="MBG/CNBD-k needs at least 10 customers who ordered again"):
        MbgCnbd.fit(2, np.zeros(50), np.zeros(50), np.full(50, 90.0))
