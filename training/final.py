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
from features.settings.experiment import Experiment
from features.spec import FeatureSpec
from training.evaluation import Evaluated
from training.explanation.typical import rhythm, typical
from training.fitting import (
    assembly,
    autoencoder,
    boosting,
    clustering,
    fit,
    identity,
    portrait,
    prospects,
    scaling,
)  # fmt: skip
from training.fitting.identity import Matching
from training.fitting.level import Structural, weight
from training.prediction.bundle import Bundle, to_columns
from training.prediction.calibrated import Calibrated
from training.prediction.segments import Segment, Segmentation
from training.screen import Told
from training.snapshots import Snapshots, buyers
from training.windows.season import Season, carried
from training.windows.splits import Splits
from training.windows.stretch import Stretch

ANCHOR = 20.0


@dataclasses.dataclass(frozen=True)
class Final:
    """The bundle to serve, today's customers as it sees them, and what became of old segments."""

    bundle: Bundle
    predicted: pa.Table
    labels: np.ndarray
    matching: Matching | None


def final(
    experiment: Experiment,
    plan: Splits,
    shots: Snapshots,
    spec: FeatureSpec,
    evaluated: Evaluated,
    ratio: Stretch,
    season: Season,
    network: autoencoder.Settings,
    manifest: Mapping[str, Any],
    card: Mapping[str, Any],
    champion: Bundle | None,
    champion_labels: np.ndarray | None,
    told: Told,
) -> Final:
    """Fit on all complete cut-offs, starting from the champion where its network and what that
    takes in still fit, else from the evaluated model; label the customers of now.

    The calibration is learned anew by the evaluation's rule, one window later, and carried over
    (`fitting.calibration.transfer`): a rehearsing model is fitted on the rows of the training and
    calibration windows, and calibrated on those of the test window. Its level is settled
    (`fitting.level`), then stretched by `ratio` to the horizon and by the `season` ahead.
    `champion_labels` are the champion's segment indices of the rows of `shots.now`.
    """
    train, now, prior = shots.at(plan.final), shots.now, shots.prior
    rehearsal = shots.at((*plan.train, plan.calibration)), shots.at((plan.test,))
    level, trees = experiment.interval_level, evaluated.trees
    start = None
    same_inputs = champion is not None and (champion.prior is None) == (prior is None)
    same_columns = champion is not None and catalog.tabular(champion.spec) == catalog.tabular(spec)
    if champion is not None and champion.current and same_columns and same_inputs:
        start = assembly.start_from(champion, network)
    fresh, learned_from = evaluated.space.preprocessor, to_columns(fit.table(train))
    if start and not scaling.still_fits(start.preprocessor, fresh, learned_from):
        start = None
    came_from = champion.manifest["version"] if champion and start else None
    manifest = {**manifest, "started_from": came_from}
    settings = dataclasses.replace(network, epochs=evaluated.frozen.epochs, anchor=ANCHOR)
    space, data, _ = fit.latent(train, spec, 0, settings, start=start or evaluated.space, told=told)
    fitted = fit.parts(train, space, data, spec, trees, frozen=evaluated.frozen, told=told)
    bare = assembly.assemble(fitted, spec)
    bought = buyers(now)
    rehearsed, counts = _calibrated(
        rehearsal, now, bare, spec, evaluated, settings, trees, level, told
    )
    known = to_columns(fit.table(bought))
    counted = Structural(counts, prior.lasting(known) if prior else 1.0)
    calibrated = prospects.stretched(
        prospects.settled(
            rehearsed,
            bare,
            train,
            bare.raw(known),
            season,
            evaluated.cutoffs,
            counted,
            plan.window_days,
        ),
        carried(ratio, season.factor),
    )
    warm = champion.segmentation if champion and start else evaluated.bundle.segmentation
    segmentation = clustering.fit(space.scores(bought), evaluated.k, network.seed, warm)
    labels = segmentation.labels(space.scores(now))
    matching = None
    if champion is not None and champion_labels is not None:
        matching = identity.match(champion_labels, labels, len(champion.segments), evaluated.k)
    customers = to_columns(fit.table(now))
    estimates = calibrated.estimates(bare.raw(customers))
    segments, following = _named(
        estimates, labels, customers, spec, segmentation, champion, matching
    )
    usual = typical(known, [f.name for f in catalog.features(spec)])
    usual |= rhythm(usual, spec.period_days)
    bundle = assembly.complete(
        bare, manifest, calibrated, segmentation, segments, prior, following, card, usual
    )
    return Final(bundle, bundle.predict(fit.table(now)), labels, matching)


def _calibrated(
    rehearsal: tuple[pd.DataFrame, pd.DataFrame],
    now: pd.DataFrame,
    bare: Bundle,
    spec: FeatureSpec,
    evaluated: Evaluated,
    settings: autoencoder.Settings,
    trees: boosting.Settings,
    level: float,
    told: Told,
) -> tuple[Calibrated, float]:
    """Calibration of the served model `bare`, carried over from a rehearsal: a model fitted in the
    same way one window earlier, calibrated on the window that it did not see; and what the
    structural total counts for there.
    """
    before, window = rehearsal
    space, data, _ = fit.latent(before, spec, 0, settings, start=evaluated.space, told=told)
    fitted = fit.parts(before, space, data, spec, trees, frozen=evaluated.frozen, told=told)
    teacher = assembly.assemble(fitted, spec)
    raw = teacher.raw(to_columns(fit.table(window)))
    # who is known by attributes alone was in no window
    met = (now.orders > 0) | ((now.events > 0) if "events" in now else False)
    customers = to_columns(fit.table(now[met]))
    learned = prospects.calibrate(raw, window, level)
    spent = window.future_spend.to_numpy(np.float64)[raw.ordered]
    counts = weight(learned.ordered[0], raw.of(raw.ordered), spent)
    return prospects.transferred(learned, teacher.raw(customers), bare.raw(customers)), counts


def _named(
    estimates: dict[str, np.ndarray],
    labels: np.ndarray,
    customers: dict[str, np.ndarray],
    spec: FeatureSpec,
    segmentation: Segmentation,
    champion: Bundle | None,
    matching: Matching | None,
) -> tuple[tuple[Segment, ...], int]:
    """Segments with ids and names: the champion's where one goes on, new ones otherwise."""
    k = len(segmentation.centroids)
    portraits = portrait.describe(labels, k, customers, estimates, catalog.tabular(spec))
    old: list[Segment | None] = [None] * k
    following = champion.next_segment if champion else 1  # an id is never given twice
    if champion is not None and matching is not None:
        old = [None if i is None else champion.segments[i] for i in matching.old_of]
    names = portrait.name_all(portraits, [s.name if s else None for s in old])
    segments = []
    for i, (name, kept) in enumerate(zip(names, old, strict=True)):
        if kept is None:
            identifier, following = f"S{following}", following + 1
        else:
            identifier = kept.id
        segments.append(Segment(identifier, name, portraits[i]))
    return tuple(segments), following
