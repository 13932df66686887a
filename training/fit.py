"""Fits every part of a model version and assembles the bundle that predicts with them."""

from __future__ import annotations

import dataclasses
import io
import json
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pyarrow as pa
import safetensors.numpy
import safetensors.torch
import torch
from sklearn.linear_model import LogisticRegression, TweedieRegressor

from features import catalog
from features.feature import Feature
from features.spec import FeatureSpec
from training import (
    autoencoder,
    boosting,
    calibration,
    cells,
    conformal,
    pooling,
    scaling,
    shrinkage,
)
from training.blend import Calibration, churn, spend
from training.bundle import Bundle, Raw, to_columns
from training.cells import Cells
from training.intervals import Bands
from training.outliers import capped
from training.preprocessing import Preprocessor
from training.segments import SPACE, Segment, Segmentation
from training.shrinkage import Shrinkage
from training.stretch import Stretch
from training.structure import FEATURES, Prior

LINEAR_C = 0.03
LINEAR_ALPHA = 0.01


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


@dataclasses.dataclass(frozen=True)
class Linear:
    """Linear models on the design: logits of no order, and log spend, which stays within the range
    that it had in training. `weights` (columns, 2), `biases` (2,), `range` (2,) of log spend.
    """

    weights: np.ndarray
    biases: np.ndarray
    range: np.ndarray


@dataclasses.dataclass
class Parts(Latent):
    """What was fitted, before calibration and segments."""

    boosters: dict[str, lgb.Booster]
    linear: Linear
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
    """What the models may see: the catalog, and the structural prior where the frame has it."""
    prior = [feature for feature in FEATURES if feature.name in frame.columns]
    return [*catalog.features(spec), *prior]


def rows(frame: pd.DataFrame, preprocessor: Preprocessor) -> Rows:
    """Snapshot rows with outcomes -> what the models take in."""
    targets = autoencoder.Targets(
        (frame.future_orders > 0).to_numpy(np.float32),
        capped(frame.future_spend.to_numpy(np.float64)).astype(np.float32),
        frame.future_orders.to_numpy(np.float32),
    )
    return Rows(preprocessor.design(to_columns(table(frame))), targets)


Told = Callable[[str, int, int], None]


def latent(
    train: pd.DataFrame,
    spec: FeatureSpec,
    history_days: int,
    settings: autoencoder.Settings,
    later: pd.DataFrame | None = None,
    start: Latent | None = None,
    told: Told | None = None,
) -> Latent:
    """Fit preprocessor and autoencoder on `train` (snapshot rows with outcomes).

    With `later` (rows of a later cut-off) training stops early, else all `settings.epochs` run.
    With `start` (the champion's, or the evaluated model's) the preprocessor is kept and the
    network learns on from there, held near by `settings.anchor`.
    """
    preprocessor = start.preprocessor if start else scaling.fit(
        to_columns(table(train)), inputs(spec, train), history_days, train.as_of.nunique() > 1
    )  # fmt: skip
    fitted = autoencoder.fit(
        rows(train, preprocessor).for_network(),
        rows(later, preprocessor).for_network() if later is not None else None,
        layout(preprocessor),
        settings,
        start.network if start else None,
        (lambda done, of: told("autoencoder", done, of)) if told else None,
    )
    return Latent(preprocessor, fitted)


def parts(
    train: pd.DataFrame,
    space: Latent,
    trees: boosting.Settings,
    later: pd.DataFrame | None = None,
    frozen: Frozen | None = None,
    told: Told | None = None,
) -> Parts:
    """Fit boosters and the linear models beside a fitted latent space.

    Exactly one of `later` (rows of a later cut-off, for early stopping) and `frozen` (what an
    earlier fit chose) is given.
    """
    data = rows(train, space.preprocessor)
    check = rows(later, space.preprocessor) if later is not None else None
    boosters = boosted(data, trees, check, frozen, told)
    return Parts(
        space.preprocessor, space.network, boosters, _linear(data, trees.power), *_simple(train)
    )


