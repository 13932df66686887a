"""One retrain on contracts, from a file to a registered model: the whole story on one screen."""

from __future__ import annotations

import dataclasses
import datetime as dt
import importlib.metadata
import platform
import secrets
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.errors import HistoryError
from features.ingestion import contract_rows
from features.ingestion.contract_rows import Contracts, standing
from features.settings.contracts import ContractExperiment, Profit
from training import described, display, reading, tracking
from training.cards import plots
from training.cards.report_card import OURS, ReportCard
from training.contracts import (
    contract,
    contract_card,
    contract_evaluation,
    contract_plans,
    contract_span,
    contract_suspects,
)  # fmt: skip
from training.contracts.contract import Blend, ContractModel
from training.contracts.contract_evaluation import HeldOut
from training.measures.profit import asked
from training.screen import Screen
from training.windows import splits
from training.windows.splits import Splits

PACKAGES = ("lightgbm", "scikit-learn", "mlflow", "pandas", "numpy", "duckdb")
SCORES = "contracts.parquet"


@dataclasses.dataclass(frozen=True)
class Retrained:
    """What a retrain on contracts leaves. `scores`: see `scored`."""

    model: ContractModel
    card: ReportCard
    tested: HeldOut
    recorded: tracking.Recorded
    folder: Path
    scores: pd.DataFrame


def retrain(
    experiment: ContractExperiment,
    screen: Screen,
    as_of: pd.Timestamp | None = None,
    out: Path = Path("out"),
) -> Retrained:
    """Evaluate, fit on everything, report, register; score the contracts.

    Parameters
    ----------
    experiment : the experiment file's values
    as_of : of dated contracts, nothing at or after this moment (UTC) is seen; None for all there is
        until the day of the run
    out : files for people go to `out`/NAME

    Raises CoterieError with rule, value seen and remedy where the run would be meaningless.
    """
    begun, out = time.time(), out / experiment.name
    tracking.refuse_champions_name(experiment.name)
    contracts = reading.shown(
        "contracts", lambda: contract_rows.load(experiment, as_of), screen, out
    )
    plan = planned(contracts, experiment)
    with screen.step("Holding each column alone against the contracts that end"):
        found = contract_suspects.search(contracts, plan, experiment.seed)
    leak = contract_suspects.refusal(found)
    if leak is not None:
        raise leak
    if plan is None:
        with screen.step("Evaluating by folds, since the contracts have no dates") as told:
            tested = contract_evaluation.cross_validate(
                contracts.everything(), contracts.columns, experiment.seed, told
            )
    else:
        display.show_plan(plan, screen)
        with screen.step("Evaluating: train, calibrate and test on later and later windows"):
            tested, blend = contract_evaluation.out_of_time(contracts, plan, experiment.seed)
    card = contract_card.card(experiment, contracts, tested, plan, found)
    display.show_card(card, screen)
    with screen.step("Fitting the final model on everything"):
        rows = contract_evaluation.final_rows(contracts, plan)
        if plan is None:
            groups = contract_evaluation.alike(rows)
            blend = contract_evaluation.inner_blend(
                rows, groups, contracts.columns, experiment.seed
            )
        parts = contract.fit_parts(rows.inputs, rows.ended, contracts.columns, experiment.seed)
        version = f"{dt.datetime.now(dt.UTC):%Y%m%d}-{secrets.token_hex(4)}"
        model = ContractModel(parts, blend, _manifest(experiment, plan, version, card))
    scores = scored(contracts, model, tested, plan, experiment.profit)
    pictures = _figures(experiment, tested, card)
    with screen.step("Logging to MLflow, registering"):
        folder = _write(out, model, card, pictures, scores)
        recorded = tracking.record_contracts(
            _record(experiment, model, blend, card, pictures, rows.inputs, plan, begun),
            folder,
            version,
        )
    screen.say(f"   {experiment.name} version {recorded.version} ({version}) is registered")
    running = len(scores) - int(scores.ended.sum()) if plan is None else len(scores)
    screen.say(
        f"Each contract's row: {out / SCORES} ({len(scores):,}; of the {running:,} that run "
        f"{int(scores.target.sum()):,} are worth asking); report card and plots: {out}"
    )
    return Retrained(model, card, tested, recorded, folder, scores)


