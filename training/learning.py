"""What a retrain learns, before anything of it is recorded or written: evaluated, then refitted."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import importlib.metadata
import platform
import secrets
from typing import Any

import numpy as np
import pandas as pd
import torch

from features import catalog, discovery, spine
from features.settings.experiment import Experiment
from features.snapshot import snapshot
from features.sources import Sources
from features.spec import FeatureSpec, continued
from training import display, heading, origins, snapshots, stability
from training.btyd import prior
from training.cards import outlook, segment_card
from training.cards.report_card import ReportCard, Section
from training.checks import readiness, suspects
from training.checks.readiness import INSUFFICIENT, Readiness
from training.evaluation import Evaluated, evaluate
from training.final import ANCHOR, Final, final
from training.fitting import autoencoder, boosting
from training.fitting.fit import table
from training.prediction import value
from training.prediction.bundle import Bundle, to_columns
from training.prediction.structure import FEATURES
from training.screen import Screen, Told
from training.windows import exposure, season, splits, stretch
from training.windows.exposure import Exposure
from training.windows.splits import Splits

# A second thread gains little on models this small, and on busy cores waiting for it costs tenfold;
# one thread also makes the same seed give the same weights on every machine of a kind.
THREADS = 1
PACKAGES = ("torch", "scikit-learn", "lightgbm", "mlflow", "bentoml", "pandas", "numpy", "duckdb",
            "ibis-framework", "onnxruntime")  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Learned:
    """What a run learned, before anything of it is recorded or written."""

    plan: Splits
    spec: FeatureSpec
    shots: snapshots.Snapshots
    evaluated: Evaluated
    card: ReportCard
    ratio: stretch.Stretch
    served: Final
    version: str


def learn(
    experiment: Experiment,
    read: Sources,
    screen: Screen,
    as_of: pd.Timestamp | None,
    champion: Bundle | None,
    steadiness: bool = True,
) -> Learned:
    """Evaluate a model and fit the one that is served, with nothing but what was read.

    `read` was cut at `as_of`; `champion` is what to start from, if anything, and was trained on
    nothing that followed. Without `steadiness` nothing is retrained to see how many keep their
    segment, and the card has no section of it.
    Raises CoterieError with rule, value seen and remedy where the run would be meaningless: too
    little history, too few customers, or an undated attribute that is the outcome itself.
    """
    torch.set_num_threads(THREADS)
    plan = splits.planned(experiment, read, as_of)
    display.show_plan(plan, screen)
    if read.start < plan.start:
        screen.say(
            f"   The few order lines from {read.start:%Y-%m-%d} on lie more than a year before all "
            f"others, which begin {plan.start:%Y-%m-%d}: no window looks at the time between. Are "
            "their dates slips?"
        )
    network, trees = _settings(experiment)
    with screen.step("Building snapshots through the feature path") as told:
        spec = _spec(experiment, read, plan, champion)
        exposed = exposure.measure(read.connection, plan.now)
        most = experiment.model.most_customers
        shots = snapshots.gather(read, spec, plan, exposed, most, told)
    screen.say(
        f"   {len(catalog.features(spec))} features (catalog {catalog.catalog_hash(spec)}), "
        f"{len(shots.past):,} rows at {shots.past.as_of.nunique()} cut-offs, "
        f"{len(shots.now):,} customers now"
        + (f", drawn of {shots.customers:,}" if shots.drawn else "")
    )
    snapshots.require_enough(shots, plan)
    found = suspects.among(shots.past, spec, plan, experiment.seed)
    leak = suspects.refusal(found, suspects.undated(experiment, spec))
    if leak is not None:
        raise leak
    with screen.step("Evaluating: train, calibrate and test on later and later windows") as told:
        held = len(champion.segments) if champion else None
        measured = functools.partial(_seasons, read, plan, exposed)
        evaluated = evaluate(experiment, plan, shots, spec, network, trees, held, measured, told)
    seasons = evaluated.seasons
    sections = list(evaluated.sections)
    others = origins.earlier(plan, experiment.model.origins - 1)
    if others:
        with screen.step("Testing at earlier cut-offs, each by a model of what lay before") as told:
            sections.append(
                _rolled(experiment, plan, shots, spec, evaluated, others, network, trees, told)
            )
    with screen.step("Following customers beyond the horizon, as long as the history lasts"):
        sections.append(_longer_view(experiment, read, plan, shots))
    if steadiness and shots.earlier is not None:
        with screen.step(
            f"Retraining {stability.DAYS} days later, to see whether segments hold still"
        ) as told:
            steady = stability.measure(
                shots.earlier, shots.at(plan.final), snapshots.buyers(shots.now), spec,
                plan.history_days,
                dataclasses.replace(network, epochs=evaluated.frozen.epochs), ANCHOR, evaluated.k,
                told,
            )  # fmt: skip
        sections.append(
            segment_card.stability_section(
                steady.kept, steady.agreement, stability.DAYS, steady.customers
            )
        )
    answers = readiness.judge(plan, shots.past)
    head = heading.lines(experiment, plan, evaluated, seasons, exposed, found, answers, shots)
    card = ReportCard(head, tuple(sections))
    display.show_card(card, screen)
    version = f"{dt.datetime.now(dt.UTC):%Y%m%d}-{secrets.token_hex(4)}"
    with screen.step("Refitting on every cut-off: the model that is served") as told:
        ratio = snapshots.ratio(read, spec, plan, shots, most)
        champion_labels = _champion_labels(champion, read, spec, shots.now)
        served = final(
            experiment, plan, shots, spec, evaluated, ratio, seasons[1], network,
            _manifest(experiment, plan, version, ratio, seasons[1], answers, shots),
            card.to_dict(),
            champion, champion_labels, told,
        )  # fmt: skip
    display.show_sameness(served.predicted["churn_probability"].to_numpy(), screen)
    if plan.window_days != plan.horizon_days:
        screen.say(
            f"   predictions over {plan.window_days} days are stretched to {plan.horizon_days}: "
            f"orders and spend x {ratio.orders:.2f} and {ratio.spend:.2f}, churn to the power "
            f"{ratio.churn_power:.2f} ({ratio.source})"
        )
    return Learned(plan, spec, shots, evaluated, card, ratio, served, version)


def _settings(experiment: Experiment) -> tuple[autoencoder.Settings, boosting.Settings]:
    model = experiment.model
    network = autoencoder.Settings(members=model.seeds, latent=model.latent, seed=experiment.seed)
    return network, boosting.Settings(seed=experiment.seed, threads=THREADS)


def _spec(
    experiment: Experiment, read: Sources, plan: Splits, champion: Bundle | None
) -> FeatureSpec:
    """What to see: learned before the first training cut-off; the champion's own where it still
    describes the same sources, so that a retrain starts from it.
    """
    learned = discovery.learned(read, experiment, plan.train[0].as_of)
    return learned if champion is None else continued(champion.spec, learned)


def _champion_labels(
    champion: Bundle | None,
    read: Sources,
    spec: FeatureSpec,
    now: pd.DataFrame,
) -> np.ndarray | None:
    """The champion's segment index of each row of `now`."""
    if champion is None or not champion.current:
        return None
    if champion.spec == spec:
        rows = now.drop(columns=[f.name for f in FEATURES], errors="ignore")  # it has its own prior
    else:
        rows = snapshot(read.connection, champion.spec, spine.of(now))
    return champion.segmentation.labels(champion.raw(to_columns(table(rows))).scores)


