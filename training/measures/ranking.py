"""How one column alone ranks rows, by what rows that are not among them teach.

Its values are sorted into groups, and each group's mean outcome ranks; so does the value as it
stands. Null is a group of its own, so that a value which is known only of those who left shows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

GROUPS = 20
#: A group's mean is drawn towards everybody's as by ten more rows, or ids would predict.
SMOOTHED = 10.0


def by_value(
    then: pd.Series, now: pd.Series, past: np.ndarray, metric: Callable[[Any, Any], float],
    texts: bool,
) -> list[np.ndarray]:  # fmt: skip
    """Two rankings of the rows of `now`, each (n,): by the mean outcome `past` of the value's group
    in `then`, and by the value as it stands (`texts` in the order of the alphabet), up or down as
    it ranked there. A date of the last order means another thing at each cut-off, and only the
    second finds it.
    """
    before, after = _numbers(then, now, texts)
    known = np.unique(before[~np.isnan(before)])
    if not len(known):
        return [np.full(len(now), past.mean())]
    edges = known
    if not texts and len(known) > GROUPS:
        quantiles = np.quantile(before[~np.isnan(before)], np.arange(1, GROUPS) / GROUPS)
        edges = np.unique(quantiles)
    codes = [
        np.where(np.isnan(values), 0, 1 + np.searchsorted(edges, values))
        for values in (before, after)
    ]
    if texts:  # one that was not there then is not its neighbour in the alphabet
        codes[1] = np.where(np.isnan(after) | np.isin(after, known), codes[1], len(edges) + 1)
    middle = np.median(before[~np.isnan(before)])
    filled = [np.where(np.isnan(values), middle, values) for values in (before, after)]
    up = metric(past, filled[0]) >= metric(past, -filled[0])
    return [_means(codes[0], codes[1], past), filled[1] if up else -filled[1]]


def by_presence(then: pd.Series, now: pd.Series, past: np.ndarray) -> np.ndarray:
    """(n,) the rows of `now` ranked by whether the value is known, and by nothing else."""
    return _means(then.notna().to_numpy(int), now.notna().to_numpy(int), past)


def _numbers(one: pd.Series, other: pd.Series, texts: bool) -> tuple[np.ndarray, np.ndarray]:
    """The values of both, nan where null; texts as their places in the alphabet."""
    if not texts:
        return one.to_numpy(np.float64), other.to_numpy(np.float64)
    names = sorted({*one.dropna(), *other.dropna()})
    place = {name: float(i) for i, name in enumerate(names)}
    return one.map(place).to_numpy(np.float64), other.map(place).to_numpy(np.float64)


def _means(then: np.ndarray, now: np.ndarray, past: np.ndarray) -> np.ndarray:
    """Codes from 0 up -> the smoothed mean of `past` by code; everybody's where it is new."""
    size = int(max(then.max(), now.max())) + 1
    total = np.bincount(then, past, minlength=size)
    count = np.bincount(then, minlength=size)
    means = (total + SMOOTHED * past.mean()) / (count + SMOOTHED)
    return np.asarray(means[now])
