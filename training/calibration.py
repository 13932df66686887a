"""Fits what makes raw scores honest, on a window later than the training's (numpy in, plain
numbers out).
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.optimize import brentq
from sklearn.linear_model import LogisticRegression

from training import blend
from training.blend import EXPERTS, LOGIT_LIMIT, Calibration, churn, sigmoid
from training.bundle import Raw
from training.outliers import capped

LEAST_OF_EACH = 10
#: The structural total, which loses nobody within the window, counts up to so many times the one
#: that does.
MOST_LASTING = 1.1


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
        rate = np.clip(outcome.mean(), 1e-5, 1 - 1e-5)  # sigmoid reaches no further
        return float(brentq(lambda a: sigmoid(a + logits).mean() - rate, -30.0, 30.0)), 1.0
    model = LogisticRegression(C=1e4).fit(logits[:, None], outcome)
    slope = float(model.coef_[0, 0])
    if slope <= 0:  # a score that ranks backwards here is worth its base rate only
        return float(np.log(outcome.mean() / (1 - outcome.mean()))), 0.0
    return float(model.intercept_[0]), slope


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
    wanted = churn(teacher.churn_logit, learned)
    logits = np.clip(pupil.churn_logit, -LOGIT_LIMIT, LOGIT_LIMIT)
    twice = np.concatenate([logits, logits])[:, None]
    outcome = np.repeat([1.0, 0.0], len(logits))
    model = LogisticRegression(C=1e4).fit(twice, outcome, np.concatenate([wanted, 1 - wanted]))
    slope = float(model.coef_[0, 0])
    platt_of = (float(model.intercept_[0]), slope) if slope > 0 else learned.churn

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


def combined(c: Calibration, raw: Raw, cutoffs: int, lasting: float = 1.0) -> Calibration:
    """The calibration; where training stood at one of its `cutoffs`, with its level half way (in
    logs) to what the structural model expects of the same customers in total: the mean of two
    forecasts that err in different ways.

    Such a model never saw customers age: the learned level is that of the calibration window,
    carried on as if they did not. The structural one knows who has left by now and how often the
    others order, and nothing else; nobody leaves within its window, which counts for a tenth more
    at most: `lasting` is the share that remains where customers may leave
    (`training.structure.Prior.lasting`). Equal weights are hard to beat (Bates & Granger 1969;
    Timmermann 2006, "Forecast combinations", section 7.1), and one window is too little to learn
    others from. Expected orders move with spend, so that what an order brings
    stays. As it was where the structural models were refused.
    """
    if cutoffs > 1:
        return c
    structural = raw.experts[:, EXPERTS.index("structural")]
    known = np.flatnonzero(~np.isnan(structural))
    counted = known[capped(structural[known]) == structural[known]]  # an outlier is no forecast
    ours = blend.spend(raw.experts, churn(raw.churn_logit, c), c)[counted].sum() / c.spend_stretch
    theirs = structural[counted].sum() * min(1.0, MOST_LASTING * lasting)
    if ours <= 0 or theirs <= 0:
        return c
    half = float(np.sqrt(np.clip(theirs / ours, 1 / 3, 3.0)))
    pool = dataclasses.replace(c.spend, level=c.spend.level * half)
    return dataclasses.replace(c, spend=pool, orders=c.orders * half)


def _means(experts: np.ndarray) -> np.ndarray:
    """(experts,) mean over the customers that each knows something of; 0 where it knows nobody."""
    known = [one[~np.isnan(one)] for one in experts.T]
    return np.array([capped(one).mean() if len(one) else 0.0 for one in known])
