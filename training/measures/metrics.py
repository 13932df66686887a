"""Measures: pure functions of what happened and what was said beforehand.

Each takes numpy arrays (anything `numpy.asarray` reads) of shape ``(n,)``, row i of every argument
being the same customer, and returns a plain float. Three rules hold throughout:

- **Undefined is nan**, never a made-up number: the AUC of one class, a share of a total of nothing.
  Each docstring says when.
- **Row order is irrelevant.** Where a measure sorts by prediction, customers of equal prediction
  share their mean outcome, which is the expectation over every way of breaking the tie at random.
- **A wrong call raises ValueError:** unequal lengths, no rows, nan or infinity, an outcome that is
  not 0 or 1.

May not import pandas or mlflow, nor anything of training that fits.
"""

import numpy as np
import numpy.typing as npt
from scipy import stats
from sklearn import metrics as sklearn_metrics

from training.measures import arguments
from training.measures.arguments import Floats

BINS = 10

# ---------------------------------------------------------------------------------- probabilities


def roc_auc(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> float:
    """Chance that a customer with outcome 1 is ranked above one with 0, ties counting half.

    `truth` is 0 or 1, `prediction` any score. nan where only one outcome occurs.

    >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    outcome, score = arguments.outcomes(truth, prediction)
    if outcome.min() == outcome.max():
        return float("nan")
    return float(sklearn_metrics.roc_auc_score(outcome, score))


def pr_auc(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> float:
    """Average precision, sum of (R_k - R_k-1) P_k over thresholds k, without interpolation.

    `truth` is 0 or 1, `prediction` any score. nan where outcome 1 does not occur. A score that
    knows nothing earns the share of 1s.

    >>> round(pr_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
    0.8333
    """
    outcome, score = arguments.outcomes(truth, prediction)
    if outcome.max() == 0:
        return float("nan")
    return float(sklearn_metrics.average_precision_score(outcome, score))


def brier(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> float:
    """Mean squared distance of a probability in [0, 1] from the outcome 0 or 1 (Brier 1950).

    >>> round(brier([0, 1], [0.2, 0.6]), 4)
    0.1
    """
    outcome, probability = arguments.probabilities(truth, prediction)
    return float(np.mean((outcome - probability) ** 2))


def ece(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> float:
    """Expected calibration error over 10 bins of equal count (Naeini, Cooper, Hauskrecht 2015).

    Mean over customers of |share of 1s - mean probability| in the customer's bin. Fewer than ten
    customers make as many bins as there are customers. A perfectly calibrated model does not reach
    0: chance alone leaves about 0.01 at 7,000 rows and a rate of a quarter.

    >>> round(ece([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5]), 4)
    0.0
    >>> round(ece([1, 1, 1, 1], [0.9, 0.9, 0.8, 0.8]), 4)
    0.15
    """
    outcome, probability = arguments.probabilities(truth, prediction)
    observed, said, count = _binned(outcome, probability)
    return float(np.sum(count * np.abs(observed - said)) / np.sum(count))


# ---------------------------------------------------------------------------------------- amounts


def normalized_gini(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Gini of the ranking by `predicted` over the Gini of the perfect ranking.

    Wang, Liu, Miao (2019), "A Deep Probabilistic Model for Customer Lifetime Value Prediction",
    section 5: the area between the gain curve (share of all spend that the top share of customers
    brought) and the diagonal, over the same area for customers sorted by what they did spend.
    1 is the perfect ranking, 0 a ranking that knows nothing, -1 the perfect one upside down.

    Ties are broken at random: the mean over every order of the tied customers is a straight
    segment of the gain curve, so it is computed exactly and needs no seed. The area is that of the
    trapezium rule, under which one prediction for all earns exactly 0 (the authors' code adds up
    rectangles and earns 1/n there).

    `actual` is not negative. nan where all customers spent the same (nothing, for one).

    >>> normalized_gini([0, 1, 2, 3], [10, 20, 30, 40])
    1.0
    >>> normalized_gini([0, 1, 2, 3], [7, 7, 7, 7])
    0.0
    """
    spent, score = arguments.amounts(actual, predicted)
    best = _gini(spent, spent)
    return _gini(spent, score) / best if best > 0 else float("nan")


def gain_at(actual: npt.ArrayLike, predicted: npt.ArrayLike, share: float) -> float:
    """Share of all that customers brought which the top `share` of them by `predicted` brought.

    Ties at the border, and a border within a customer, are shared out in proportion. A ranking
    that knows nothing earns `share`; divide by it for the lift. `actual` (spend, or an outcome
    0 or 1) is not negative; nan where it sums to 0.

    >>> gain_at([6, 2, 1, 1], [4, 3, 2, 1], 0.25)
    0.6
    """
    if not 0 < share <= 1:
        raise ValueError(f"A share lies above 0 and up to 1. Seen: {share}.")
    spent, score = arguments.amounts(actual, predicted)
    customers, gained = _gain_curve(spent, score)
    if gained[-1] == 0:
        return float("nan")
    return float(np.interp(share * len(spent), customers, gained) / gained[-1])


def spearman(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Spearman's rank correlation, ties given their mean rank.

    nan where either is constant. On mostly-zero spend it rewards ties: read `normalized_gini`.

    >>> round(spearman([1, 2, 3, 4], [1, 2, 4, 3]), 4)
    0.8
    """
    first, second = arguments.paired(actual, predicted)
    if first.min() == first.max() or second.min() == second.max():
        return float("nan")
    return float(stats.spearmanr(first, second).statistic)


def rmse(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Root of the mean squared error, in the unit of `actual`.

    >>> rmse([0, 0], [3, 3])
    3.0
    """
    first, second = arguments.paired(actual, predicted)
    return float(np.sqrt(np.mean((first - second) ** 2)))


def mae_over_mean(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Mean absolute error over the mean of `actual`; nan where that mean is 0.

    >>> mae_over_mean([1, 3], [2, 2])
    0.5
    """
    first, second = arguments.paired(actual, predicted)
    mean = float(np.mean(first))
    return float(np.mean(np.abs(first - second))) / mean if mean != 0 else float("nan")


def decile_mape(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Mean over the deciles of prediction of |mean actual - mean predicted| / mean actual.

    Wang, Liu, Miao (2019), section 5. Deciles are ten groups of equal count (as many as there are
    customers, where those are fewer). A decile that brought exactly 0 has no relative error: it
    counts as 0 where 0 was predicted too, and as 1 otherwise. Left out, it would forgive every
    prediction made there.

    >>> round(decile_mape([1, 2], [1, 3]), 4)
    0.25
    >>> decile_mape([0, 2], [1, 2])
    0.5
    """
    spent, score = arguments.paired(actual, predicted)
    observed, said, _ = _binned(spent, score)
    distance = np.abs(observed - said)
    nothing = observed == 0
    relative = distance / np.where(nothing, 1.0, np.abs(observed))
    return float(np.mean(np.where(nothing, (distance > 0).astype(np.float64), relative)))


def total_bias(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Sum of what was predicted over the sum of what came, less 1; nan where nothing came.

    >>> total_bias([1, 1], [1, 2])
    0.5
    """
    first, second = arguments.paired(actual, predicted)
    total = float(np.sum(first))
    return float(np.sum(second)) / total - 1 if total != 0 else float("nan")


def absolute_bias(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """How far the total is off, whichever way.

    >>> absolute_bias([1, 1], [1, 0])
    0.5
    """
    return abs(total_bias(actual, predicted))


# -------------------------------------------------------------------------------------- intervals


def coverage(actual: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike) -> float:
    """Share of customers whose `actual` lies in [low, high], both ends included.

    >>> coverage([0, 5], [0, 6], [1, 7])
    0.5
    """
    value, bottom, top = arguments.interval(actual, low, high)
    return float(np.mean((bottom <= value) & (value <= top)))


def interval_scores(
    actual: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike, level: float
) -> Floats:
    """Interval score of central intervals at `level`, shape ``(n,)``; smaller is better, unit of
    `actual`.

    Gneiting & Raftery (2007), eq. 43, with alpha = 1 - level: the width, and 2 / alpha for each
    unit by which the interval missed.

    >>> interval_scores([0, 5], [0, 6], [1, 7], level=0.5).tolist()
    [1.0, 5.0]
    """
    if not 0 < level < 1:
        raise ValueError(f"An interval's level lies between 0 and 1. Seen: {level}.")
    value, bottom, top = arguments.interval(actual, low, high)
    missed = np.maximum(bottom - value, 0) + np.maximum(value - top, 0)
    return top - bottom + 2 / (1 - level) * missed


# ----------------------------------------------------------------------------- sorting and binning


def _gain_curve(actual: Floats, predicted: Floats) -> tuple[Floats, Floats]:
    """Customers and spend gathered from the highest prediction down, a point per distinct value.

    Both start at 0. Between two points the curve is straight: the expectation over the orders of
    the customers tied there.
    """
    distinct, member = np.unique(-predicted, return_inverse=True)
    customers = np.cumsum(np.bincount(member, minlength=len(distinct)))
    gained = np.cumsum(np.bincount(member, actual, minlength=len(distinct)))
    return np.concatenate([[0.0], customers]), np.concatenate([[0.0], gained])


def _gini(actual: Floats, predicted: Floats) -> float:
    """Twice the area between gain curve and diagonal; nan where `actual` sums to 0."""
    if actual.min() == actual.max():
        return 0.0 if actual[0] > 0 else float("nan")
    customers, gained = _gain_curve(actual, predicted)
    area = np.trapezoid(gained, customers) / (customers[-1] * gained[-1])
    return float(2 * area - 1)


def _binned(truth: Floats, prediction: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean truth, mean prediction and count of up to ten bins of equal count by prediction.

    Customers of equal prediction all carry their common mean truth, so that a tie cut by a bin's
    border depends on nobody's place in the array.
    """
    distinct, member, tied = np.unique(prediction, return_inverse=True, return_counts=True)
    shared = np.repeat(np.bincount(member, truth) / tied, tied)
    said = np.repeat(distinct, tied)
    rows = len(truth)
    borders = np.linspace(0, rows, min(BINS, rows) + 1).astype(np.int64)
    count = np.diff(borders).astype(np.float64)
    observed = np.add.reduceat(shared, borders[:-1]) / count
    return observed, np.add.reduceat(said, borders[:-1]) / count, count
