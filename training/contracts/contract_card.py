"""The report card of contractual churn: ours beside every rival, and what a campaign would earn."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from features.ingestion.contract_rows import Contracts
from features.settings.contracts import ContractExperiment, Profit
from training.cards.report_card import CHURN, OURS, Comparison, ReportCard, Section
from training.contracts import contract_plans, contract_span
from training.contracts.contract_evaluation import FOLDS, HeldOut, coarse
from training.contracts.contract_suspects import Search
from training.measures import metrics
from training.measures import profit as profits
from training.measures.bootstrap import repeated_bootstrap
from training.measures.profit import Campaign, campaign, empc
from training.windows.splits import Splits

RESAMPLES = 400
#: Whether a greater figure is the better one; a binned measure has no interval.
MEASURES = {"AUC": True, "PR-AUC": True, "Brier": False, "ECE": False, "EMPC": True}
WITHOUT_INTERVAL = {"ECE"}
#: An EMPC is sorted anew in every draw.
FEW_RESAMPLES = 100
TITLE = "Contracts that end"
#: An AUC of the whole model from which on the card names the strongest columns and asks when they
#: are written. Honest tables reach .85, and .92 where rules of several columns tell; beyond, a
#: fixed term or a switch of automatic renewal may, so it is a question and no refusal.
SUSPICIOUS = 0.93
NO_INTERVAL = "no interval: a few customers have most of the contracts"
Measure = Callable[[npt.ArrayLike, npt.ArrayLike], float]


def card(
    experiment: ContractExperiment, contracts: Contracts, tested: HeldOut, plan: Splits | None,
    found: Search,
) -> ReportCard:  # fmt: skip
    """The card of a run; `plan` is None where the contracts have no dates."""
    return ReportCard(
        heading(experiment, contracts, tested, plan, found),
        (section(tested, experiment.profit, experiment.currency, experiment.seed),),
    )


def heading(
    experiment: ContractExperiment, contracts: Contracts, tested: HeldOut, plan: Splits | None,
    found: Search,
) -> tuple[str, ...]:  # fmt: skip
    """What the figures are of, in words; what warns of them stands third."""
    n, columns = len(tested.truth), len(contracts.columns)
    if plan is None:
        repeats = len(tested.fold)
        lines = [
            f"{experiment.name}: {n:,} contracts without dates, {columns} columns.",
            "No figure here is out of time, because the table has no dates: contracts are drawn "
            f"into {FOLDS} folds, {repeats} times over, each fold predicted by models of the "
            "others. It cannot show what a change from one season or year to the next would cost; "
            "name contracts.start and contracts.ended_on where the dates are known.",
            f"{_apart(contracts)} The calibration is learned within the training folds.",
        ]
    else:
        windows = "; ".join(
            f"{what} {first}{'' if first == last else ' to ' + last}, ends until {end}"
            for what, first, last, end in plan.rows()
        )
        lines = [
            f"{experiment.name}: {n:,} contracts at the test cut-off, {columns} columns; whether "
            f"each ends within {plan.horizon_days} days.",
            f"Cut-offs: {windows}.",
            "Figures are of the evaluated model (trained before the calibration and test windows); "
            "the final one is fitted on every cut-off. The rivals are calibrated on the same "
            "window.",
            "The columns of a contract have no dates: they are taken as constant, so one that was "
            "changed after a cut-off tells of the future.",
        ]
    best = np.mean([metrics.roc_auc(tested.truth, p) for p in tested.predictions[OURS]])
    dated: tuple[str, ...] = ()
    if plan:
        planned = contract_plans.caution(contracts, plan.horizon_days)
        dated = (planned, contract_span.caution(contracts, plan.horizon_days))
    warned = (*dated, *found.cautions())
    if best >= SUSPICIOUS:
        strongest = f" The strongest columns, each alone: {found.strongest()}."
        warned += (
            f"An AUC of {best:.3f} is more than contracts usually give away: look for a column "
            f"that is written when a contract ends.{strongest if found.powers else ''}",
        )
    return tuple(line for line in (*lines[:2], *warned, *lines[2:], experiment.note) if line)


def _apart(contracts: Contracts) -> str:
    """What stays together when folds are drawn."""
    if coarse(contracts.everything()):
        return (
            "Contracts of one customer are in one fold. Many contracts are equal in every column: "
            "they count as different ones, not as copies."
        )
    return "Contracts of one customer, and contracts equal in every column, are in one fold."


def section(tested: HeldOut, profit: Profit, currency: str, seed: int) -> Section:
    """Every measure of ours and each rival, the mean over repeats, with paired intervals."""
    functions = measures(profit)
    rows = {}
    for name, predictions in tested.predictions.items():
        rows[name] = {
            measure: float(np.mean([function(tested.truth, p) for p in predictions]))
            for measure, function in functions.items()
        }
        rows[name]["share to target"] = target(tested, name, profit).eta
    made = [
        _compared(measure, function, tested, rival, rows, seed)
        for rival in tested.predictions
        if rival != OURS
        for measure, function in functions.items()
    ]
    return Section(TITLE, rows, tuple(made), notes(tested, profit, currency))


def measures(profit: Profit) -> dict[str, Measure]:
    """The measures by name; EMPC is in currency per contract."""
    return {**CHURN, "EMPC": functools.partial(empc, profit=profit)}


def target(tested: HeldOut, name: str, profit: Profit) -> Campaign:
    """EMPC and the share to target of one row of the card, means over the repeats."""
    found = [campaign(tested.truth, p, profit) for p in tested.predictions[name]]
    return Campaign(*(float(np.mean(values)) for values in zip(*found, strict=True)))


def asked(tested: HeldOut, profit: Profit) -> np.ndarray:
    """(n,) which of the tested contracts would be asked, by the rule of the column `target`."""
    risk = tested.predictions[OURS].mean(axis=0)
    return profits.asked(risk, target(tested, OURS, profit).eta, profit)


def notes(tested: HeldOut, profit: Profit, currency: str) -> tuple[str, ...]:
    """Sentences below the table."""
    n, ended = len(tested.truth), tested.truth.mean()
    ours = target(tested, OURS, profit)
    mean = profit.alpha / (profit.alpha + profit.beta)
    chosen = asked(tested, profit)
    brought = profits.earned(tested.truth, chosen, profit)
    limit = profits.break_even(profit)
    whom = (
        f"those of the {ours.eta:.1%} of greatest risk whose probability is above {limit:.1%}, "
        "from which on asking pays"
    )
    if limit >= 1:
        whom = "at these costs asking pays of nobody, however sure to leave"
    said = [
        f"{n:,} contracts, {ended:.1%} of them ended.",
        f"Asking {chosen.mean():.1%} of them ({whom}) would "
        f"have earned {brought:,.2f} {currency} per contract, asked or not, where a customer who "
        f"stays is worth {profit.clv:,g}, the offer costs {profit.incentive:,g}, asking "
        f"{profit.contact:,g}, and {mean:.0%} of the would-be churners take it.",
        f"EMPC ({ours.empc:,.2f} {currency}) and the share to target are no campaign's: how many "
        f"would-be churners take the offer is not known before (Beta({profit.alpha:g}, "
        f"{profit.beta:g})), and EMPC is the mean of the profits of the best cut-off for each such "
        "share. It compares rankings.",
    ]
    customers, drawn = len(set(tested.customer_id)), "contracts"
    if customers < n:
        drawn = "customers"
        said.append(
            f"The contracts are of {customers:,} customers; for the intervals customers are drawn, "
            "each with all of theirs."
        )
    if tested.fold.max() > 0:
        aucs = by_fold(tested, OURS, metrics.roc_auc)
        said.append(
            f"AUC by fold: {aucs.mean():.4f} ± {aucs.std():.4f} (standard deviation over "
            f"{len(aucs)} folds). Intervals are of the {drawn} drawn, not of models trained anew."
        )
    return tuple(said)


def by_fold(tested: HeldOut, name: str, measure: Measure) -> np.ndarray:
    """(repeats x folds,) the measure of one row of the card in each fold alone."""
    return np.array([
        measure(tested.truth[fold == i], predicted[fold == i])
        for fold, predicted in zip(tested.fold, tested.predictions[name], strict=True)
        for i in np.unique(fold)
    ])  # fmt: skip


def _compared(
    measure: str, function: Measure, tested: HeldOut, rival: str,
    rows: dict[str, dict[str, float]], seed: int,
) -> Comparison:  # fmt: skip
    gap = rows[OURS][measure] - rows[rival][measure]
    better = gap >= 0 if MEASURES[measure] else gap <= 0
    if measure in WITHOUT_INTERVAL:
        return Comparison(measure, rival, gap, np.nan, np.nan, better, False)
    resamples = FEW_RESAMPLES if measure == "EMPC" else RESAMPLES
    ours, theirs = tested.predictions[OURS], tested.predictions[rival]
    d = repeated_bootstrap(
        function, tested.truth, ours, theirs, resamples, seed, groups=tested.customer_id.astype(str)
    )
    return Comparison(
        measure, rival, *d, better=better, certain=bool(d.excludes_zero), instead=NO_INTERVAL
    )
