"""Fits conformal bands on the calibration window: split conformal (Vovk et al. 2005; Lei et al.
2018) in two steps.

In each band of predicted value, the quantiles of what those who spent did spend, over what was to
be expected of them if they did: the shape differs between bands, so that the promise holds for
the best customers too. Joined to the probability of spending nothing, they make each customer's
own quantiles. Then the levels at which an interval is cut are widened until no more of all
outcomes, those of nothing included, lie outside than the finite-sample rank allows (nested
conformal sets: Gupta, Kuchibhotla & Ramdas 2022); they are never narrowed.
"""

from __future__ import annotations

from bisect import bisect_left

import numpy as np

from training.prediction.intervals import LEAST_RETURN, Bands

LEAST_A_BAND = 60  # customers who spent
MOST_BANDS = 5
LEVELS = 101  # of the table of ratios: per cent
STEP = 0.001  # of a cut


def fit(
    expected_spend: np.ndarray, churn_probability: np.ndarray, spend: np.ndarray, level: float
) -> Bands:
    """Bands for a two-sided interval that holds `level` of the outcomes.

    Parameters
    ----------
    expected_spend, spend : (n,) currency, >= 0, of one window that trained nothing. Calibration
        was learned of the same window: of a hundred customers a point more than the rank allows
        may lie above an interval, of a thousand a tenth of one
    churn_probability : (n,) calibrated probability of no order in that window
    level : share of outcomes to hold, in (0, 1)

    Where nobody spent, the interval is nothing for everybody.
    """
    root, spent = np.sqrt(expected_spend), np.flatnonzero(spend > 0)
    back = np.maximum(1.0 - churn_probability, LEAST_RETURN)
    ratio = spend * back / np.maximum(expected_spend, 1e-9)
    count = int(np.clip(len(spent) // LEAST_A_BAND, 1, MOST_BANDS))
    centre, table = [], []
    for rows in np.array_split(spent[np.argsort(root[spent], kind="stable")], count):
        centre.append(float(root[rows].mean()) if len(rows) else 0.0)
        values = ratio[rows] if len(rows) else np.zeros(1)
        # from 0, so that an end moves on steadily where its level passes the probability of no
        # order
        table.append((0.0, *np.quantile(values, np.linspace(0, 1, LEVELS)[1:]).tolist()))
    for i in range(1, count):  # np.interp needs ascending centres; equal predictions may tie
        centre[i] = max(centre[i], centre[i - 1] + 1e-9)
    tail = (1.0 - level) / 2.0
    bands = Bands(level, tail, 1.0 - tail, tuple(centre), tuple(table))
    allowed = len(spend) - min(np.ceil((len(spend) + 1) * (1.0 - tail)), len(spend))

    def low(step: int) -> float:
        return max(tail - step * STEP, 0.0)

    def high(step: int) -> float:
        return min(1.0 - tail + step * STEP, 1.0)

    def quantile(at: float) -> np.ndarray:
        return bands.quantile(at, expected_spend, churn_probability)

    steps = range(int(np.ceil(tail / STEP)))  # the last one, where all else fails, is everything
    below = bisect_left(steps, True, key=lambda i: (spend < quantile(low(i))).sum() <= allowed)
    above = bisect_left(steps, True, key=lambda i: (spend > quantile(high(i))).sum() <= allowed)
    return Bands(level, low(below), high(above), bands.centre, bands.ratio)
