"""Whether customers order more regularly than at random, told by what came after a cut-off."""

from __future__ import annotations

import contextlib

import numpy as np
import pandas as pd

from features.errors import FitError
from training.btyd.mbg_cnbd import MbgCnbd
from training.measures.survival import integrated_brier, silent_until
from training.prediction.rhythm import Rhythm
from training.prediction.structure import known_of
from training.rivals import histories

#: Steps between two orders, in the order in which they are tried.
KS = (1, 2, 3, 4, 6, 8, 12, 18, 27)
#: By so much of the integrated Brier score a greater k must be better than the one before.
LEAST_GAIN = 0.01
MOST = 5_000  # customers that tell it
POINTS = 20  # of a window that curves are compared at


def fit(frame: pd.DataFrame, k: int) -> Rhythm | None:
    """MBG/CNBD-k of the customers of one cut-off (snapshot rows); under a weak prior where the
    likelihood has no maximum, and None where it is refused then, too.
    """
    x, t_x, T = histories(frame[frame.orders > 0])
    for weak in (False, True):
        with contextlib.suppress(FitError):
            found = MbgCnbd.fit(k, x, t_x, T, weak)
            return Rhythm(found.k, found.r, found.alpha, found.a, found.b)
    return None


def chosen(frame: pd.DataFrame, window_days: int) -> int:
    """The k whose curves of the next order, fitted on the histories before one cut-off, come
    nearest to what followed (`days_to_order`, nan for none within the window). 1 where none is
    better by more than `LEAST_GAIN`.
    """
    bought = frame[frame.orders > 0]
    bought = bought.iloc[:: max(1, -(-len(bought) // MOST))]
    days = np.linspace(0, window_days, min(window_days, POINTS) + 1)[1:]
    silent, known = silent_until(bought.days_to_order, days), known_of(bought)
    best, least = KS[0], np.inf
    for k in KS:
        law = fit(bought, k)
        if law is None:
            break
        said = np.column_stack([1.0 - law.p_order(known, day) for day in days])
        score = integrated_brier(silent, said)
        if score > least * (1.0 - LEAST_GAIN):
            break
        best, least = k, score
    return best
