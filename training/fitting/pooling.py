"""Fits how the experts' estimates of spend are pooled, on a window later than the training's.

Stacking (Wolpert 1992) with a log link: log spend is a level plus a weighted sum of the experts'
logs, weights >= 0 as in Breiman (1996), "Stacked regressions", fitted by Tweedie deviance. Weights
need not add up to 1: a window on which all experts are too bold shrinks them. They are held near
equal ones by `PRIOR` customers' worth of evidence, so that few customers choose little, and near
a sum of 1 by `SUM`, however many customers there are: all of them were seen in one window, and the
next will be another.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from training.outliers import capped
from training.prediction.blend import EXPERTS, Pool, units

POWER = 1.3
PRIOR = 10.0
SUM = 0.3


def fit(experts: np.ndarray, spend: np.ndarray) -> Pool:
    """The pool of `experts` (n, experts), currency, nan where unknown, that serves `spend` (n,)
    best, currency >= 0, outliers capped: what customers spent in a window that trained nothing.

    Experts that know nobody get no weight. Without any spend the boosted estimate stands alone.
    """
    able = ~np.isnan(experts).all(axis=0)
    if not spend.sum() > 0 or not able.any():
        return Pool()
    known = ~np.isnan(experts[:, able]).any(axis=1)
    if not spend[known].sum() > 0:
        known, able = np.ones(len(spend), dtype=bool), ~np.isnan(experts).any(axis=0)
    said, actual = experts[known][:, able], spend[known]
    levels = np.maximum([capped(one).mean() for one in said.T], 1e-9)
    chosen = _weights(units(said, levels), actual / actual.mean())
    weights, every = np.zeros(len(EXPERTS)), np.ones(len(EXPERTS))
    weights[able], every[able] = chosen, levels
    pool = Pool(tuple(weights.tolist()), tuple(every.tolist()), 1.0)
    level = spend.sum() / capped(pool.spend(experts)).sum()
    return Pool(pool.weights, pool.levels, float(level))


def _weights(logs: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Weights (experts,) of `logs` (n, experts) that minimise the mean Tweedie deviance of `actual`
    and the squares of what they are off equal ones, and their sum off 1.
    """
    n, experts = logs.shape
    even, held = np.full(experts, 1.0 / experts), PRIOR / n

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        off, more = values[1:] - even, values[1:].sum() - 1.0
        mean = np.exp(np.clip(values[0] + logs @ values[1:], -30.0, 30.0))
        deviance = mean ** (2 - POWER) / (2 - POWER) - actual * mean ** (1 - POWER) / (1 - POWER)
        slope = (mean ** (2 - POWER) - actual * mean ** (1 - POWER)) / n
        value = deviance.mean() + held * (off**2).sum() + SUM * more**2
        pull = 2 * held * off + 2 * SUM * more
        return float(value), np.append(slope.sum(), logs.T @ slope + pull)

    bounds = [(None, None), *[(0.0, None)] * experts]
    return minimize(
        loss, np.append(0.0, even), jac=True, method="L-BFGS-B", bounds=bounds,
        options={"maxiter": 1_000, "ftol": 1e-12, "gtol": 1e-8},
    ).x[1:]  # fmt: skip
