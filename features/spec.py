"""What a model was fitted to see: plain values that fix the feature columns, kept in its bundle."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable
from typing import Any

import ibis.expr.types as ir

MAX_CATEGORIES = 10
MAX_KINDS = 12
MAX_CHANNELS = 6
_OPTIONAL = ("category", "brand", "store", "quantity", "discount", "channel")


@dataclasses.dataclass(frozen=True)
class Attribute:
    """One attribute; `kind` is `category`, `ordered` (by `order`, low to high) or `number`."""

    name: str
    lens: str
    kind: str
    order: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Occasion:
    """A named occasion: its `dates` (ISO, local), each widened by days before and after."""

    name: str
    dates: tuple[str, ...]
    days_before: int = 7
    days_after: int = 0


@dataclasses.dataclass(frozen=True)
class FeatureSpec:
    """Which columns the lenses make: learned once from early data, then frozen.

    `present` names the optional columns of the order lines that the source fills; a lens whose
    source is absent (no event kinds, no attributes, no occasions) drops out.
    """

    present: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    order_channels: tuple[str, ...] = ()
    event_kinds: tuple[str, ...] = ()
    event_channels: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    occasions: tuple[Occasion, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> FeatureSpec:
        plain = {k: tuple(v) for k, v in values.items() if k not in ("attributes", "occasions")}
        return cls(
            attributes=tuple(
                Attribute(**{**a, "order": tuple(a["order"])}) for a in values["attributes"]
            ),
            occasions=tuple(
                Occasion(**{**o, "dates": tuple(o["dates"])}) for o in values["occasions"]
            ),
            **plain,
        )


def learn_spec(
    orders: ir.Table,
    events: ir.Table,
    attributes: Iterable[Attribute],
    occasions: Iterable[Occasion],
    before: Any,
) -> FeatureSpec:
    """The spec of tables that sit in a database, looking only at rows with a moment < `before`.

    `before` is the earliest training cut-off, so that the choice of columns (which categories
    are large, which kinds of event exist) is never made by the future. Kinds of event that
    first appear later are no features of this model.
    """
    early, seen = (t.filter(t.moment < before, _arrived(t, before)) for t in (orders, events))
    counts = early.aggregate(n=early.count(), **{c: early[c].count() for c in _OPTIONAL}).execute()
    present = tuple(c for c in _OPTIONAL if counts[c].iloc[0] > 0)
    # Whether rows come late is a matter of the source, not of what it says.
    if orders.arrived.count().execute() > 0:
        present = (*present, "arrived")
    return FeatureSpec(
        present=present,
        categories=_largest(early, "category", lambda t: t.amount.abs().sum(), MAX_CATEGORIES),
        order_channels=_largest(early, "channel", ir.Table.count, MAX_CHANNELS),
        event_kinds=_largest(seen, "kind", ir.Table.count, MAX_KINDS),
        event_channels=_largest(seen, "channel", ir.Table.count, MAX_CHANNELS),
        attributes=tuple(attributes),
        occasions=tuple(occasions),
    )


def _arrived(table: ir.Table, before: Any) -> ir.BooleanValue:
    return table.arrived.isnull() | (table.arrived < before)


def _largest(
    table: ir.Table, column: str, weigh: Callable[[ir.Table], ir.Value], limit: int
) -> tuple[str, ...]:
    """The commonest values of a column, largest first, ties by name."""
    table = table.filter(table[column].notnull())
    counted = table.group_by(column).aggregate(weight=weigh(table)).execute()
    counted = counted.sort_values(["weight", column], ascending=[False, True])
    return tuple(str(v) for v in counted[column].head(limit))


def slugs(names: Iterable[str]) -> list[str]:
    """Column-safe, unique names, in order.

    >>> slugs(["DRUG GM", "Drug-GM", "Käse", "!"])
    ['drug_gm', 'drug_gm_2', 'käse', 'x']
    """
    made: list[str] = []
    for name in names:
        stem = re.sub(r"\W+", "_", name.lower()).strip("_") or "x"
        slug, n = stem, 1
        while slug in made:
            n += 1
            slug = f"{stem}_{n}"
        made.append(slug)
    return made
