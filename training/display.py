"""What a run and its model look like on a terminal: windows, report card, segments."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.ingestion.intake import Ingested
from training.cards.chance import same
from training.cards.report_card import LEGEND, OURS, ReportCard
from training.explanation.wording import Words
from training.final import Final
from training.fitting import portrait
from training.prediction.bundle import Bundle
from training.screen import Screen
from training.windows.splits import Splits


def show_ingested(ingested: Sequence[Ingested], screen: Screen) -> None:
    """What became of each source's rows."""
    merged = ingested[0].source == "aliases"  # read first, since all others are read by it
    left_out = any(i.left_out for i in ingested)
    screen.table(
        "",
        ("source", "rows read", *(("left out",) if left_out else ()), "kept", "rejected", "later",
         "from", "to", *(("merged ids",) if merged else ())),
        [
            (
                i.source,
                f"{i.rows_read:,}",
                *((f"{i.left_out:,}",) if left_out else ()),
                *(f"{n:,}" for n in (i.rows_kept, i.rows_rejected, i.later)),
                *("–" if at is None else f"{at:%Y-%m-%d}" for at in (i.first, i.last)),
                *((f"{i.merged:,}",) if merged else ()),
            )
            for i in ingested
        ],
    )  # fmt: skip


def show_rejects(rejects: pd.DataFrame, file: Path | None, screen: Screen) -> None:
    """Where the rejects are; nothing where there are none."""
    if file is not None:
        screen.say(f"{len(rejects):,} values could not be used; each with its reason: {file}")


def segments_frame(bundle: Bundle) -> pd.DataFrame:
    """Segments as a table: id, name, customers, share, means of the predictions, first traits."""
    words = Words.of(bundle.spec, bundle.manifest["currency"])
    made = []
    for s in bundle.segments:
        p = s.portrait
        traits = "; ".join(
            f"{words.phrase(t['feature'])}: {words.value(t['feature'], t['segment'])} "
            f"(all {words.value(t['feature'], t['everyone'])})"
            for t in p["traits"][:3]
        )
        made.append({
            "id": s.id, "name": s.name, "customers": p["customers"], "share": p["share"],
            "churn": p["churn_probability"], "orders": p["expected_orders"],
            "spend": p["expected_spend"],
            "what distinguishes it": traits,
        })  # fmt: skip
    return pd.DataFrame(made)


SEGMENTS = ("id", "name", "customers", "share", "churn", "orders", "spend",
            "what distinguishes it (medians)")  # fmt: skip


def _segments(bundle: Bundle) -> tuple[str, list[tuple[str, ...]]]:
    """A title, and the rows below the heads `SEGMENTS`."""
    rows: list[tuple[str, ...]] = []
    for r in segments_frame(bundle).to_dict("records"):
        empty = r["customers"] == 0
        rows.append((
            r["id"], r["name"], f"{r['customers']:,}", f"{r['share']:.1%}",
            "–" if empty else f"{r['churn']:.1%}", "–" if empty else f"{r['orders']:.2f}",
            "–" if empty else f"{r['spend']:,.2f}", r["what distinguishes it"],
        ))  # fmt: skip
    currency, days = bundle.manifest["currency"], bundle.manifest["horizon_days"]
    return f"Segments (predicted over {days} days, {currency})", rows


def segments_page(bundle: Bundle, pictures: Sequence[str]) -> str:
    """The segments that are served, and the plots, as the end of the report card's page."""
    title, rows = _segments(bundle)
    lines = [f"## {title}", "", f"| {' | '.join(SEGMENTS)} |", "|---" * len(SEGMENTS) + "|"]
    lines += [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]
    lines += ["", *(f"![{Path(name).stem.replace('_', ' ')}](plots/{name})" for name in pictures)]
    return "\n".join([*lines, ""])


def show_segments(bundle: Bundle, screen: Screen) -> None:
    """The table a marketer reads first."""
    title, rows = _segments(bundle)
    screen.table(
        title, SEGMENTS, rows, left=(0, 1, 7),
    )  # fmt: skip


