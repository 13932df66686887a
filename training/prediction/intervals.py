"""Spend intervals from a table of conformal bands; numpy only. `fitting.conformal` fits it."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np

LEAST_RETURN = 1e-3  # the least probability of an order that a mean is divided by


@dataclasses.dataclass(frozen=True)
class Bands:
    """How spend is spread around its mean, per band of predicted spend.

    A customer spends nothing with the probability of no order, p; else mean / (1 - p) times a
    ratio. `ratio[i][k]` is that ratio's quantile at level k / (levels - 1) in band i, ascending
    from 0. `centre` (ascending, root of currency) is each band's mean root prediction: between
    centres the quantiles are interpolated, beyond them kept, so that spread grows with value.

    An interval that holds `level` reaches from the quantile at `low` to the one at `high`.
    """

    level: float
    low: float
    high: float
    centre: tuple[float, ...]
    ratio: tuple[tuple[float, ...], ...]

    @classmethod
    def from_dict(cls, v: dict[str, Any]) -> Bands:
        ratio = tuple(tuple(band) for band in v["ratio"])
        return cls(v["level"], v["low"], v["high"], tuple(v["centre"]), ratio)

    def scaled(self, factor: float) -> Bands:
        """The bands that give the same intervals where expected spend is `factor` times as much."""
        ratio = tuple(tuple(value / factor for value in band) for band in self.ratio)
        return dataclasses.replace(self.carried(factor), ratio=ratio)

    def carried(self, factor: float) -> Bands:
        """The bands of customers of all of whom `factor` times as much is to be expected."""
        centre = tuple(factor**0.5 * centre for centre in self.centre)
        return dataclasses.replace(self, centre=centre)

    def interval(
        self, expected_spend: np.ndarray, churn_probability: np.ndarray, stretch: float = 1.0
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Low end, median and high end of spend, each (n,) in currency, >= 0 and in this order;
        the arguments as in `quantile`.
        """
        levels = np.array([[self.low], [0.5], [self.high]])
        low, median, high = self.quantile(levels, expected_spend, churn_probability, stretch)
        return low, median, high

    def quantile(
        self,
        level: float | np.ndarray,
        expected_spend: np.ndarray,
        churn_probability: np.ndarray,
        stretch: float = 1.0,
    ) -> np.ndarray:
        """Spend (n,), in currency, that a share `level` of such customers does not exceed: 0 up to
        their probability of no order, and never falling as the level rises. (k, n) for levels
        of shape (k, 1).

        `expected_spend` and `churn_probability` (n,) are over one horizon; `stretch` is the factor
        of spend between it and the window that the bands were learned over. What is never below 0
        lies above mean / (1 - level) with no more than the probability 1 - level (Markov): where a
        level moved away from the bands, they may say no more than that.
        """
        mean = np.maximum(expected_spend, 0.0)
        back = np.maximum(1.0 - churn_probability, LEAST_RETURN)
        table = self._table
        row = np.interp(np.sqrt(mean / stretch), self.centre, np.arange(len(table)))
        column = np.clip(1.0 - (1.0 - level) / back, 0.0, 1.0) * (table.shape[1] - 1)
        most = mean / np.maximum(1.0 - np.asarray(level), 1e-9)
        return np.minimum(_between(table, row, column) * mean / back, most)

    @functools.cached_property
    def _table(self) -> np.ndarray:
        return np.asarray(self.ratio)


def _between(table: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Values of `table` at fractional places within it, bilinear; `row` (n,) and `column` (n,) or
    (k, n).
    """
    top, left = row.astype(int), column.astype(int)
    bottom, right = np.minimum(top + 1, len(table) - 1), np.minimum(left + 1, table.shape[1] - 1)
    down, along = row - top, column - left
    above = (1 - along) * table[top, left] + along * table[top, right]
    below = (1 - along) * table[bottom, left] + along * table[bottom, right]
    return (1 - down) * above + down * below
