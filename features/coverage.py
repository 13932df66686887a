"""What the columns hold: how much is known of each, how many values, and which are common.

Plain values for people to read. No single customer shows in them: a value is named where at least
`LEAST_GROUP` customers share it, and an attribute's range leaves as many out at either end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from features.schema import EVENTS, ORDERS
from features.settings.experiment import Experiment

LEAST_GROUP = 10
MOST_NAMED = 3
_ALWAYS = ("amount", "kind")  # never null, and worth a look all the same


@dataclass(frozen=True)
class Column:
    """One column of `orders` or `events`, or one attribute.

    rows: of the table; for an attribute, customers with an order line. known: those of them where
    a value is known. distinct: values that differ.
    top: (value, rows) of the commonest, each of at least `LEAST_GROUP` customers; texts only.
    low, median, high: of numbers, else None. Of orders the least, the middle and the greatest; of
    an attribute without the ten customers at either end, None where fewer than thirty are known.
    """

    table: str
    name: str
    rows: int
    known: int
    distinct: int
    top: tuple[tuple[str, int], ...] = ()
    low: float | None = None
    median: float | None = None
    high: float | None = None

    @property
    def share(self) -> float:
        """Known of all, 0 to 1; 0 of none."""
        return self.known / self.rows if self.rows else 0.0


@dataclass(frozen=True)
class Dating:
    """Since when an attribute's values are known.

    customers: with a value. undated: of them, with one that has no valid_from. late: with an order
    line, and whose first value is valid only from after it. without_orders: without an order line.
    """

    name: str
    customers: int
    undated: int
    late: int
    without_orders: int


def columns(connection: Any, experiment: Experiment) -> tuple[Column, ...]:
    """Every column that may be null, the amount and the kind, then the attributes."""
    made: list[Column] = []
    for name, schema in (("orders", ORDERS), ("events", EVENTS)):
        table = connection.table(name)
        fields = [field for field in schema if field.nullable or field.name in _ALWAYS]
        made += _of_table(name, table, fields)
    return (*made, *_of_attributes(connection, experiment))


def _of_table(name: str, table: ir.Table, fields: list[pa.Field]) -> list[Column]:
    asked: dict[str, ir.Value] = {"rows": table.count()}
    for field in fields:
        column = table[field.name]
        asked |= {f"{field.name} known": column.count(), f"{field.name} distinct": column.nunique()}
        if pa.types.is_floating(field.type):
            asked |= {
                f"{field.name} low": column.min(),
                f"{field.name} median": column.median(),
                f"{field.name} high": column.max(),
            }
    found = table.aggregate(**asked).to_pyarrow().to_pylist()[0]
    if found["rows"] == 0:
        return []
    made = []
    for field in fields:
        known, distinct = (int(found[f"{field.name} {what}"]) for what in ("known", "distinct"))
        top = _common(table, field.name) if known and pa.types.is_string(field.type) else ()
        low, median, high = (found.get(f"{field.name} {w}") for w in ("low", "median", "high"))
        made.append(
            Column(name, field.name, int(found["rows"]), known, distinct, top, low, median, high)
        )
    return made


def _common(table: ir.Table, column: str) -> tuple[tuple[str, int], ...]:
    given = table.filter(table[column].notnull())
    counted = given.group_by(column).aggregate(n=given.count(), who=given.customer_id.nunique())
    kept = counted.filter(counted.who >= LEAST_GROUP).order_by(ibis.desc("n"), column)
    rows = kept.limit(MOST_NAMED).to_pyarrow().to_pylist()
    return tuple((str(row[column]), int(row["n"])) for row in rows)


def _of_attributes(connection: Any, experiment: Experiment) -> list[Column]:
    orders, attributes = connection.table("orders"), connection.table("attributes")
    buyers = int(orders.customer_id.nunique().to_pyarrow().as_py())
    given = attributes.filter(attributes.value.notnull())
    given = given.semi_join(orders, "customer_id")
    counted = given.group_by("name").aggregate(
        known=given.customer_id.nunique(), distinct=given.value.nunique()
    )
    found = {row["name"]: row for row in counted.to_pyarrow().to_pylist()}
    made = []
    for source in experiment.attributes:
        for attribute in source.columns:
            counts = found.get(attribute.name, {"known": 0, "distinct": 0})
            own = given.filter(given.name == attribute.name)
            top: tuple[tuple[str, int], ...] = ()
            inner: tuple[float, float, float] | tuple[None, None, None] = (None, None, None)
            if attribute.kind == "number":
                inner = _inner(own)
            elif counts["known"]:
                top = _common(own, "value")
            known, distinct = int(counts["known"]), int(counts["distinct"])
            made.append(Column(source.name, attribute.name, buyers, known, distinct, top, *inner))
    return made


def _inner(own: ir.Table) -> tuple[float, float, float] | tuple[None, None, None]:
    """The middle, and the values beyond which `LEAST_GROUP` customers lie."""
    values = own.value.try_cast("float64").name("value").to_pyarrow().to_numpy(zero_copy_only=False)
    values = np.sort(values[np.isfinite(values)])
    if len(values) < 3 * LEAST_GROUP:
        return None, None, None
    low, high = values[LEAST_GROUP], values[-1 - LEAST_GROUP]
    return float(low), float(np.median(values)), float(high)


def dating(connection: Any) -> tuple[Dating, ...]:
    """How every attribute that has values is dated, by name."""
    orders, attributes = connection.table("orders"), connection.table("attributes")
    first = orders.group_by("customer_id").aggregate(first_order=orders.moment.min())
    given = attributes.filter(attributes.value.notnull())
    each = given.group_by("name", "customer_id").aggregate(
        since=given.valid_from.min(), undated=given.valid_from.isnull().any()
    )
    each = each.left_join(first, "customer_id")
    late = ~each.undated & (each.since > each.first_order)
    counted = each.group_by("name").aggregate(
        customers=each.count(),
        undated=each.undated.sum(),
        late=late.sum(),
        without_orders=each.first_order.isnull().sum(),
    )
    rows = counted.order_by("name").to_pyarrow().to_pylist()
    counts = ("customers", "undated", "late", "without_orders")
    return tuple(Dating(row["name"], *(int(row[count] or 0) for count in counts)) for row in rows)
