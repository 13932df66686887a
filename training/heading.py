"""The head of a report card: what was evaluated on what, and what is to be known beforehand."""

from __future__ import annotations

import numpy as np

from features.settings.experiment import Experiment
from training.checks import readiness, suspects
from training.checks.readiness import Readiness
from training.evaluation import Evaluated
from training.outliers import capped
from training.snapshots import Snapshots
from training.windows.exposure import Exposure
from training.windows.season import Season
from training.windows.splits import Splits


def lines(
    experiment: Experiment,
    plan: Splits,
    e: Evaluated,
    seasons: tuple[Season, Season],
    exposed: Exposure,
    found: suspects.Search,
    answers: tuple[Readiness, ...],
    shots: Snapshots,
) -> tuple[str, ...]:
    """The lines, those that warn of the run's figures among the first."""
    windows = "; ".join(
        f"{what} {first}{'' if first == last else ' to ' + last}, outcomes until {end}"
        for what, first, last, end in plan.rows()
    )
    made = [
        f"{experiment.name}: horizon {plan.horizon_days} days, rung {plan.rung!r}"
        + ("" if plan.window_days == plan.horizon_days else f" of {plan.window_days} days"),
        f"Learned from and measured on customers drawn by a hash of their ids, today "
        f"{len(shots.now):,} of {shots.customers:,} (model.most_customers); all are scored."
        if shots.drawn else "",
        *(caution for section in e.sections for caution in section.cautions),
        *(_capital(answer.sentence()) for answer in readiness.wanting(answers)),
        *_cut(plan, shots, experiment.currency),
        f"Cut-offs: {windows}.",
        "Figures are of the evaluated model (trained before the calibration and test windows). The "
        "served model is refitted on every cut-off with the epochs, trees and number of segments "
        "chosen here; its calibration is learned by the same rule one window later.",
        f"Estimates: {e.bundle.shrinkage.rung}" + (f"; {e.study.said}." if e.study else "."),
        f"Served: {seasons[1].said}{_untold(seasons[1], e.cutoffs)}",
        f"Evaluated: {seasons[0].said}{_untold(seasons[0], e.cutoffs)}"
        if seasons[0].of_spend or seasons[1].of_spend else "",
        *_losses(plan, exposed),
        *(f"Perhaps written afterwards (a leak): {s.sentence()}." for s in found.suspects),
        experiment.note,
    ]  # fmt: skip
    return tuple(line for line in made if line)


def _capital(said: str) -> str:
    return f"{said[0].upper()}{said[1:]}."


def _cut(plan: Splits, shots: Snapshots, currency: str) -> list[str]:
    """Whose spend counts as less than it was in all that is learned (`training.outliers`)."""
    made = []
    for name, windows in (
        ("training windows", plan.train), ("calibration window", (plan.calibration,)),
        ("test window", (plan.test,)),
    ):  # fmt: skip
        spend = shots.at(windows).future_spend.to_numpy(np.float64)
        counted = capped(spend)
        beyond = spend[spend > counted]
        if len(beyond):
            made.append(
                f"Beyond all others: {len(beyond)} of {len(spend):,} spends in the {name}, "
                f"{beyond.sum() / spend.sum():.1%} of all of it, up to {beyond.max():,.2f} "
                f"{currency}, counted as {counted.max():,.2f} at most "
                "wherever something is learned. Figures are measured on spend as it is, and are "
                "about little else where it lies in the test window."
            )
    past = shots.now.spend.dropna().to_numpy(np.float64)
    beyond = past[past > capped(past)]
    if len(beyond):
        made.append(
            f"Beyond all others: {len(beyond)} of {len(past):,} customers brought up to "
            f"{beyond.max():,.2f} {currency} until {plan.now:%Y-%m-%d}. What is said of them "
            "counts it as it is: where it is a slip, so is that."
        )
    return made


def _losses(plan: Splits, exposed: Exposure) -> list[str]:
    """What was lost of the windows that set the level and measure it."""
    made = []
    for name, window, consequence in (
        ("calibration", plan.calibration, "The evaluated model's level is carried on to all of it; "
         "the naive rules learn from it as it is."),
        ("test", plan.test, "The served model's level is carried on to all of it; the figures "
         "here are of what was seen, and totals fall short by the rest."),
    ):  # fmt: skip
        lost = exposed.lost(window.as_of, plan.window_days)
        spans = " and ".join(f"from {gap.first:%Y-%m-%d} to {gap.last:%Y-%m-%d}" for gap in lost)
        if lost:
            made.append(
                f"Hardly anybody ordered {spans}, in the {name} window: "
                f"{exposed.of(window.as_of, plan.window_days):.0%} of it was seen. {consequence}"
            )
    return made


def _untold(ahead: Season, cutoffs: int) -> str:
    """What of the level is not the last window's alone (`fitting.level.settled`)."""
    told = {"churn": ahead.of_churn, "spend": ahead.of_spend or cutoffs == 1}
    between = " and ".join(name for name, is_told in told.items() if not is_told)
    return (
        f" The level of {between} lies between the last window's and all windows', as far back as "
        "windows have come from one to the next."
        if between
        else ""
    )
