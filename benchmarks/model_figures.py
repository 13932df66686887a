"""The measures of the benchmark of models, and whether a difference in them is real."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from model_rivals import Said

from training.cards.interval_card import plain_width
from training.measures import metrics
from training.measures.bootstrap import Interval, paired_bootstrap

OURS = "Coterie"
FIFTHS = 5
#: Draws of the customers; fewer for the measures that are computed row by row.
RESAMPLES, FEW_RESAMPLES = 400, 200


@dataclasses.dataclass(frozen=True)
class Measure:
    """How it is computed, whether more is better, and of what it is: churn, its ranking, spend."""

    of: str
    value: Callable[[np.ndarray, np.ndarray], float]
    compared: Callable[[np.ndarray, np.ndarray], float]
    more: bool = False
    resamples: int = RESAMPLES


MEASURES = {
    "AUC": Measure("ranking", metrics.roc_auc, metrics.roc_auc, more=True),
    "PR-AUC": Measure("ranking", metrics.pr_auc, metrics.pr_auc, more=True),
    "Brier": Measure("churn", metrics.brier, metrics.brier),
    "ECE": Measure("churn", metrics.ece, metrics.ece, resamples=FEW_RESAMPLES),
    "norm. Gini": Measure("spend", metrics.normalized_gini, metrics.normalized_gini, more=True),
    "RMSE": Measure("spend", metrics.rmse, metrics.rmse),
    "decile MAPE": Measure(
        "spend", metrics.decile_mape, metrics.decile_mape, resamples=FEW_RESAMPLES
    ),
    "bias": Measure("spend", metrics.total_bias, metrics.absolute_bias),
}


@dataclasses.dataclass(frozen=True)
class Cell:
    """One figure of one rule; of a rival, ours less its figure with the 95 % interval (of the bias,
    of its absolute value), and `verdict`: 1 where ours is better beyond chance, -1 where the rival
    is, 0 where chance may be all.
    """

    value: float
    difference: Interval | None = None
    verdict: int = 0


def figures(
    happened: pd.DataFrame, said: Mapping[str, Said], seed: int = 7
) -> dict[str, dict[str, Cell]]:
    """Rule -> measure -> figure. `said` has ours by the name of `OURS`; `happened` are the
    outcomes of the same customers (`public_data.happened`).
    """
    outcome = {
        "churn": (happened.future_orders == 0).to_numpy(np.float64),
        "spend": happened.future_spend.to_numpy(np.float64),
    }
    outcome["ranking"] = outcome["churn"]
    ours = said[OURS]
    made: dict[str, dict[str, Cell]] = {}
    for name, one in said.items():
        made[name] = {}
        for title, measure in MEASURES.items():
            theirs = _of(one, measure.of)
            if theirs is None:
                continue
            truth = outcome[measure.of]
            value = measure.value(truth, theirs)
            if name == OURS:
                made[name][title] = Cell(value)
                continue
            difference = paired_bootstrap(
                measure.compared, truth, _of(ours, measure.of), theirs, measure.resamples, seed
            )
            made[name][title] = Cell(value, difference, verdict(difference, measure.more))
    return made


def verdict(difference: Interval, more: bool) -> int:
    """1 where ours is better beyond chance, -1 where the rival is, 0 otherwise."""
    if not difference.excludes_zero:
        return 0
    return 1 if (difference.value > 0) == more else -1


@dataclasses.dataclass(frozen=True)
class Held:
    """Intervals of spend overall ("all") and by fifth of predicted spend, from the lowest: share
    outside, and interval score of ours and of plain split conformal.
    """

    outside: dict[str, float]
    ours: dict[str, float]
    plain: dict[str, float]


def held(
    spent: np.ndarray, expected: np.ndarray, ours: tuple[np.ndarray, np.ndarray],
    plain: tuple[np.ndarray, np.ndarray], level: float,
) -> Held:  # fmt: skip
    """How the intervals (low, high) around `expected` spend kept their promise of `level`."""
    order = np.argsort(expected, kind="stable")
    groups = {"all": order}
    groups |= {str(i + 1): rows for i, rows in enumerate(np.array_split(order, FIFTHS))}

    def score(interval: tuple[np.ndarray, np.ndarray], rows: np.ndarray) -> float:
        low, high = interval
        return float(metrics.interval_scores(spent[rows], low[rows], high[rows], level).mean())

    return Held(
        {g: 1.0 - metrics.coverage(spent[r], ours[0][r], ours[1][r]) for g, r in groups.items()},
        {g: score(ours, r) for g, r in groups.items()},
        {g: score(plain, r) for g, r in groups.items()},
    )


def split_conformal(
    expected: np.ndarray, then: np.ndarray, came: np.ndarray, level: float, stretch: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Plain split conformal (Lei et al. 2018): `expected` -+ the quantile of |came - then|, what
    was expected of customers of an earlier window and what they brought; low is not below 0.
    `stretch` goes from that window to the horizon.
    """
    width = plain_width(then, came, level) * stretch
    return np.maximum(expected - width, 0.0), expected + width


def _of(one: Said, what: str) -> np.ndarray | None:
    if what == "spend":
        return one.spend
    return one.ranking if what == "ranking" and one.ranking is not None else one.churn
