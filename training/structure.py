"""The structural prior that serving computes for itself: MBG/NBD and Gamma-Gamma in numpy.

A learned model trained on young customers over-predicts old ones; the structural models know how
customers age. Their outputs at each cut-off, with parameters fitted on the histories before that
cut-off alone, are inputs of the learned models (`training.prior` fits them).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from features.feature import Feature

LENS = "behavioural"
NO_ORDER = "no order yet"
FEATURES = (
    Feature("structural_return", LENS, "share", "number", NO_ORDER,
            "Probability of an order within the trained window by MBG/NBD."),
    Feature("structural_orders", LENS, "orders", "number", NO_ORDER,
            "Order days to expect within the trained window by MBG/NBD, were none the last."),
    Feature("structural_spend", LENS, "currency", "number", NO_ORDER,
            "Spend to expect within the trained window by MBG/NBD and Gamma-Gamma."),
)  # fmt: skip


#: The catalog's features that the prior is computed from.
INPUTS = ("frequency", "recency_days", "T_days", "spend")


@dataclasses.dataclass(frozen=True)
class Prior:
    """Parameters of MBG/NBD (r, alpha, a, b; days) and Gamma-Gamma (p, q, gamma; currency)."""

    r: float
    alpha: float
    a: float
    b: float
    p: float
    q: float
    gamma: float
    window_days: float

    def columns(self, known: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The columns of `FEATURES` for feature columns `frequency`, `recency_days`, `T_days` and
        `spend`, each (n,); nan where there is no order yet.

        MBG/NBD as in Batislam et al. 2007 (one may be lost upon the first order, too): with
        x repeat order days, the last at t_x, P(alive) = 1 / (1 + a / (b + x) ((alpha + T) /
        (alpha + t_x))^(r + x)); alive, no order comes in h with probability
        ((alpha + T) / (alpha + T + h))^(r + x), and (r + x) h / (alpha + T) would, were none
        the last. The mean order is Fader & Hardie 2013, eq. 5.
        """
        x = known["frequency"]
        T = np.maximum(known["T_days"], 1e-3)
        t_x = np.where(x > 0, np.clip(T - known["recency_days"], 0.0, T), 0.0)
        log_odds = np.log(self.a / (self.b + x)) + (self.r + x) * np.log(
            (self.alpha + T) / (self.alpha + t_x)
        )
        alive = 1.0 / (1.0 + np.exp(np.clip(log_odds, -500.0, 500.0)))
        silence = (self.r + x) * np.log1p(self.window_days / (self.alpha + T))
        orders = alive * (self.r + x) * self.window_days / (self.alpha + T)
        days = x + 1.0
        mean = np.maximum(known["spend"] / days, 0.0)
        value = (self.gamma + days * mean) * self.p / (self.p * days + self.q - 1.0)
        return {
            "structural_return": alive * -np.expm1(-silence),
            "structural_orders": orders,
            "structural_spend": orders * value,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any] | None) -> Prior | None:
        """The prior of a bundle; None where the structural models were refused."""
        return cls(**values) if values else None
