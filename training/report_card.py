"""The model against every naive rule, in one run, at a cut-off that trained nothing.

A card is plain values: sections of rows (ours and each rival) with the same measures, paired
bootstrap intervals of our difference to each rival, and the rules that win, said out loud.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from training import chance, metrics, rivals, separation
from training.bootstrap import paired_bootstrap
from training.clustering import Choice
from training.fidelity import LEAVES, rule_fidelity
from training.rivals import Rule

OURS = "Coterie"
RESAMPLES = 400
TO_ZERO = {"bias"}
ABSOLUTE = {"bias": metrics.absolute_bias}  # what is compared in the measure's place
CHURN = {
    "AUC": metrics.roc_auc,
    "PR-AUC": metrics.pr_auc,
    "Brier": metrics.brier,
    "ECE": metrics.ece,
}
SPEND = {"norm. Gini": metrics.normalized_gini, "Spearman": metrics.spearman, "RMSE": metrics.rmse,
         "MAE/mean": metrics.mae_over_mean, "decile MAPE": metrics.decile_mape,
         "bias": metrics.total_bias}  # fmt: skip
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
        beaten = f"{self.rival} beats {OURS} on {self.measure} by {abs(self.difference):.4f}"
        if not np.isfinite(self.low):
            return f"{beaten} ({self.instead})"
        sure = "" if self.certain else ", within noise"
        return (
            f"{beaten} (95 % interval of the difference {self.low:+.4f} to {self.high:+.4f}{sure})"
        )


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
                f"{figure(value)} {marks.get((name, m), '')}".rstrip() for m, value in row.items()
            ]
            for name, row in self.rows.items()
        }


@dataclasses.dataclass(frozen=True)
class ReportCard:
    """Everything that one run says of itself."""

    heading: tuple[str, ...]
    sections: tuple[Section, ...]

    def losses(self) -> list[Comparison]:
        """Comparisons that a naive rule wins, certain ones first."""
        every = (c for s in self.sections for c in s.comparisons if np.isfinite(c.difference))
        lost = [c for c in every if not c.better]
        return sorted(lost, key=lambda c: (not c.certain, c.measure, c.rival))

    def metrics(self) -> dict[str, float]:
        """Flat names and figures for a tracker: ours and the rivals'."""
        made = {}
        for section in self.sections:
            for name, row in section.rows.items():
                for measure, value in row.items():
                    if np.isfinite(value):
                        made[_key(section.title, name, measure)] = float(value)
        return made

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; a figure that is undefined is None."""
        plain: dict[str, Any] = _plain(dataclasses.asdict(self))
        return plain

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
        lines += [f"- {c.sentence()}" for c in self.losses()] or ["Nowhere in this run."]
        return "\n".join(lines) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


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
    plain = f"{title}/{name}/{measure}".lower().replace("η²", "eta2").replace("%", "pct")
    return "".join(c if c.isalnum() or c in "/-_." else "_" for c in plain)


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
            compared = ABSOLUTE.get(measure, function)
            d = paired_bootstrap(compared, truth, mine, theirs, RESAMPLES, seed)
            made.append(
                Comparison(measure, rule.name, *d, better=better, certain=bool(d.excludes_zero))
            )
    return rows, tuple(made)


def _better(measure: str, ours: float, theirs: float) -> bool:
    if measure in TO_ZERO:
        return abs(ours) <= abs(theirs)
    return ours >= theirs if measure in RANKING else ours <= theirs


def churn_section(
    calibration: pd.DataFrame,
    test: pd.DataFrame,
    probability: np.ndarray,
    window_days: int,
    seed: int,
) -> Section:
    """Probability of no order in the window against the naive rules."""
    truth = (test.future_orders == 0).to_numpy(np.float64)
    if truth.min() == truth.max():
        note = f"Every customer of the test {'left' if truth[0] else 'came back'}: nothing to rank."
        return Section("Churn", {OURS: {"Brier": metrics.brier(truth, probability)}}, (), (note,))
    others = rivals.churn_rules(calibration, test, window_days)
    rows, made = compare(CHURN, truth, Rule(OURS, probability, probability), others, seed)
    note = f"{len(truth):,} customers, {truth.mean():.1%} without an order in {window_days} days."
    told = chance.ranking("Churn", "AUC", metrics.roc_auc, 0.5, truth, probability, seed)
    if told and chance.same(probability):
        told = (f"{told[0]} Everybody was given the same probability, {probability[0]:.1%}.",)
    said = _refused(others, rivals.BG_NBD, test, window_days)
    return Section("Churn", rows, made, (note, *said), told)


def spend_section(
    calibration: pd.DataFrame,
    test: pd.DataFrame,
    predicted: Mapping[str, np.ndarray],
    window_days: int,
    currency: str,
    seed: int,
) -> Section:
    """Expected spend against the naive rules."""
    truth = test.future_spend.to_numpy(np.float64)
    if truth.sum() <= 0:
        return Section(
            "Spend", {OURS: {"bias": float("nan")}}, (), ("Nobody spent in the test window.",)
        )
    others = rivals.spend_rules(calibration, test, window_days)
    ours = Rule(OURS, predicted["expected_spend"], predicted["expected_spend"])
    rows, made = compare(SPEND, truth, ours, others, seed)
    return Section("Spend", rows, made, (
        f"Mean spend {truth.mean():,.2f} {currency} in {window_days} days; realised total "
        f"{truth.sum():,.0f}, predicted {predicted['expected_spend'].sum():,.0f} {currency}.",
        *_refused(others, rivals.WITH_GAMMA_GAMMA, test, window_days),
    ), chance.ranking(
        "Spend", "norm. Gini", metrics.normalized_gini, 0.0, truth, ours.score, seed
    ))  # fmt: skip


def totals_section(
    test: pd.DataFrame, predicted: Mapping[str, np.ndarray], window_days: int, currency: str
) -> Section:
    """What was expected of all customers together against what came: the estimates reconciled."""
    rows = {}
    for name, truth, said in (
        (f"spend, {currency}", test.future_spend, predicted["expected_spend"]),
        ("orders", test.future_orders, predicted["expected_orders"]),
        ("customers with an order", test.future_orders > 0, 1.0 - predicted["churn_probability"]),
    ):
        came = truth.to_numpy(np.float64)
        rows[name] = {
            "realised": float(came.sum()),
            "expected": float(said.sum()),
            "off by": metrics.total_bias(came, said),
        }
    note = (
        f"Sums over {len(test):,} customers in {window_days} days. Of each customer, the "
        "probabilities of an order and of none add up to 1, expected orders are not below the "
        "first, and expected spend is not below 0."
    )
    return Section("Summed over all customers", rows, (), (note,))


def _refused(
    others: Sequence[Rule], name: str, test: pd.DataFrame, window_days: int
) -> tuple[str, ...]:
    if any(rule.name == name for rule in others):
        return ()
    return (rivals.refusal(test, window_days),)


def segment_section(
    calibration: pd.DataFrame,
    test: pd.DataFrame,
    ours: tuple[np.ndarray, np.ndarray],
    others: Mapping[str, tuple[np.ndarray, np.ndarray]],
    designs: tuple[np.ndarray, np.ndarray],
    chosen: Choice | None,
    seed: int,
) -> Section:
    """Segments as predictors: each pair is (calibration cut-off, test cut-off), of labels (n,) and
    of `designs` (n, columns), from which rules would tell them.
    """
    spend = test.future_spend.to_numpy(np.float64)
    churned = (test.future_orders == 0).to_numpy(np.float64)
    before = (calibration.future_orders == 0).to_numpy(np.float64)
    rows, made = {}, []
    for name, (then, now) in {OURS: ours, **others}.items():
        rates = {int(i): float(before[then == i].mean()) for i in np.unique(then)}
        rates |= {int(i): float(before.mean()) for i in np.unique(now) if int(i) not in rates}
        order = {int(i): float(calibration.future_spend[then == i].mean()) for i in np.unique(then)}
        value = np.array([order.get(int(i), 0.0) for i in now])
        rows[name] = {
            "η² spend": separation.eta_squared(spend, now),
            "η² log spend": separation.eta_squared(np.log1p(spend), now),
            "churn AUC": separation.segment_auc(churned, now, rates),
            "gain 10 %": metrics.gain_at(spend, value, 0.1),
            "gain 20 %": metrics.gain_at(spend, value, 0.2),
            "min share": float(np.unique(now, return_counts=True)[1].min() / len(now)),
            f"told by {LEAVES} rules": rule_fidelity(designs, (then, now), seed),
        }
    logs = np.log1p(spend)
    for name, (_, now) in others.items():
        for measure, values in (("η² spend", spend), ("η² log spend", logs)):
            d = paired_bootstrap(separation.eta_squared, values, ours[1], now, 200, seed)
            better = rows[OURS][measure] >= rows[name][measure]
            made.append(Comparison(measure, name, *d, better=better, certain=bool(d.excludes_zero)))
        gap = rows[OURS]["churn AUC"] - rows[name]["churn AUC"]
        made.append(Comparison("segments' churn AUC", name, gap, np.nan, np.nan, gap >= 0, False))
    notes = [f"{len(np.unique(ours[1]))} segments, the same number for every rival."]
    if chosen:
        notes.append(
            "Refitted on bootstrap draws of the last training cut-off, the segments agree with an "
            f"adjusted Rand index of {chosen.agreement:.2f}; the least steady of them keeps a "
            f"Jaccard of {chosen.worst_jaccard:.2f} (Hennig: .75 valid, .6 not to be trusted); the "
            f"smallest holds {chosen.least_share:.1%}."
        )
    return Section("Segments", rows, tuple(made), tuple(notes), chance.split(spend, ours[1]))


def stability_section(
    kept: Mapping[str, float], agreement: Mapping[str, float], days: int, n: int
) -> Section:
    """How many customers keep their segment when the model is retrained `days` later.

    The first of `kept` is ours; what else begins with our name is no rival.
    """
    rows = {
        name: {"keep their segment": kept[name], "adjusted Rand": agreement[name]} for name in kept
    }
    ours = next(iter(kept))  # retrained as a retrain is
    made = []
    for name in kept:
        if name.startswith(OURS):
            continue
        for measure, of in (
            ("keeping customers in their segment", kept),
            ("adjusted Rand of a retrain", agreement),
        ):
            gap = of[ours] - of[name]
            instead = f"{of[name]:.3f} against {of[ours]:.3f}; no interval: of one retrain"
            made.append(Comparison(measure, name, gap, np.nan, np.nan, gap >= 0, False, instead))
    note = (
        f"Two models, the later trained on {days} days more, label the same {n:,} customers; "
        "segments are matched one to one, and every retrain but the cold one starts from the model "
        "before."
    )
    return Section(f"Retrained {days} days later", rows, tuple(made), (note,))
