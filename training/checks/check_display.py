"""A check on the terminal: what came in, what it is like, what suffices, what is wrong."""

from __future__ import annotations

import math
from pathlib import Path

from features.coverage import Column
from features.health import Health
from training import display
from training.checks.checked import Checked
from training.checks.finding import BLOCKER, HINT, WARNING
from training.checks.suspects import OUTCOMES, Power, Search
from training.screen import Screen

STYLES = {BLOCKER: "bold red", WARNING: "yellow", HINT: None}
MOST_POWERS = 5
_LONGEST_VALUE = 40


def show(made: Checked, page: Path, screen: Screen) -> None:
    """Everything, from what came in to the verdict."""
    _show_intake(made.health, screen)
    _show_columns(made.health, screen)
    _show_days(made.health, screen)
    _show_customers(made, screen)
    if made.plan is not None:
        display.show_plan(made.plan, screen)
        screen.table(
            "Enough for each model?", ("model", "", "seen"),
            [(a.model, a.status, a.seen) for a in made.answers], left=(0, 1, 2),
        )  # fmt: skip
    if made.search is not None:
        _show_search(made.search, screen)
    for weight, title in ((BLOCKER, "What stops a training"), (WARNING, "Warnings"),
                          (HINT, "Hints")):  # fmt: skip
        said = [finding for finding in made.findings if finding.weight == weight]
        if said:
            screen.say(title, "bold")
        for finding in said:
            screen.say(f"- {finding.rule}", STYLES[weight])
            screen.say(f"    Seen:   {finding.told()}")
            if finding.remedy:
                screen.say(f"    Remedy: {finding.remedy}")
        if said:
            screen.say()
    if made.rejects is not None:
        screen.say(f"Each value that could not be used, with its reason: {made.rejects}")
    screen.say(f"The same with plots: {page}")
    screen.say(made.verdict, "bold green" if made.trains else "bold red")


INTAKE = ("source", "rows read", "left out", "kept", "rejected", "repeats", "equal rows", "later",
          "from", "to")  # fmt: skip


def intake_rows(health: Health) -> list[tuple[str, ...]]:
    """What came in of each source, under the heads `INTAKE`."""
    return [
        (
            i.source,
            *(f"{n:,}" for n in (i.rows_read, i.left_out, i.rows_kept, i.rows_rejected, i.repeats,
                                 i.duplicates, i.later)),
            *("–" if at is None else f"{at:%Y-%m-%d}" for at in (i.first, i.last)),
        )
        for i in health.ingested
    ]  # fmt: skip


def _show_intake(health: Health, screen: Screen) -> None:
    screen.table("", INTAKE, intake_rows(health))
    if health.reasons:
        screen.table(
            "Rejected",
            ("source", "column", "why", "values", "first in row", "it says"),
            [
                (r.source, r.column, r.reason, f"{r.count:,}", f"{r.row:,}", _short(r.value))
                for r in health.reasons
            ],
            left=(0, 1, 2, 5),
        )


def _short(value: str | None) -> str:
    if value is None:
        return ""
    return value if len(value) <= _LONGEST_VALUE else value[: _LONGEST_VALUE - 1] + "…"


def _show_columns(health: Health, screen: Screen) -> None:
    screen.table(
        "Columns",
        ("column", "known", "values", "low", "median", "high", "commonest"),
        [
            (
                f"{c.table}: {c.name}",
                f"{c.share:.1%}",
                f"{c.distinct:,}",
                *figures(c),
                "; ".join(f"{value} ({rows:,})" for value, rows in c.top),
            )
            for c in health.columns
            if c.known
        ],
        left=(0, 6),
    )
    empty = [f"{c.table}: {c.name}" for c in health.columns if not c.known]
    if empty:
        screen.say(f"Without any value: {', '.join(empty)}")
        screen.say()


def figures(column: Column) -> tuple[str, str, str]:
    """Low, median and high in words; empty where there are none."""
    low, median, high = (
        "" if value is None else f"{value:,.10g}" if abs(value) < 1e6 else f"{value:,.4g}"
        for value in (column.low, column.median, column.high)
    )
    return low, median, high


def _show_days(health: Health, screen: Screen) -> None:
    screen.table(
        "Days",
        ("what", "rows", "first day", "last day", "days", "days without", "silences",
         "customers a day"),
        [
            (
                s.name, f"{s.rows:,}", f"{s.daily.index[0]:%Y-%m-%d}",
                f"{s.daily.index[-1]:%Y-%m-%d}", f"{len(s.daily):,}", f"{s.empty:,}",
                f"{len(s.gaps)}", f"{s.daily.mean():,.1f}",
            )
            for s in health.series
        ],
    )  # fmt: skip


def customers_rows(made: Checked) -> list[tuple[str, str]]:
    """Customers and amounts as (what, figure)."""
    p, a = made.health.population, made.health.amounts
    share = f" ({p.one_time / p.buyers:.1%})" if p.buyers else ""
    top = "–" if math.isnan(p.top_share) else f"{p.top_share:.1%}"
    return [
        ("customers with an order", f"{p.buyers:,}"),
        ("of them with one order", f"{p.one_time:,}{share}"),
        ("of them with orders on two days or more", f"{p.repeat:,}"),
        ("customers with returns alone", f"{p.returns_only:,}"),
        ("customers without an order line (prospects)", f"{p.prospects:,}"),
        ("orders", f"{p.orders:,}"),
        ("orders a customer", f"{p.orders / p.buyers:,.1f}" if p.buyers else "–"),
        ("share of all spend by the best 1 % of the customers", top),
        ("order lines", f"{a.lines:,}"),
        ("of them of 0", f"{a.zero / a.lines:.2%}"),
        ("of them below 0 (returns)", f"{a.negative / a.lines:.2%}"),
        (f"amount of a line: median ({made.experiment.currency})", f"{a.median:,.2f}"),
        ("99 % of the lines are below", f"{a.p99:,.2f}"),
        ("largest line", f"{a.high:,.2f}"),
    ]


def _show_customers(made: Checked, screen: Screen) -> None:
    screen.table("Customers and amounts", ("", ""), customers_rows(made))


def _show_search(found: Search, screen: Screen) -> None:
    for outcome, (measure, _) in OUTCOMES.items():
        if outcome in found.skipped:
            screen.say(f"Not looked for leaks into {outcome}: {found.skipped[outcome]}")
            screen.say()
            continue
        screen.table(
            f"What alone predicts {outcome} best, at the test cut-off ({found.customers:,} "
            "customers)",
            ("feature", "lens", measure),
            [(p.feature, p.lens, f"{p.value:.3f}") for p in strongest(found, outcome)],
            left=(0, 1),
        )


def strongest(found: Search, outcome: str) -> list[Power]:
    """The strongest features of behaviour, and of everything else, from strong to weak."""
    powers = found.powers[outcome]
    own = [p for p in powers if p.behaviour][:MOST_POWERS]
    other = [p for p in powers if not p.behaviour][:MOST_POWERS]
    return sorted([*own, *other], key=lambda p: -p.value)
