"""A check as one HTML file: nothing is loaded, nothing runs, and no customer shows in it.

What it names of a column is what at least ten customers share (`features.coverage`); rejected
values are in the file of rejects alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import pandas as pd

from training.checks import charts
from training.checks.check_display import INTAKE, customers_rows, figures, intake_rows, strongest
from training.checks.checked import Checked
from training.checks.finding import BLOCKER, HINT, WARNING
from training.checks.suspects import OUTCOMES, Search
from training.windows.splits import Splits, Window

STYLE = """
:root { --ink: #1d2b34; --soft: #5f6b73; --line: #dfe4e8; --blue: #1b6ca8; --red: #b23a48;
  --amber: #b8860b; --green: #2f7d4f; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1100px; padding: 24px 16px 64px; color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 26px; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 40px 0 8px; border-top: 1px solid var(--line); padding-top: 20px; }
p { margin: 4px 0 12px; max-width: 46em; } .soft { color: var(--soft); }
.verdict { border-left: 6px solid var(--green); background: #f4f7f5; padding: 12px 16px;
  font-size: 18px; font-weight: 600; margin: 16px 0; max-width: none; overflow-wrap: anywhere; }
.verdict.blocker { border-color: var(--red); background: #fbf3f4; }
.verdict.warning { border-color: var(--amber); background: #fbf8ef; }
.scroll { overflow-x: auto; margin: 8px 0 16px; background: linear-gradient(to right, #fff 40%,
  #fff0) left / 48px 100% no-repeat local, linear-gradient(to left, #fff 40%, #fff0) right / 48px
  100% no-repeat local, linear-gradient(to right, #0003, #0000) left / 14px 100% no-repeat,
  linear-gradient(to left, #0003, #0000) right / 14px 100% no-repeat; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: 4px 0; }
th, td { text-align: right; padding: 5px 12px 5px 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th.l, td.l { text-align: left; } thead th { color: var(--soft); font-weight: 500; }
tbody th { font-weight: 500; } td.wide { width: 26%; min-width: 90px; padding-top: 11px; }
.tag { display: inline-block; border-radius: 3px; padding: 0 7px; color: #fff; font-size: 13px;
  background: var(--soft); } .tag.ready { background: var(--green); }
.tag.limited, .tag.warning { background: #8a6508; } .tag.insufficient, .tag.blocker {
  background: var(--red); }
ul.findings { list-style: none; padding: 0; margin: 8px 0; }
ul.findings li { border-left: 4px solid var(--line); padding: 2px 0 2px 12px; margin: 0 0 14px;
  overflow-wrap: anywhere; max-width: 60em; }
li.blocker { border-color: var(--red) !important; }
li.warning { border-color: var(--amber) !important; }
li b { display: block; } li span { display: block; color: var(--soft); }
figure { margin: 12px 0 4px; } figcaption { font-size: 14px; color: var(--soft); }
figure svg { display: block; width: 100%; height: 130px; border-bottom: 1px solid var(--line); }
figure.thin { margin: 6px 0; } figure.thin svg { height: 14px; border: 0; background: #f3f5f7; }
.ends { display: flex; justify-content: space-between; font-size: 13px; color: var(--soft); }
.each span { flex: 1 1 0; width: 0; text-align: center; white-space: nowrap; }
polyline { fill: #d3e4f1; stroke: var(--blue); stroke-width: 1.2;
  vector-effect: non-scaling-stroke; }
.bar { fill: var(--blue); } .gap { fill: var(--red); opacity: .35; }
.lying { display: block; height: 9px; background: var(--blue); min-width: 1px; }
.lying.other { background: #e07a1f; }
.two { display: grid; grid-template-columns: 1fr 1fr; gap: 0 40px; }
.two > * { min-width: 0; }
@media (max-width: 700px) {
  .two { grid-template-columns: 1fr; } th, td { padding-right: 9px; font-size: 14px; }
  table.broad { width: 760px; } table.broad td.wide { width: 90px; }
  body { padding: 16px 14px 48px; } h1 { font-size: 22px; }
}
"""
_GUARD = "default-src 'none'; style-src 'unsafe-inline'"
_WORDS = {BLOCKER: "stops a training", WARNING: "warning", HINT: "hint"}


def render(made: Checked) -> str:
    """The page's text."""
    name = escape(made.experiment.name)
    worst = made.findings[0].weight if made.findings else HINT
    parts = [
        f"<h1>{name}: data check</h1>",
        f'<p class="soft">{escape(made.experiment.description)} {escape(made.experiment.note)}</p>',
        f'<p class="soft">Orders from {made.health.start:%Y-%m-%d} to {made.health.end:%Y-%m-%d}; '
        f"horizon {made.experiment.horizon_days} days; checked {made.now:%Y-%m-%d %H:%M} UTC.</p>",
        f'<p class="verdict {worst}" role="status">{escape(made.verdict)}</p>',
        _findings(made),
        _models(made),
        _intake(made),
        _columns(made),
        _time(made),
        _customers(made),
        _search(made.search) if made.search is not None else "",
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_GUARD}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name}: data check</title><style>{STYLE}</style></head>\n<body><main>"
        + "\n".join(parts)
        + "</main></body></html>\n"
    )


def _table(
    caption: str,
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    left: Sequence[int] = (0,),
    drawn: int | None = None,
) -> str:
    """A table; cells are text and escaped, but those of the column `drawn`, which are HTML.

    The first cell of a row is its heading. Columns of `left` are text, aligned left.
    """
    if not rows:
        return ""

    def side(i: int) -> str:
        if i == drawn and not head[i]:  # a bar needs room, and no heading
            return ' class="l wide"'
        return ' class="l"' if i in left or i == drawn else ""

    top = "".join(f'<th scope="col"{side(i)}>{escape(h)}</th>' for i, h in enumerate(head))
    body = []
    for row in rows:
        cells = [f'<th scope="row"{side(0)}>{escape(row[0])}</th>']
        cells += [
            f"<td{side(i)}>{cell if i == drawn else escape(cell)}</td>"
            for i, cell in enumerate(row[1:], 1)
        ]
        body.append(f"<tr>{''.join(cells)}</tr>")
    named = f"<caption>{escape(caption)}</caption>" if caption else ""
    broad, focus = "", ""
    if len(head) > 5:  # scrolls on a narrow screen, by keyboard too
        broad, focus = ' class="broad"', ' tabindex="0"'
    return (
        f'<div class="scroll"{focus}><table{broad}>{named}<thead><tr>{top}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def _findings(made: Checked) -> str:
    if not made.findings:
        return "<h2>Findings</h2><p>Nothing to complain of.</p>"
    items = "".join(
        f'<li class="{f.weight}"><b><span class="tag {f.weight}" style="display:inline-block;'
        f'color:#fff">{_WORDS[f.weight]}</span> {escape(f.rule)}</b>'
        f"Seen: {escape(f.seen)}."
        + (f"<span>Remedy: {escape(f.remedy)}.</span>" if f.remedy else "")
        + "</li>"
        for f in made.findings
    )
    return f'<h2>Findings</h2><ul class="findings">{items}</ul>'


def _models(made: Checked) -> str:
    if made.plan is None:
        return ""
    plan = made.plan
    rung = "" if plan.rung == "full" else f" of {plan.window_days} days"
    rows = [
        (a.model, f'<span class="tag {a.status}">{a.status}</span>', a.seen) for a in made.answers
    ]
    table = _table("", ("model", "answer", "seen"), rows, (0, 2), drawn=1)
    return (
        "<h2>Enough for each model?</h2>"
        + table
        + f"<p>Windows by time, rung: {escape(plan.rung)}{rung}. Each bar reaches from a cut-off "
        "to the end of its outcomes.</p>" + _windows(plan, plan.start)
    )


def _windows(plan: Splits, start: pd.Timestamp) -> str:
    def ends(windows: Sequence[Window]) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
        return [(w.as_of, w.end) for w in windows]

    kinds = {"train": plan.train, "calibrate": (plan.calibration,), "test": (plan.test,),
             "final fit": plan.final}  # fmt: skip
    rows = [(f"{name}: {first} to {end}", ends(kinds[name])) for name, first, _, end in plan.rows()]
    return charts.spans(rows, start.floor("D"), plan.now)


def _intake(made: Checked) -> str:
    why = [
        (r.source, r.column, r.reason, f"{r.count:,}", f"{r.row:,}") for r in made.health.reasons
    ]
    return (
        "<h2>What came in</h2>"
        + _table("", INTAKE, intake_rows(made.health))
        + _table(
            "Rejected, each with its reason in rejects.csv",
            ("source", "column", "why", "values", "first in row"), why, (0, 1, 2),
        )
    )  # fmt: skip


def _columns(made: Checked) -> str:
    rows = [
        (
            f"{c.table}: {c.name}",
            charts.bar(c.share),
            f"{c.share:.1%}",
            f"{c.distinct:,}",
            *figures(c),
            "; ".join(f"{value} ({n:,})" for value, n in c.top),
        )
        for c in made.health.columns
    ]
    head = ("column", "", "known", "values", "low", "median", "high", "commonest")
    return (
        "<h2>Columns</h2><p>Known: share of the rows, of attributes share of the customers with an "
        "order line. Named are values of at least ten customers; the range of an attribute leaves "
        "ten customers out at either end.</p>" + _table("", head, rows, (0, 7), drawn=1)
    )


def _time(made: Checked) -> str:
    drawn = "".join(charts.days(s.daily, s.gaps, s.name) for s in made.health.series)
    clock = made.health.hours
    hours = ""
    if sum(clock.counts):
        busiest = max(range(24), key=lambda h: clock.counts[h])
        hours = charts.columns(
            clock.counts,
            f"Order lines by hour of the day ({made.experiment.time_zone})",
            f"Order lines by hour: the busiest begins at {busiest}:00, the quietest five at "
            f"{clock.quietest}:00",
            ("0", "6", "12", "18", "24"),
        )
    bare = f"<p>{clock.bare:.1%} of the order lines are dates without a time of day.</p>"
    days = [
        (s.name, f"{s.rows:,}", f"{len(s.daily):,}", f"{s.empty:,}",
         "; ".join(f"{g.first:%Y-%m-%d} to {g.last:%Y-%m-%d}" for g in s.gaps[:5]) or "none")
        for s in made.health.series
    ]  # fmt: skip
    table = _table(
        "", ("what", "rows", "days", "days without any", "silences (shaded)"), days, (0, 4)
    )
    return f"<h2>Time</h2>{drawn}{table}{hours}{bare}"


def _customers(made: Checked) -> str:
    people, paid = made.health.population, made.health.amounts
    figures_of = _table("", ("what", "figure"), customers_rows(made))
    each = charts.columns(
        [n for _, n in people.histogram], "Customers by number of orders",
        "Customers by number of orders: "
        + ", ".join(f"{c} or more: {n}" for c, n in people.histogram),
        [f"{c}+" if c > 3 else f"{c}" for c, _ in people.histogram],
    )  # fmt: skip
    every = len(paid.histogram) // 8 + 1
    of_lines = charts.columns(
        [n for _, n in paid.histogram],
        f"Order lines by amount ({made.experiment.currency}, each class from its number up)",
        "Order lines by amount: " + ", ".join(f"{c:g} or more: {n}" for c, n in paid.histogram),
        [f"{c:g}" if i % every == 0 else "" for i, (c, _) in enumerate(paid.histogram)],
    )
    return (
        f'<h2>Customers and amounts</h2><div class="two"><div>{figures_of}</div>'
        f"<div>{each}{of_lines}</div></div>"
    )


def _search(found: Search) -> str:
    made = []
    for outcome, (measure, _) in OUTCOMES.items():
        if outcome in found.skipped:
            made.append(f"<p>{escape(outcome)}: not judged, {escape(found.skipped[outcome])}.</p>")
            continue
        rows = [
            (p.feature, charts.bar(p.value, "" if p.behaviour else "other"), f"{p.value:.3f}")
            for p in strongest(found, outcome)
        ]
        title = f"One feature alone against {outcome}"
        made.append(f"<div>{_table(title, ('feature', '', measure), rows, drawn=1)}</div>")
    return (
        "<h2>What predicts too well?</h2><p>Each feature alone, out of time, on "
        f"{found.customers:,} customers of the test cut-off: the strongest of behaviour (blue), "
        "which sets the mark, and of everything else (orange). A feature above the mark that could "
        'not have been known then is a leak.</p><div class="two">' + "".join(made) + "</div>"
    )
