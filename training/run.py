"""One retrain from files to a registered champion: the whole story on one screen."""

from __future__ import annotations

import dataclasses
import datetime as dt
import importlib.metadata
import platform
import secrets
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from features import catalog, sources
from features.experiment import Experiment
from features.sources import Sources
from features.spec import FeatureSpec, continued
from training import (
    autoencoder,
    boosting,
    display,
    fit,
    origins,
    outlook,
    plots,
    prior,
    reading,
    report_card,
    scoring,
    season,
    snapshots,
    splits,
    stability,
    stretch,
    suspects,
    tracking,
    tuning,
    value,
)  # fmt: skip
from training.blend import EXPERTS
from training.bundle import Bundle, to_columns
from training.evaluation import Evaluated, evaluate
from training.final import ANCHOR, Final, final
from training.fit import table
from training.report_card import ReportCard, Section
from training.screen import Screen
from training.splits import Splits
from training.structure import FEATURES

# A second thread gains little on models this small, and on busy cores waiting for it costs tenfold;
# one thread also makes the same seed give the same weights on every machine of a kind.
THREADS = 1
PACKAGES = ("torch", "scikit-learn", "lightgbm", "mlflow", "bentoml", "pandas", "numpy", "duckdb",
            "ibis-framework", "onnxruntime")  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Retrained:
    """What a retrain leaves: the champion, where it is recorded, and the folder of its files."""

    bundle: Bundle
    card: ReportCard
    recorded: tracking.Recorded
    folder: Path
    scores: pd.DataFrame
    now: pd.Timestamp


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

    `read` was cut at `as_of`; `champion` is what to start from, if anything. Without `steadiness`
    nothing is retrained to see how many keep their segment, and the card has no section of it.
    Raises CoterieError with rule, value seen and remedy where the run would be meaningless: too
    little history, too few customers, or an undated attribute that is the outcome itself.
    """
    torch.set_num_threads(THREADS)
    days = experiment.horizon_days
    now = splits.now_after(read.end) if as_of is None else splits.now_at(as_of, read.end, days)
    plan = splits.plan(read.start, now, experiment.horizon_days, experiment.min_history_days)
    display.show_plan(plan, screen)
    network, trees = _settings(experiment)
    with screen.step("Building snapshots through the feature path") as told:
        spec = _spec(experiment, read, plan, champion)
        shots = snapshots.gather(read, spec, plan, told)
        seasons = _seasons(read, plan)
    screen.say(
        f"   {len(catalog.features(spec))} features (catalog {catalog.catalog_hash(spec)}), "
        f"{len(shots.past):,} rows at {shots.past.as_of.nunique()} cut-offs, "
        f"{len(shots.now):,} customers now"
    )
    snapshots.require_enough(shots, plan)
    found = suspects.among(shots.past, spec, plan, experiment.seed)
    leak = suspects.refusal(found, suspects.undated(experiment, spec))
    if leak is not None:
        raise leak
    with screen.step("Evaluating: train, calibrate and test on later and later windows") as told:
        held = len(champion.segments) if champion else None
        evaluated = evaluate(
            shots.at(plan.train), shots.at((plan.calibration,)), shots.at((plan.test,)), spec,
            plan.history_days, plan.window_days, experiment.interval_level, experiment.currency,
            network, trees, experiment.model.segments, held, told,
            seasons[0].factor, experiment.model.tune,
        )  # fmt: skip
    sections = list(evaluated.sections)
    others = origins.earlier(plan, experiment.model.origins - 1)
    if others:
        with screen.step("Testing at earlier cut-offs, each by a model of what lay before") as told:
            sections.append(
                _rolled(experiment, plan, shots, spec, evaluated, others, network, told)
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
            report_card.stability_section(
                steady.kept, steady.agreement, stability.DAYS, steady.customers
            )
        )
    card = ReportCard(_heading(experiment, plan, evaluated, seasons, found), tuple(sections))
    display.show_card(card, screen)
    version = f"{dt.datetime.now(dt.UTC):%Y%m%d}-{secrets.token_hex(4)}"
    with screen.step("Refitting on every cut-off: the model that is served") as told:
        ratio = snapshots.ratio(read, spec, plan, shots)
        champion_labels = _champion_labels(champion, read, spec, shots.now, now)
        served = final(
            shots.at(plan.final),
            (shots.at((*plan.train, plan.calibration)), shots.at((plan.test,))),
            shots.now, spec, shots.prior, evaluated,
            season.carried(ratio, seasons[1].factor), experiment.interval_level,
            network, evaluated.trees,
            _manifest(experiment, plan, version, ratio, seasons[1], champion), card.to_dict(),
            champion, champion_labels, told,
        )  # fmt: skip
    if plan.window_days != plan.horizon_days:
        screen.say(
            f"   predictions over {plan.window_days} days are stretched to {plan.horizon_days}: "
            f"orders and spend x {ratio.orders:.2f} and {ratio.spend:.2f}, churn to the power "
            f"{ratio.churn_power:.2f} ({ratio.source})"
        )
    return Learned(plan, spec, shots, evaluated, card, ratio, served, version)


def retrain(
    experiment: Experiment,
    screen: Screen,
    as_of: pd.Timestamp | None = None,
    out: Path = Path("out"),
) -> Retrained:
    """Train, evaluate, register and promote a model; score everyone with it.

    Parameters
    ----------
    experiment : the experiment file's values
    as_of : nothing at or after this moment (UTC) is seen; None for all of the history
    out : files for people go to `out`/NAME

    Raises CoterieError with rule, value seen and remedy where the run would be meaningless.
    """
    if experiment.model.tune:
        tuning.require()
    out = out / experiment.name
    read = reading.read_sources(experiment, as_of, screen, out)
    champion = tracking.champion(experiment.name)
    learned = learn(experiment, read, screen, as_of, champion)
    plan, evaluated, card, served = learned.plan, learned.evaluated, learned.card, learned.served
    with screen.step("Logging to MLflow, registering, moving the alias champion"):
        pictures = _figures(experiment, evaluated, served, card)
        folder = _write(out, served, card, pictures)
        recorded = tracking.record(
            _record(experiment, plan, evaluated, served, card, pictures, learned.shots),
            served.bundle,
            folder,
        )
        tracking.promote(experiment.name, recorded.version)
    screen.say(
        f"   {experiment.name} version {recorded.version} ({learned.version}) is the champion"
    )
    with screen.step("Scoring every customer"):
        scored = scoring.scores(served.bundle, served.predicted)
        scoring.write(served.bundle, scored, out / "customers.parquet")
    display.show_identity(champion, served, screen)
    display.show_segments(served.bundle, screen)
    screen.say(
        f"Every customer's row: {out / 'customers.parquet'} ({len(scored):,}); "
        f"report card and plots: {out}"
    )
    return Retrained(served.bundle, card, recorded, folder, scored, plan.now)


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
    learned = sources.learned(read, experiment, plan.train[0].as_of)
    return learned if champion is None else continued(champion.spec, learned)


def _champion_labels(
    champion: Bundle | None,
    read: Sources,
    spec: FeatureSpec,
    now: pd.DataFrame,
    as_of: pd.Timestamp,
) -> np.ndarray | None:
    """The champion's segment index of each row of `now`."""
    if champion is None or not champion.current:
        return None
    if champion.spec == spec:
        rows = now.drop(columns=[f.name for f in FEATURES], errors="ignore")  # it has its own prior
    else:
        rows = scoring.features_at(read, champion, as_of)
    return champion.segmentation.labels(champion.raw(to_columns(table(rows))).scores)


