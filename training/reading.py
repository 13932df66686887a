"""Reading as a run shows it: what came in, and where to find what could not be used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import pandas as pd

from features import sources
from features.errors import SourceError
from features.ingestion.intake import Ingested
from features.settings.experiment import Experiment
from features.sources import Sources
from training import display, rejects
from training.checks.encoding_findings import of_encodings
from training.checks.finding import Finding
from training.checks.future_findings import of_future
from training.checks.left_out_findings import of_left_out
from training.screen import Screen


class Read(Protocol):
    """What reading gives: see `features.sources.Sources`."""

    @property
    def ingested(self) -> Sequence[Ingested]:
        """What became of each source's rows."""

    @property
    def rejects(self) -> pd.DataFrame:
        """What could not be used."""


R = TypeVar("R", bound=Read)


def shown(what: str, load: Callable[[], R], screen: Screen, out: Path | None) -> R:
    """Load, write the rejects into `out` (or remove those of an earlier run), say what came in.

    With `out` None no file is written. A folder that cannot be made ends the run here, not after
    a training.
    """
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    try:
        with screen.step(f"Reading the {what}"):
            read = load()
    except SourceError as problem:
        if problem.rejects is not None:
            _keep(problem.rejects, screen, out)
        raise
    display.show_ingested(read.ingested, screen)
    for account in read.ingested:
        _say([*of_encodings(account), *of_left_out(account)], screen)
    _keep(read.rejects, screen, out)
    return read


def _say(found: Sequence[Finding], screen: Screen) -> None:
    for finding in found:
        screen.say(f"{finding.rule} Seen: {finding.told()}. Remedy: {finding.remedy}", "yellow")


def _keep(rejected: pd.DataFrame, screen: Screen, out: Path | None) -> None:
    if out is not None:
        display.show_rejects(rejected, rejects.write(rejected, out), screen)


def read_sources(
    experiment: Experiment, as_of: pd.Timestamp | None, screen: Screen, out: Path | None
) -> Sources:
    """The sources of an experiment; nothing at or after `as_of` (UTC) is read."""
    read = shown("sources", lambda: sources.load(experiment, as_of), screen, out)
    for account in read.ingested if as_of is None else ():
        _say(of_future(account, experiment.orders.name), screen)
    if not experiment.time_zone_named:
        screen.say(
            "The experiment file names no time_zone: moments without a zone of their own, days and "
            "hours are read by the clock of UTC."
        )
    return read