def boosted(
    data: Rows,
    trees: boosting.Settings,
    check: Rows | None = None,
    frozen: Frozen | None = None,
    told: Told | None = None,
) -> dict[str, lgb.Booster]:
    """The boosters of `OUTCOMES` alone; `check` are preprocessed rows of a later cut-off."""
    made = {}
    for i, (name, (objective, outcome)) in enumerate(OUTCOMES.items()):
        if told:
            told(f"gradient boosting of {name}", i, len(OUTCOMES))
        chosen = dataclasses.replace(trees, trees=frozen.trees[name]) if frozen else trees
        made[name] = boosting.fit(
            objective, data.design, outcome(data), chosen,
            (check.design, outcome(check)) if check else None,
        )  # fmt: skip
    return made


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


def start_from(bundle: Bundle, settings: autoencoder.Settings) -> Latent | None:
    """The warm start that a bundle offers, or None where its network has another shape."""
    network = autoencoder.Autoencoder(layout(bundle.preprocessor), settings)
    state = safetensors.torch.load(bundle.files["network.safetensors"])
    own = network.state_dict()
    if {k: v.shape for k, v in state.items()} != {k: v.shape for k, v in own.items()}:
        return None
    network.load_state_dict(state)
    network.eval()
    scale = autoencoder.Scale(**json.loads(bundle.files["model.json"])["network_scale"])
    return Latent(bundle.preprocessor, autoencoder.Fitted(network, scale, 0, []))


def freeze(p: Parts) -> Frozen:
    """The choices of an evaluated fit."""
    trees = {name: max(b.best_iteration, 1) for name, b in p.boosters.items()}
    return Frozen(max(p.network.epochs, 1), trees)


def _linear(data: Rows, power: float) -> Linear:
    """Logistic regression of churn and Tweedie regression of spend (log link) on the design."""
    design = data.design.astype(np.float64)
    churn, spend = _logistic(data, design), _tweedie(data, design, power)
    said = design @ spend[0] + spend[1]
    return Linear(
        np.column_stack([churn[0], spend[0]]),
        np.array([churn[1], spend[1]]),
        np.array([said.min(), said.max()]),
    )


