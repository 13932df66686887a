"""Fits what makes raw scores honest, on a window later than the training's (numpy in, plain
numbers out).
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.optimize import brentq
from sklearn.linear_model import LogisticRegression

from training.outliers import capped
from training.prediction.blend import LOGIT_LIMIT, Calibration, churn, logit, sigmoid
from training.prediction.calibrated import Raw

LEAST_OF_EACH = 10


def platt(logits: np.ndarray, outcome: np.ndarray) -> tuple[float, float]:
    """Intercept and slope of Platt scaling (Platt 1999), sigmoid(intercept + slope * logit).

    With fewer than 10 of either outcome only the intercept is fitted (the base rate); with one
    outcome alone nothing can be learned and (0, 1) is returned.
    """
    ones = int(outcome.sum())
    if min(ones, len(outcome) - ones) == 0:
        return 0.0, 1.0
    logits = np.clip(logits, -LOGIT_LIMIT, LOGIT_LIMIT)
    if min(ones, len(outcome) - ones) < LEAST_OF_EACH:
        return intercept(logits, 1.0, float(outcome.mean())), 1.0
    model = LogisticRegression(C=1e4).fit(logits[:, None], outcome)
    slope = float(model.coef_[0, 0])
    if slope <= 0:  # a score that ranks backwards here is worth its base rate only
        return float(np.log(outcome.mean() / (1 - outcome.mean()))), 0.0
    return float(model.intercept_[0]), slope


def intercept(
    logits: np.ndarray, slope: float, rate: float, exposure: np.ndarray | float = 1.0
) -> float:
    """The intercept with which the probabilities sigmoid(intercept + slope * logit) have the mean
    `rate`, as near as a sigmoid comes to 0 and 1; where a part of each window was seen, `exposure`
    (n,), the probabilities of all of it, of which those of the part are powers.
    """
    logits, rate = np.clip(logits, -LOGIT_LIMIT, LOGIT_LIMIT), np.clip(rate, 1e-5, 1 - 1e-5)
    far = 2.0 * LOGIT_LIMIT * (slope + 1.0)

    def off(first: float) -> float:
        return float((sigmoid(first + slope * logits) ** exposure).mean() - rate)

    if off(-far) >= 0 or off(far) <= 0:  # a small part of a window never falls below some rate
        return -far if off(-far) >= 0 else far
    return float(brentq(off, -far, far))


def of_all(
    logits: np.ndarray, platt_of: tuple[float, float], exposure: float
) -> tuple[float, float]:
    """Platt scaling over all of a window, from that of its part `exposure` that was seen: the
    probability of no order is raised to the reciprocal.
    """
    seen = sigmoid(platt_of[0] + platt_of[1] * np.clip(logits, -LOGIT_LIMIT, LOGIT_LIMIT))
    if platt_of[1] == 0.0:  # one probability for everybody
        return float(logit(seen[0] ** (1.0 / exposure))), 0.0
    return _fitted(logits, seen ** (1.0 / exposure)) or platt_of


def total_scale(predicted: np.ndarray, actual: np.ndarray) -> float:
    """The factor that makes the predicted total equal the realised one; 1 where either is 0.

    Kept within a third to three, since one window is one season.
    """
    if predicted.sum() <= 0 or actual.sum() <= 0:
        return 1.0
    return float(np.clip(actual.sum() / predicted.sum(), 1 / 3, 3.0))


def transfer(learned: Calibration, teacher: Raw, pupil: Raw) -> Calibration:
    """The calibration that makes `pupil` agree on average with a calibrated `teacher`.

    Both are raw outputs for the same customers today, whose outcomes nobody knows yet. The
    pupil, fitted on later windows as well, needs another correction than the teacher, whose own
    was learned on windows that the pupil trained on; so the level comes from the teacher, the
    ranking from the pupil. Platt scaling is fitted to the teacher's probabilities.
    """
    platt_of = _fitted(pupil.churn_logit, churn(teacher.churn_logit, learned)) or learned.churn

    own, before, after = learned.spend, *(_means(raw.experts) for raw in (teacher, pupil))
    moved = np.where((before > 0) & (after > 0), after / np.where(before > 0, before, 1.0), 1.0)
    levels = tuple((np.asarray(own.levels) * moved).tolist())
    total = pupil.boosted_orders.sum()
    return dataclasses.replace(
        learned,
        churn=platt_of,
        spend=dataclasses.replace(own, levels=levels),
        orders=float(learned.orders * teacher.boosted_orders.sum() / total)
        if total > 0
        else learned.orders,
    )


def _fitted(logits: np.ndarray, wanted: np.ndarray) -> tuple[float, float] | None:
    """Platt scaling of the logits that comes nearest to the probabilities `wanted` (n,); None where
    it would rank backwards.
    """
    logits = np.clip(logits, -LOGIT_LIMIT, LOGIT_LIMIT)
    twice = np.concatenate([logits, logits])[:, None]
    outcome = np.repeat([1.0, 0.0], len(logits))
    model = LogisticRegression(C=1e4).fit(twice, outcome, np.concatenate([wanted, 1 - wanted]))
    slope = float(model.coef_[0, 0])
    return (float(model.intercept_[0]), slope) if slope > 0 else None


def _means(experts: np.ndarray) -> np.ndarray:
    """(experts,) mean over the customers that each knows something of; 0 where it knows nobody."""
    known = [one[~np.isnan(one)] for one in experts.T]
    return np.array([capped(one).mean() if len(one) else 0.0 for one in known])
