"""Amounts that would drown everyone else's: what models may learn from them."""

from __future__ import annotations

import numpy as np

from features.population import FAR

QUANTILE = 0.99
TIMES = FAR  # of spend in a window, as the check counts lines
SLIP_TIMES = 1_000.0


def capped(spend: np.ndarray) -> np.ndarray:
    """Spend (n,) >= 0, cut at 20 times the 99th percentile of those who spent (of fewer than a
    hundred, the third largest); what lies above 1,000 times of it is a slip of the keyboard and
    counts as the largest of the others, since of 30 customers one who counted 20 times the largest
    would be most of the total. Models, rules and calibration learn from capped spend, reports are
    measured on spend as it is.

    >>> capped(np.array([0.0, 10.0, 12.0, 1e9])).tolist()
    [0.0, 10.0, 12.0, 12.0]
    """
    positive = np.sort(spend[spend > 0])
    if not len(positive):
        return spend
    # of the values below the largest: with few customers the outlier itself would set the cap
    below = positive[:-1] if len(positive) > 1 else positive
    usual = float(np.quantile(below, QUANTILE, method="lower"))
    made = np.minimum(spend, TIMES * usual)
    made[spend > SLIP_TIMES * usual] = positive[positive <= TIMES * usual][-1]
    return made
