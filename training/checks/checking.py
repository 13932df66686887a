"""What `coterie check` does: measure the sources, judge what training would find, and say so."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd

from features import discovery, health, sources
from features.errors import HistoryError, SourceError
from features.ingestion import currencies
from features.settings.experiment import Experiment
from features.snapshot import snapshot
from features.sources import Sources
from features.spec import FeatureSpec
from features.spine import customers_known
from training import rejects, snapshots
from training.checks import check_display, check_page, findings, readiness
from training.checks import suspects as leaks
from training.checks.checked import Checked
from training.checks.currency_findings import of_currencies
from training.checks.finding import BLOCKER, HINT, WARNING, Finding
from training.checks.readiness import Readiness
from training.checks.suspects import Search
from training.screen import Screen
from training.windows import splits
from training.windows.splits import Splits

PAGE = "check.html"


def check(
    experiment: Experiment,
    screen: Screen,
    as_of: pd.Timestamp | None,
    out: Path,
    now: pd.Timestamp,
) -> Checked:
    """Check an experiment's data, show what was found, and write the rejects and the page.

    Parameters
    ----------
    experiment : the experiment file's values
    as_of : nothing at or after this moment (UTC) is read; None for all until today
    out : the page and the rejects go to `out`/NAME
    now : the moment of the check (naive UTC), which the page names

    Raises SourceError where a source cannot be read at all. What training would refuse is a
    finding (a blocker), not an error.
    """
    folder = out / experiment.name
    folder.mkdir(parents=True, exist_ok=True)
    found: list[Finding] = []
    with screen.step("Reading the sources"):
        read = _read(experiment, as_of, folder, found)
    file = rejects.write(read.rejects, folder)
    with screen.step("Measuring columns, days, customers and amounts"):
        measured = health.measure(read, experiment)
        coins = currencies.unnamed(experiment)
    found += findings.of_health(measured, experiment, as_of)
    found += of_currencies(coins, experiment.currency)
    plan: Splits | None = None
    answers: tuple[Readiness, ...] = ()
    search = None
    try:
        plan = splits.planned(experiment, read, as_of)
    except HistoryError as problem:
        found.append(Finding.of(problem))
    if plan is not None:
        with screen.step("Asking each model whether this is enough for it"):
            answers, refused = _answers(read, plan, experiment.model.most_customers)
        if refused is not None:
            found.append(Finding.of(refused))
        with screen.step("Looking for what predicts too well"):
            search = _search(experiment, read, plan, found)
        if refused is None:  # else it is said already, and the table has the rest
            found += findings.of_readiness(answers)
    order = (BLOCKER, WARNING, HINT)
    found.sort(key=lambda finding: order.index(finding.weight))
    made = Checked(experiment, measured, plan, answers, search, tuple(found), file, now)
    page = folder / PAGE
    page.write_text(check_page.render(made), encoding="utf-8")
    check_display.show(made, page, screen)
    return made


def _read(
    experiment: Experiment, as_of: pd.Timestamp | None, folder: Path, found: list[Finding]
) -> Sources:
    """The sources; too many rejects are a finding, and what is usable is looked at all the same."""
    try:
        return sources.load(experiment, as_of)
    except SourceError as refused:
        if refused.rejects is None:
            raise
        rejects.write(refused.rejects, folder)
        found.append(Finding.of(refused))
        return sources.load(dataclasses.replace(experiment, max_reject_share=1.0), as_of)


def _answers(
    read: Sources, plan: Splits, most: int
) -> tuple[tuple[Readiness, ...], HistoryError | None]:
    """Every model's answer, and the refusal that a training would meet."""
    cutoffs = {w.as_of for w in (*plan.train, plan.calibration, plan.test)}
    spine = customers_known(read.connection, cutoffs, most)
    past = snapshot(read.connection, FeatureSpec(), spine, plan.window_days)
    answers = readiness.judge(plan, past)
    try:
        snapshots.require_enough(snapshots.Snapshots(past, past, None, None, 0), plan)
    except HistoryError as refused:
        return answers, refused
    return answers, None


def _search(
    experiment: Experiment, read: Sources, plan: Splits, found: list[Finding]
) -> Search | None:
    """The leaks among what a first training would see; None where it would refuse to see it."""
    try:
        spec = discovery.learned(read, experiment, plan.train[0].as_of)
    except SourceError as refused:  # a kind of event that occurs nowhere
        found.append(Finding.of(refused))
        return None
    search = leaks.search(read.connection, spec, plan, experiment.seed)
    leak = leaks.refusal(search, leaks.undated(experiment, spec))
    found += [Finding.of(leak)] if leak else []
    told = findings.of_search(search)
    found += [f for f in told if leak is None or f.seen != leak.seen]
    return search
