"""Is the difference real? Paired bootstrap intervals around any measure of `measures.metrics`.

Customers are drawn with replacement, the same draw for both predictions, so what is common to
them (which customers happened to be in the test) cancels out of the difference (Efron & Tibshirani
1993, chapter 13: percentile intervals). Where a customer has several rows, `groups` says whose each
is, and a customer is drawn with all of them: rows of one customer are alike, and drawn one by one
they would pass for as many customers (Davison & Hinkley 1997, section 3.8; Field & Welsh 2007).

A draw is a count for each row. The measures that sort are sorted once and then computed from
the counts of many draws at a time; any other function of (truth, prediction) works too, drawn row
by row, with text as well as numbers (segment labels, say, for `separation.eta_squared`), and with
rows of several columns (`measures.survival`). Both paths see the same draws and agree to rounding.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from training.measures import metrics, survival
from training.measures.groups import Groups

Floats = npt.NDArray[np.float64]
Metric = Callable[[npt.ArrayLike, npt.ArrayLike], float]
Draws = npt.NDArray[np.float64]  # (draws, n), how often each row was drawn

_CELLS = 2_000_000  # counts held at a time, 16 MB


class Interval(NamedTuple):
    """A figure, or a difference of two, with the ends of its interval; nan where undefined."""

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether 0 lies outside: for a difference, whether it counts."""
        return self.low > 0 or self.high < 0


def bootstrap_interval(
    metric: Metric,
    truth: npt.ArrayLike,
    prediction: npt.ArrayLike,
    resamples: int = 400,
    seed: int = 7,
    level: float = 0.95,
) -> Interval:
    """Metric of one prediction with its percentile interval; shapes as in `measures.metrics`.

    Draws in which the metric is undefined (nan: no churner was drawn) are left out; where it is
    undefined in more than half of them, so is the interval.

    >>> bootstrap_interval(metrics.rmse, [1.0, 2.0], [1.0, 2.0])
    Interval(value=0.0, low=0.0, high=0.0)
    """
    drawn = _resampled(metric, truth, [prediction], resamples, seed)[0]
    return Interval(metric(truth, prediction), *_percentiles(drawn, level))


def paired_bootstrap(
    metric: Metric,
    truth: npt.ArrayLike,
    ours: npt.ArrayLike,
    rival: npt.ArrayLike,
    resamples: int = 400,
    seed: int = 7,
    level: float = 0.95,
    groups: npt.ArrayLike | None = None,
) -> Interval:
    """Metric of `ours` less metric of `rival`, with the percentile interval of that difference.

    Positive means that ours has the greater figure, which is the better one for an AUC and the
    worse one for an error. The same seed gives the same interval. `groups` (n,) says whose each
    row is; None: each is a customer's only one.

    >>> churned, ours, rival = [0, 0, 1, 1] * 25, [0.1, 0.2, 0.8, 0.9] * 25, [0.5] * 100
    >>> difference = paired_bootstrap(metrics.roc_auc, churned, ours, rival)
    >>> difference, difference.excludes_zero
    (Interval(value=0.5, low=0.5, high=0.5), True)
    """
    return repeated_bootstrap(
        metric, truth, np.asarray([ours]), np.asarray([rival]), resamples, seed, level, groups
    )


def repeated_bootstrap(
    metric: Metric,
    truth: npt.ArrayLike,
    ours: npt.ArrayLike,
    rival: npt.ArrayLike,
    resamples: int = 400,
    seed: int = 7,
    level: float = 0.95,
    groups: npt.ArrayLike | None = None,
) -> Interval:
    """Mean over repeats of metric of `ours` less metric of `rival`, with its percentile interval.

    `ours` and `rival` are (repeats, n): predictions for the same customers by models of other
    folds. A draw of customers is the same for all repeats, so repeating makes no customer count
    twice. With one repeat it is `paired_bootstrap`.

    >>> one = [[0.1, 0.2, 0.8, 0.9] * 25]
    >>> repeated_bootstrap(metrics.roc_auc, [0, 0, 1, 1] * 25, one * 2, [[0.5] * 100] * 2)
    Interval(value=0.5, low=0.5, high=0.5)
    """
    mine, theirs = np.atleast_2d(ours), np.atleast_2d(rival)
    drawn = _resampled(metric, truth, [*mine, *theirs], resamples, seed, groups)
    values = [metric(truth, one) for one in mine], [metric(truth, one) for one in theirs]
    difference = drawn[: len(mine)].mean(axis=0) - drawn[len(mine) :].mean(axis=0)
    return Interval(
        float(np.mean(values[0]) - np.mean(values[1])), *_percentiles(difference, level)
    )


