"""One feature: its entry in the catalog and the expression that computes it, side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import ibis.expr.operations as ops
import ibis.expr.types as ir

Build = Callable[[ir.Table], ir.Value]
#: Aggregates of one column that pass over nulls.
IGNORE_NULL = (ops.Sum, ops.Mean, ops.Min, ops.Max, ops.StandardDev, ops.Count, ops.Any)


@dataclass(frozen=True)
class Feature:
    """A column of the feature table.

    Attributes
    ----------
    name : column name
    lens : the way to segment that it belongs to
    unit : `days`, `orders`, `currency`, `share`, `ratio`, `events`, `code`, `category`, ...
    dtype : `number` (float64), `count` (int64) or `category` (string)
    null : what null means; "never" where the value is always known (counts and sums: 0)
    definition : one sentence
    window : days of history that the value needs to be complete, 0 where it looks at all of it
    build : from the lens's known rows (or its own intermediate table) to the value
    """

    name: str
    lens: str
    unit: str
    dtype: str
    null: str
    definition: str
    window: int = 0
    build: Build | None = field(default=None, compare=False, repr=False)

    def entry(self) -> dict[str, str | int]:
        """The catalog's entry: everything but the expression."""
        return {
            "name": self.name,
            "lens": self.lens,
            "unit": self.unit,
            "dtype": self.dtype,
            "null": self.null,
            "definition": self.definition,
            "window": self.window,
        }


def aggregate(known: ir.Table, features: list[Feature]) -> ir.Table:
    """The features of (customer_id, as_of) groups of `known` rows."""
    values = {f.name: _unfiltered(f.build(known)) for f in features if f.build is not None}
    return known.group_by("customer_id", "as_of").aggregate(**values)


def _unfiltered(value: ir.Value) -> ir.Value:
    """`sum(x) FILTER (WHERE c)` as `sum(CASE WHEN c THEN x END)`, and so for all of its kind.

    For every filtered aggregate DuckDB (1.5) sets up buffers for the columns of all others: 15 ms
    of 60 aggregates' 19 on one customer.
    """

    def unfiltered(node: ops.Node, changed: dict[str, Any] | None) -> ops.Node:
        node = node.__recreate__(changed) if changed else node
        if isinstance(node, IGNORE_NULL) and node.where is not None:
            nothing = ops.Cast(ops.NULL, node.arg.dtype)
            return node.copy(arg=ops.IfElse(node.where, node.arg, nothing), where=None)
        return node

    return value.op().replace(unfiltered, filter=ops.Value).to_expr()
