"""Linear models, on the design and on amounts: what trees cannot do, go on along a line."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge, TweedieRegressor

from training.outliers import capped
from training.prediction.amounts import Amounts, filled

CHURN_C = 0.03
SPEND_ALPHA = 0.01
AMOUNTS_ALPHA = 0.1  # times the rows
LEAST = 0.05  # of the mean spend of those who order


@dataclasses.dataclass(frozen=True)
class Linear:
    """Both models: logits of no order, and log spend, which stays within the range that it had in
    training. `weights` (columns, 2), `biases` (2,), `range` (2,) of log spend.
    """

    weights: np.ndarray
    biases: np.ndarray
    range: np.ndarray


def fit(design: np.ndarray, churned: np.ndarray, spend: np.ndarray, power: float) -> Linear:
    """Logistic regression of churn and Tweedie regression of spend (log link).

    `design` is (n, columns), `churned` (n,) 0 or 1, `spend` (n,) currency >= 0, `power` Tweedie's.
    """
    design = design.astype(np.float64)
    churn, worth = _logistic(design, churned), _tweedie(design, spend.astype(np.float64), power)
    said = design @ worth[0] + worth[1]
    return Linear(
        np.column_stack([churn[0], worth[0]]),
        np.array([churn[1], worth[1]]),
        np.array([said.min(), said.max()]),
    )


def amounts(known: Mapping[str, np.ndarray], columns: Sequence[str], spend: np.ndarray) -> Amounts:
    """Ridge regression of `spend` (n,), currency, of customers who ordered, on those of their
    feature columns `known` that are amounts. Without any such customer it expects next to nothing.
    """
    mean = max(float(spend.mean()), 1e-9) if len(spend) else 1e-9
    if len(spend) < 2 or not columns:
        return Amounts((), (), (), (), mean, mean)
    seen = np.column_stack([_bounded(filled(known[name])) for name in columns])
    centre, scale = seen.mean(axis=0), np.maximum(seen.std(axis=0), 1e-9)
    model = Ridge(alpha=AMOUNTS_ALPHA * len(spend)).fit((seen - centre) / scale, spend)
    weights = model.coef_ / scale
    return Amounts(
        tuple(columns),
        tuple(weights.tolist()),
        tuple(seen.min(axis=0).tolist()),
        tuple(seen.max(axis=0).tolist()),
        float(model.intercept_ - weights @ centre),
        LEAST * mean,
    )


def _bounded(amounts: np.ndarray) -> np.ndarray:
    """Without amounts beyond all others, on either side of 0: one would be all of a column's
    spread.
    """
    most = capped(np.abs(amounts)).max()
    return np.clip(amounts, -most, most)


def _logistic(design: np.ndarray, churned: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights (columns,) and intercept of the logit of no order."""
    share = float(churned.mean())
    if share in (0.0, 1.0):
        edge = np.clip(share, 1e-3, 1 - 1e-3)
        return np.zeros(design.shape[1]), float(np.log(edge / (1 - edge)))
    model = LogisticRegression(C=CHURN_C, max_iter=500).fit(design, churned)
    return model.coef_[0].astype(np.float64), float(model.intercept_[0])


def _tweedie(design: np.ndarray, spend: np.ndarray, power: float) -> tuple[np.ndarray, float]:
    """Weights (columns,) and intercept of log expected spend."""
    mean = float(spend.mean())
    if not mean > 0:
        return np.zeros(design.shape[1]), float(np.log(1e-9))
    model = TweedieRegressor(
        power=power, link="log", alpha=SPEND_ALPHA, solver="newton-cholesky", max_iter=100
    ).fit(design, spend / mean)
    return model.coef_.astype(np.float64), float(model.intercept_ + np.log(mean))
