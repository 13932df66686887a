"""The rivals of the models: naive rules, structural models and gradient boosting on RFM.

Each sees what lies before the cut-off and nothing else. What has to be learned is learned one
horizon earlier where the history allows it; where not, over a third of the history, and stretched
to the horizon by BG/NBD's ratios (`windows.stretch`) as ours is. The strong one stands in
`model_blend`.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.isotonic import IsotonicRegression

from features import beginning, discovery
from features.errors import FitError
from features.schema import SPINE
from features.settings.experiment import Experiment
from features.snapshot import outcomes_of, snapshot
from features.sources import Sources
from features.spec import FeatureSpec
from features.spine import customers_known
from training import rivals
from training.fitting import boosting, calibration
from training.learning import Learned
from training.outliers import capped
from training.prediction.blend import logit, sigmoid
from training.prediction.structure import FEATURES
from training.snapshots import buyers
from training.windows import splits, stretch

STEP_DAYS = 30
MOST_CUTOFFS = 6
PRIOR_CUSTOMERS = 10.0
TREES = boosting.Settings(trees=250)
RFM = ("recency_days", "T_days", "orders", "frequency", "spend", "basket_value", "gap_mean",
       "orders_90d", "spend_30d", "spend_90d")  # fmt: skip
#: Fits models on rows and gives (logit of no order, spend over the window) of each other frame's.
Fitted = Callable[[pd.DataFrame, Sequence[pd.DataFrame]], list[tuple[np.ndarray, np.ndarray]]]


@dataclasses.dataclass(frozen=True)
class Said:
    """What a rule says of each of today's customers: probability of no order, and spend (currency)
    within the horizon; None where it says nothing of it. `ranking` is what churn is ranked by
    where the probability has ties that the rule itself has not.
    """

    churn: np.ndarray | None
    spend: np.ndarray | None
    ranking: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class Past:
    """What rivals may see: customers with an order, nothing at or after `now`.

    `stack` has the rows of several cut-offs with their outcomes over `window_days`, the last of
    which ends now; `today` the rows at now, without outcomes. `ratio` goes from the window to the
    horizon. `recent` is what each of today's customers spent in the last `horizon_days`; where
    the history is too short to learn over the horizon, in its last half, stretched.
    """

    spec: FeatureSpec
    stack: pd.DataFrame
    today: pd.DataFrame
    recent: np.ndarray
    window_days: int
    horizon_days: int
    ratio: stretch.Stretch

    @property
    def last(self) -> pd.DataFrame:
        """The rows of the last cut-off of the stack."""
        return self.stack[self.stack.as_of == self.stack.as_of.max()]

    def stretched(self, churn: np.ndarray | None, spend: np.ndarray) -> Said:
        """What was said of the window, of the horizon."""
        longer = None if churn is None else churn**self.ratio.churn_power
        return Said(longer, np.maximum(spend, 0.0) * self.ratio.spend)


def past(
    read: Sources, experiment: Experiment, as_of: pd.Timestamp, learned: Learned | None = None
) -> Past:
    """The rivals' rows at `as_of`; `read` was cut there. The rows that the model has `learned`
    from are taken where its window is the rivals' own.
    """
    start, horizon = beginning.of(read.connection), experiment.horizon_days
    span = (as_of - start).days
    whole = span - horizon >= min(splits.PREFERRED_HISTORY_DAYS, horizon)
    window = horizon if whole else span // 3
    last = as_of - pd.Timedelta(days=window)
    if learned is not None and learned.plan.window_days == window:
        own = [feature.name for feature in FEATURES]
        spec, stack, today = (
            learned.spec,
            learned.shots.at(learned.plan.final).drop(columns=own, errors="ignore"),
            learned.shots.now.drop(columns=own, errors="ignore"),
        )
    else:
        least = min(splits.PREFERRED_HISTORY_DAYS, (last - start).days // 2)
        step = window / np.ceil(window / STEP_DAYS)  # one of them ends where the last one begins
        steps = min(int(((last - start).days - least) // step) + 1, MOST_CUTOFFS)
        cutoffs = [last - pd.Timedelta(days=round(step * i)) for i in range(steps)]
        spec = discovery.learned(read, experiment, min(cutoffs))
        most = experiment.model.most_customers
        then, now = (customers_known(read.connection, at, most) for at in (cutoffs, [as_of]))
        stack = snapshot(read.connection, spec, then, window)
        today = snapshot(read.connection, spec, now)
    stack, today = buyers(stack), buyers(today).reset_index(drop=True)
    lately = horizon if whole else span // 2
    since = [as_of - pd.Timedelta(days=lately)] * len(today)
    spine = pa.table({"customer_id": today.customer_id, "as_of": since}, SPINE)
    spent = outcomes_of(read.connection, spine, lately).set_index("customer_id").future_spend
    recent = (
        today.customer_id.map(spent).to_numpy(np.float64) * _ratio(today, lately, horizon).spend
    )
    return Past(spec, stack, today, recent, window, horizon, _ratio(today, window, horizon))


def _ratio(today: pd.DataFrame, window: int, horizon: int) -> stretch.Stretch:
    """From the window to the horizon, as ours goes there."""
    if window == horizon:
        return stretch.Stretch()
    modelled = stretch.modelled(*rivals.histories(today), window, horizon)
    return modelled or stretch.constant(window, horizon)


def naive(p: Past) -> dict[str, Said]:
    """Recency and recent spend, total past spend, RFM cells, BG/NBD with Gamma-Gamma.

    Recent spend goes on as it was; the other rules have their level from the last window whose
    outcomes are known. BG/NBD is left out where it is refused; where
    Gamma-Gamma is, the mean amount of an order stands in.
    """
    last = p.last
    churned = (last.future_orders == 0).to_numpy(np.float64)
    spent = last.future_spend.to_numpy(np.float64)
    silent = p.today.recency_days.to_numpy(np.float64)
    curve = IsotonicRegression(out_of_bounds="clip")
    curve.fit(last.recency_days.to_numpy(np.float64), churned)
    earned = float(last.spend.sum())
    level = spent.sum() / earned if earned > 0 else 0.0
    cells = cell_means(last, p.today, np.column_stack([churned, spent]))
    made = {
        "recency / recent spend": Said(
            p.stretched(curve.predict(silent), p.recent).churn, p.recent, silent
        ),
        "total past spend": p.stretched(None, level * p.today.spend.to_numpy(np.float64)),
        "RFM cells": p.stretched(cells[:, 0], cells[:, 1]),
    }
    with contextlib.suppress(FitError):
        structural = rivals.btyd(p.today, p.horizon_days)
        made["BG/NBD + Gamma-Gamma"] = Said(1.0 - structural.returns, structural.spend)
    return made


def cell_means(then: pd.DataFrame, now: pd.DataFrame, outcomes: np.ndarray) -> np.ndarray:
    """Mean `outcomes` (n, k) of the RFM cell: fifths of recency, orders and spend, each of its own
    date; a cell counts as if ten average customers were in it too.
    """

    def cells(frame: pd.DataFrame) -> np.ndarray:
        made = np.zeros(len(frame), dtype=int)
        for column in ("recency_days", "orders", "spend"):
            rank = frame[column].rank(pct=True).to_numpy(np.float64)
            made = made * 5 + np.minimum((rank * 5).astype(int), 4)
        return made

    at = cells(then)
    count = np.bincount(at, minlength=125)[:, None]
    sums = np.column_stack([np.bincount(at, column, minlength=125) for column in outcomes.T])
    means: np.ndarray = (sums + PRIOR_CUSTOMERS * outcomes.mean(axis=0)) / (count + PRIOR_CUSTOMERS)
    return means[cells(now)]


def corrected(fitted: Fitted, p: Past) -> Said:
    """A learned rival, fitted on the whole stack, with half of a correction learned by time: what
    the same models, fitted on the windows that end before the last cut-off and calibrated on its
    window (Platt, total), say of today's mean logit and total more than the fit on all of it does.
    Half, because one window is one season.
    """
    last = p.stack.as_of.max()
    early = p.stack[p.stack.as_of <= last - pd.Timedelta(days=p.window_days)]
    churn, spend = fitted(p.stack, [p.today])[0]
    if len(early):
        (then, then_spend), (now, now_spend) = fitted(early, [p.last, p.today])
        a, b = calibration.platt(then, (p.last.future_orders == 0).to_numpy(np.float64))
        scale = calibration.total_scale(then_spend, p.last.future_spend.to_numpy(np.float64))
        churn = churn + (np.mean(a + b * now) - churn.mean()) / 2.0
        if spend.sum() > 0:
            spend = spend * np.sqrt(scale * now_spend.sum() / spend.sum())
    return p.stretched(sigmoid(churn), spend)


def boosted(p: Past) -> Said:
    """LightGBM on ten RFM features, all cut-offs stacked: binary for churn, Tweedie for spend."""
    return corrected(_boosted, p)


def _boosted(
    train: pd.DataFrame, others: Sequence[pd.DataFrame]
) -> list[tuple[np.ndarray, np.ndarray]]:
    then = train[list(RFM)].to_numpy(np.float64)
    churned = (train.future_orders == 0).to_numpy(np.float64)
    spent = capped(train.future_spend.to_numpy(np.float64))
    trees = [boosting.fit(kind, then, outcome, TREES)
             for kind, outcome in (("binary", churned), ("tweedie", spent))]  # fmt: skip
    made = []
    for frame in others:
        now = frame[list(RFM)].to_numpy(np.float64)
        made.append((logit(trees[0].predict(now)), trees[1].predict(now)))
    return made