def planned(contracts: Contracts, experiment: ContractExperiment) -> Splits | None:
    """The windows by time; None where contracts have no dates.

    The history begins with the first end that the table knows: of the time before it may hold only
    those contracts that outlived it.

    Raises HistoryError where training, calibration and test do not fit with the whole horizon, and
    where planned ends cannot be told from those that happened (`contracts.contract_plans`).
    """
    if not contracts.dated or experiment.horizon_days is None:
        return None
    rows, days = contracts.rows, experiment.horizon_days
    planned_ends = contract_plans.refusal(contracts, days)
    if planned_ends is not None:
        raise planned_ends
    first = contract_span.begin(contracts)
    last = max(rows["(start)"].max(), rows["(ended_on)"].max())
    now = splits.now_after(last) if contracts.as_of is None else contracts.as_of
    if (now - last).days > max(splits.LEAST_WINDOW_DAYS, days // 4):
        raise HistoryError(
            "as_of must not be long after the last start or end of a contract: all would be taken "
            "to have stayed since.",
            f"as_of {now:%Y-%m-%d}, the last on {last:%Y-%m-%d}",
            f"bring the contracts since, or set as_of to {splits.now_after(last):%Y-%m-%d %H:%M}",
        )
    least = experiment.min_history_days
    span, wanted = (now.floor("D") - first.floor("D")).days, splits.days_wanted(days, least)
    if span < wanted:
        longest = splits.longest_horizon(span, least)
        raise HistoryError(
            "Training, calibration and test of contracts need three whole horizons after "
            f"{wanted - 3 * days} days of history.",
            f"a horizon of {days} days and {span} days since the first known end",
            f"{f'set horizon_days to {longest} or less, or ' if longest else ''}"
            f"bring a table that knows the ends of {wanted} days",
        )
    return splits.plan(first, now, days, least)


def scored(
    contracts: Contracts, model: ContractModel, tested: HeldOut, plan: Splits | None, profit: Profit
) -> pd.DataFrame:
    """A row a contract: row, customer_id, churn_probability, target.

    `row`: where the contract stands in the source, counted from 1 after the header.

    `target`: it is among the share of greatest risk that the card says to target, and its
    probability is above `measures.profit.break_even`, so that asking it is expected to pay; no
    contract that has ended is.

    Dated contracts are those that run now, scored by the final model. Of undated ones all are
    there, with `ended`, each scored by models that did not see it (the mean over the repeats).
    """
    if plan is None:
        rows = contracts.everything()
        probability = tested.predictions[OURS].mean(axis=0)
        made = {"customer_id": rows.customer_id, "ended": rows.ended.astype(bool)}
    else:
        rows = standing(contracts, plan.now, plan.now)
        probability, made = model.probability(rows.inputs), {"customer_id": rows.customer_id}
    target = asked(probability, contract_card.target(tested, OURS, profit).eta, profit)
    target &= ~made.get("ended", np.zeros(len(target), bool))
    return pd.DataFrame(
        {"row": rows.row, **made, "churn_probability": probability, "target": target}
    )


def columns(horizon_days: int | None) -> dict[str, str]:
    """The columns of `scored`, each with what it means; without a horizon, of undated contracts."""
    when = f"within {horizon_days} days" if horizon_days else "by models that did not see it"
    return {
        "row": "where the contract stands in the source, counted from 1 after the header",
        "customer_id": "whose contract it is",
        "ended": "it has ended",
        "churn_probability": f"probability that it ends {when}",
        "target": "it is among the share of greatest risk that the report card says to target, and "
        "asking is expected to pay; never of a contract that has ended",
    }


def _manifest(
    experiment: ContractExperiment, plan: Splits | None, version: str, card: ReportCard
) -> dict[str, Any]:
    return {
        "name": experiment.name, "version": version, "note": experiment.note,
        "created": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "currency": experiment.currency, "horizon_days": experiment.horizon_days,
        "time_zone": experiment.time_zone, "seed": experiment.seed,
        "columns": [dataclasses.asdict(a) for a in experiment.contracts.columns],
        "profit": dataclasses.asdict(experiment.profit),
        "splits": plan.to_dict() if plan else None, "report_card": card.to_dict(),
        "libraries": {name: importlib.metadata.version(name) for name in PACKAGES},
        "python": platform.python_version(),
    }  # fmt: skip


def _figures(experiment: ContractExperiment, tested: HeldOut, card: ReportCard) -> dict[str, Any]:
    title = contract_card.TITLE
    how = "by folds" if tested.fold.max() > 0 else "out of time"
    return {
        "profit.png": plots.profit(
            tested.truth,
            {name: predicted.mean(axis=0) for name, predicted in tested.predictions.items()},
            contract_card.asked(tested, experiment.profit),
            experiment.profit, experiment.currency,
        ),
        "churn_calibration.png": plots.calibration(
            tested.predictions[OURS][0], tested.truth, "share that ended",
            f"Calibration, {how}",
        ),
        "rivals.png": plots.rivals(card, ((title, "AUC"), (title, "Brier"), (title, "EMPC"))),
    }  # fmt: skip


def _write(
    out: Path, model: ContractModel, card: ReportCard, pictures: dict[str, Any],
    scores: pd.DataFrame,
) -> Path:  # fmt: skip
    """Files for people; returns the folder of the saved model."""
    folder = out / "plots"
    folder.mkdir(parents=True, exist_ok=True)
    (out / "report_card.md").write_text(card.markdown(), encoding="utf-8")
    described.write(scores, columns(model.manifest["horizon_days"]), out / SCORES)
    for name, picture in pictures.items():
        picture.savefig(folder / name)
    return model.save(out / "model")


def _record(
    experiment: ContractExperiment, model: ContractModel, blend: Blend, card: ReportCard,
    pictures: dict[str, Any], inputs: pd.DataFrame, plan: Splits | None, begun: float,
) -> tracking.Record:  # fmt: skip
    manifest = model.manifest
    return tracking.Record(
        name=experiment.name,
        note=card.summary(experiment.description, experiment.note),
        begun=begun,
        params={
            "experiment_file": experiment.path.name, "experiment_digest": experiment.digest,
            "contracts_url": experiment.contracts.url, "horizon_days": experiment.horizon_days,
            "seed": experiment.seed, "columns": len(experiment.contracts.columns),
            "evaluation": "windows by time" if plan else "folds, no dates",
            **{f"calibration_{k}": v for k, v in dataclasses.asdict(blend).items()},
            **{f"profit_{k}": v for k, v in manifest["profit"].items()},
        },
        metrics=card.metrics(),
        history=[],
        datasets={"train": inputs},
        figures={f"plots/{name}": picture for name, picture in pictures.items()},
        texts={
            "report_card.md": card.markdown(),
            "experiment.toml": experiment.path.read_text(encoding="utf-8"),
        },
        tables={},
        tags={"version": manifest["version"], "kind": tracking.CONTRACTS},
    )  # fmt: skip