def _manifest(
    experiment: Experiment,
    plan: Splits,
    version: str,
    ratio: stretch.Stretch,
    ahead: season.Season,
    answers: tuple[Readiness, ...],
    shots: snapshots.Snapshots,
) -> dict[str, Any]:
    return {
        "name": experiment.name, "version": version, "note": experiment.note,
        "created": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "currency": experiment.currency, "horizon_days": experiment.horizon_days,
        "window_days": plan.window_days, "interval_level": experiment.interval_level,
        "time_zone": experiment.time_zone, "seed": experiment.seed,
        "trained_until": plan.now.isoformat(), "splits": plan.to_dict(),
        "stretch": dataclasses.asdict(ratio), "season": dataclasses.asdict(ahead),
        "value": {**dataclasses.asdict(experiment.value), "months": [*experiment.value.months]},
        "value_assumptions": list(_assumptions(experiment)), "left_out": experiment.left_out(),
        "insufficient": [
            a.sentence() for a in readiness.wanting(answers) if a.status == INSUFFICIENT
        ],
        "customers": {"known": shots.customers, "drawn": len(shots.now)},
        "libraries": {name: importlib.metadata.version(name) for name in PACKAGES},
        "python": platform.python_version(),
    }  # fmt: skip


def _assumptions(experiment: Experiment) -> tuple[str, ...]:
    return value.assumptions(experiment.value, experiment.currency, experiment.horizon_days)


def _rolled(
    experiment: Experiment,
    plan: Splits,
    shots: snapshots.Snapshots,
    spec: FeatureSpec,
    e: Evaluated,
    others: list[origins.Origin],
    network: autoencoder.Settings,
    trees: boosting.Settings,
    told: Told,
) -> Section:
    """The run's own test cut-off and the earlier ones that could be tested at."""
    before, bought = (snapshots.buyers(shots.at((w,))) for w in (plan.calibration, plan.test))
    own = (e.test.churn_probability.to_numpy(), e.test.expected_spend.to_numpy())
    judged = [origins.Judged(before, bought, *own)]
    for i, origin in enumerate(others):
        told("origin", i, len(others))
        found = origins.judge(
            shots, origin, spec, plan.history_days, experiment.interval_level, network, trees
        )
        judged += [found] if found else []
    return origins.section(judged, plan.window_days)


def _longer_view(
    experiment: Experiment, read: Sources, plan: Splits, shots: snapshots.Snapshots
) -> Section:
    """The structural models' longer view, against the longest time that anybody was watched."""
    rows, days = snapshots.followed(read, plan, shots, value.days(max(experiment.value.months)))
    fitted = None
    if shots.prior:  # in the way of what is served
        ways = prior.WAYS[2:] if shots.prior.alike else prior.WAYS
        fitted, _ = prior.tried(rows, plan.window_days, ways)
    return outlook.value_section(
        rows, days, fitted, plan.window_days, _assumptions(experiment), experiment.currency,
        experiment.seed,
    )  # fmt: skip


def _seasons(
    read: Sources, plan: Splits, exposed: Exposure, served: season.Served
) -> tuple[season.Season, season.Season]:
    """The season of the test window against that of the calibration, and the one ahead."""
    window = plan.window_days
    cutoffs = season.steps(plan)
    tested, ahead = (
        season.measure(
            read.connection, plan.start, before, at, window, days, plan.history_days, served,
            exposed, plan.test.days_late,
        )
        for before, at, days in zip(cutoffs, cutoffs[1:], (window, plan.horizon_days), strict=False)
    )  # fmt: skip
    return tested, ahead
