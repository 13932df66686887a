"""What `coterie prove` shows: the leakage law on a user's own data, compared and told."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from features import catalog, discovery, proof, sources
from features.cutoffs import add_cutoffs, choose_cutoffs, instants, order_days
from features.proof import Proof
from features.settings.experiment import Experiment
from features.spec import FeatureSpec
from training.screen import Screen

MOST_SHOWN = 40
DATED = {"orders": "orders", "events": "events", "attributes": "attributes with a valid_from"}


def prove(
    experiment: Experiment,
    screen: Screen,
    as_of: pd.Timestamp | None = None,
    customers: int = 500,
    cutoffs: int = 4,
) -> Proof:
    """Run the proof on an experiment's data and show what was compared and what differed.

    To the cut-offs asked for come at most three a table (`features.cutoffs.add_cutoffs` and
    `instants`). Seeded by the experiment. Nothing at or after `as_of` (UTC) is read; None for all
    until today.
    """
    with screen.step("Reading the sources"):
        read = sources.load(experiment, as_of)
        spec = discovery.everything(read, experiment)
    chosen = choose_cutoffs(order_days(read.connection), cutoffs, experiment.seed)
    chosen = instants(read.connection, add_cutoffs(read.connection, chosen))
    with screen.step("Computing features with the future in the log, and without") as told:
        made = proof.prove(read, spec, chosen, customers, experiment.seed, told)
    _show(made, spec, screen)
    if experiment.aliases is not None:
        screen.say("Merged ids say who a customer is: they are taken as known at every cut-off.")
    return made


def _show(made: Proof, spec: FeatureSpec, screen: Screen) -> None:
    screen.table(
        "",
        ("cut-off (UTC)", "customers", "their rows before", "rows hidden, at it or after"),
        [
            (_moment(c.as_of), f"{c.customers:,}", f"{c.rows.known:,}", f"{c.rows.hidden:,}")
            for c in made.cutoffs
        ],
    )
    screen.table("", ("lens", "features"), [(name, f"{n}") for name, n in made.lenses.items()])
    if made.undated:
        screen.say("Undated (no valid_from), so taken as constant; the proof says nothing of them:")
        screen.table(
            "",
            ("attribute", "undated values"),
            [(name, f"{n:,}") for name, n in made.undated.items()],
        )
    screen.say(
        f"Compared by event time and by time of arrival, which {made.arrived:,} rows have."
        if made.arrived
        else "Compared by event time: no source says when a row arrived."
    )
    screen.say(
        "Outside of the proof: how rows were read (joined files, repeats by line_id, rows left "
        "out) and which "
        "features there are; both took the whole log."
    )
    compared = _compared(sum(made.lenses.values()), made.rows)
    thin = [_moment(cutoff.as_of) for cutoff in made.cutoffs if cutoff.thin]
    if thin:
        screen.say(
            f"Hardly a row lies before, or hardly one at or after, {', '.join(thin)}: that proves "
            "little. Look for wrong moments (coterie check), or compare more cut-offs (--cutoffs).",
            "yellow",
        )
    if made.holds and not made.proves:
        screen.say(
            f"Nothing proved: {compared} are the same, but there is hardly anything to compare.",
            "red",
        )
        return
    _show_unproved(made, screen)
    if made.holds:
        screen.say(
            f"Proved: {_compared(made.proved, made.rows)} are the same whether the log goes on "
            "after the cut-off or not."
        )
        return
    counts = Counter(d.feature for d in made.differences)
    screen.say(
        f"Leak: of {compared}, {len(made.differences):,} (of {_features(len(counts))}) change "
        "with what happens at the cut-off or after.",
        "red",
    )
    _show_leaks(made, counts, spec, screen)


def _show_unproved(made: Proof, screen: Screen) -> None:
    """The features of tables that no cut-off divides: why, which, and what would help."""
    for table, names in made.unproved.items():
        rows = DATED[table]
        screen.say(
            f"Not proved: {_features(len(names))} made of {rows}, since no cut-off has {rows} both "
            f"before it and at it or after: {', '.join(names)}. To prove them, bring {rows} of two "
            "days or more; where there are, compare more customers (--customers).",
            "yellow",
        )


def _show_leaks(made: Proof, counts: Counter[str], spec: FeatureSpec, screen: Screen) -> None:
    """One row a feature: how often it differs, and the first customer where it does."""
    lenses = {feature.name: feature.lens for feature in catalog.features(spec)}
    examples = {d.feature: d for d in reversed(made.differences)}
    screen.table(
        "",
        ("feature", "lens", "differs", "for instance customer", "as_of (UTC)", "whole log",
         "log before as_of"),
        [
            (name, lenses[name], f"{counts[name]:,}", examples[name].customer_id,
             _moment(examples[name].as_of), _value(examples[name].whole),
             _value(examples[name].past))
            for name in [name for name in lenses if name in counts][:MOST_SHOWN]
        ],
        left=(0, 1, 3, 4),
    )  # fmt: skip
    if len(counts) > MOST_SHOWN:
        screen.say(f"and {_features(len(counts) - MOST_SHOWN)} more")
    screen.say("Do not trust a model that uses these features; the fault is in their lens.")


def _compared(features: int, rows: int) -> str:
    return f"{_features(features)} x {rows:,} rows (customer, cut-off) = {features * rows:,} values"


def _features(count: int) -> str:
    return "1 feature" if count == 1 else f"{count} features"


def _moment(as_of: pd.Timestamp) -> str:
    return f"{as_of:%Y-%m-%d %H:%M:%S}".removesuffix(":00")


def _value(value: Any) -> str:
    if value is None:
        return "null"
    return f"{value:.10g}" if isinstance(value, float) else str(value)
