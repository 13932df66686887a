"""What a test could not tell from chance, in sentences for the head of a report card."""

from __future__ import annotations

import numpy as np
from scipy.stats import kruskal

from training.measures.bootstrap import Metric, bootstrap_interval

SIGNIFICANCE = 0.05
SAME = 1e-6  # probabilities that differ by less are one
RESAMPLES = 400


def ranking(
    what: str, measure: str, metric: Metric, chance: float, truth: np.ndarray, score: np.ndarray,
    seed: int,
) -> tuple[str, ...]:  # fmt: skip
    """A caution where a ranking (n,) may be no better than `chance`: the lower end of the 95 %
    interval of `metric`, which is greater for better ones, does not lie above.
    """
    found = bootstrap_interval(metric, truth, score, RESAMPLES, seed)
    if not found.low <= chance:  # nan: too few of one outcome to know
        return ()
    return (
        f"{what} is told no better than by chance: {measure} {found.value:.3f} (95 % interval "
        f"{found.low:.3f} to {found.high:.3f}), where chance alone gives {chance:g}.",
    )


def same(probability: np.ndarray) -> bool:
    """Whether all of (n,) are one probability.

    >>> same(np.array([0.3, 0.3])), same(np.array([0.3, 0.4])), same(np.array([]))
    (True, False, False)
    """
    return len(probability) > 0 and float(np.ptp(probability)) < SAME


def split(spend: np.ndarray, labels: np.ndarray) -> tuple[str, ...]:
    """A caution where customers of the segments `labels` (n,) spent (n,) no more unlike than those
    of a random split, by the ranks of their spend (Kruskal & Wallis 1952).
    """
    groups = [spend[labels == i] for i in np.unique(labels)]
    if len(groups) < 2 or spend.min() == spend.max():
        return ()
    p = float(kruskal(*groups).pvalue)
    if p < SIGNIFICANCE:
        return ()
    return (
        "Segments could not be told apart on this data: what their customers spent next differs no "
        f"more than chance may make it (Kruskal-Wallis, p = {p:.2f}), whatever their names say.",
    )
