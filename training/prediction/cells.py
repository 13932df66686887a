"""Mean outcomes of RFM cells: a naive rule, and what is left to draw towards where no structural
model can be fitted; numpy only.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

AXES = ("recency_days", "orders", "spend")
PARTS = 3
#: A cell's means are drawn towards everybody's as by so many more customers.
SMOOTHED = 20.0


@dataclasses.dataclass(frozen=True)
class Cells:
    """Terciles of recency, orders and spend (`edges`, two an axis), and by cell (27) the share that
    ordered within the window, orders and spend (currency).
    """

    edges: tuple[tuple[float, ...], ...]
    returned: tuple[float, ...]
    orders: tuple[float, ...]
    spend: tuple[float, ...]

    @classmethod
    def fit(cls, known: Mapping[str, np.ndarray], orders: np.ndarray, spend: np.ndarray) -> Cells:
        """From feature columns `AXES` of customers with an order, and their outcomes, each (n,)."""
        thirds = np.arange(1, PARTS) / PARTS
        edges = tuple(
            tuple(np.quantile(known[axis], thirds).astype(float).tolist()) for axis in AXES
        )
        place = _place(known, edges)
        count = np.bincount(place, minlength=PARTS ** len(AXES))

        def means(values: npt.ArrayLike) -> tuple[float, ...]:
            values = np.asarray(values, dtype=np.float64)
            total = np.bincount(place, values, minlength=len(count))
            return tuple(((total + SMOOTHED * values.mean()) / (count + SMOOTHED)).tolist())

        return cls(edges, means(orders > 0), means(orders), means(spend))

    def columns(self, known: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """By the names in `prediction.structure.FEATURES`, each (n,); nan without an order."""
        place = _place(known, self.edges)
        none = ~(known["orders"] > 0)
        by_cell = {"return": self.returned, "orders": self.orders, "spend": self.spend}
        return {
            f"structural_{name}": np.where(none, np.nan, np.array(values)[place])
            for name, values in by_cell.items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any] | None) -> Cells | None:
        """The cells of a bundle; None where it needs none."""
        if not values:
            return None
        edges = tuple(tuple(axis) for axis in values["edges"])
        return cls(edges, *(tuple(values[name]) for name in ("returned", "orders", "spend")))


def _place(known: Mapping[str, np.ndarray], edges: tuple[tuple[float, ...], ...]) -> np.ndarray:
    place = np.zeros(len(known[AXES[0]]), dtype=np.int64)
    for axis, cuts in zip(AXES, edges, strict=True):
        place = place * PARTS + np.searchsorted(cuts, known[axis])
    return place
