"""The next order of customers who order more regularly than at random: MBG/CNBD-k in numpy.

`btyd.mbg_cnbd` fits it. With k = 1 all is as MBG/NBD has it (`prediction.structure`), which stands
for every shop whose customers gain nothing by another k.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

FAR = 36_525.0  # a hundred years: who needs longer never comes
HALVINGS = 32


@dataclasses.dataclass(frozen=True)
class Rhythm:
    """Parameters of MBG/CNBD-k (days): k steps of a rate Gamma(r, alpha) lie between two orders,
    lost upon each with a probability that is Beta(a, b) (Reutterer, Platzer, Schröder 2021).
    """

    k: int
    r: float
    alpha: float
    a: float
    b: float

    def p_alive(self, known: Mapping[str, np.ndarray]) -> np.ndarray:
        """(n,) probability of not being lost for good; nan where there is no order yet. `known` are
        feature columns `frequency`, `recency_days` and `T_days`, each (n,).
        """
        x, _, since = history(known)
        log_odds = np.log(self.a / (self.b + x)) - self._silent(known, since)
        return 1.0 / (1.0 + np.exp(np.clip(log_odds, -500.0, 500.0)))

    def p_order(self, known: Mapping[str, np.ndarray], days: float | np.ndarray) -> np.ndarray:
        """(n,) probability of an order within `days`."""
        return self.p_alive(known) * -np.expm1(self._longer(known, days))

    def days_until(self, known: Mapping[str, np.ndarray], p_order: np.ndarray) -> np.ndarray:
        """(n,) days within which an order comes with probability `p_order` (n,), by bisection of
        their logarithm. inf where so many never come back.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            wanted = np.log1p(-np.minimum(p_order / self.p_alive(known), 1.0))
        since = history(known)[2]
        wanted = wanted + self._silent(known, since)  # of the silence from the last order on
        low, high = np.full(len(wanted), np.log(1e-6)), np.full(len(wanted), np.log(FAR))
        for _ in range(HALVINGS):
            middle = (low + high) / 2.0
            sooner = self._silent(known, since + np.exp(middle)) < wanted
            low, high = np.where(sooner, low, middle), np.where(sooner, middle, high)
        never = self._silent(known, since + FAR) > wanted
        return np.where(np.isnan(wanted), np.nan, np.where(never, np.inf, np.exp(high)))

    def _longer(self, known: Mapping[str, np.ndarray], days: float | np.ndarray) -> np.ndarray:
        """Log of P(no order for `days` more | alive and silent since the last one)."""
        _, _, since = history(known)
        return np.minimum(self._silent(known, since + days) - self._silent(known, since), 0.0)

    def _silent(self, known: Mapping[str, np.ndarray], days: np.ndarray) -> np.ndarray:
        """Log of P(fewer than k steps within `days` of the last order | alive): the rate is Gamma(r
        + k x, alpha + t_x), and the steps are negative binomial.
        """
        x, t_x, _ = history(known)
        shape, age = self.r + self.k * x, self.alpha + t_x
        term = total = np.ones_like(shape)
        for j in range(1, self.k):
            term = term * (shape + j - 1) / j * (days / (age + days))
            total = total + term
        return shape * np.log(age / (age + days)) + np.log(total)


def history(known: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(x, t_x, days since): repeat order days, the last one's age at it, and the silence since."""
    x, T = known["frequency"], np.maximum(known["T_days"], 1e-3)
    t_x = np.where(x > 0, np.clip(T - known["recency_days"], 0.0, T), 0.0)
    return x, t_x, T - t_x
