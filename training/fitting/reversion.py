"""How far the level of a shop comes back to its mean from one window to the next, learned from the
windows that were trained on (partial adjustment; Nerlove 1958).

Some shops' windows swing about a mean, so that the mean of all of them says more of the next than
the last does; others drift, and the last one is where they are.
"""

from __future__ import annotations

import numpy as np

#: Where windows tell nothing, and where all of them are held by one step's worth of evidence.
HALF, HELD = 0.5, 1.0
#: Smaller squares of steps are of rounding.
LEAST = 1e-12


def share(levels: np.ndarray, days: np.ndarray, window_days: int) -> float:
    """How much of the way from the last window's level to the mean of it and all before it the
    next window goes, 0 to 1.

    By least squares: each window's step from the last one that ended before it began, on the way
    from there to the mean of all that had. Each kind of level counts alike, in units of its own
    steps, and windows that overlap for as much as they tell anew.

    Parameters
    ----------
    levels : (windows, kinds) logs or logits of what came over what was said; a kind with a nan
        tells nothing
    days : (windows,) of their cut-offs, rising
    window_days : how long each window is

    >>> drifts, swings = np.arange(8.0)[:, None], np.tile([0.0, 1.0], 4)[:, None]
    >>> [round(share(levels, np.arange(8) * 30, 30), 2) for levels in (drifts, swings)]
    [0.0, 1.0]
    >>> share(drifts[:1], np.array([0]), 30)
    0.5
    """
    along, squares = HALF * HELD, HELD
    anew = min(1.0, float(np.median(np.diff(days))) / window_days) if len(days) > 1 else 1.0
    for kind in levels.T:
        steps, ways = _steps(kind, days, window_days)
        size = float((steps**2).mean()) if len(steps) else 0.0
        if size > LEAST:
            counts = anew / levels.shape[1] / size
            along += counts * float(ways @ steps)
            squares += counts * float(ways @ ways)
    return float(np.clip(along / squares, 0.0, 1.0))


def _steps(level: np.ndarray, days: np.ndarray, window_days: int) -> tuple[np.ndarray, np.ndarray]:
    """Of each window that follows another one: the step it took, and the way to the mean."""
    steps, ways = [], []
    for here, day in zip(level, days, strict=True):
        before = level[days <= day - window_days]
        if len(before):
            steps.append(here - before[-1])
            ways.append(before.mean() - before[-1])
    return np.array(steps), np.array(ways)