def _manifest(
    experiment: Experiment,
    plan: Splits,
    version: str,
    ratio: stretch.Stretch,
    ahead: season.Season,
    champion: Bundle | None,
) -> dict[str, Any]:
    return {
        "name": experiment.name, "version": version, "note": experiment.note,
        "created": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "currency": experiment.currency, "horizon_days": experiment.horizon_days,
        "window_days": plan.window_days, "interval_level": experiment.interval_level,
        "time_zone": experiment.time_zone, "seed": experiment.seed,
        "trained_until": plan.now.isoformat(), "splits": plan.to_dict(),
        "stretch": dataclasses.asdict(ratio), "season": dataclasses.asdict(ahead),
        "value": experiment.to_dict()["value"],
        "value_assumptions": list(_assumptions(experiment)),
        "started_from": champion.manifest["version"] if champion else None,
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
    told: fit.Told,
) -> Section:
    """The run's own test cut-off and the earlier ones that could be tested at."""
    before, bought = (snapshots.buyers(shots.at((w,))) for w in (plan.calibration, plan.test))
    own = (e.test.churn_probability.to_numpy(), e.test.expected_spend.to_numpy())
    judged = [origins.Judged(before, bought, *own)]
    for i, origin in enumerate(others):
        told("origin", i, len(others))
        found = origins.judge(
            shots, origin, spec, plan.history_days, experiment.interval_level, network, e.trees
        )
        judged += [found] if found else []
    return origins.section(judged, plan.window_days)


