"""The strong rival: LightGBM on our features, several cut-offs stacked, with linear models.

What a careful practitioner would build with the same features in an afternoon: once of all that say
something alone, once with the periods beside them, which nothing reads in order here. Churn is the
mean logit of LightGBM and a logistic regression; spend a mean of LightGBM (Tweedie, half of it), a
Tweedie regression with a log link and a ridge regression on the amounts themselves. All of it is
fitted on windows that end by the cut-off.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from model_rivals import TREES, Past, Said, corrected
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge, TweedieRegressor

from features import catalog
from features.feature import Feature
from training.fitting import boosting, scaling
from training.fitting.fit import table
from training.outliers import capped
from training.prediction.blend import logit
from training.prediction.bundle import to_columns

LINEAR_C = 0.03
RIDGE = 300.0
TWEEDIE = 0.1
FAR = 50.0


def blended(p: Past, periods: bool = False) -> Said:
    """Fitted on the whole stack, with half of a correction (`model_rivals.corrected`)."""
    features = catalog.features(p.spec) if periods else catalog.tabular(p.spec)
    return corrected(lambda train, others: _fitted(train, features, others), p)


def _fitted(
    train: pd.DataFrame, features: Sequence[Feature], others: Sequence[pd.DataFrame]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """(logit of no order, spend over the window) of each of the other frames' rows."""
    prepared = scaling.fit(to_columns(table(train)), features, np.inf)
    amounts = [f.name for f in features if f.unit == "currency" and f.dtype != "category"]
    raw = train[amounts].fillna(0.0).to_numpy(np.float64)
    mean, deviation = raw.mean(axis=0), np.maximum(raw.std(axis=0), 1e-9)

    def inputs(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        design = prepared.design(to_columns(table(frame))).astype(np.float64)
        money = (frame[amounts].fillna(0.0).to_numpy(np.float64) - mean) / deviation
        return design, np.hstack([design, np.clip(money, -FAR, FAR)])

    design, with_money = inputs(train)
    churned = (train.future_orders == 0).to_numpy(np.float64)
    spent = capped(train.future_spend.to_numpy(np.float64))
    trees = [boosting.fit("binary", design, churned, TREES),
             boosting.fit("tweedie", design, spent, TREES)]  # fmt: skip
    level = max(spent.mean(), 1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # near enough, and penalised
        logistic = LogisticRegression(C=LINEAR_C, max_iter=500).fit(design, churned)
        tweedie = TweedieRegressor(power=1.5, link="log", alpha=TWEEDIE, max_iter=300)
        tweedie.fit(design, spent / level)
    ridge = Ridge(alpha=RIDGE).fit(with_money, spent)
    made = []
    for frame in others:
        x, more = inputs(frame)
        linear = np.minimum(tweedie.predict(x) * level, spent.max())
        straight = np.maximum(ridge.predict(more), 0.0)
        made.append((
            (logit(trees[0].predict(x)) + logistic.decision_function(x)) / 2.0,
            (2.0 * trees[1].predict(x) + linear + straight) / 4.0,
        ))  # fmt: skip
    return made
