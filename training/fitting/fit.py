"""Fits every part of a model version; `fitting.assembly` makes a bundle of them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping

import lightgbm as lgb
import numpy as np
import pandas as pd
import pyarrow as pa
import torch

from features import catalog
from features.feature import Feature
from features.spec import FeatureSpec
from training.fitting import (
    autoencoder,
    boosting,
    calibration,
    conformal,
    linear,
    pooling,
    recurrent,
    scaling,
)  # fmt: skip
from training.fitting.level import Trained
from training.fitting.linear import Linear
from training.outliers import capped
from training.prediction import cells, course, shrinkage
from training.prediction.amounts import Amounts
from training.prediction.blend import NO_LIMIT, Calibration, churn, spend
from training.prediction.bundle import Bundle, to_columns
from training.prediction.calibrated import Raw
from training.prediction.cells import Cells
from training.prediction.course import Course
from training.prediction.intervals import Bands
from training.prediction.preprocessing import Preprocessor
from training.prediction.segments import SPACE
from training.prediction.shrinkage import Shrinkage
from training.prediction.structure import FEATURES
from training.screen import Told, quiet
from training.windows import exposure
from training.windows.stretch import Stretch


@dataclasses.dataclass(frozen=True)
class Rows:
    """Preprocessed rows with their outcomes."""

    design: np.ndarray
    targets: autoencoder.Targets

    @property
    def churned(self) -> np.ndarray:
        """(n,) 0/1: no order in the window."""
        return 1.0 - self.targets.returned

    def for_network(self) -> autoencoder.Rows:
        return self.design, self.targets


@dataclasses.dataclass
class Latent:
    """Preprocessor and autoencoder: what segments stand on, and what a warm start needs."""

    preprocessor: Preprocessor
    network: autoencoder.Fitted

    def scores(self, frame: pd.DataFrame) -> np.ndarray:
        """(n, axes) scores that segments are made on; equal to a bundle's to float32 rounding."""
        z = self.network.codes(self.preprocessor.design(to_columns(table(frame))))
        with torch.no_grad():
            out = self.network.network.head_outputs(torch.from_numpy(z)).mean(dim=0).numpy()
        return out[:, [autoencoder.HEADS.index(axis) for axis in SPACE]].astype(np.float64)


@dataclasses.dataclass
class Parts(Latent):
    """What was fitted, before calibration and segments."""

    boosters: dict[str, lgb.Booster]
    lines: Linear
    amounts: Amounts
    recurrent: recurrent.Fitted
    shrinkage: Shrinkage
    cells: Cells | None


@dataclasses.dataclass(frozen=True)
class Frozen:
    """What the evaluation chose and the final fit keeps: epochs and trees."""

    epochs: int
    trees: Mapping[str, int]


#: What boosters learn: objective, and the outcome of rows.
OUTCOMES: dict[str, tuple[str, Callable[[Rows], np.ndarray]]] = {
    "churn": ("binary", lambda r: r.churned),
    "spend": ("tweedie", lambda r: r.targets.spend),
    "orders": ("poisson", lambda r: r.targets.orders),
}


def table(frame: pd.DataFrame) -> pa.Table:
    """A snapshot frame as Arrow."""
    return pa.Table.from_pandas(frame, preserve_index=False)


def layout(preprocessor: Preprocessor) -> autoencoder.Layout:
    """The design's columns as the network wants to know them."""
    return autoencoder.Layout(
        len(preprocessor.inputs), tuple(preprocessor.cardinalities), tuple(preprocessor.groups)
    )


def inputs(spec: FeatureSpec, frame: pd.DataFrame) -> list[Feature]:
    """What the models of a design may see: the tabular features, and the structural prior where
    the frame has it.
    """
    prior = [feature for feature in FEATURES if feature.name in frame.columns]
    return [*catalog.tabular(spec), *prior]