def show_plan(plan: Splits, screen: Screen) -> None:
    """The windows of the run and the rung of the ladder."""
    title = f"Windows by time (rung: {plan.rung}"
    title += (
        ")" if plan.rung == "full" else f" of {plan.window_days} days, since the history is short)"
    )
    screen.table(title, ("what", "first cut-off", "last cut-off", "outcomes until"), plan.rows())
    if plan.test.days_late:
        screen.say(
            f"   99 % of the order lines arrive within {plan.test.days_late} days: so long is "
            "waited for the outcomes of each window"
        )


def show_card(card: ReportCard, screen: Screen) -> None:
    """The report card on the terminal."""
    screen.say("Report card", "bold underline")
    for line in (*card.heading, LEGEND):
        screen.say(line)
    screen.say()
    for section in card.sections:
        measures = list(next(iter(section.rows.values())))
        rows = [
            (f"» {name}" if name == OURS else f"  {name}", *figures)
            for name, figures in section.shown().items()
        ]
        screen.table(section.title, ("", *measures), rows)
        for note in section.notes:
            screen.say(note, "dim")
        screen.say()
    lost = card.losses()
    screen.say("Where a naive rule wins", "bold")
    for title, comparison in lost:
        said = f"- {title}: {comparison.sentence()}"
        screen.say(said, "yellow" if comparison.certain else None)
    if not lost:
        screen.say("- nowhere in this run")
    screen.say()


def show_sameness(churn: np.ndarray, screen: Screen) -> None:
    """That the served churn probabilities (n,) tell nobody apart, where they are all one."""
    if same(churn):
        screen.say(
            f"   The served model gives everybody the same churn probability, {churn[0]:.1%}: its "
            "score told nothing of who left in the window that calibrated it",
            "yellow",
        )


def show_identity(champion: Bundle | None, served: Final, screen: Screen) -> None:
    """What became of the champion's segments; nothing where there was none."""
    if champion is not None and not champion.current:
        screen.say(
            f"The champion before ({champion.manifest['version']}) was trained with other features:"
            " the network started afresh, and every segment has a new id"
        )
    if champion is None or served.matching is None:
        return
    if served.bundle.manifest["started_from"] is None:
        screen.say(
            "Settings, columns or what comes in changed since the champion before "
            f"({champion.manifest['version']}): the network started afresh; segments are matched "
            "by their customers"
        )
    m, whom = served.matching, served.bundle.manifest["customers"]
    some = whom["drawn"] < whom["known"]
    born = [s.id for s, old in zip(served.bundle.segments, m.old_of, strict=True) if old is None]
    gone = [champion.segments[i].id for i in m.deaths]
    screen.say(
        f"Against the champion before ({champion.manifest['version']}): {m.kept:.1%} of the "
        f"customers{' drawn' if some else ''} keep their segment; new segments: "
        f"{', '.join(born) or 'none'}; ended: {', '.join(gone) or 'none'}"
    )
    segments = served.bundle.segments
    told = portrait.misnamed([s.portrait for s in segments], [s.name for s in segments])
    for i, words in told.items():
        screen.say(
            f"{segments[i].id} keeps its name, {segments[i].name!r}; by its figures it would now "
            f"be {words!r}"
        )


def show_answer(url: str, asked: Mapping[str, Any], answer: Any, screen: Screen) -> None:
    """A question to the service, the first row of each part of it, and what was answered."""
    customer = asked["customers"][0]
    parts = {"orders": "order lines", "events": "events", "attributes": "attributes"}
    sent = ", ".join(f"{len(customer[part])} {words}" for part, words in parts.items())
    screen.say(f"POST {url}, with {sent}, of which the first of each:")
    first = {"customer_id": customer["customer_id"], **{p: customer[p][:1] for p in parts}}
    screen.say(json.dumps({"as_of": asked["as_of"], "customers": [first]}, indent=2))
    screen.say("Answer:")
    screen.say(json.dumps(answer, indent=2))