def _logistic(data: Rows, design: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights (columns,) and intercept of the logit of no order."""
    share = float(data.churned.mean())
    if share in (0.0, 1.0):
        edge = np.clip(share, 1e-3, 1 - 1e-3)
        return np.zeros(design.shape[1]), float(np.log(edge / (1 - edge)))
    model = LogisticRegression(C=LINEAR_C, max_iter=500).fit(design, data.churned)
    return model.coef_[0].astype(np.float64), float(model.intercept_[0])


def _tweedie(data: Rows, design: np.ndarray, power: float) -> tuple[np.ndarray, float]:
    """Weights (columns,) and intercept of log expected spend."""
    mean = float(data.targets.spend.mean(dtype=np.float64))
    if not mean > 0:
        return np.zeros(design.shape[1]), float(np.log(1e-9))
    model = TweedieRegressor(
        power=power, link="log", alpha=LINEAR_ALPHA, solver="newton-cholesky", max_iter=100
    ).fit(design, data.targets.spend.astype(np.float64) / mean)
    return model.coef_.astype(np.float64), float(model.intercept_ + np.log(mean))


def calibrate(raw: Raw, window: pd.DataFrame, level: float) -> tuple[Calibration, Bands]:
    """Calibration and spend bands from a bundle's raw outputs on the calibration window."""
    actual = capped(window.future_spend.to_numpy(np.float64))
    orders = window.future_orders.to_numpy(np.float64)
    learned = Calibration(
        churn=calibration.platt(raw.churn_logit, (orders == 0).astype(np.float64)),
        spend=pooling.fit(raw.experts, actual),
        orders=calibration.total_scale(raw.boosted_orders, orders),
    )
    churned = churn(raw.churn_logit, learned)
    return learned, conformal.fit(spend(raw.experts, learned), churned, actual, level)


def stretched(c: Calibration, stretch: Stretch) -> Calibration:
    """The same calibration, carried on to the horizon."""
    return dataclasses.replace(
        c,
        churn_power=stretch.churn_power,
        orders_stretch=stretch.orders,
        spend_stretch=stretch.spend,
    )


def assemble(p: Parts, spec: FeatureSpec) -> Bundle:
    """The bare bundle of fitted parts: only its `raw` outputs mean anything yet."""
    network = p.network.network
    heads = network.heads
    arrays = {
        "head_weight": np.ascontiguousarray(heads.weight.detach().numpy().astype(np.float64)),
        "head_bias": np.ascontiguousarray(heads.bias.detach().numpy().astype(np.float64)[:, 0, :]),
        "linear_weights": p.linear.weights,
        "linear_biases": p.linear.biases,
        "linear_range": p.linear.range,
        **_places(Segmentation(np.zeros((1, 2)), np.zeros(2), np.ones(2), 1.0)),
    }
    positive = p.network.scale.positive
    model = {
        "calibration": dataclasses.asdict(Calibration()),
        "bands": dataclasses.asdict(Bands(0.8, 0.1, 0.9, (0.0,), ((0.0, 0.0),))),
        "target": {"mean": positive[0], "deviation": positive[1]},
        "network_scale": dataclasses.asdict(p.network.scale),
        "heads": list(autoencoder.HEADS),
        "spread": 1.0, "segments": [], "next_segment": 1, "prior": None,
        "shrinkage": dataclasses.asdict(p.shrinkage),
        "cells": dataclasses.asdict(p.cells) if p.cells else None,
    }  # fmt: skip
    columns = len(p.preprocessor.design_names)
    files = {
        "features.json": _json({"spec": spec.to_dict(), "catalog": catalog.entries(spec)}),
        "preprocessing.json": _json(p.preprocessor.to_dict()),
        "model.json": _json(model),
        "arrays.safetensors": safetensors.numpy.save(arrays),
        "encoder.onnx": _export(network.encoder, p.preprocessor),
        **{f"{n}.onnx": boosting.to_onnx(b, columns) for n, b in p.boosters.items()},
        "network.safetensors": safetensors.torch.save(
            {k: v.contiguous() for k, v in network.state_dict().items()}
        ),
        "report_card.json": _json({}),
    }
    return Bundle({"catalog_hash": catalog.catalog_hash(spec)}, files)


def complete(
    bare: Bundle,
    manifest: Mapping[str, Any],
    calibrated: tuple[Calibration, Bands],
    segmentation: Segmentation,
    segments: tuple[Segment, ...] = (),
    prior: Prior | None = None,
    next_segment: int = 1,
    report_card: Mapping[str, Any] | None = None,
    typical: Mapping[str, Any] | None = None,
) -> Bundle:
    """`bare` with all that makes its outputs predictions. Without `segments` it estimates but
    assigns nobody; without a `typical` customer it gives no reasons.
    """
    model = json.loads(bare.files["model.json"]) | {
        "calibration": dataclasses.asdict(calibrated[0]),
        "bands": dataclasses.asdict(calibrated[1]),
        "spread": segmentation.spread,
        "segments": [dataclasses.asdict(s) for s in segments],
        "next_segment": next_segment,
        "prior": dataclasses.asdict(prior) if prior else None,
        "typical": dict(typical or {}),
    }
    arrays = safetensors.numpy.load(bare.files["arrays.safetensors"]) | _places(segmentation)
    changed = {
        "model.json": _json(model),
        "arrays.safetensors": safetensors.numpy.save(arrays),
        "report_card.json": _json(report_card or {}),
    }
    return Bundle({**bare.manifest, **manifest}, {**bare.files, **changed})


def _places(segmentation: Segmentation) -> dict[str, np.ndarray]:
    return {
        "centroids": np.ascontiguousarray(segmentation.centroids),
        "score_mean": np.ascontiguousarray(segmentation.mean),
        "score_scale": np.ascontiguousarray(segmentation.scale),
    }


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, allow_nan=False).encode()


def _export(encoder: autoencoder.Encoder, preprocessor: Preprocessor) -> bytes:
    design = torch.zeros(2, len(preprocessor.design_names))
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            encoder.eval(), (design,), out, dynamo=False, opset_version=17,
            input_names=["design"], output_names=["latent"],
            dynamic_axes={"design": {0: "n"}, "latent": {0: "n"}},
        )  # fmt: skip
    return out.getvalue()
