"""Learns the numbers of a `Preprocessor` from training rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.feature import Feature
from training.prediction.preprocessing import OTHER, Columns, Preprocessor

LEAST_SHARE = 0.005
#: Lenses in which a window of a year holds what comes round once, or campaigns a few times, a year.
SELDOM = ("occasion", "engagement")
YEAR_DAYS = 365
LINEAR_UNITS = ("share", "code", "category")
#: Without so many of the numbers, or with so many more rows beyond the range that it knows or of a
#: category that it does not, an earlier preprocessor hides too much of today's customers. (A share
#: of orders around a holiday begins to vary after the first: one number is no reason.)
MISSED, MORE_CLIPPED, MORE_OTHERS = 0.05, 0.1, 0.05


def fit(
    columns: Columns, features: Sequence[Feature], history_days: float, several: bool = False
) -> Preprocessor:
    """Learn the numbers of a `Preprocessor` from training rows.

    Columns that never vary are left out, and so are windows longer than `history_days` (what lies
    before every training cut-off at least): they would mean something else in training than
    later. With rows of `several` cut-offs the models see how such a window grows, and only
    what is seldom is left out: until all of a year has been seen it tells the date.
    """
    numeric: list[str] = []
    logged: list[bool] = []
    mean: list[float] = []
    scale: list[float] = []
    flagged: list[str] = []
    vocabulary: dict[str, tuple[str, ...]] = {}
    for feature in features:
        if feature.dtype == "category":
            vocabulary[feature.name] = _common(columns[feature.name])
            continue
        seldom = feature.lens in SELDOM and feature.window >= YEAR_DAYS
        if feature.window > history_days and (seldom or not several):
            continue
        raw = np.asarray(columns[feature.name], dtype=np.float64)
        seen = raw[np.isfinite(raw)]
        if len(seen) < 2 or seen.min() == seen.max():
            continue
        log = feature.unit not in LINEAR_UNITS
        values = np.sign(seen) * np.log1p(np.abs(seen)) if log else seen
        numeric.append(feature.name)
        logged.append(log)
        mean.append(float(values.mean()))
        scale.append(float(max(values.std(), 1e-6)))
        if len(seen) < len(raw):
            flagged.append(feature.name)
    return Preprocessor(
        tuple(numeric), tuple(logged), tuple(mean), tuple(scale), tuple(flagged), vocabulary
    )


def still_fits(earlier: Preprocessor, fresh: Preprocessor, columns: Columns) -> bool:
    """Whether `earlier`, learned from another history, tells of these rows what `fresh` does: takes
    in nearly all of its numbers, and clips and lumps together hardly more.
    """
    missed = set(fresh.numeric) - set(earlier.numeric)
    if len(missed) > MISSED * len(fresh.numeric):
        return False
    before, now = (float(p.outside(columns).any(axis=1).mean()) for p in (earlier, fresh))
    if before - now > MORE_CLIPPED:
        return False
    lumped, kept = ((p.codes(columns) == OTHER).mean(axis=0) for p in (earlier, fresh))
    return bool((lumped - kept <= MORE_OTHERS).all())


def _common(values: np.ndarray) -> tuple[str, ...]:
    known = [str(v) for v in values if v is not None]
    names, counts = np.unique(np.array(known, dtype=object), return_counts=True)
    keep = counts >= max(2, LEAST_SHARE * len(values))
    return tuple(sorted(str(n) for n in names[keep]))
