"""The structural prior that serving computes for itself: MBG/NBD and Gamma-Gamma in numpy.

A learned model trained on young customers over-predicts old ones; the structural models know how
customers age. Their outputs at each cut-off, with parameters fitted on the histories before that
cut-off alone, are inputs of the learned models (`btyd.prior` fits them).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from features.feature import Feature
from training.prediction import quadrature
from training.prediction.rhythm import Rhythm, history

LENS = "behavioural"
NO_ORDER = "no order yet"
FEATURES = (
    Feature("structural_return", LENS, "share", "number", NO_ORDER,
            "Probability of an order within the trained window by MBG/NBD, or MBG/CNBD-k."),
    Feature("structural_orders", LENS, "orders", "number", NO_ORDER,
            "Order days to expect within the trained window by MBG/NBD, were none the last."),
    Feature("structural_spend", LENS, "currency", "number", NO_ORDER,
            "Spend to expect within the trained window by MBG/NBD and Gamma-Gamma."),
)  # fmt: skip


#: Orders that a customer of another mean would need to be believed, where all bring the same
#: (`btyd.gamma_gamma.GammaGamma.alike`: q is 1 + this, far beyond what any fit gives).
ALIKE = 1e6

#: The catalog's features that the prior is computed from.
INPUTS = ("frequency", "recency_days", "T_days", "spend")


@dataclasses.dataclass(frozen=True)
class Prior:
    """Parameters of MBG/NBD (r, alpha, a, b; days) and Gamma-Gamma (p, q, gamma; currency). Where
    customers order more regularly than at random, the next order is told by `rhythm`.
    """

    r: float
    alpha: float
    a: float
    b: float
    p: float
    q: float
    gamma: float
    window_days: float
    rhythm: Rhythm | None = None

    @property
    def alike(self) -> bool:
        """Whether each order of anybody brings the mean of all: Gamma-Gamma was refused."""
        return self.q >= ALIKE

    @property
    def law(self) -> str:
        """The model of the next order."""
        return f"MBG/CNBD-{self.rhythm.k}" if self.rhythm else "MBG/NBD"

    def columns(self, known: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The columns of `FEATURES` for feature columns `frequency`, `recency_days`, `T_days` and
        `spend`, each (n,); nan where there is no order yet.
        """
        x, T = known["frequency"], _age(known)
        alive = self.p_alive(known)
        orders = alive * (self.r + x) * self.window_days / (self.alpha + T)
        return {
            "structural_return": self.p_order(known, self.window_days),
            "structural_orders": orders,
            "structural_spend": orders * self.order_value(known),
        }

    def order_value(self, known: Mapping[str, np.ndarray]) -> np.ndarray:
        """(n,) what a day with an order brings on average, in currency (Fader & Hardie 2013, eq. 5,
        the note on Gamma-Gamma).
        """
        days = known["frequency"] + 1.0
        mean = np.maximum(known["spend"] / days, 0.0)
        return (self.gamma + days * mean) * self.p / (self.p * days + self.q - 1.0)

    def p_alive(self, known: Mapping[str, np.ndarray]) -> np.ndarray:
        """(n,) probability of not being lost for good; nan where there is no order yet.

        MBG/NBD as in Batislam et al. 2007 (one may be lost upon the first order, too): with
        x repeat order days, the last at t_x, P(alive) = 1 / (1 + a / (b + x) ((alpha + T) /
        (alpha + t_x))^(r + x)).
        """
        x, t_x, since = history(known)
        T = t_x + since
        log_odds = np.log(self.a / (self.b + x)) + (self.r + x) * np.log(
            (self.alpha + T) / (self.alpha + t_x)
        )
        return 1.0 / (1.0 + np.exp(np.clip(log_odds, -500.0, 500.0)))

    def _silence(self, known: Mapping[str, np.ndarray], days: float | np.ndarray) -> np.ndarray:
        """-log P(no order within `days` | alive): alive, the rate is Gamma(r + x, alpha + T), so
        no order comes in h with probability ((alpha + T) / (alpha + T + h))^(r + x).
        """
        x, T = known["frequency"], _age(known)
        return (self.r + x) * np.log1p(days / (self.alpha + T))

    def p_order(self, known: Mapping[str, np.ndarray], days: float) -> np.ndarray:
        """(n,) probability of an order within `days` (`btyd.bg_nbd` derives it)."""
        if self.rhythm is not None:
            return self.rhythm.p_order(known, days)
        return self.p_alive(known) * -np.expm1(-self._silence(known, days))

    def days_until(self, known: Mapping[str, np.ndarray], p_order: np.ndarray) -> np.ndarray:
        """(n,) days within which an order comes with probability `p_order` (n,): the inverse of
        the method of that name. inf where so many never come back.
        """
        if self.rhythm is not None:
            return self.rhythm.days_until(known, p_order)
        x, T = known["frequency"], _age(known)
        with np.errstate(invalid="ignore"):
            left = 1.0 - p_order / self.p_alive(known)
            some = np.where(left > 0, left, np.nan)
            days = (self.alpha + T) * np.expm1(-np.log(some) / (self.r + x))
        return np.where(np.isnan(x), np.nan, np.where(left > 0, days, np.inf))

    def orders_while_alive(
        self, known: Mapping[str, np.ndarray], horizons: Sequence[float]
    ) -> np.ndarray:
        """(n, horizons) order days to expect within each number of days, of a customer who is alive
        now and may be lost upon each of them; nan where there is no order yet.

        With rate lambda and probability p of being lost upon an order, (1 - e^(-lambda p t)) / p
        come within t (Fader, Hardie, Lee 2005: what their eq. 9 is the mean of over customers).
        Alive after x + 1 orders, lambda is Gamma(r + x, alpha + T) and p is Beta(a, b + x + 1),
        independent; the mean over lambda is (1 - ((alpha + T) / (alpha + T + p t))^(r + x)) / p,
        that over p is by quadrature.
        """
        x, T = known["frequency"], _age(known)
        made = np.full((len(x), len(horizons)), np.nan)
        some = np.flatnonzero(~np.isnan(x))
        p, weight = quadrature.beta(self.a, self.b + x[some] + 1.0)
        rate, age = (self.r + x[some])[:, None], (self.alpha + T[some])[:, None]
        for i, days in enumerate(horizons):
            orders = -np.expm1(-rate * np.log1p(p * days / age)) / p
            made[some, i] = (weight * orders).sum(axis=1)
        return made

    def lasting(self, known: Mapping[str, np.ndarray]) -> float:
        """What these customers are expected to spend within the window where they may be lost
        upon each order, over what `columns` expects of them, were none lost; 0 to 1.
        """
        ordered = known["frequency"] >= 0  # not nan
        some = {name: np.asarray(known[name], dtype=np.float64)[ordered] for name in INPUTS}
        if not ordered.any():
            return 1.0
        worth = self.p_alive(some) * np.maximum(self.order_value(some), 0.0)
        age = self.alpha + _age(some)
        none_lost = (self.r + some["frequency"]) * self.window_days / age
        lost = self.orders_while_alive(some, [self.window_days])[:, 0]
        total = float((worth * none_lost).sum())
        return float((worth * lost).sum()) / total if total > 0 else 1.0

    @classmethod
    def from_dict(cls, values: Mapping[str, Any] | None) -> Prior | None:
        """The prior of a bundle; None where MBG/NBD was refused."""
        if not values:
            return None
        rhythm = values.get("rhythm")
        return cls(**{**values, "rhythm": Rhythm(**rhythm) if rhythm else None})


def known_of(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """The feature columns that a `Prior` reads."""
    return {name: frame[name].to_numpy(np.float64) for name in INPUTS}


def _age(known: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.maximum(known["T_days"], 1e-3)
