"""How the parts' raw outputs become one churn probability, one spend, one count; numpy only."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

LOGIT_LIMIT = 12.0


#: Whose estimates of spend are pooled: gradient boosting, the linear model, the autoencoder's head,
#: the chance of an order times a line in amounts, the recurrent network, boosted orders times the
#: structural value of one, and the structural model alone.
EXPERTS = ("boosted", "linear", "latent", "amounts", "recurrent", "counted", "structural")
ALONE = tuple(float(name == "boosted") for name in EXPERTS)
LEAST = 1e-6  # of an expert's level: what a smaller estimate counts as
MOST_LOG = 30.0
NO_LIMIT = 1e300  # JSON knows no infinity


@dataclasses.dataclass(frozen=True)
class Pool:
    """A weighted geometric mean of the experts, each in units of its own level.

    `weights` (experts,) >= 0, in the order of `EXPERTS`; `levels` (experts,) currency, what each
    expert says on average; `level` currency, what the pool says of a customer of whom each expert
    says its level. `fitting.pooling` fits it.
    """

    weights: tuple[float, ...] = ALONE
    levels: tuple[float, ...] = (1.0,) * len(EXPERTS)
    level: float = 1.0

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Pool:
        return cls(tuple(values["weights"]), tuple(values["levels"]), values["level"])

    def spend(self, experts: np.ndarray) -> np.ndarray:
        """(n,) currency, > 0, of experts (n, experts) in currency.

        An expert that knows nothing of a customer (nan: structural models of one who has not
        ordered) is taken to agree with the weighted mean of those that do.
        """
        logs = units(experts, self.levels)
        known = ~np.isnan(logs)
        weights = np.where(known, np.asarray(self.weights), 0.0)
        heard = weights.sum(axis=1, keepdims=True)
        even = known / np.maximum(known.sum(axis=1, keepdims=True), 1)
        share = np.where(heard > 0, weights / np.where(heard > 0, heard, 1.0), even)
        logs = np.where(known, logs, 0.0)
        filled = np.where(known, logs, (share * logs).sum(axis=1, keepdims=True))
        return self.level * np.exp(np.minimum(filled @ np.array(self.weights), MOST_LOG))


def units(experts: np.ndarray, levels: tuple[float, ...] | np.ndarray) -> np.ndarray:
    """(n, experts) log of each estimate in units of its expert's level; nan where unknown."""
    return np.log(np.maximum(experts / np.asarray(levels), LEAST))


@dataclasses.dataclass(frozen=True)
class Calibration:
    """Plain numbers, learned on the calibration window.

    `churn` is the Platt intercept and slope; `spend` pools the experts' estimates; `orders` scales
    boosted orders to the realised total. Of who orders at all, no more than `most_orders` and
    `most_spend` (currency) are expected within the window. `churn_power`, `orders_stretch` and
    `spend_stretch` carry predictions from the training window to a longer horizon (1 where both
    are the same).
    """

    churn: tuple[float, float] = (0.0, 1.0)
    spend: Pool = Pool()
    orders: float = 1.0
    most_orders: float = NO_LIMIT
    most_spend: float = NO_LIMIT
    churn_power: float = 1.0
    orders_stretch: float = 1.0
    spend_stretch: float = 1.0

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Calibration:
        return cls(
            **{
                **values,
                "churn": tuple(values["churn"]),
                "spend": Pool.from_dict(values["spend"]),
            }
        )


def logit(p: np.ndarray) -> np.ndarray:
    """log(p / (1 - p)) of p kept within 1e-6 of 0 and 1, so within +-13.8."""
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return np.log(p / (1 - p))


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), within +-12."""
    return 1.0 / (1.0 + np.exp(-np.clip(x, -LOGIT_LIMIT, LOGIT_LIMIT)))


def churn_logit(
    boosted: np.ndarray, linear: np.ndarray, latent: np.ndarray, recurrent: np.ndarray
) -> np.ndarray:
    """Mean of the parts' logits of no order: booster (as a probability), logistic regression,
    autoencoder and recurrent network.
    """
    return (logit(boosted) + linear + latent + recurrent) / 4.0


def churn(logits: np.ndarray, c: Calibration) -> np.ndarray:
    """Calibrated probability of no order within the horizon, (n,)."""
    return sigmoid(c.churn[0] + c.churn[1] * logits) ** c.churn_power


def spend(experts: np.ndarray, churned: np.ndarray, c: Calibration) -> np.ndarray:
    """Expected spend within the horizon, (n,), >= 0, of experts (n, experts): not above the chance
    of an order times the most that anybody spends.
    """
    made = np.minimum(c.spend.spend(experts), (1.0 - churned) * c.most_spend)
    return made * c.spend_stretch


def orders(boosted: np.ndarray, churned: np.ndarray, c: Calibration) -> np.ndarray:
    """Expected orders within the horizon, (n,): never below the probability of one, nor above it
    times the most that anybody orders.
    """
    likely = 1.0 - churned
    made = np.minimum(boosted * c.orders, likely * c.most_orders) * c.orders_stretch
    return np.maximum(made, likely)
