"""Spend of those who order, along a straight line in the amounts spent before; numpy only.

The other models see amounts as logarithms; what the best customers spend is told better by the
amounts themselves. Times the chance of an order: a hurdle model, Cragg (1971), "Some statistical
models for limited dependent variables". `fitting.linear` fits it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Amounts:
    """`intercept` + `weights` @ the feature `columns` (currency; null counts as 0), each kept
    within `low` and `high`, its range in training, and the sum not below `least`: currency.
    """

    columns: tuple[str, ...]
    weights: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    intercept: float
    least: float

    def spend(self, known: Mapping[str, np.ndarray], churned: np.ndarray) -> np.ndarray:
        """(n,) currency, expected within the window of customers with feature columns `known` and
        the chance `churned` (n,) of no order.
        """
        if_ordered = np.full(len(churned), self.intercept)
        for name, weight, low, high in zip(
            self.columns, self.weights, self.low, self.high, strict=True
        ):
            if_ordered += weight * np.clip(filled(known[name]), low, high)
        return (1.0 - churned) * np.maximum(if_ordered, self.least)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Amounts:
        plain: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in values.items()
        }
        return cls(**plain)


def filled(column: np.ndarray) -> np.ndarray:
    """(n,) float64: 0 where an amount is unknown."""
    values = np.asarray(column, dtype=np.float64)
    return np.where(np.isfinite(values), values, 0.0)