def rows(frame: pd.DataFrame, preprocessor: Preprocessor) -> Rows:
    """Snapshot rows with outcomes -> what the models take in."""
    targets = autoencoder.Targets(
        (frame.future_orders > 0).to_numpy(np.float32),
        capped(frame.future_spend.to_numpy(np.float64)).astype(np.float32),
        frame.future_orders.to_numpy(np.float32),
    )
    return Rows(preprocessor.design(to_columns(table(frame))), targets)


def latent(
    train: pd.DataFrame,
    spec: FeatureSpec,
    history_days: int,
    settings: autoencoder.Settings,
    later: pd.DataFrame | None = None,
    start: Latent | None = None,
    told: Told = quiet,
) -> tuple[Latent, Rows, Rows | None]:
    """Fit preprocessor and autoencoder on `train` (snapshot rows with outcomes); also `train` and
    `later` preprocessed.

    With `later` (rows of a later cut-off) training stops early, else all `settings.epochs` run.
    With `start` (the champion's, or the evaluated model's) the preprocessor is kept and the
    network learns on from there, held near by `settings.anchor`.
    """
    preprocessor = start.preprocessor if start else scaling.fit(
        to_columns(table(train)), inputs(spec, train), history_days, train.as_of.nunique() > 1
    )  # fmt: skip
    data = rows(train, preprocessor)
    check = rows(later, preprocessor) if later is not None else None
    fitted = autoencoder.fit(
        data.for_network(),
        check.for_network() if check else None,
        layout(preprocessor),
        settings,
        start.network if start else None,
        functools.partial(told, "autoencoder"),
    )
    return Latent(preprocessor, fitted), data, check


def parts(
    train: pd.DataFrame,
    space: Latent,
    data: Rows,
    spec: FeatureSpec,
    trees: boosting.Settings,
    check: Rows | None = None,
    frozen: Frozen | None = None,
    told: Told = quiet,
) -> Parts:
    """Fit boosters, the linear models and the recurrent network beside a fitted latent space;
    `data` are the rows of `train` as `latent` gave them.

    Exactly one of `check` (rows of a later cut-off, for early stopping) and `frozen` (what an
    earlier fit chose) is given.
    """
    boosters = boosted(data, trees, check, frozen, told)
    lines = linear.fit(data.design, data.churned, data.targets.spend, trees.power)
    amounts = _amounts(train, space.preprocessor, spec)
    reader = _recurrent(train, data, spec, trees, told)
    return Parts(
        space.preprocessor, space.network, boosters, lines, amounts, reader, *_simple(train)
    )


def boosted(
    data: Rows,
    trees: boosting.Settings,
    check: Rows | None = None,
    frozen: Frozen | None = None,
    told: Told = quiet,
) -> dict[str, lgb.Booster]:
    """The boosters of `OUTCOMES` alone; `check` are preprocessed rows of a later cut-off."""
    made = {}
    for i, (name, (objective, outcome)) in enumerate(OUTCOMES.items()):
        told(f"gradient boosting of {name}", i, len(OUTCOMES))
        chosen = dataclasses.replace(trees, trees=frozen.trees[name]) if frozen else trees
        made[name] = boosting.fit(
            objective, data.design, outcome(data), chosen,
            (check.design, outcome(check)) if check else None,
        )  # fmt: skip
    return made


def _amounts(train: pd.DataFrame, preprocessor: Preprocessor, spec: FeatureSpec) -> Amounts:
    """The line in all tabular amounts, where `train` shows at several cut-offs how they grow; else
    in those that the other models see.
    """
    money = [f.name for f in catalog.tabular(spec) if f.unit == "currency"]
    several = train.as_of.nunique() > 1
    columns = [name for name in money if several or name in preprocessor.numeric]
    ordered = train[train.future_orders > 0]
    known = {name: ordered[name].to_numpy(np.float64) for name in columns}
    return linear.amounts(known, columns, capped(ordered.future_spend.to_numpy(np.float64)))


