"""Customers without an order yet are calibrated apart: how often those who ordered order again says
little of how many of the others ever will.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from training.fitting import calibration, conformal, fit, level
from training.outliers import capped
from training.prediction.blend import Calibration, churn, orders, spend
from training.prediction.bundle import Bundle
from training.prediction.calibrated import Calibrated, Fitted, Raw
from training.snapshots import LEAST_CUSTOMERS, LEAST_SPENDERS, buyers, without_order
from training.windows import exposure
from training.windows.season import Season
from training.windows.stretch import Stretch

#: Prospects who spend in the calibration window of whom a calibration of their own is learned.
LEAST_FIRST_ORDERS = conformal.LEAST_A_BAND


def calibrate(raw: Raw, window: pd.DataFrame, share: float) -> Calibrated:
    """Both calibrations from a bundle's raw outputs on the calibration window (snapshot rows with
    outcomes), as `fitting.fit.calibrate` learns them; intervals hold a `share` of the outcomes.

    Of fewer than 100 prospects nothing is told apart. Where fewer than 60 of them spent, they
    have the calibration of the others with levels of their own.
    """
    known, rest = raw.ordered, without_order(window)
    ordered = fit.calibrate(raw.of(known), window[known], share)
    if len(rest) < LEAST_CUSTOMERS:
        return Calibrated(ordered, None)
    if int((rest.future_spend > 0).sum()) >= LEAST_FIRST_ORDERS:
        return Calibrated(ordered, fit.calibrate(raw.of(~known), rest, share))
    returned = window[known & (window.future_orders > 0).to_numpy()]
    return Calibrated(ordered, (_levelled(ordered[0], raw.of(~known), rest, returned), ordered[1]))


def _levelled(
    c: Calibration, raw: Raw, window: pd.DataFrame, returned: pd.DataFrame
) -> Calibration:
    """`c` at the level of the prospects of `window`: of what came of them and one customer more, as
    of those who `returned`, so that none who came is not taken for none ever; of no more than `c`
    expects where that is less.
    """
    seen = float(window[exposure.COLUMN].iloc[0])
    gone = churn(raw.churn_logit, c)

    def ratio(expected: np.ndarray, own: pd.Series, others: pd.Series) -> float:
        said = max(float(capped(expected).sum()) * seen, 1e-9)
        one = float(capped(others.to_numpy(np.float64)).mean()) if len(others) else 1.0
        came = float(capped(own.to_numpy(np.float64)).sum())
        return (came + min(one, said)) / said

    likely = 1.0 - gone
    moved = ratio(likely, window.future_orders > 0, returned.future_orders > 0)
    expected, ordered = spend(raw.experts, gone, c), orders(raw.boosted_orders, gone, c)
    spent = ratio(expected, window.future_spend, returned.future_spend)
    first = calibration.intercept(raw.churn_logit, c.churn[1], 1.0 - moved * likely.mean())
    return dataclasses.replace(
        c,
        churn=(first, c.churn[1]),
        spend=dataclasses.replace(c.spend, level=c.spend.level * spent),
        orders=c.orders * ratio(ordered, window.future_orders, returned.future_orders),
    )


def settled(
    calibrated: Calibrated,
    bare: Bundle,
    train: pd.DataFrame,
    now: Raw,
    season: Season,
    cutoffs: int,
    structural: level.Structural,
    window_days: int,
) -> Calibrated:
    """Each at the level that is served (`fitting.level`): `now` are raw outputs of today's
    customers with an order, `train` the rows that `bare` was fitted on, of windows of
    `window_days`. That of prospects stays as it is where these are too few to tell another.
    """

    def trained(rows: pd.DataFrame) -> level.Trained:
        return fit.trained(bare, rows, window_days)

    ordered = level.settled(
        calibrated.ordered, lambda: trained(buyers(train)), now, season, cutoffs, structural
    )
    waiting = without_order(train)
    if calibrated.prospects is None or _too_few(waiting):
        return Calibrated(ordered, calibrated.prospects)
    nobody = now.of(np.zeros(0, dtype=int))  # no structural model knows of a prospect
    return Calibrated(
        ordered,
        level.settled(calibrated.prospects, lambda: trained(waiting), nobody, season, cutoffs),
    )


def _too_few(rows: pd.DataFrame) -> bool:
    """Whether these prospects with outcomes are too few to tell a level by."""
    spent = int((rows.future_spend > 0).sum())
    return len(rows) < LEAST_CUSTOMERS or spent < LEAST_SPENDERS


def transferred(calibrated: Calibrated, teacher: Raw, pupil: Raw) -> Calibrated:
    """Each carried over to `pupil`, from `teacher` (`fitting.calibration.transfer`), by raw
    outputs of the same customers today; as it is where fewer than 100 of them are prospects.
    """
    learned, bands = calibrated.ordered
    known = pupil.ordered
    ordered = calibration.transfer(learned, teacher.of(known), pupil.of(known)), bands
    if calibrated.prospects is None or (~known).sum() < LEAST_CUSTOMERS:
        return Calibrated(ordered, calibrated.prospects)
    first, first_bands = calibrated.prospects
    moved = calibration.transfer(first, teacher.of(~known), pupil.of(~known))
    return Calibrated(ordered, (moved, first_bands))


def stretched(calibrated: Calibrated, ratio: Stretch) -> Calibrated:
    """Each carried on to the horizon."""

    def carried(fitted: Fitted) -> Fitted:
        return fit.stretched(fitted[0], ratio), fitted[1]

    first = calibrated.prospects
    return Calibrated(carried(calibrated.ordered), carried(first) if first else None)
