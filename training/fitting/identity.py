"""Segments that keep their identity over retrains: new ones are matched to old one to one."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.optimize import linear_sum_assignment

LEAST_OVERLAP = 0.25


@dataclasses.dataclass(frozen=True)
class Matching:
    """What became of the old segments.

    `old_of[i]` is the index of the old segment that new segment i continues, or None (a birth);
    `deaths` are old indices that nothing continues; `kept` is the share of customers whose
    segment goes on under the same identity.
    """

    old_of: tuple[int | None, ...]
    deaths: tuple[int, ...]
    kept: float


def match(old: np.ndarray, new: np.ndarray, old_count: int, new_count: int) -> Matching:
    """Match by the overlap (Jaccard) of customers labelled by both models, (n,) indices each.

    The assignment maximises the summed Jaccard; a pair below .25 is no continuation.

    >>> match(np.array([0, 0, 1, 1, 1]), np.array([1, 1, 0, 0, 0]), 2, 2).old_of
    (1, 0)
    """
    migration = np.zeros((old_count, new_count), dtype=np.int64)
    np.add.at(migration, (old, new), 1)
    union = migration.sum(axis=1, keepdims=True) + migration.sum(axis=0, keepdims=True) - migration
    overlap = np.divide(migration, union, out=np.zeros(migration.shape), where=union > 0)
    old_of: list[int | None] = [None] * new_count
    for i, j in zip(*linear_sum_assignment(-overlap), strict=True):
        if overlap[i, j] >= LEAST_OVERLAP:
            old_of[j] = int(i)
    continued = {i for i in old_of if i is not None}
    kept = sum(migration[i, j] for j, i in enumerate(old_of) if i is not None)
    deaths = tuple(i for i in range(old_count) if i not in continued)
    return Matching(tuple(old_of), deaths, float(kept / max(len(old), 1)))
