"""Feature rows -> the numbers that every model here takes in; numpy only: serving runs it.

What fits the numbers stands in `fitting.scaling`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

Columns = Mapping[str, np.ndarray]
CLIP = 4.0
UNKNOWN, OTHER = 0, 1


@dataclasses.dataclass(frozen=True)
class Preprocessor:
    """Plain numbers that turn feature columns into a matrix and category codes.

    Numeric columns: signed log1p unless a share or a code, then standardised with the training
    rows' mean and deviation and clipped to +-4; null becomes 0 (the mean), and columns with
    nulls in training carry a 0/1 flag. Categories: code 0 is unknown (null), 1 any value not
    seen (or too rare) in training, then `vocabulary` in order.
    """

    numeric: tuple[str, ...]
    logged: tuple[bool, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    flagged: tuple[str, ...]
    vocabulary: dict[str, tuple[str, ...]]

    @property
    def inputs(self) -> list[str]:
        """Names of the columns of the matrix that `numbers` makes."""
        return [*self.numeric, *(f"{name} is unknown" for name in self.flagged)]

    @property
    def cardinalities(self) -> list[int]:
        """Number of codes of each category column."""
        return [len(values) + 2 for values in self.vocabulary.values()]

    def _standardised(self, columns: Columns) -> np.ndarray:
        values = np.column_stack([np.asarray(columns[n], dtype=np.float64) for n in self.numeric])
        values[~np.isfinite(values)] = np.nan
        logged = np.array(self.logged)
        values[:, logged] = np.sign(values[:, logged]) * np.log1p(np.abs(values[:, logged]))
        values -= np.array(self.mean)
        values /= np.array(self.scale)
        return values

    def numbers(self, columns: Columns) -> np.ndarray:
        """(n, inputs) float32, without nulls."""
        values = self._standardised(columns)
        unknown = np.isnan(values)
        values = np.where(unknown, 0.0, np.clip(values, -CLIP, CLIP))
        flags = unknown[:, [self.numeric.index(n) for n in self.flagged]]
        return np.hstack([values, flags]).astype(np.float32)

    def codes(self, columns: Columns) -> np.ndarray:
        """(n, categories) int64."""
        made = np.zeros((len(next(iter(columns.values()))), len(self.vocabulary)), dtype=np.int64)
        for j, (name, values) in enumerate(self.vocabulary.items()):
            place = {value: i + 2 for i, value in enumerate(values)}
            made[:, j] = [UNKNOWN if v is None else place.get(v, OTHER) for v in columns[name]]
        return made

    def design(self, columns: Columns) -> np.ndarray:
        """(n, inputs + one column a category code) float32: what every model takes in."""
        parts, codes = [self.numbers(columns)], self.codes(columns)
        for j, size in enumerate(self.cardinalities):
            parts.append((codes[:, [j]] == np.arange(size)).astype(np.float32))
        return np.hstack(parts)

    @property
    def design_names(self) -> list[str]:
        """Names of the columns of `design`."""
        names = self.inputs
        for name, values in self.vocabulary.items():
            names += [f"{name} = {v}" for v in ("unknown", "other", *values)]
        return names

    @property
    def groups(self) -> list[int]:
        """For each column of `design`, which feature it comes from (flags share their number's)."""
        made = list(range(len(self.numeric))) + [self.numeric.index(n) for n in self.flagged]
        for j, size in enumerate(self.cardinalities):
            made += [len(self.numeric) + j] * size
        return made

    def outside(self, columns: Columns) -> np.ndarray:
        """(n, numeric) bool: which numbers lie so far from training's that the model clips them."""
        return np.abs(self._standardised(columns)) > CLIP

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Preprocessor:
        vocabulary = {k: tuple(v) for k, v in values["vocabulary"].items()}
        plain = {k: tuple(v) for k, v in values.items() if k != "vocabulary"}
        return cls(vocabulary=vocabulary, **plain)
