"""The model against every naive rule, in one run, at a cut-off that trained nothing.

A card is plain values: sections of rows (ours and each rival) with the same measures, paired
bootstrap intervals of our difference to each rival, and the rules that win, said out loud.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from training.measures import metrics
from training.measures.bootstrap import paired_bootstrap
from training.rivals import Rule

OURS = "Coterie"
RESAMPLES = 400
#: Shares of a total, which people read as per cent with a sign.
SHARES = {"bias", "off by", "spend bias"}
TO_ZERO = {"bias": metrics.absolute_bias}  # best at 0, and compared by the distance from it
CHURN = {
    "AUC": metrics.roc_auc,
    "PR-AUC": metrics.pr_auc,
    "Brier": metrics.brier,
    "ECE": metrics.ece,
}
RANKING = {
    "AUC",
    "PR-AUC",
    "norm. Gini",
    "Spearman",
    "concordance",
}  # read the score; higher is better
WITHOUT_INTERVAL = {"ECE", "decile MAPE"}  # the bootstrap of a binned measure is biased
BINNED = "no interval: the measure is binned"
OURS_BETTER, RIVAL_BETTER = "▲", "▼"
LEGEND = (
    f"Beside a rival's figure {OURS_BETTER} says that {OURS} is better beyond chance, "
    f"{RIVAL_BETTER} that the rival is (95 % paired bootstrap of the customers; none of binned "
    "measures)."
)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Our figure less a rival's on one measure, with a 95 % interval; `better` reads the sign.

    `instead` is said where there is no interval.
    """

    measure: str
    rival: str
    difference: float
    low: float
    high: float
    better: bool
    certain: bool
    instead: str = BINNED

    @property
    def mark(self) -> str:
        """Which of the two is better beyond chance; "" where neither is."""
        if not self.certain:
            return ""
        return OURS_BETTER if self.better else RIVAL_BETTER

    def sentence(self) -> str:
        form = "{:+.1%}" if self.measure in SHARES else "{:+.4f}"
        by = form.format(abs(self.difference)).removeprefix("+")
        beaten = f"{self.rival} beats {OURS} on {self.measure} by {by}"
        if not np.isfinite(self.low):
            return f"{beaten} ({self.instead})"
        sure = "" if self.certain else ", within noise"
        # Of a lead, whatever the sign of the difference is that says so.
        low, high = sorted(np.sign(self.difference or 1.0) * end for end in (self.low, self.high))
        ends = f"{form.format(low)} to {form.format(high)}"
        return f"{beaten} (95 % interval of the difference {ends}{sure})"


@dataclasses.dataclass(frozen=True)
class Section:
    """One table: `rows` maps a name (ours first) to its measures; `notes` are sentences, and
    `cautions` those that belong at the head of the card: what could not be told at all.
    """

    title: str
    rows: dict[str, dict[str, float]]
    comparisons: tuple[Comparison, ...] = ()
    notes: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()

    def shown(self) -> dict[str, list[str]]:
        """The rows as they are shown: a rival's figures with their marks (`LEGEND`)."""
        marks = {(c.rival, c.measure): c.mark for c in self.comparisons}
        return {
            name: [
                f"{shown(m, value)} {marks.get((name, m), '')}".rstrip() for m, value in row.items()
            ]
            for name, row in self.rows.items()
        }


