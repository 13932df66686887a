"""Contractual churn: what an experiment file with `[contracts]` says, as frozen values.

A table with one row a contract is of one of two kinds. **Dated**: `start` and `ended_on` name
columns of moments (nothing written in the second: still running), so that who was under contract
at a moment, and ended within the horizon, can be told. **Undated**: `ended` names a label column
whose `ended_values` mean that the contract has ended, and `tenure` may name how long it ran.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.errors import ConfigError
from features.settings.config import text_of, time_zone
from features.settings.experiment import MAX_SEED, MOST_REJECTS, Format, LeaveOut
from features.settings.source_sections import format_of, leave_out_of, url_of
from features.settings.tables import Table
from features.spec import Attribute

#: How the values of a contract's column are to be understood.
KINDS = ("category", "ordered", "number")
#: What the lens of a contract's columns is called where one is asked for.
LENS = "contract"


@dataclass(frozen=True)
class Profit:
    """What a retention campaign brings and costs; the defaults are the publication's.

    Verbraken, Verbeke, Baesens (2013), "A Novel Profit Maximizing Metric for Measuring
    Classification Performance of Customer Churn Prediction Models", section 5, in the
    experiment's currency: `clv`, the value of a customer who stays; `incentive` (their d), the
    cost of the offer to whoever takes it; `contact` (f), the cost of asking one customer. A
    would-be churner takes the offer, and stays, with a chance that is Beta(`alpha`, `beta`)
    distributed, mean .3; all others take it.
    """

    clv: float = 200.0
    incentive: float = 10.0
    contact: float = 1.0
    alpha: float = 6.0
    beta: float = 14.0


@dataclass(frozen=True)
class ContractsSource:
    """Contracts, one a row; each of the first six fields names a column, None: there is none.

    Either `start` and `ended_on` are set (dated), or `ended` with its `ended_values` (undated).
    """

    url: str
    customer_id: str
    ended: str | None
    tenure: str | None
    start: str | None
    ended_on: str | None
    ended_values: tuple[str, ...]
    columns: tuple[Attribute, ...]
    leave_out: LeaveOut
    format: Format
    name: str = "contracts"

    @property
    def dated(self) -> bool:
        """Whether each contract has its dates."""
        return self.start is not None


@dataclass(frozen=True)
class ContractExperiment:
    """One experiment on contracts, whole. `horizon_days` is None where they have no dates."""

    name: str
    currency: str
    description: str
    note: str
    time_zone: str
    horizon_days: int | None
    max_reject_share: float
    min_history_days: int
    seed: int
    contracts: ContractsSource
    profit: Profit
    path: Path
    digest: str


def is_one(path: Path) -> bool:
    """Whether an experiment file is about contracts; ConfigError where it is no TOML."""
    return "contracts" in text_of(path)[1]


def load(path: Path) -> ContractExperiment:
    """Read an experiment file with `[contracts]`; ConfigError says which key cannot be used."""
    text, content = text_of(path)
    return parse(text, content, Path(path))


def parse(text: str, content: Mapping[str, Any], path: Path) -> ContractExperiment:
    """Read an experiment from its text and the `content` of it; `path` is where it stands."""
    top = Table(content, "")
    head = top.table("experiment")
    source = _source(top.table("contracts"))
    head.known("horizon_days")
    if not source.dated and head.peek("horizon_days") is not None:
        raise ConfigError(
            "experiment.horizon_days needs contracts with dates.",
            f"horizon_days = {head.peek('horizon_days')} and no contracts.ended_on",
            "remove it, or name the columns contracts.start and contracts.ended_on",
        )
    experiment = ContractExperiment(
        name=head.slug("name"),
        currency=head.matching("currency", r"[A-Z]{3}", "a three-letter code such as USD"),
        description=head.text("description", ""),
        note=head.text("note", ""),
        time_zone=time_zone(head),
        horizon_days=head.integer("horizon_days", low=1) if source.dated else None,
        max_reject_share=head.number("max_reject_share", MOST_REJECTS, low=0, high=1),
        min_history_days=head.integer("min_history_days", 0, low=0),
        seed=head.integer("seed", 7, low=0, high=MAX_SEED),
        contracts=source,
        profit=_profit(top.table("contracts").table("profit", {})),
        path=path,
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )
    head.refuse_others()
    top.refuse_others()
    return experiment


def _source(table: Table) -> ContractsSource:
    columns = table.table("columns")
    table.known("profit")
    ended, on = table.optional("ended"), table.optional("ended_on")
    start, tenure = table.optional("start"), table.optional("tenure")
    table.known("ended_values")
    if (ended is None) == (on is None):
        raise ConfigError(
            "Contracts have a label column (ended) or the day of their end (ended_on).",
            "both" if ended else "neither",
            'name one of them: ended = "COLUMN" with ended_values, or ended_on = "COLUMN" '
            "with start",
        )
    wanted, other, given = ("start", "tenure", tenure) if on else ("tenure", "start", start)
    if given is not None:
        raise ConfigError(
            f"contracts.{other} does not go with contracts.{'ended_on' if on else 'ended'}.",
            f"{other} = {given!r}",
            f"name contracts.{wanted} instead",
        )
    if on is not None and table.peek("ended_values") is not None:
        raise ConfigError(
            "contracts.ended_values explains a label column.",
            "ended_on, which holds days",
            "remove ended_values",
        )
    if not list(columns):
        raise ConfigError(
            "contracts.columns must say what is known of a contract.",
            "no column",
            'name some: fee = { kind = "number" }',
        )
    source = ContractsSource(
        url=url_of(table),
        customer_id=table.text("customer_id"),
        ended=ended,
        tenure=tenure,
        start=table.text("start") if on else None,
        ended_on=on,
        ended_values=table.texts("ended_values") if ended else (),
        columns=tuple(_column(columns.table(name), name) for name in columns),
        leave_out=leave_out_of(table),
        format=format_of(table),
    )
    table.refuse_others()
    _refuse_the_label(source)
    return source


def _column(table: Table, name: str) -> Attribute:
    kind = table.choice("kind", KINDS)
    order = table.texts("order") if kind == "ordered" else ()
    table.refuse_others()
    if name.startswith("(") and name.endswith(")"):
        raise ConfigError(
            "A column in contracts.columns has a name without brackets around it: those are ours.",
            repr(name),
            "rename it in the export",
        )
    return Attribute(name, LENS, kind, order)


def _refuse_the_label(source: ContractsSource) -> None:
    """What says that a contract has ended, or whose it is, must not predict that it ends."""
    taken = {"ended": source.ended, "ended_on": source.ended_on, "start": source.start,
             "tenure": source.tenure, "customer_id": source.customer_id}  # fmt: skip
    for column in source.columns:
        for key, name in taken.items():
            if column.name == name:
                raise ConfigError(
                    f"contracts.columns must not hold the column of contracts.{key}.",
                    repr(name),
                    f"remove contracts.columns.{name}",
                )


def _profit(table: Table) -> Profit:
    usual = Profit()
    profit = Profit(
        clv=table.number("clv", usual.clv, above=0),
        incentive=table.number("incentive", usual.incentive, low=0),
        contact=table.number("contact", usual.contact, low=0),
        alpha=table.number("alpha", usual.alpha, above=0),
        beta=table.number("beta", usual.beta, above=0),
    )
    table.refuse_others()
    if profit.incentive + profit.contact >= profit.clv:
        raise ConfigError(
            "contracts.profit must leave something to win: clv above incentive and contact.",
            f"clv {profit.clv:g}, incentive {profit.incentive:g}, contact {profit.contact:g}",
            "correct the amounts",
        )
    return profit
