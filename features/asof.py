"""The only place where event times meet `as_of`.

Every other module of this layer receives rows that `known` or `within_horizon` has already
cut, so a look into the future has exactly one place to hide, and the laws in `tests/` watch it.
May not import: anything above `features`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import reduce
from operator import add

import ibis
import ibis.expr.types as ir

SECONDS_PER_DAY = 86_400.0
KEYS = ("customer_id", "as_of")


def days_between(later: ir.TimestampValue, earlier: ir.TimestampValue) -> ir.FloatingValue:
    """Days from `earlier` to `later` as a float.

    Fractions of a second count on DuckDB; an engine whose epoch is in whole seconds drops them.
    """
    return (later.epoch_seconds() - earlier.epoch_seconds()) / SECONDS_PER_DAY


def known(table: ir.Table, spine: ir.Table) -> ir.Table:
    """Each row of `table` beside every `as_of` of its customer that lies strictly after it.

    Parameters
    ----------
    table : columns `customer_id` and `moment` (timestamp, UTC) and any others; where `arrived`
        (timestamp, UTC; null: at its moment) is one, `as_of` lies strictly after that too
    spine : columns `customer_id`, `as_of` (timestamp, UTC)

    Returns
    -------
    The columns of `table`, `as_of`, and `age_days` (float, days before `as_of`, >= 0). A row
    that happened, or arrived, at `as_of` or later stands beside no such `as_of`.
    """
    right = spine.select(spine_customer="customer_id", as_of="as_of")
    same = [table.customer_id == right.spine_customer, table.moment < right.as_of]
    if "arrived" in table.columns:
        same.append(table.arrived.isnull() | (table.arrived < right.as_of))
    joined = table.inner_join(right, same).drop("spine_customer")
    return joined.mutate(age_days=days_between(joined.as_of, joined.moment))


def part_of(table: ir.Table, cutoffs: Sequence[datetime]) -> ir.IntegerValue:
    """How many of the cut-offs came before a row was known: rows of one part are known to the same.

    `table` as in `known`; `cutoffs` are naive UTC, at least one.
    """
    since = table.moment
    if "arrived" in table.columns:
        since = ibis.greatest(since, table.arrived.fill_null(since))
    parts = [(since >= ibis.literal(at, "timestamp(6)")).cast("int64") for at in cutoffs]
    return reduce(add, parts)


def known_or_undated(table: ir.Table, spine: ir.Table) -> ir.Table:
    """Like `known` by the column `valid_from`; null means always valid (taken as constant)."""
    right = spine.select(spine_customer="customer_id", as_of="as_of")
    return table.inner_join(
        right,
        [
            table.customer_id == right.spine_customer,
            table.valid_from.isnull() | (table.valid_from < right.as_of),
        ],
    ).drop("spine_customer")


def within_horizon(table: ir.Table, spine: ir.Table, horizon_days: int) -> ir.Table:
    """Rows of `table` in [`as_of`, `as_of` + horizon): what outcomes are counted from."""
    right = spine.select(
        spine_customer="customer_id",
        as_of="as_of",
        horizon_end=spine.as_of + ibis.interval(days=horizon_days),
    )
    return table.inner_join(
        right,
        [
            table.customer_id == right.spine_customer,
            table.moment >= right.as_of,
            table.moment < right.horizon_end,
        ],
    ).drop("spine_customer", "horizon_end")