@dataclasses.dataclass(frozen=True)
class ReportCard:
    """Everything that one run says of itself."""

    heading: tuple[str, ...]
    sections: tuple[Section, ...]

    def losses(self) -> list[tuple[str, Comparison]]:
        """Comparisons that a naive rule wins, each with its section's title, certain ones first."""
        every = ((s.title, c) for s in self.sections for c in s.comparisons)
        lost = [(title, c) for title, c in every if np.isfinite(c.difference) and not c.better]
        return sorted(lost, key=lambda one: (not one[1].certain, one[1].measure, one[1].rival))

    def metrics(self) -> dict[str, float]:
        """Flat names and figures for a tracker: ours and the rivals'."""
        made = {}
        for section in self.sections:
            for name, row in section.rows.items():
                for measure, value in row.items():
                    if np.isfinite(value):
                        made[_key(section.title, name, measure)] = float(value)
        return made

    def summary(self, *said: str) -> str:
        """What was `said` of the experiment, which rules win beyond chance, and our own figures, a
        line a section: Markdown.
        """
        lines = [" ".join(filter(None, said)), ""] if any(said) else []
        won = [f"{title}, {c.rival} on {c.measure}" for title, c in self.losses() if c.certain]
        lines.append(f"- A naive rule wins beyond chance: {'; '.join(won) or 'nowhere'}")
        for section in self.sections:
            if OURS in section.rows and section.comparisons:
                told = (f"{m} {shown(m, value)}" for m, value in section.rows[OURS].items())
                lines.append(f"- {section.title}: {', '.join(told)}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; a figure that is undefined is None."""
        return _plain(dataclasses.asdict(self))

    def markdown(self) -> str:
        """The card as a page of tables."""
        lines = ["# Report card", "", *(f"{line}  " for line in (*self.heading, LEGEND)), ""]
        for section in self.sections:
            measures = list(next(iter(section.rows.values())))
            lines += [f"## {section.title}", "", "| | " + " | ".join(measures) + " |"]
            lines.append("|---" * (len(measures) + 1) + "|")
            for name, figures in section.shown().items():
                bold = f"**{name}**" if name == OURS else name
                lines.append(f"| {bold} | " + " | ".join(figures) + " |")
            lines += ["", *(f"{note}  " for note in section.notes), ""]
        lines += ["## Where a naive rule wins", ""]
        lines += [f"- {title}: {c.sentence()}" for title, c in self.losses()] or [
            "Nowhere in this run."
        ]
        return "\n".join(lines) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def shown(measure: str, value: float | None) -> str:
    """A figure of a measure: a share of a total in per cent, else as `figure`.

    >>> shown("bias", -0.0345), shown("AUC", 0.891)
    ('-3.5%', '0.891')
    """
    if measure in SHARES and value is not None and np.isfinite(value):
        return f"{value:+.1%}"
    return figure(value)


def figure(value: float | None) -> str:
    """A figure as it is shown: four digits that matter, counts whole, a dash where undefined."""
    if value is None or not np.isfinite(value):
        return "–"
    if abs(value) >= 10 and value == round(value):
        return f"{value:,.0f}"
    if abs(value) >= 100:
        return f"{value:,.1f}"
    return f"{value:.3f}" if abs(value) >= 0.1 else f"{value:.4f}"


def _key(title: str, name: str, measure: str) -> str:
    """Three parts: a slash within one would be a level of its own."""
    plain = (p.lower().replace("η²", "eta2").replace("%", "pct") for p in (title, name, measure))
    return "/".join("".join(c if c.isalnum() or c in "-_." else "_" for c in p) for p in plain)


def compare(
    measures: Mapping[str, Any], truth: np.ndarray, ours: Rule, others: Sequence[Rule], seed: int
) -> tuple[dict[str, dict[str, float]], tuple[Comparison, ...]]:
    """The rows of a section, ours first, and each difference to a rival."""
    rows: dict[str, dict[str, float]] = {}
    for rule in (ours, *others):
        rows[rule.name] = {
            m: float(f(truth, rule.score if m in RANKING else rule.prediction))
            for m, f in measures.items()
        }
    made = []
    for rule in others:
        for measure, function in measures.items():
            mine = ours.score if measure in RANKING else ours.prediction
            theirs = rule.score if measure in RANKING else rule.prediction
            better = _better(measure, rows[ours.name][measure], rows[rule.name][measure])
            if measure in WITHOUT_INTERVAL:
                gap = abs(rows[ours.name][measure]) - abs(rows[rule.name][measure])
                made.append(Comparison(measure, rule.name, gap, np.nan, np.nan, better, False))
                continue
            compared = TO_ZERO.get(measure, function)
            d = paired_bootstrap(compared, truth, mine, theirs, RESAMPLES, seed)
            made.append(
                Comparison(measure, rule.name, *d, better=better, certain=bool(d.excludes_zero))
            )
    return rows, tuple(made)


def _better(measure: str, ours: float, theirs: float) -> bool:
    if measure in TO_ZERO:
        return abs(ours) <= abs(theirs)
    return ours >= theirs if measure in RANKING else ours <= theirs
