"""How the parts' raw outputs become one churn probability, one spend, one count; numpy only."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

LOGIT_LIMIT = 12.0


@dataclasses.dataclass(frozen=True)
class Calibration:
    """Plain numbers, learned on the calibration window.

    `churn` is the Platt intercept and slope; `boosted_spend`, `latent_spend` and `orders` scale
    each part to the realised total; `latent_share` is the autoencoder's weight in the blend of
    spend. `churn_power`, `orders_stretch` and `spend_stretch` carry predictions from the
    training window to a longer horizon (1 where both are the same).
    """

    churn: tuple[float, float] = (0.0, 1.0)
    boosted_spend: float = 1.0
    latent_spend: float = 1.0
    orders: float = 1.0
    latent_share: float = 0.3
    churn_power: float = 1.0
    orders_stretch: float = 1.0
    spend_stretch: float = 1.0

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Calibration:
        return cls(**{**values, "churn": tuple(values["churn"])})


def logit(p: np.ndarray) -> np.ndarray:
    """log(p / (1 - p)) of p kept within 1e-6 of 0 and 1, so within +-13.8."""
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return np.log(p / (1 - p))


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), within +-12."""
    return 1.0 / (1.0 + np.exp(-np.clip(x, -LOGIT_LIMIT, LOGIT_LIMIT)))


def churn_logit(boosted: np.ndarray, linear: np.ndarray, latent: np.ndarray) -> np.ndarray:
    """Mean of the three parts' logits of no order (booster, logistic regression, autoencoder)."""
    return (logit(boosted) + linear + latent) / 3.0


def churn(logits: np.ndarray, c: Calibration) -> np.ndarray:
    """Calibrated probability of no order within the horizon, (n,)."""
    return sigmoid(c.churn[0] + c.churn[1] * logits) ** c.churn_power


def spend(boosted: np.ndarray, latent: np.ndarray, c: Calibration) -> np.ndarray:
    """Expected spend within the horizon, (n,), >= 0."""
    mixed = (
        1 - c.latent_share
    ) * c.boosted_spend * boosted + c.latent_share * c.latent_spend * latent
    return np.maximum(mixed * c.spend_stretch, 0.0)


def orders(boosted: np.ndarray, churned: np.ndarray, c: Calibration) -> np.ndarray:
    """Expected orders within the horizon, (n,): never below the probability of one."""
    return np.maximum(boosted * c.orders * c.orders_stretch, 1.0 - churned)
