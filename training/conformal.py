"""Fits conformal bands on the calibration window: split conformal (Vovk et al. 2005; Lei et al.
2018) of root-spend residuals, one calibration per band of predicted value (Mondrian), so that
the promise holds for the best customers too and not only on average.
"""

from __future__ import annotations

import numpy as np

from training.intervals import Bands

LEAST_A_BAND = 60
MOST_BANDS = 10


def fit(expected_spend: np.ndarray, spend: np.ndarray, level: float) -> Bands:
    """Bands for a two-sided interval that holds `level` of the outcomes.

    Parameters
    ----------
    expected_spend, spend : (n,) currency, >= 0, of one window that trained nothing
    level : share of outcomes to hold, in (0, 1)
    """
    root, residual = np.sqrt(expected_spend), np.sqrt(spend) - np.sqrt(expected_spend)
    count = int(np.clip(len(root) // LEAST_A_BAND, 1, MOST_BANDS))
    tail = (1.0 - level) / 2.0
    centre, low, high = [], [], []
    for rows in np.array_split(np.argsort(root, kind="stable"), count):
        n = len(rows)
        # the finite-sample ranks of split conformal prediction: ceil((n + 1)(1 - tail)) / n
        upper = min(np.ceil((n + 1) * (1 - tail)) / n, 1.0)
        lower = max(np.floor((n + 1) * tail) / n, 0.0)
        centre.append(float(root[rows].mean()))
        low.append(float(np.quantile(residual[rows], lower, method="lower")))
        high.append(float(np.quantile(residual[rows], upper, method="higher")))
    for i in range(1, count):  # np.interp needs ascending centres; equal predictions may tie
        centre[i] = max(centre[i], centre[i - 1] + 1e-9)
    return Bands(level, tuple(centre), tuple(low), tuple(high))