def _longer_view(
    experiment: Experiment, read: Sources, plan: Splits, shots: snapshots.Snapshots
) -> Section:
    """The structural models' longer view, against the longest time that anybody was watched."""
    rows, days = snapshots.followed(read, plan, shots, value.days(max(experiment.value.months)))
    fitted = prior.fit(rows, plan.window_days) if shots.prior else None
    return outlook.value_section(
        rows, days, fitted, plan.window_days, _assumptions(experiment), experiment.currency,
        experiment.seed,
    )  # fmt: skip


def _seasons(read: Sources, plan: Splits) -> tuple[season.Season, season.Season]:
    """The season of the test window against that of the calibration, and the one ahead."""
    window = plan.window_days
    cutoffs = (plan.calibration.as_of, plan.test.as_of, plan.now.floor("D"))
    tested, ahead = (
        season.measure(read.connection, plan.start, before, at, window, days, plan.history_days)
        for before, at, days in zip(cutoffs, cutoffs[1:], (window, plan.horizon_days), strict=False)
    )
    return tested, ahead


def _heading(
    experiment: Experiment,
    plan: Splits,
    e: Evaluated,
    seasons: tuple[season.Season, season.Season],
    found: suspects.Search,
) -> tuple[str, ...]:
    windows = "; ".join(
        f"{what} {first}{'' if first == last else ' to ' + last}, outcomes until {end}"
        for what, first, last, end in plan.rows()
    )
    lines = [
        f"{experiment.name}: horizon {plan.horizon_days} days, rung {plan.rung!r}"
        + ("" if plan.window_days == plan.horizon_days else f" of {plan.window_days} days"),
        f"Cut-offs: {windows}.",
        "Figures are of the evaluated model (trained before the calibration and test windows). The "
        "served model is refitted on every cut-off with the epochs, trees and number of segments "
        "chosen here; its calibration is learned by the same rule one window later.",
        f"Estimates: {e.bundle.shrinkage.rung}" + (f"; {e.study.said}." if e.study else "."),
        f"Served: {seasons[1].said}",
        f"Evaluated: {seasons[0].said}" if seasons[0].factor != stretch.Stretch() else "",
        *(f"Perhaps written afterwards (a leak): {s.sentence()}." for s in found.suspects),
        experiment.note,
    ]  # fmt: skip
    return tuple(line for line in lines if line)


