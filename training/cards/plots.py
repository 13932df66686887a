"""The pictures of a run: each function returns a figure and touches no file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, PercentFormatter

from features.settings.contracts import Profit
from training.cards.report_card import OURS, ReportCard, Section
from training.measures.profit import earned, profit_curve

COLOURS = ("#1b6ca8", "#e07a1f", "#3a9d5d", "#b23a48", "#7b5ea7", "#8a6d3b", "#d46a9f", "#5f6b73",
           "#9aa12a", "#22a2b5", "#444444", "#c7a500")  # fmt: skip


def _figure(width: float, height: float) -> tuple[Figure, Any]:
    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def segment_map(
    churn: np.ndarray, spend: np.ndarray, labels: np.ndarray, names: Sequence[str],
    counts: Sequence[int], ahead: str, currency: str,
) -> Figure:  # fmt: skip
    """Customers (n,) by the probability that they leave and the spend expected `ahead` ("30 days"),
    coloured by segment; of `counts` customers a segment, those drawn.

    Spend is on a scale of its cube root, which tells small amounts apart and knows 0.
    """
    figure, axes = _figure(9, 6)
    for i, name in enumerate(names):
        at = labels == i
        axes.scatter(churn[at], spend[at], s=9, alpha=0.6, color=COLOURS[i % len(COLOURS)],
                     label=f"{name} ({counts[i]:,})", linewidths=0)  # fmt: skip
    some = f": {len(churn):,} of {sum(counts):,} customers" if len(churn) < sum(counts) else ""
    axes.set_yscale("function", functions=(np.cbrt, lambda root: root**3))
    axes.set(xlabel=f"probability of no order in {ahead}", xlim=(-0.02, 1.02),
             ylabel=f"expected spend in {ahead}, {currency}", ylim=(0, None),
             title=f"Segment map{some}")  # fmt: skip
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.yaxis.set_major_locator(FixedLocator(_steps(float(spend.max(initial=1.0)))))
    axes.yaxis.set_major_formatter("{x:,g}")
    legend = axes.legend(fontsize=8, frameon=False, loc="upper right")
    for mark in legend.legend_handles:  # as the crowd of its points looks, not one of them
        mark.set(alpha=1.0, sizes=[30])
    return figure


def _steps(top: float) -> list[float]:
    """0 and the round amounts from a thousandth of `top` up to it.

    >>> [float(step) for step in _steps(700.0)]
    [0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0]
    """
    powers = 10.0 ** np.arange(np.floor(np.log10(top)) - 2, np.floor(np.log10(top)) + 1)
    return [0.0, *(float(p * k) for p in powers for k in (1, 2, 5) if p * k <= top)]


def profile(
    portraits: Sequence[Mapping[str, Any]], names: Sequence[str], phrase: Callable[[str], str]
) -> Figure:
    """Heat map: what sets each segment apart, in standard deviations from everyone; `phrase` says
    what a feature is.
    """
    traits: list[str] = []
    for portrait in portraits:
        traits += [t for t in portrait["profile"] if t not in traits]
    grid = np.array([[p["profile"][t] for t in traits] for p in portraits]).T
    figure, axes = _figure(4.5 + 1.4 * len(names), 1.8 + 0.32 * len(traits))
    reach = max(float(np.abs(grid).max()), 0.5)
    image = axes.imshow(grid, aspect="auto", cmap="RdBu_r", norm=TwoSlopeNorm(0, -reach, reach))
    axes.set_xticks(range(len(names)), [_wrapped(n) for n in names], fontsize=8)
    axes.set_yticks(range(len(traits)), [phrase(trait) for trait in traits], fontsize=8)
    for i in range(len(traits)):
        for j in range(len(names)):
            shade = "white" if abs(grid[i, j]) > 0.6 * reach else "black"
            axes.text(j, i, f"{grid[i, j]:+.1f}", ha="center", va="center", fontsize=7, color=shade)
    axes.set_title(
        "Segment profiles: difference from everyone, in standard deviations", fontsize=10
    )
    figure.colorbar(image, ax=axes, shrink=0.8)
    return figure


def _wrapped(name: str) -> str:
    return name.replace(", ", ",\n")


def calibration(
    probability: np.ndarray,
    churned: np.ndarray,
    observed: str = "share that did not order",
    title: str = "Churn calibration, out of time",
) -> Figure:
    """Predicted against observed churn, ten equal groups, with 95 % binomial intervals."""
    figure, axes = _figure(6, 5.5)
    groups = np.array_split(np.argsort(probability, kind="stable"), 10)
    predicted = np.array([probability[g].mean() for g in groups])
    seen = np.array([churned[g].mean() for g in groups])
    error = 1.96 * np.sqrt(np.maximum(seen * (1 - seen), 1e-9) / [max(len(g), 1) for g in groups])
    axes.plot([0, 1], [0, 1], color="#999999", lw=1, label="perfectly calibrated")
    axes.errorbar(predicted, seen, yerr=error, fmt="o-", color=COLOURS[0], capsize=3, label=OURS)
    axes.set(xlabel="predicted churn probability", ylabel=observed,
             title=title, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))  # fmt: skip
    axes.legend(frameon=False)
    return figure


def deciles(expected: np.ndarray, spend: np.ndarray, currency: str) -> Figure:
    """Predicted and realised mean spend by decile of prediction."""
    figure, axes = _figure(8, 5)
    groups = np.array_split(np.argsort(-expected, kind="stable"), 10)
    at = np.arange(10)
    axes.bar(
        at - 0.2, [expected[g].mean() for g in groups], 0.4, color=COLOURS[0], label="predicted"
    )
    axes.bar(at + 0.2, [spend[g].mean() for g in groups], 0.4, color=COLOURS[1], label="realised")
    axes.set_xticks(at, [str(i + 1) for i in at])
    axes.set(xlabel="decile of predicted spend, highest first", ylabel=f"mean spend, {currency}",
             title="Spend by decile of its prediction, out of time")  # fmt: skip
    axes.legend(frameon=False)
    return figure


def losses(history: Sequence[Mapping[str, float]], kept: int) -> Figure:
    """Loss per epoch of the evaluated autoencoder, and the epoch that was kept."""
    figure, axes = _figure(8, 4.5)
    epochs = np.arange(1, len(history) + 1)
    words = {"reconstruction": "reconstruction (train)", "prediction": "prediction (train)",
             "later": "prediction (later cut-off)"}  # fmt: skip
    for i, (key, label) in enumerate(words.items()):
        if key in history[0]:
            axes.plot(epochs, [h[key] for h in history], color=COLOURS[i], label=label)
    axes.axvline(kept, color="#999999", ls="--", lw=1, label=f"kept: epoch {kept}")
    axes.set(xlabel="epoch", ylabel="loss", title="Autoencoder")
    axes.legend(frameon=False)
    return figure


def profit(
    truth: np.ndarray, scores: Mapping[str, np.ndarray], asked: np.ndarray, economics: Profit,
    currency: str,
) -> Figure:  # fmt: skip
    """Expected profit per contract by the share of them that a campaign asks, and what is asked.

    `truth` is 1 where the contract ended; `scores` has ours and every rival; `asked` is (n,) bool.
    """
    figure, axes = _figure(8, 5)
    axes.axhline(0, color="#999999", lw=1)
    for i, (name, score) in enumerate(scores.items()):
        share, brought = profit_curve(truth, score, economics)
        colour, width = COLOURS[i % len(COLOURS)], 2.2 if name == OURS else 1.0
        axes.plot(share, brought, color=colour, lw=width, label=name)
    label = f"worth asking: {asked.mean():.1%} ({earned(truth, asked, economics):,.2f} {currency})"
    axes.axvline(float(asked.mean()), color=COLOURS[0], ls="--", lw=1, label=label)
    axes.set(xlabel="share of contracts asked, greatest risk first", xlim=(0, 1),
             ylabel=f"expected profit per contract, {currency}",
             title="Profit of a retention campaign")  # fmt: skip
    axes.legend(frameon=False, fontsize=8)
    return figure


#: Measures of which plots are drawn, the smaller the better.
LOWER = ("Brier",)
HEADLINES = (("Churn", "AUC"), ("Spend", "norm. Gini"), ("Segments", "η² log spend"))


def rivals(card: ReportCard, wanted: Sequence[tuple[str, str]] = HEADLINES) -> Figure:
    """Measures of the card by (section, measure), ours beside every naive rule."""
    found = [(s, m) for t, m in wanted for s in card.sections if s.title == t and _drawable(s, m)]
    figure = Figure(figsize=(4.2 * max(len(found), 1), 3.6), dpi=110, layout="constrained")
    for i, (section, measure) in enumerate(found):
        axes = figure.add_subplot(1, len(found), i + 1)
        axes.spines[["top", "right"]].set_visible(False)
        names = list(section.rows)[::-1]
        values = [section.rows[n][measure] for n in names]
        axes.barh(names, values, color=[COLOURS[0] if n == OURS else "#bbbbbb" for n in names])
        for j, value in enumerate(values):  # a Gini below 0 has its figure right of its bar too
            axes.text(max(value, 0.0), j, f" {value:.3f}", va="center", fontsize=8)
        lower = " (lower is better)" if measure in LOWER else ""
        axes.set_title(f"{section.title}: {measure}{lower}", fontsize=10)
        least, most = min(*values, 0.0), max(*values, 0.0)
        room = 0.2 * (most - least) or 1.0
        axes.set_xlim(least - 0.1 * room, most + room)
        axes.tick_params(labelsize=8)
    return figure


def _drawable(section: Section, measure: str) -> bool:
    return bool(np.isfinite([row.get(measure, np.nan) for row in section.rows.values()]).all())