def _percentiles(drawn: Floats, level: float) -> tuple[float, float]:
    defined = drawn[np.isfinite(drawn)]
    if len(defined) * 2 < len(drawn):
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _resampled(
    metric: Metric,
    truth: npt.ArrayLike,
    predictions: list[npt.ArrayLike],
    resamples: int,
    seed: int,
    groups: npt.ArrayLike | None = None,
) -> Floats:
    """(predictions, resamples): the metric of every prediction in every draw."""
    actual = np.asarray(truth)
    scores = [np.asarray(prediction) for prediction in predictions]
    for score in scores:
        metric(actual, score)  # its checks of shape and values, once
    generator = np.random.default_rng(seed)
    rows = len(actual)
    drawing = Groups(np.arange(rows) if groups is None else np.asarray(groups))
    values = np.full((len(scores), resamples), np.nan)
    if drawing.few:
        return values
    if metric not in _FROM_DRAWS:
        for draw in range(resamples):
            drawn = drawing.rows(generator)
            for place, score in enumerate(scores):
                values[place, draw] = metric(actual[drawn], score[drawn])
        return values
    prepared = [
        _FROM_DRAWS[metric](actual.astype(np.float64), score.astype(np.float64)) for score in scores
    ]
    batch = max(1, _CELLS // rows)
    for start in range(0, resamples, batch):
        stop = min(start + batch, resamples)
        draws = np.empty((stop - start, rows))
        for draw in range(stop - start):
            draws[draw] = drawing.counts(generator)
        for place, from_draws in enumerate(prepared):
            with np.errstate(invalid="ignore", divide="ignore"):
                values[place, start:stop] = from_draws(draws)
    return values


# ------------------------------------------------------------- measures of many draws at a time
# Each takes truth and prediction, does the sorting, and gives a function of the draws.

FromDraws = Callable[[Draws], Floats]


class _Sorted:
    """The rows in order of a key, with the borders between its distinct values."""

    def __init__(self, key: Floats) -> None:
        self.order = np.argsort(key, kind="stable")
        ranked = key[self.order]
        self.starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
        self.sizes = np.diff(np.append(self.starts, len(key)))

    def sums(self, per_row: Draws) -> Floats:
        """(draws, distinct values): what the rows of each distinct value add up to."""
        ranked = np.take(per_row, self.order, axis=1)
        if len(self.starts) == len(self.order):
            return ranked
        return np.add.reduceat(ranked, self.starts, axis=1)


def _row_sums(one: Floats, other: Floats) -> Floats:
    """Sum over each row of the products, without an array of them."""
    return np.einsum("ij,ij->i", one, other)


def _roc_auc(truth: Floats, prediction: Floats) -> FromDraws:
    ranking = _Sorted(prediction)

    def from_draws(draws: Draws) -> Floats:
        positive, everyone = ranking.sums(draws * truth), ranking.sums(draws)
        negative = everyone - positive
        below = np.cumsum(negative, axis=1) - negative / 2  # ties count half
        pairs = positive.sum(axis=1) * negative.sum(axis=1)
        return _row_sums(positive, below) / pairs

    return from_draws


def _pr_auc(truth: Floats, prediction: Floats) -> FromDraws:
    ranking = _Sorted(-prediction)

    def from_draws(draws: Draws) -> Floats:
        positive, everyone = ranking.sums(draws * truth), ranking.sums(draws)
        precision = np.cumsum(positive, axis=1) / np.maximum(np.cumsum(everyone, axis=1), 1)
        return _row_sums(positive, precision) / positive.sum(axis=1)

    return from_draws


def _normalized_gini(truth: Floats, prediction: Floats) -> FromDraws:
    rankings = [_Sorted(-prediction), _Sorted(-truth)]

    def from_draws(draws: Draws) -> Floats:
        ginis = []
        for ranking in rankings:
            customers, spent = ranking.sums(draws), ranking.sums(draws * truth)
            area = _row_sums(customers, np.cumsum(spent, axis=1) - spent / 2)
            ginis.append(2 * area / (customers.sum(axis=1) * spent.sum(axis=1)) - 1)
        ours, best = ginis
        return np.where(best > 1e-12, ours / best, np.nan)

    return from_draws


def _spearman(truth: Floats, prediction: Floats) -> FromDraws:
    rankings = [_Sorted(truth), _Sorted(prediction)]

    def from_draws(draws: Draws) -> Floats:
        middle = (draws.sum(axis=1, keepdims=True) + 1) / 2  # the mean rank, ties or not
        centred = []
        for ranking in rankings:
            count = ranking.sums(draws)
            rank = np.cumsum(count, axis=1) - (count - 1) / 2 - middle
            by_row = np.empty_like(draws)
            by_row[:, ranking.order] = np.repeat(rank, ranking.sizes, axis=1)
            centred.append(by_row)
        one, other = centred
        squares = _row_sums(draws, one**2) * _row_sums(draws, other**2)
        return _row_sums(draws * one, other) / np.sqrt(squares)

    return from_draws


def _mean_of(loss: Callable[[Floats, Floats], Floats]) -> Callable[[Floats, Floats], FromDraws]:
    """A measure that is the mean of a loss per row."""

    def prepare(truth: Floats, prediction: Floats) -> FromDraws:
        losses = loss(truth, prediction)
        return lambda draws: draws @ losses / draws.sum(axis=1)

    return prepare


def _rmse(truth: Floats, prediction: Floats) -> FromDraws:
    mean = _mean_of(lambda one, other: (one - other) ** 2)(truth, prediction)
    return lambda draws: np.sqrt(mean(draws))


def _mae_over_mean(truth: Floats, prediction: Floats) -> FromDraws:
    error = np.abs(truth - prediction)
    return lambda draws: draws @ error / (draws @ truth)


def _absolute_bias(truth: Floats, prediction: Floats) -> FromDraws:
    return lambda draws: np.abs(draws @ prediction / (draws @ truth) - 1)


def _concordance(silent: Floats, later: Floats) -> FromDraws:
    days = []
    waiting = np.arange(len(silent))  # who had not ordered by the day before
    for still in silent.T:
        if (still[waiting] == 0).any():
            days.append((waiting, still[waiting], _Sorted(later[waiting])))
        waiting = np.flatnonzero(still)

    def from_draws(draws: Draws) -> Floats:
        right, pairs = np.zeros(len(draws)), np.zeros(len(draws))
        for rows, still, ranking in days:
            drawn = draws[:, rows]
            everyone, others = ranking.sums(drawn), ranking.sums(drawn * still)
            sooner = everyone - others
            below = np.cumsum(sooner, axis=1) - sooner / 2  # ties count half
            right += _row_sums(others, below)
            pairs += others.sum(axis=1) * sooner.sum(axis=1)
        return right / pairs

    return from_draws


_FROM_DRAWS: dict[Metric, Callable[[Floats, Floats], FromDraws]] = {
    metrics.roc_auc: _roc_auc,
    metrics.pr_auc: _pr_auc,
    metrics.normalized_gini: _normalized_gini,
    metrics.spearman: _spearman,
    metrics.brier: _mean_of(lambda one, other: (one - other) ** 2),
    metrics.rmse: _rmse,
    metrics.mae_over_mean: _mae_over_mean,
    metrics.absolute_bias: _absolute_bias,
    survival.integrated_brier: _mean_of(lambda one, other: ((one - other) ** 2).mean(axis=1)),
    survival.concordance: _concordance,
}
