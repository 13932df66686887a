"""Fitted parts become the bundle that predicts with them; a bundle, parts to start from."""

from __future__ import annotations

import dataclasses
import io
import json
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import safetensors.numpy
import safetensors.torch
import torch

from features import catalog
from features.spec import FeatureSpec
from training.fitting import autoencoder, boosting, fit, recurrent
from training.prediction.blend import Calibration
from training.prediction.bundle import Bundle
from training.prediction.calibrated import Calibrated
from training.prediction.intervals import Bands
from training.prediction.preprocessing import Preprocessor
from training.prediction.segments import Segment, Segmentation
from training.prediction.structure import Prior

UNCALIBRATED = Calibrated((Calibration(), Bands(0.8, 0.1, 0.9, (0.0,), ((0.0, 0.0),))))
#: What a portrait tells the mean of.
ESTIMATES = ("churn_probability", "expected_orders", "expected_spend")


def assemble(p: fit.Parts, spec: FeatureSpec) -> Bundle:
    """The bare bundle of fitted parts: only its `raw` outputs mean anything yet."""
    network = p.network.network
    heads = network.heads
    arrays = {
        "head_weight": np.ascontiguousarray(heads.weight.detach().numpy().astype(np.float64)),
        "head_bias": np.ascontiguousarray(heads.bias.detach().numpy().astype(np.float64)[:, 0, :]),
        "linear_weights": p.lines.weights,
        "linear_biases": p.lines.biases,
        "linear_range": p.lines.range,
        **_places(Segmentation(np.zeros((1, 2)), np.zeros(2), np.ones(2), 1.0)),
    }
    positive = p.network.scale.positive
    model = {
        **UNCALIBRATED.to_dict(),
        "target": {"mean": positive[0], "deviation": positive[1]},
        "network_scale": dataclasses.asdict(p.network.scale),
        "heads": list(autoencoder.HEADS),
        "spread": 1.0, "segments": [], "next_segment": 1, "prior": None, "typical": {},
        "shrinkage": dataclasses.asdict(p.shrinkage),
        "cells": dataclasses.asdict(p.cells) if p.cells else None,
        "amounts": dataclasses.asdict(p.amounts),
        "course": dataclasses.asdict(p.recurrent.course),
    }  # fmt: skip
    columns = len(p.preprocessor.design_names)
    files = {
        "features.json": _json({"spec": spec.to_dict(), "catalog": catalog.entries(spec)}),
        "preprocessing.json": _json(p.preprocessor.to_dict()),
        "model.json": _json(model),
        "arrays.safetensors": safetensors.numpy.save(arrays),
        "encoder.onnx": _export(network.encoder, p.preprocessor),
        **{f"{n}.onnx": boosting.to_onnx(b, columns) for n, b in p.boosters.items()},
        "recurrent.onnx": recurrent.to_onnx(p.recurrent),
        "network.safetensors": safetensors.torch.save(
            {k: v.contiguous() for k, v in network.state_dict().items()}
        ),
        "report_card.json": _json({}),
    }
    return Bundle({"catalog_hash": catalog.catalog_hash(spec)}, files)


def complete(
    bare: Bundle,
    manifest: Mapping[str, Any],
    calibrated: Calibrated,
    segmentation: Segmentation,
    segments: tuple[Segment, ...],
    prior: Prior | None = None,
    next_segment: int = 1,
    report_card: Mapping[str, Any] | None = None,
    typical: Mapping[str, Any] | None = None,
) -> Bundle:
    """`bare` with all that makes its outputs predictions. Without a `typical` customer it gives no
    reasons.
    """
    model = json.loads(bare.files["model.json"]) | {
        **calibrated.to_dict(),
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


def counted(bundle: Bundle, scored: pd.DataFrame) -> Bundle:
    """`bundle` with each portrait's customers, share and mean predictions taken over everyone
    `scored` by it (`training.scoring.score`), in place of those drawn.
    """
    by_segment = scored.groupby("segment_id")
    counts = by_segment.size().to_dict()
    means = {name: by_segment[name].mean().to_dict() for name in ESTIMATES}
    segments = []
    for segment in bundle.segments:
        count = int(counts.get(segment.id, 0))
        told = {name: found.get(segment.id) for name, found in means.items()}
        portrait = segment.portrait | told | {"customers": count, "share": count / len(scored)}
        segments.append(dataclasses.asdict(dataclasses.replace(segment, portrait=portrait)))
    model = json.loads(bundle.files["model.json"]) | {"segments": segments}
    return Bundle(bundle.manifest, {**bundle.files, "model.json": _json(model)})


def start_from(bundle: Bundle, settings: autoencoder.Settings) -> fit.Latent | None:
    """The warm start that a bundle offers, or None where its network has another shape."""
    network = autoencoder.Autoencoder(fit.layout(bundle.preprocessor), settings)
    state = safetensors.torch.load(bundle.files["network.safetensors"])
    own = network.state_dict()
    if {k: v.shape for k, v in state.items()} != {k: v.shape for k, v in own.items()}:
        return None
    network.load_state_dict(state)
    network.eval()
    scale = autoencoder.Scale(**json.loads(bundle.files["model.json"])["network_scale"])
    return fit.Latent(bundle.preprocessor, autoencoder.Fitted(network, scale, 0, []))


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
