"""Spend intervals from a table of conformal bands; numpy only. `training.conformal` fits it."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Bands:
    """Residual quantiles of root spend per band of predicted spend.

    `centre` (ascending, root of currency) is each band's mean root prediction; `low` and `high`
    are the residual quantiles there. Between centres they are interpolated, beyond them scaled
    in proportion to the prediction, since spread grows with value.
    """

    level: float
    centre: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    @classmethod
    def from_dict(cls, v: dict[str, Any]) -> Bands:
        return cls(v["level"], tuple(v["centre"]), tuple(v["low"]), tuple(v["high"]))

    def interval(
        self, expected_spend: np.ndarray, stretch: float = 1.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """(low, high) of spend, both (n,) in currency and >= 0.

        `stretch` is the factor between the horizon of `expected_spend` and the window that the
        bands were learned over.
        """
        root = np.sqrt(np.maximum(expected_spend, 0.0) / stretch)
        beyond = np.maximum(root / max(self.centre[-1], 1e-9), 1.0)
        low = root + np.interp(root, self.centre, self.low) * beyond
        high = root + np.interp(root, self.centre, self.high) * beyond
        low, high = np.maximum(low, 0.0) ** 2, np.maximum(high, 0.0) ** 2
        return low * stretch, np.maximum(high, low) * stretch
