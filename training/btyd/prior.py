"""Fits the structural prior at each cut-off, on nothing but the histories before it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from features.errors import FitError
from training.btyd import regularity
from training.btyd.bg_nbd import MbgNbd
from training.btyd.gamma_gamma import GammaGamma
from training.outliers import capped
from training.prediction.structure import FEATURES, Prior, known_of
from training.rivals import histories

#: (weak, alike): by the likelihood alone; under a weak prior of the parameters, where that has no
#: proper maximum; then MBG/NBD so, with the mean amount of an order in place of Gamma-Gamma.
WAYS = ((False, False), (True, False), (False, True), (True, True))


def fit(frame: pd.DataFrame, window_days: int, like: Prior | None = None) -> Prior | None:
    """The prior of the customers of one cut-off (snapshot rows), by the first of `WAYS` that is not
    refused, and as regular as those `like` them; None where all are.
    """
    found = tried(frame, window_days)[0]
    if found is None or like is None or like.rhythm is None:
        return found
    return dataclasses.replace(found, rhythm=regularity.fit(frame, like.rhythm.k))


def tried(
    frame: pd.DataFrame, window_days: int, ways: Sequence[tuple[bool, bool]] = WAYS
) -> tuple[Prior | None, list[FitError]]:
    """The same, and what each of the ways before it was refused for."""
    refused: list[FitError] = []
    for weak, alike in ways:
        try:
            return fitted(frame, window_days, weak, alike), refused
        except FitError as error:
            refused.append(error)
    return None, refused


def fitted(frame: pd.DataFrame, window_days: int, weak: bool = False, alike: bool = False) -> Prior:
    """The prior by one of the ways, raising the FitError that says why it is refused."""
    bought = frame[frame.orders > 0]
    x, t_x, T = histories(bought)
    mean = capped(bought.spend.clip(lower=0.0).to_numpy(np.float64)) / (x + 1.0)
    # first the amounts, whose fit is the quicker to be refused
    value = GammaGamma.alike(x + 1.0, mean) if alike else GammaGamma.fit(x + 1.0, mean, weak)
    orders = MbgNbd.fit(x, t_x, T, weak)
    return Prior(
        orders.r, orders.alpha, orders.a, orders.b, value.p, value.q, value.gamma, window_days
    )


def augment(
    frames: list[pd.DataFrame], window_days: int
) -> tuple[list[pd.DataFrame], Prior | None]:
    """Frames with the prior's columns, each cut-off by its own fit, and the last frame's prior.

    How regular the customers are, the outcomes after the earliest cut-off tell (`btyd.regularity`):
    no test of this run lies before their end.

    All or nothing: where MBG/NBD is refused at any cut-off, the frames come back as they are; where
    Gamma-Gamma is at the last, each cut-off has its mean amount of an order, if MBG/NBD allows, as
    what is served has.
    """
    rows: dict[Any, pd.DataFrame] = {}
    for frame in frames:
        for cutoff, some in frame.groupby("as_of"):
            rows.setdefault(cutoff, some)
    priors: dict[Any, Prior] = {}
    for cutoff, some in rows.items():
        found = fit(some, window_days)
        if found is None:
            return frames, None
        priors[cutoff] = found
    last = frames[-1].as_of.max()
    if priors[last].alike:
        for cutoff, found in priors.items():
            if not found.alike:
                priors[cutoff] = tried(rows[cutoff], window_days, WAYS[2:])[0] or found
    priors = _regular(priors, rows, window_days)
    made = []
    for frame in frames:
        columns = {feature.name: np.full(len(frame), np.nan) for feature in FEATURES}
        for cutoff in frame.as_of.unique():
            at = np.flatnonzero(frame.as_of == cutoff)
            for name, values in priors[cutoff].columns(known_of(frame.iloc[at])).items():
                columns[name][at] = values
        made.append(frame.assign(**columns))
    return made, priors[last]


def alike(frame: pd.DataFrame, window_days: int, like: Prior | None) -> pd.DataFrame:
    """`frame` with the prior's columns, each cut-off by its own fit, of the kind that `like` is of;
    without the cut-offs where that is refused. As it is where `like` is None: no row has them then.
    """
    if like is None:
        return frame
    made = []
    for _, some in frame.groupby("as_of"):
        found = tried(some, window_days, WAYS[2:] if like.alike else WAYS)[0]
        if found is not None and like.rhythm is not None:
            rhythm = regularity.fit(some, like.rhythm.k)
            found = dataclasses.replace(found, rhythm=rhythm) if rhythm else None
        if found is not None:
            made.append(some.assign(**found.columns(known_of(some))))
    return pd.concat(made) if made else frame.head(0)


def _regular(
    priors: dict[Any, Prior], rows: Mapping[Any, pd.DataFrame], window_days: int
) -> dict[Any, Prior]:
    """The priors of all cut-offs with their rhythm; as they are where one has none."""
    first = rows[min(rows)]
    k = regularity.chosen(first, window_days) if "days_to_order" in first else 1
    if k == 1:
        return priors
    rhythms = {cutoff: regularity.fit(rows[cutoff], k) for cutoff in priors}
    if None in rhythms.values():
        return priors
    return {at: dataclasses.replace(found, rhythm=rhythms[at]) for at, found in priors.items()}
