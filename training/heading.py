"""The head of a report card: what was evaluated on what, and what is to be known beforehand."""

from __future__ import annotations

from features.experiment import Experiment
from training import suspects
from training.evaluation import Evaluated
from training.exposure import Exposure
from training.season import Season
from training.splits import Splits

__all__ = ["lines"]


def lines(
    experiment: Experiment,
    plan: Splits,
    e: Evaluated,
    seasons: tuple[Season, Season],
    exposed: Exposure,
    found: suspects.Search,
) -> tuple[str, ...]:
    """The lines, those that warn of the run's figures among the first."""
    windows = "; ".join(
        f"{what} {first}{'' if first == last else ' to ' + last}, outcomes until {end}"
        for what, first, last, end in plan.rows()
    )
    made = [
        f"{experiment.name}: horizon {plan.horizon_days} days, rung {plan.rung!r}"
        + ("" if plan.window_days == plan.horizon_days else f" of {plan.window_days} days"),
        *(caution for section in e.sections for caution in section.cautions),
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
    """What of the level is not the last window's alone (`training.level.settled`)."""
    told = {"churn": ahead.of_churn, "spend": ahead.of_spend or cutoffs == 1}
    halved = " and ".join(name for name, is_told in told.items() if not is_told)
    return (
        f" The level of {halved} is half way from the last window's to all windows'."
        if halved
        else ""
    )