def _figures(
    experiment: Experiment, e: Evaluated, served: Final, card: ReportCard
) -> dict[str, Any]:
    names = [s.name for s in served.bundle.segments]
    test = e.test
    return {
        "segment_map.png": plots.segment_map(served.placed, served.labels, names),
        "segment_profiles.png": plots.profile([s.portrait for s in served.bundle.segments], names),
        "churn_calibration.png": plots.calibration(
            test.churn_probability.to_numpy(), (test.future_orders == 0).to_numpy(float)
        ),
        "value_by_decile.png": plots.deciles(
            test.expected_spend.to_numpy(), test.future_spend.to_numpy(), experiment.currency
        ),
        "losses.png": plots.losses(e.space.network.history, e.frozen.epochs),
        "rivals.png": plots.rivals(card),
    }  # fmt: skip


def _write(out: Path, served: Final, card: ReportCard, pictures: dict[str, Any]) -> Path:
    """Files for people; returns the folder of the saved bundle."""
    plots_folder = out / "plots"
    plots_folder.mkdir(parents=True, exist_ok=True)
    (out / "report_card.md").write_text(card.markdown())
    for name, picture in pictures.items():
        picture.savefig(plots_folder / name)
    return served.bundle.save(out / "bundle")


def _record(
    experiment: Experiment, plan: Splits, e: Evaluated, served: Final, card: ReportCard,
    pictures: dict[str, Any], shots: snapshots.Snapshots,
) -> tracking.Record:  # fmt: skip
    manifest = served.bundle.manifest
    learned = e.calibrated[0]
    weights = dict(zip(EXPERTS, learned.spend.weights, strict=True))
    params = {
        "experiment_file": experiment.path.name, "experiment_digest": experiment.digest,
        "orders_url": experiment.orders.url,
        "horizon_days": plan.horizon_days, "window_days": plan.window_days, "rung": plan.rung,
        "now": plan.now.isoformat(), "seed": experiment.seed, "segments": e.k,
        "features": len(served.bundle.catalog), "catalog_hash": manifest["catalog_hash"],
        "epochs": e.frozen.epochs, **{f"trees_{k}": v for k, v in e.frozen.trees.items()},
        "calibration_churn": learned.churn, "calibration_orders": learned.orders,
        **{f"spend_weight_{name}": round(weight, 4) for name, weight in weights.items()},
        **{f"value_{k}": v for k, v in dataclasses.asdict(experiment.value).items()},
        **{f"shrinkage_{k}": v for k, v in dataclasses.asdict(served.bundle.shrinkage).items()},
        **{f"boosting_{k}": v for k, v in dataclasses.asdict(e.trees).items()},
        "network_members": experiment.model.seeds, "network_latent": experiment.model.latent,
        "started_from": manifest["started_from"],
    }  # fmt: skip

    def anonymous(windows: tuple[splits.Window, ...]) -> pd.DataFrame:
        return shots.at(windows).drop(columns="customer_id")

    return tracking.Record(
        name=experiment.name,
        note=" ".join(filter(None, (experiment.description, experiment.note))),
        params=params,
        metrics=card.metrics(),
        history=e.space.network.history,
        datasets={
            "train": anonymous(plan.train), "calibrate": anonymous((plan.calibration,)),
            "test": anonymous((plan.test,)), "final": anonymous(plan.final),
        },
        figures={f"plots/{name}": picture for name, picture in pictures.items()},
        texts={
            "report_card.md": card.markdown(),
            "experiment.toml": experiment.path.read_text(),
            "environment.txt": "\n".join(f"{k}=={v}" for k, v in manifest["libraries"].items())
            + f"\npython=={manifest['python']}\n",
        },
        tables={
            "segments.json": display.segments_frame(served.bundle),
            "number_of_segments.json": pd.DataFrame([dataclasses.asdict(c) for c in e.choices]),
        },
        trials=e.study.records() if e.study else (),
        tags={"version": manifest["version"], "catalog_hash": manifest["catalog_hash"]},
    )  # fmt: skip
