"""Fits the structural prior at each cut-off, on nothing but the histories before it."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pandas as pd

from features.errors import FitError
from training.bg_nbd import MbgNbd
from training.gamma_gamma import GammaGamma
from training.outliers import capped
from training.rivals import histories
from training.structure import FEATURES, Prior


def fit(frame: pd.DataFrame, window_days: int) -> Prior | None:
    """The prior of the customers of one cut-off (snapshot rows). Where the likelihood has no proper
    maximum, that under a weak prior of the parameters; None where that is refused as well.
    """
    for weak in (False, True):
        with contextlib.suppress(FitError):
            return fitted(frame, window_days, weak)
    return None


def fitted(frame: pd.DataFrame, window_days: int, weak: bool = False) -> Prior:
    """The same by one of the two, raising the FitError that says why it is refused."""
    bought = frame[frame.orders > 0]
    x, t_x, T = histories(bought)
    orders = MbgNbd.fit(x, t_x, T, weak)
    value = GammaGamma.fit(
        x + 1.0, capped(bought.spend.clip(lower=0.0).to_numpy(np.float64)) / (x + 1.0), weak
    )
    return Prior(
        orders.r, orders.alpha, orders.a, orders.b, value.p, value.q, value.gamma, window_days
    )


def augment(
    frames: list[pd.DataFrame], window_days: int
) -> tuple[list[pd.DataFrame], Prior | None]:
    """Frames with the prior's columns, each cut-off by its own fit, and the last frame's prior.

    All or nothing: where the fit of any cut-off is refused, the frames come back as they are.
    """
    priors: dict[Any, Prior] = {}
    for frame in frames:
        for cutoff, rows in frame.groupby("as_of"):
            if cutoff not in priors:
                found = fit(rows, window_days)
                if found is None:
                    return frames, None
                priors[cutoff] = found
    made = []
    for frame in frames:
        columns = {feature.name: np.full(len(frame), np.nan) for feature in FEATURES}
        for cutoff in frame.as_of.unique():
            at = np.flatnonzero(frame.as_of == cutoff)
            known = {
                name: frame[name].to_numpy(np.float64)[at]
                for name in ("frequency", "recency_days", "T_days", "spend")
            }
            for name, values in priors[cutoff].columns(known).items():
                columns[name][at] = values
        made.append(frame.assign(**columns))
    return made, priors[frames[-1].as_of.max()]
