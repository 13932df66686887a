"""Contracts as numbers: one design for trees, a wider one of smooth terms for a linear model.

Terms are made by rule from the kinds of the columns, never from their names. The numbers of a rule
(knots, means, values that are common) are learned from training rows alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from features.ingestion.contract_rows import TENURE
from features.spec import Attribute

KNOTS = 5
#: Contracts that a value needs to be common: fewer tell what happened to them, not what will.
LEAST_ROWS, LEAST_SHARE = 10, 0.005


@dataclasses.dataclass(frozen=True)
class Design:
    """What was learned of the columns; all plain values.

    numbers : `TENURE` where there is one, columns of kind number, then ordered ones by their rank
    amounts : of these the numbers that are also told per unit of tenure
    ranks : the values of an ordered column, low to high
    vocabulary : the common values of a category; any other is told by no column, an unknown one
        by a column of its own where training rows had some
    middle : what a number is taken for where it is unknown (the median), beside a flag
    knots : where each number's straight line may bend
    kept, mean, scale : of the linear terms
    """

    numbers: tuple[str, ...]
    amounts: tuple[str, ...]
    ranks: dict[str, tuple[str, ...]]
    vocabulary: dict[str, tuple[str | None, ...]]
    middle: tuple[float, ...]
    knots: tuple[tuple[float, ...], ...]
    kept: tuple[int, ...] = ()
    mean: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()

    def trees(self, inputs: pd.DataFrame) -> np.ndarray:
        """(n, columns) float32 for trees: numbers, amounts per tenure, indicators; nan unknown."""
        parts = [self._numbers(inputs), self._indicators(inputs)]
        return np.column_stack(parts).astype(np.float32)

    def plain(self, inputs: pd.DataFrame) -> np.ndarray:
        """(n, columns) float64 of what any first model takes: filled numbers and indicators."""
        filled, flags = self._filled(self._numbers(inputs))
        first = len(self.numbers)
        return np.column_stack([filled[:, :first], flags, self._indicators(inputs)])

    def linear(self, inputs: pd.DataFrame) -> np.ndarray:
        """(n, terms) float64, standardised: every number as a line that bends at its knots and as
        its logarithm, amounts per tenure likewise, indicators of values and of what is unknown.
        """
        terms = self._terms(inputs)[:, list(self.kept)]
        return (terms - np.array(self.mean)) / np.array(self.scale)

    def _terms(self, inputs: pd.DataFrame) -> np.ndarray:
        filled, flags = self._filled(self._numbers(inputs))
        parts = [filled, np.sign(filled) * np.log1p(np.abs(filled)), flags]
        for column, knots in zip(filled.T, self.knots, strict=True):
            parts += [np.maximum(column - knot, 0.0) for knot in knots]
        return np.column_stack([*parts, self._indicators(inputs)])

    def _numbers(self, inputs: pd.DataFrame) -> np.ndarray:
        columns = [
            _ranked(inputs[name], self.ranks[name])
            if name in self.ranks
            else inputs[name].to_numpy(np.float64)
            for name in self.numbers
        ]
        if self.amounts:
            tenure = inputs[TENURE].to_numpy(np.float64)
            ran = np.where(tenure > 0, np.maximum(tenure, 1.0), np.nan)  # less than one is one
            columns += [inputs[name].to_numpy(np.float64) / ran for name in self.amounts]
        return np.column_stack(columns) if columns else np.empty((len(inputs), 0))

    def _filled(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        unknown = np.isnan(numbers)
        return np.where(unknown, np.array(self.middle), numbers), unknown.astype(np.float64)

    def _indicators(self, inputs: pd.DataFrame) -> np.ndarray:
        columns = [
            (inputs[name].isna() if value is None else inputs[name] == value).to_numpy(np.float64)
            for name, values in self.vocabulary.items()
            for value in values
        ]
        return np.column_stack(columns) if columns else np.empty((len(inputs), 0))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Design:
        """The design of `dataclasses.asdict`, also after a way through JSON."""
        made = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        for key in ("ranks", "vocabulary"):
            made[key] = {k: tuple(v) for k, v in values[key].items()}
        return cls(**made | {"knots": tuple(tuple(k) for k in values["knots"])})


def learn(inputs: pd.DataFrame, columns: Sequence[Attribute]) -> Design:
    """Learn a `Design` from training rows (`ingestion.contract_rows.Standing.inputs`).

    A column that is unknown throughout them is left out; so are linear terms that never vary, or
    are another's in other units.
    """
    known = [a for a in columns if inputs[a.name].notna().any()]
    measured = [a.name for a in known if a.kind == "number"]
    ranks = {a.name: a.order for a in known if a.kind == "ordered"}
    tenure = [TENURE] if TENURE in inputs and inputs[TENURE].notna().any() else []
    draft = Design(
        numbers=(*tenure, *measured, *ranks),
        amounts=tuple(measured) if tenure else (),
        ranks=ranks,
        vocabulary={a.name: _common(inputs[a.name]) for a in known if a.kind == "category"},
        middle=(),
        knots=(),
    )
    numbers = draft._numbers(inputs)
    seen = [column[~np.isnan(column)] for column in numbers.T]
    seen = [values if len(values) else np.zeros(1) for values in seen]
    inner = np.linspace(0, 1, KNOTS + 2)[1:-1]
    draft = dataclasses.replace(
        draft,
        middle=tuple(float(np.median(values)) for values in seen),
        knots=tuple(tuple(np.unique(np.quantile(v, inner)).tolist()) for v in seen),
    )
    terms = draft._terms(inputs)
    mean, scale = terms.mean(axis=0), terms.std(axis=0)
    varied = np.flatnonzero(scale > 1e-9)
    told = (terms - mean)[:, varied] / scale[varied]
    _, first = np.unique(told.round(9), axis=1, return_index=True)
    kept = varied[np.sort(first)]
    return dataclasses.replace(
        draft,
        kept=tuple(kept.tolist()),
        mean=tuple(mean[kept].tolist()),
        scale=tuple(scale[kept].tolist()),
    )


def _ranked(values: pd.Series, order: Sequence[str]) -> np.ndarray:
    rank = {value: float(i) for i, value in enumerate(order)}
    return values.map(rank).to_numpy(np.float64)


def _common(values: pd.Series) -> tuple[str | None, ...]:
    counts = values.value_counts()
    common = counts[counts >= max(LEAST_ROWS, LEAST_SHARE * len(values))]
    unknown = (None,) if values.isna().any() else ()
    return (*sorted(str(value) for value in common.index), *unknown)
