"""What a check of an experiment's data found, and its verdict: plain values."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd

from features.health import Health
from features.settings.experiment import Experiment
from training.checks.finding import BLOCKER, WARNING, Finding
from training.checks.readiness import Readiness
from training.checks.suspects import Search
from training.windows.splits import Splits


@dataclasses.dataclass(frozen=True)
class Checked:
    """What a check found. `plan`, `answers` and `search` are None or empty where no windows fit;
    `search` also where the features cannot be made.

    `rejects` is the file of rejects, None where nothing was rejected; `now` when it was checked.
    """

    experiment: Experiment
    health: Health
    plan: Splits | None
    answers: tuple[Readiness, ...]
    search: Search | None
    findings: tuple[Finding, ...]
    rejects: Path | None
    now: pd.Timestamp

    @property
    def trains(self) -> bool:
        """Whether a training would not be refused."""
        return not any(finding.weight == BLOCKER for finding in self.findings)

    @property
    def verdict(self) -> str:
        """One sentence: ready, ready with warnings, or why not."""
        if not self.trains:
            first = next(f for f in self.findings if f.weight == BLOCKER)
            return f"Cannot train: {first.rule} Seen: {first.seen}."
        count = sum(finding.weight == WARNING for finding in self.findings)
        if count == 0:
            return "Ready to train."
        return f"Ready to train, with {count} warning{'s' if count > 1 else ''}."
