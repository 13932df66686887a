"""Measures of when: pure functions of who was still silent and what was said beforehand.

Time is a grid of k days. `silent` (n, k) is 1 while a customer has not ordered by that day and 0
from then on. All are watched until the last day, so that nobody is censored within the grid, and
who is silent throughout is only known to come later than that. Rules as in `measures.metrics`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]


def silent_until(days_to_order: npt.ArrayLike, days: npt.ArrayLike) -> Floats:
    """(n, k): 1 where no order came by each of `days` (k,); `days_to_order` (n,), nan for none.

    >>> silent_until([0.5, 2.0, float("nan")], [1, 2]).tolist()
    [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]
    """
    came = np.asarray(days_to_order, dtype=np.float64)[:, None]
    return (~(came <= np.asarray(days, dtype=np.float64))).astype(np.float64)


def integrated_brier(silent: npt.ArrayLike, survival: npt.ArrayLike) -> float:
    """Mean over customers and days of (silent - S)^2 (Graf et al. 1999, eq. 15, uncensored).

    `survival` (n, k) is the probability of no order by each day. Smaller is better; 0.25 is earned
    by S = 1/2 throughout.

    >>> integrated_brier([[1, 0], [1, 1]], [[1, 0.5], [1, 1]])
    0.0625
    """
    outcome, curve = _outcomes(silent), np.asarray(survival, dtype=np.float64)
    if outcome.shape != curve.shape:
        raise ValueError(
            "A curve has one value a customer and day. "
            f"Seen shapes: {outcome.shape} and {curve.shape}."
        )
    if not ((curve >= 0) & (curve <= 1)).all():
        raise ValueError("A survival curve lies between 0 and 1. Seen: one outside, or nan.")
    return float(np.mean((outcome - curve) ** 2))


def concordance(silent: npt.ArrayLike, later: npt.ArrayLike) -> float:
    """Harrell's C: of two customers of whom one is known to have ordered before the other, how
    often the score `later` (n,) puts them in that order, ties of the score counting half.

    Customers who first ordered between the same two days are not compared. nan where no two can
    be. A score that knows nothing earns 0.5.

    >>> concordance([[0, 0], [1, 0], [1, 1]], [1.0, 2.0, 3.0])
    1.0
    >>> concordance([[0, 0], [1, 0], [1, 1]], [1.0, 2.0, 1.0])
    0.5
    """
    outcome, score = _outcomes(silent), np.asarray(later, dtype=np.float64)
    if score.shape != outcome.shape[:1] or not np.isfinite(score).all():
        raise ValueError(
            f"A score is one finite number a customer. Seen shapes: {outcome.shape}, {score.shape}."
        )
    before = np.ones(len(outcome))
    right = pairs = 0.0
    for still in outcome.T:
        came, waiting = (before == 1) & (still == 0), still == 1
        if came.any() and waiting.any():
            at_risk = came | waiting
            ranks = stats.rankdata(score[at_risk])[waiting[at_risk]]
            waiting_ones, comparable = waiting.sum(), float(came.sum()) * float(waiting.sum())
            right += ranks.sum() - waiting_ones * (waiting_ones + 1) / 2  # Mann & Whitney's U
            pairs += comparable
        before = still
    return float(right / pairs) if pairs else float("nan")


def _outcomes(silent: npt.ArrayLike) -> Floats:
    outcome = np.asarray(silent, dtype=np.float64)
    if outcome.ndim != 2 or outcome.size == 0:
        raise ValueError(f"Outcomes have one row a customer, n >= 1. Seen: {outcome.shape}.")
    if not np.isin(outcome, (0.0, 1.0)).all() or (np.diff(outcome, axis=1) > 0).any():
        raise ValueError("Who has ordered stays so: 1 until then, 0 after. Seen: another pattern.")
    return outcome
