"""The model that is served: refitted on every cut-off with all that the evaluation chose frozen,
its segments matched to the champion's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from features import catalog
from features.spec import FeatureSpec
from training import autoencoder, boosting, clustering, fit, identity, portrait
from training.blend import Calibration
from training.bundle import Bundle, to_columns
from training.evaluation import Evaluated
from training.identity import Matching
from training.intervals import Bands
from training.segments import Segment, Segmentation
from training.stretch import Stretch
from training.structure import Prior

ANCHOR = 20.0


@dataclasses.dataclass(frozen=True)
class Final:
    """The bundle to serve, today's customers as it sees them, and what became of old segments."""

    bundle: Bundle
    predicted: pa.Table
    placed: np.ndarray
    labels: np.ndarray
    matching: Matching | None


def final(
    train: pd.DataFrame,
    rehearsal: tuple[pd.DataFrame, pd.DataFrame],
    now: pd.DataFrame,
    spec: FeatureSpec,
    prior: Prior | None,
    evaluated: Evaluated,
    stretch: Stretch,
    level: float,
    network: autoencoder.Settings,
    trees: boosting.Settings,
    manifest: Mapping[str, Any],
    card: Mapping[str, Any],
    champion: Bundle | None,
    champion_labels: np.ndarray | None,
    told: fit.Told | None = None,
) -> Final:
    """Fit on all complete cut-offs (`train`), starting from the champion where its network fits,
    else from the evaluated model; label the customers of `now`.

    The calibration is learned anew by the evaluation's rule, one window later: `rehearsal` holds
    the rows of the training and calibration windows, which a rehearsing model is fitted on, and
    those of the test window, which calibrate it. `prior` is today's structural prior (`train` and
    `now` carry its columns, if there is one); `champion_labels` are the champion's segment
    indices of the same rows of `now`.
    """
    start = None
    same_inputs = champion is not None and (champion.prior is None) == (prior is None)
    if champion is not None and champion.spec == spec and same_inputs:
        start = fit.start_from(champion, network)
    settings = dataclasses.replace(network, epochs=evaluated.frozen.epochs, anchor=ANCHOR)
    space = fit.latent(train, spec, 0, settings, start=start or evaluated.space, told=told)
    fitted = fit.parts(train, space, trees, frozen=evaluated.frozen, told=told)
    calibration, bands = _calibrated(rehearsal, spec, evaluated, settings, trees, level, told)
    calibrated = (fit.stretched(calibration, stretch), bands)
    warm = champion.segmentation if champion and start else evaluated.bundle.segmentation
    buyers = now[now.orders > 0] if (now.orders > 0).any() else now
    segmentation = clustering.fit(space.scores(buyers), evaluated.k, network.seed, warm)
    scores = space.scores(now)
    labels = segmentation.labels(scores)
    matching = None
    if champion is not None and champion_labels is not None:
        matching = identity.match(champion_labels, labels, len(champion.segments), evaluated.k)
    bare = fit.assemble(fitted, spec, manifest, calibrated, segmentation,
                        tuple(Segment(str(i), str(i), {}) for i in range(evaluated.k)))  # fmt: skip
    predicted = bare.predict(fit.table(now))
    segments, following = _named(predicted, labels, now, spec, segmentation, champion, matching)
    bundle = fit.assemble(
        fitted, spec, manifest, calibrated, segmentation, segments, prior, following, card
    )
    return Final(
        bundle, bundle.predict(fit.table(now)), segmentation.place(scores), labels, matching
    )


def _calibrated(
    rehearsal: tuple[pd.DataFrame, pd.DataFrame],
    spec: FeatureSpec,
    evaluated: Evaluated,
    settings: autoencoder.Settings,
    trees: boosting.Settings,
    level: float,
    told: fit.Told | None,
) -> tuple[Calibration, Bands]:
    """Calibration for the served model: of a model fitted one window earlier, in the same way."""
    before, window = rehearsal
    space = fit.latent(before, spec, 0, settings, start=evaluated.space, told=told)
    fitted = fit.parts(before, space, trees, frozen=evaluated.frozen, told=told)
    raw = fit.assemble(fitted, spec, {}).raw(to_columns(fit.table(window)))
    return fit.calibrate(raw, window, level)


def _named(
    predicted: pa.Table,
    labels: np.ndarray,
    now: pd.DataFrame,
    spec: FeatureSpec,
    segmentation: Segmentation,
    champion: Bundle | None,
    matching: Matching | None,
) -> tuple[tuple[Segment, ...], int]:
    """Segments with ids and names: the champion's where one goes on, new ones otherwise."""
    k = len(segmentation.centroids)
    means = ("churn_probability", "expected_orders", "expected_spend")
    portraits = portrait.describe(
        labels, k, to_columns(fit.table(now)),
        {name: predicted[name].to_numpy() for name in means}, catalog.features(spec),
    )  # fmt: skip
    old: list[Segment | None] = [None] * k
    following = 1
    if champion is not None and matching is not None:
        old = [None if i is None else champion.segments[i] for i in matching.old_of]
        following = champion.next_segment
    names = portrait.name_all(portraits, [s.name if s else None for s in old])
    segments = []
    for i, (name, kept) in enumerate(zip(names, old, strict=True)):
        if kept is None:
            identifier, following = f"S{following}", following + 1
        else:
            identifier = kept.id
        segments.append(Segment(identifier, name, portraits[i]))
    return tuple(segments), following
