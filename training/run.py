"""One retrain from files to a registered champion: the whole story on one screen."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

import pandas as pd

from features.settings.experiment import Experiment
from training import display, learning, reading, scoring, snapshots, tracking, whole
from training.cards import plots
from training.cards.report_card import ReportCard
from training.champion import seen_beyond
from training.evaluation import Evaluated
from training.explanation.wording import Words
from training.final import Final
from training.fitting import assembly, tuning
from training.prediction.blend import EXPERTS
from training.prediction.bundle import Bundle
from training.screen import Screen
from training.windows import splits
from training.windows.splits import Splits


@dataclasses.dataclass(frozen=True)
class Retrained:
    """What a retrain leaves: the bundle, where it is recorded, the folder of its files, and whether
    it is the champion now.
    """

    bundle: Bundle
    card: ReportCard
    recorded: tracking.Recorded
    folder: Path
    scores: pd.DataFrame
    now: pd.Timestamp
    promoted: bool


def retrain(
    experiment: Experiment,
    screen: Screen,
    as_of: pd.Timestamp | None = None,
    out: Path = Path("out"),
) -> Retrained:
    """Train, evaluate, register and promote a model; score everyone with it. A champion that was
    trained on what followed stays, and so do the files that were written of it.

    Parameters
    ----------
    experiment : the experiment file's values
    as_of : nothing at or after this moment (UTC) is seen; None for all of the history
    out : files for people go to `out`/NAME, of a model that replaces nothing to a folder therein

    Raises CoterieError with rule, value seen and remedy where the run would be meaningless.
    """
    begun = time.time()
    if experiment.model.tune:
        tuning.require()
    out = out / experiment.name
    champion = tracking.champion(experiment.name)
    until = seen_beyond(champion, as_of) if champion else None
    promoted = until is None
    if as_of is not None and until is not None:
        champion, out = None, out / f"as_of_{as_of:%Y-%m-%d}"
        screen.say(
            f"The champion was trained until {until:%Y-%m-%d}, on what followed {as_of:%Y-%m-%d} "
            "too: this run starts without it, and will not replace it (to go back to an earlier "
            f"model move the alias champion in `coterie ui`). Its files go to {out}."
        )
    read = reading.read_sources(experiment, as_of, screen, out)
    learned = learning.learn(experiment, read, screen, as_of, champion)
    plan, evaluated, card, served = learned.plan, learned.evaluated, learned.card, learned.served
    with screen.step("Scoring every customer") as told:
        if learned.shots.drawn:
            scored = scoring.score(served.bundle, read, plan.now, told)
            served = dataclasses.replace(served, bundle=assembly.counted(served.bundle, scored))
        else:
            scored = scoring.scores(served.bundle, served.predicted)
    moving = ", moving the alias champion" if promoted else ""
    with screen.step(f"Logging to MLflow, registering{moving}"):
        pictures = _figures(experiment, evaluated, served, card)
        staging = _write(out, served, card, pictures)
        scoring.write(served.bundle, scored, staging / "customers.parquet")
        recorded = tracking.record(
            _record(experiment, plan, evaluated, served, card, pictures, learned.shots, begun),
            served.bundle,
            staging / "bundle",
        )
        if promoted:
            tracking.promote(experiment.name, recorded.version)
        whole.move(staging, out)
    screen.say(
        f"   {experiment.name} version {recorded.version} ({learned.version}) is "
        + ("the champion" if promoted else "registered; the champion stays, with its own segments")
    )
    display.show_identity(champion, served, screen)
    display.show_segments(served.bundle, screen)
    screen.say(
        f"Every customer's row: {out / 'customers.parquet'} ({len(scored):,}); "
        f"report card and plots: {out}"
    )
    return Retrained(served.bundle, card, recorded, out / "bundle", scored, plan.now, promoted)


def _figures(
    experiment: Experiment, e: Evaluated, served: Final, card: ReportCard
) -> dict[str, Any]:
    names = [s.name for s in served.bundle.segments]
    counts = [s.portrait["customers"] for s in served.bundle.segments]
    test = e.test
    return {
        "segment_map.png": plots.segment_map(
            served.predicted["churn_probability"].to_numpy(),
            served.predicted["expected_spend"].to_numpy(),
            served.labels,
            names,
            counts,
            f"{experiment.horizon_days} days",
            experiment.currency,
        ),
        "segment_profiles.png": plots.profile(
            [s.portrait for s in served.bundle.segments],
            names,
            Words.of(served.bundle.spec, experiment.currency).phrase,
        ),
        "churn_calibration.png": plots.calibration(
            test.churn_probability.to_numpy(), (test.future_orders == 0).to_numpy(float)
        ),
        "value_by_decile.png": plots.deciles(
            test.expected_spend.to_numpy(), test.future_spend.to_numpy(), experiment.currency
        ),
        "losses.png": plots.losses(e.space.network.history, e.frozen.epochs),
        "rivals.png": plots.rivals(card),
    }  # fmt: skip


def _page(served: Final, card: ReportCard, pictures: dict[str, Any]) -> str:
    return f"{card.markdown()}\n{display.segments_page(served.bundle, [*pictures])}"


def _write(out: Path, served: Final, card: ReportCard, pictures: dict[str, Any]) -> Path:
    """Files for people, in a folder within `out` until the run is recorded; returns that."""
    staging = whole.staging(out)
    (staging / "plots").mkdir()
    (staging / "report_card.md").write_text(_page(served, card, pictures), encoding="utf-8")
    for name, picture in pictures.items():
        picture.savefig(staging / "plots" / name)
    served.bundle.save(staging / "bundle")
    return staging


def _record(
    experiment: Experiment, plan: Splits, e: Evaluated, served: Final, card: ReportCard,
    pictures: dict[str, Any], shots: snapshots.Snapshots, begun: float,
) -> tracking.Record:  # fmt: skip
    manifest, calibrated = served.bundle.manifest, served.bundle.calibrated
    learned, first = calibrated.ordered[0], calibrated.of_prospects[0]
    prior = served.bundle.prior
    weights = dict(zip(EXPERTS, learned.spend.weights, strict=True))
    params = {
        "experiment_file": experiment.path.name, "experiment_digest": experiment.digest,
        "orders_url": experiment.orders.url,
        "horizon_days": plan.horizon_days, "window_days": plan.window_days, "rung": plan.rung,
        "now": plan.now.isoformat(), "seed": experiment.seed, "segments": e.k,
        "features": len(served.bundle.catalog), "catalog_hash": manifest["catalog_hash"],
        "epochs": e.frozen.epochs, **{f"trees_{k}": v for k, v in e.frozen.trees.items()},
        "calibration_churn": learned.churn, "calibration_orders": learned.orders,
        "first_calibration_churn": first.churn, "first_calibration_orders": first.orders,
        **{f"spend_weight_{name}": round(weight, 4) for name, weight in weights.items()},
        **{f"value_{k}": v for k, v in dataclasses.asdict(experiment.value).items()},
        **{f"shrinkage_{k}": v for k, v in dataclasses.asdict(served.bundle.shrinkage).items()},
        **{f"boosting_{k}": v for k, v in dataclasses.asdict(e.trees).items()},
        "law_of_orders": prior.law if prior else None,
        "period_days": served.bundle.spec.period_days,
        "most_customers": experiment.model.most_customers,
        **{f"customers_{k}": v for k, v in manifest["customers"].items()},
        "network_members": experiment.model.seeds, "network_latent": experiment.model.latent,
        "started_from": manifest["started_from"],
    }  # fmt: skip

    def anonymous(windows: tuple[splits.Window, ...]) -> pd.DataFrame:
        return shots.at(windows).drop(columns="customer_id")

    return tracking.Record(
        name=experiment.name,
        note=card.summary(experiment.description, experiment.note),
        begun=begun,
        params=params,
        metrics=card.metrics(),
        history=e.space.network.history,
        datasets={
            "train": anonymous(plan.train), "calibrate": anonymous((plan.calibration,)),
            "test": anonymous((plan.test,)), "final": anonymous(plan.final),
        },
        figures={f"plots/{name}": picture for name, picture in pictures.items()},
        texts={
            "report_card.md": _page(served, card, pictures),
            "experiment.toml": experiment.path.read_text(encoding="utf-8"),
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