def _recurrent(
    train: pd.DataFrame, data: Rows, spec: FeatureSpec, trees: boosting.Settings, told: Told
) -> recurrent.Fitted:
    """The network that reads the periods. Of more rows than it would look at, some are drawn."""
    settings = recurrent.Settings(power=trees.power, seed=trees.seed)
    drawn = np.random.default_rng(settings.seed).permutation(len(train))
    drawn = np.sort(drawn[: settings.most_rows])
    columns = to_columns(table(train[list(course.INPUTS)].iloc[drawn]))
    churned, spend = data.churned[drawn], data.targets.spend[drawn]
    how = Course.of(columns, spec.period_days, spend)
    return recurrent.fit(
        how, how.series(columns), how.known(columns), churned, spend, settings,
        functools.partial(told, "recurrent network"),
    )  # fmt: skip


def _simple(train: pd.DataFrame) -> tuple[Shrinkage, Cells | None]:
    """How far to draw towards the simple model, and the cells where that is what they are."""
    bought = train[train.orders > 0]
    orders = bought.future_orders.to_numpy(np.float64)
    spend = capped(bought.future_spend.to_numpy(np.float64))
    structural = "structural_return" in train
    found = shrinkage.chosen(orders, spend, structural)
    if structural or not (found.churn or found.value):
        return found, None
    known = {axis: bought[axis].to_numpy(np.float64) for axis in cells.AXES}
    return found, Cells.fit(known, orders, spend)


def freeze(p: Parts) -> Frozen:
    """The choices of an evaluated fit."""
    trees = {name: max(b.best_iteration, 1) for name, b in p.boosters.items()}
    return Frozen(max(p.network.epochs, 1), trees)


#: So many times the most orders and spend of the calibration window may be expected of anybody.
MOST_TIMES = 2.0


def calibrate(raw: Raw, window: pd.DataFrame, level: float) -> tuple[Calibration, Bands]:
    """Calibration and spend bands from a bundle's raw outputs on the calibration window, carried on
    from as much as was seen of it to all of it.
    """
    actual = capped(window.future_spend.to_numpy(np.float64))
    orders = window.future_orders.to_numpy(np.float64)
    learned = Calibration(
        churn=calibration.platt(raw.churn_logit, (orders == 0).astype(np.float64)),
        spend=pooling.fit(raw.experts, actual),
        orders=calibration.total_scale(raw.boosted_orders, orders),
        most_orders=MOST_TIMES * max(float(orders.max(initial=0.0)), 1.0),
        most_spend=MOST_TIMES * float(actual.max(initial=0.0)) or NO_LIMIT,
    )
    churned = churn(raw.churn_logit, learned)
    expected = spend(raw.experts, churned, learned)
    bands = conformal.fit(expected, churned, actual, level)
    seen = float(window[exposure.COLUMN].iloc[0])
    if seen == 1.0:
        return learned, bands
    return dataclasses.replace(
        learned,
        churn=calibration.of_all(raw.churn_logit, learned.churn, seen),
        spend=dataclasses.replace(learned.spend, level=learned.spend.level / seen),
        orders=learned.orders / seen,
        most_orders=min(learned.most_orders / seen, NO_LIMIT),
        most_spend=min(learned.most_spend / seen, NO_LIMIT),
    ), bands.carried(1.0 / seen)


def trained(bare: Bundle, train: pd.DataFrame, window_days: int) -> Trained:
    """What `bare`, a bundle without calibration, says of the rows that it was fitted on, whose
    outcomes are of windows of `window_days`.
    """
    return Trained(
        bare.raw(to_columns(table(train))),
        train.future_orders.to_numpy(np.float64),
        train.future_spend.to_numpy(np.float64),
        train[exposure.COLUMN].to_numpy(np.float64),
        train.as_of.to_numpy("datetime64[us]"),
        window_days,
    )


def stretched(c: Calibration, stretch: Stretch) -> Calibration:
    """The same calibration, carried on to the horizon."""
    return dataclasses.replace(
        c,
        churn_power=stretch.churn_power,
        orders_stretch=stretch.orders,
        spend_stretch=stretch.spend,
    )
