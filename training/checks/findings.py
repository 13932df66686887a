"""What is wrong with the data, as rule, value seen and remedy: the judgement on `features.health`,
on `checks.readiness` and on `checks.suspects`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from features.guessing.hints import is_unit_price
from features.health import Health
from features.population import ALIKE_SHARE, LEAST_ALIKE, Amounts, Population, is_rate
from features.settings.experiment import Experiment
from training import outliers
from training.checks.currency_findings import of_coins
from training.checks.encoding_findings import of_encodings
from training.checks.finding import HINT, WARNING, Finding
from training.checks.future_findings import of_future
from training.checks.left_out_findings import of_left_out
from training.checks.readiness import READY, SAID_ONLY, Readiness
from training.checks.rhythm_findings import of_hours, of_series
from training.checks.suspects import Search

REJECTED_SHARE = 0.001  # of a source's rows: below, a hint
DUPLICATE_SHARE = 0.01
ONE_TIME_SHARE = 0.7
RETURNS_SHARE = 0.05
NEGATIVE_SHARE = 0.3
BACKWARD_SHARE = 0.001  # of the order lines, by the signs of quantity and amount
SEVERAL_SHARE = 0.05
ZERO_SHARE = 0.2
SLIP_SHARE = 0.001  # of all spend, by lines far above the others; ten times it is a warning
WHALES_SHARE = 0.5  # of all spend, by the best hundredth
THIN_SHARE = 0.05
ID_SHARE = 0.5  # distinct values of known ones
SHARED_SHARE = 0.5  # of the orders, by ids that are not one customer's


def of_health(
    health: Health,
    experiment: Experiment,
    until: pd.Timestamp | None = None,
) -> list[Finding]:
    """Findings on what came in; `until` is the moment that the log is said to reach (UTC); None for
    its last row.
    """
    future = health.ingested if until is None else ()
    return [
        *_intake(health, experiment),
        *(finding for account in future for finding in of_future(account, experiment.orders.name)),
        *(finding for series in health.series for finding in of_series(series, until)),
        *of_hours(health.hours, experiment),
        *_customers(health.population),
        *_orders(health.population, experiment),
        *_amounts(health.amounts, experiment.currency),
        *of_coins(health.coins, experiment.currency),
        *_signs(health.amounts, experiment),
        *_prices(health.amounts, experiment),
        *_columns(health, experiment),
        *_attributes(health),
    ]


def of_readiness(answers: tuple[Readiness, ...]) -> list[Finding]:
    """A warning for each model that is not ready; a hint for what only the report lacks."""
    made = []
    for answer in answers:
        if answer.status == READY:
            continue
        weight = HINT if answer.model in SAID_ONLY else WARNING
        rule = f"There should be enough to learn from: {answer.model}."
        made.append(Finding(weight, rule, answer.sentence(), answer.remedy))
    return made


def of_search(found: Search) -> list[Finding]:
    """A warning for each suspect."""
    rule = "What alone predicts too well was often written afterwards."
    remedy = (
        "find out when its values were written; date them (valid_from, or the moment of the "
        "event), or leave the column out"
    )
    return [Finding(WARNING, rule, suspect.sentence(), remedy) for suspect in found.suspects]


def _intake(health: Health, experiment: Experiment) -> Iterator[Finding]:
    own = {source.name for source in experiment.attributes}
    identified = {source.name for source in experiment.events if source.line_id is not None}
    tables = (experiment.aliases, experiment.rate_table)
    once = {source.name for source in tables if source is not None}
    if experiment.orders.line_id is not None:
        identified.add(experiment.orders.name)
    for i in health.ingested:
        yield from of_encodings(i)
        yield from of_left_out(i)
        told = [r for r in health.reasons if r.source == i.source]
        lost = [r for r in told if r.reason.endswith("row is kept")]
        whole = [r for r in told if r not in lost]
        if i.rows_rejected:
            share = i.rows_rejected / i.rows_judged
            yield Finding(
                WARNING if share > REJECTED_SHARE else HINT,
                f"{i.source}: every row should be usable.",
                f"{i.rows_rejected:,} of {i.rows_judged:,} rows rejected ({share:.2%}): "
                + "; ".join(f"{r.column} {r.reason} ({r.count:,})" for r in whole[:3]),
                "look at rejects.csv, and correct the export or the columns named",
            )
        if lost:
            yield Finding(
                HINT, f"{i.source}: every value given should be usable.",
                "; ".join(f"{r.column} {r.reason.split(';')[0]} ({r.count:,})" for r in lost[:3]),
                "look at rejects.csv; the rest of these rows is kept",
            )  # fmt: skip
        if i.repeats:
            remedy, many = "check the export for repeats", False
            if i.source in own:
                how = "replaced by a later row"
            elif experiment.aliases is not None and i.source == experiment.aliases.name:
                how = "dropped: they had been said, or merge an id with itself"
            elif i.source in once:
                how = "dropped: they had been said"
            else:
                how = "dropped: their line_id had come"
                many = i.repeats / i.rows_judged > DUPLICATE_SHARE
            if many:
                remedy = (
                    "line_id must be unique over the whole source, not within an order: leave it "
                    f"out, or name a column that is; if it is, {remedy}"
                )
            yield Finding(
                WARNING if many else HINT, f"{i.source}: a row should be delivered once.",
                f"{i.repeats:,} of {i.rows_judged:,} rows {how}", remedy,
            )  # fmt: skip
        if i.duplicates and i.source not in own | identified | once:
            share = i.duplicates / i.rows_judged
            yield Finding(
                WARNING if share > DUPLICATE_SHARE else HINT,
                f"{i.source}: equal rows are kept, since they are often genuine.",
                f"{i.duplicates:,} of {i.rows_judged:,} rows ({share:.2%}) equal an earlier one in "
                "every column",
                "if the export delivered them twice, name the column that tells lines apart: "
                "line_id",
            )


def _customers(people: Population) -> Iterator[Finding]:
    if people.buyers and people.one_time / people.buyers > ONE_TIME_SHARE:
        yield Finding(
            WARNING if people.repeat == 0 else HINT,
            "What customers will do is learned from those who came back.",
            f"{people.one_time:,} of {people.buyers:,} customers "
            f"({people.one_time / people.buyers:.1%}) have one order",
            "check that customer_id names a customer, not a visit or an order; else bring a "
            "longer history",
        )
    if people.customers and people.returns_only / people.customers > RETURNS_SHARE:
        yield Finding(
            HINT, "A return should follow an order.",
            f"{people.returns_only:,} of {people.customers:,} customers have returns alone",
            "check the sign of the amounts, or bring the history that the returns belong to",
        )  # fmt: skip
    if people.buyers and people.overdrawn / people.buyers > RETURNS_SHARE:
        yield Finding(
            HINT, "What customers return they should have paid for.",
            f"more came back than was paid from {people.overdrawn:,} of {people.buyers:,} customers"
            " with an order",
            "check the amounts of returns, or bring the history that the returns belong to",
        )  # fmt: skip
    if people.prospects > people.customers:
        yield Finding(
            HINT, "A customer should have the same id in every source.",
            f"{people.prospects:,} customers of events and attributes without an order, "
            f"{people.customers:,} with one",
            "check that the ids are written alike; if they are prospects, all is well",
        )  # fmt: skip
    if people.top_share > WHALES_SHARE and people.buyers >= 100:
        yield Finding(
            HINT, "Where few customers bring most, their total is hard to predict.",
            f"the best 1 % of the customers brought {people.top_share:.1%} of all spend",
            "look at them one by one: test accounts and resellers are no customers like others",
        )  # fmt: skip


def _signs(a: Amounts, experiment: Experiment) -> Iterator[Finding]:
    if a.backward / a.lines > BACKWARD_SHARE:
        yield Finding(
            WARNING, "A return has an amount below 0; by its quantity alone it counts as an order.",
            f"{a.backward:,} of {a.lines:,} order lines ({a.backward / a.lines:.1%}) have a "
            "quantity below 0 and an amount above 0",
            "give their prices no sign" if experiment.orders.unit_price
            else "give their amounts the sign of the quantity, in a column of their own",
        )  # fmt: skip


def _prices(a: Amounts, experiment: Experiment) -> Iterator[Finding]:
    named, priced = experiment.orders.amount, experiment.orders.unit_price
    if a.several / a.lines <= SEVERAL_SHARE:
        return
    pieces = (
        f"{a.several:,} of {a.lines:,} order lines ({a.several / a.lines:.1%}) have a quantity "
        "other than 1"
    )
    of_each = f"of {a.priced:,} products bought in several quantities"
    enough = a.priced >= LEAST_ALIKE
    flat = enough and a.flat / a.priced > ALIKE_SHARE
    if named is not None and (flat or is_unit_price(named)):
        yield Finding(
            WARNING, "The amount is what a line cost, not the price of one piece.",
            f"amount = {named!r}, and {pieces}"
            + (f"; {of_each} {a.flat:,} cost no more" if flat else ""),
            f"write unit_price = {named!r} in its place: it is multiplied by the quantity",
        )  # fmt: skip
    if priced is not None and enough and a.steep / a.priced > ALIKE_SHARE:
        yield Finding(
            WARNING, "The unit price is that of one piece, not what a line cost.",
            f"unit_price = {priced!r}, and {pieces}; {of_each} {a.steep:,} cost more a piece the "
            "more there are",
            f"write amount = {priced!r} in its place: it is not multiplied by the quantity",
        )  # fmt: skip


def _orders(people: Population, experiment: Experiment) -> Iterator[Finding]:
    # Where there are a few prices, lines of an order are often alike.
    enough = min(people.of_lines, people.alike_amounts) >= LEAST_ALIKE
    if enough and people.alike / people.of_lines > ALIKE_SHARE:
        yield Finding(
            WARNING, "The amount is what a line cost, not the total of its order.",
            f"of {people.of_lines:,} orders with several lines {people.alike:,} "
            f"({people.alike / people.of_lines:.1%}) have the same amount on each",
            "if it is the order's total, it counts once a line: name the column of the line's "
            "amount, or bring one row an order",
        )  # fmt: skip
    if experiment.orders.order_id is not None and people.shared > SHARED_SHARE:
        yield Finding(
            WARNING, "An order's id should be one customer's.",
            f"{people.shared:.1%} of the orders have an id that orders of other customers have too",
            "check that order_id names the order, not its status, its day or its shop: all lines "
            "of one customer with one id are one order",
        )  # fmt: skip


def _amounts(a: Amounts, currency: str) -> Iterator[Finding]:
    # Returns follow what was bought, however many they are.
    odd = a.early > a.negative / 2 or a.negative > a.lines / 2
    if a.negative / a.lines > NEGATIVE_SHARE and odd:
        yield Finding(
            WARNING, "What is bought has an amount above 0, what is returned one below.",
            f"{a.negative:,} of {a.lines:,} order lines ({a.negative / a.lines:.1%}) below 0, "
            f"{a.early:,} of them of customers who had bought nothing yet",
            "check the sign of the amounts",
        )  # fmt: skip
    if a.zero / a.lines > ZERO_SHARE:
        yield Finding(
            HINT, "An order line should have brought something.",
            f"{a.zero:,} of {a.lines:,} order lines ({a.zero / a.lines:.1%}) of 0",
            "check that the column of the amount is the right one",
        )  # fmt: skip
    if a.low == a.high and a.lines > 1:
        yield Finding(
            HINT, "Amounts should differ.", f"{a.low:,.2f} {currency} in every order line",
            "spend then only counts the lines: name another column if there is one",
        )  # fmt: skip
    # Of few lines a single one makes the quantile itself, and none is above the cap.
    share = (a.far_total if a.far else a.high) / a.total if a.total > 0 else 0.0
    if share > (SLIP_SHARE if a.far else 0.5) and (a.far or a.lines >= 10):
        seen = f"the largest amount is {a.high:,.2f} {currency}, {share:.1%} of all spend"
        if a.far:
            lines = "1 line" if a.far == 1 else f"{a.far:,} lines"
            people = "1 customer" if a.far_customers == 1 else f"{a.far_customers:,} customers"
            seen = (
                f"{lines} of {people} above {outliers.TIMES * a.p99:,.2f} {currency}, up to "
                f"{a.high:,.2f}, {share:.1%} of all spend"
            )
        yield Finding(
            WARNING if share > 10 * SLIP_SHARE else HINT,
            f"Models learn from spend capped at {outliers.TIMES:g} times the "
            f"{100 * outliers.QUANTILE:.0f}th percentile, and where it is above "
            f"{outliers.SLIP_TIMES:,.0f} times, at the largest of the others.",
            f"{seen}; 99 % of the lines are below {a.p99:,.2f}",
            "correct what is a slip; the report card measures spend as it is",
        )


def _columns(health: Health, experiment: Experiment) -> Iterator[Finding]:
    of_attributes = {source.name for source in experiment.attributes}
    named = {
        "orders": {f for f, v in vars(experiment.orders).items() if v},
        "events": {"channel"} if any(s.channel_column for s in experiment.events) else set(),
    }
    kinds = {a.name: a.kind for s in experiment.attributes for a in s.columns}
    for c in health.columns:
        own = c.table in of_attributes
        if not own and c.name not in named[c.table]:
            continue
        what = f"{c.table}: {c.name}"
        amounts = health.amounts
        if not own and c.name == "discount" and is_rate(c.low, c.high, amounts.p99):
            yield Finding(
                HINT, f"{what} should be the amount taken off, not a share of the price.",
                f"from {c.low:g} to {c.high:g}, where 1 % of the lines are above "
                f"{amounts.p99:,.2f} {experiment.currency}",
                "if it is a rate, name a column with the amount taken off, or leave it out",
            )  # fmt: skip
        if c.share < THIN_SHARE:
            yield Finding(
                HINT if c.known else WARNING, f"{what} should be known of some.",
                f"{c.known:,} of {c.rows:,} ({c.share:.1%})" + (" customers" if own else " rows"),
                "name another column, or leave it out",
            )  # fmt: skip
        elif c.distinct == 1 and c.known > 1 and c.name != "amount":
            yield Finding(
                HINT, f"{what} should tell one from another.",
                f"one value in all {c.known:,} known", "leave it out",
            )  # fmt: skip
        elif own and kinds[c.name] == "category" and c.distinct > ID_SHARE * c.known >= 10:
            yield Finding(
                HINT, f"{what} should be a category.",
                f"{c.distinct:,} values of {c.known:,} customers",
                'leave out what names one customer; a number is kind = "number"',
            )  # fmt: skip


def _attributes(health: Health) -> Iterator[Finding]:
    undated = [d for d in health.dating if d.undated]
    if undated:
        yield Finding(
            HINT, "An attribute without valid_from is taken as constant, past cut-offs included.",
            ", ".join(f"{d.name} (of {d.undated:,} customers)" for d in undated),
            "where a value may have been written later than an outcome, date it: valid_from",
        )  # fmt: skip
    for d in health.dating:
        with_orders = d.customers - d.without_orders
        if with_orders == 0:
            yield Finding(
                WARNING, "A customer should have the same id in every source.",
                f"{d.name}: none of its {d.customers:,} customers has an order",
                "check that the ids of the attributes and of the orders are written alike",
            )  # fmt: skip
        elif d.late > with_orders / 2:
            yield Finding(
                HINT, "An attribute should be known before the orders that it is to explain.",
                f"{d.name}: of {with_orders:,} customers with orders, the first value of {d.late:,}"
                " is valid only after their first order",
                "it counts as unknown before; if valid_from is the day of the last change, bring "
                "the earlier values",
            )  # fmt: skip
