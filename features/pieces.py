"""Order lines brought to *pieces*: one row for each (customer, order, moment).

What a piece says of its past (the gap to the order before, whether it opens its order) looks only
backwards, so pieces are made once for all cut-offs without a look ahead. Where rows arrive late
(the spec has `arrived`) that is not enough, since an order that comes in later changes what was
known of its successor: then every cut-off makes its own pieces of the lines that it knew.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from features.asof import KEYS, days_between, known
from features.spec import FeatureSpec


def known_pieces(orders: ir.Table, spine: ir.Table, spec: FeatureSpec) -> ir.Table:
    """Pieces beside every `as_of` of their customer that knew them.

    `age_days` and, of the order before, `age_before` are days before `as_of`.
    """
    if "arrived" in spec.present:
        k = pieces(known(orders, spine), spec, KEYS)
    else:
        k = known(pieces(orders, spec), spine)
    return k.mutate(age_before=days_between(k.as_of, k.before))


def pieces(lines: ir.Table, spec: FeatureSpec, of: tuple[str, ...] = KEYS[:1]) -> ir.Table:
    """Order lines -> one row a (customer, order, moment), with past-only columns.

    `amount` is `paid` (>= 0) less `returned` (>= 0), `gave_back` says whether a line is a return
    (`back`). `is_order` is true on the first piece of an order that bought something (`bought`).
    `before` is the moment of the order before (null on the first), `gap_days` the time since then,
    and `new_day` says that the customer had not ordered earlier on that local day. Lines of an
    order at a later moment are a piece of their own: spend, but no other order and no part of its
    basket. `units` are net of those that were returned.

    `of` are the keys of a history: the customer, or customer and `as_of` of lines already cut.
    """
    key = [*of, "order_id"]
    if "as_of" in of:
        table = _parts(lines, spec, key)
    else:
        # Few orders have several moments: only the lines of these are looked at twice.
        first, last = lines.moment.min(), lines.moment.max()
        orders = lines.group_by(key).aggregate(
            moment=first, whole=first == last, **_sums(lines, spec)
        )
        split = orders.filter(~orders.whole).select(key)
        parts = _parts(lines.semi_join(split, key), spec, key)
        whole = orders.filter(orders.whole).mutate(is_order=_.bought)
        table = ibis.union(whole.select(parts.columns).cast(parts.schema()), parts)
    table = table.mutate(paid=table.amount + table.returned).drop("bought")
    of_customer = ibis.window(group_by=[*of, "is_order"], order_by=["moment", "order_id"])
    table = table.mutate(
        before=table.is_order.ifelse(table.moment.lag(1).over(of_customer), None),
        local_before=table.local.lag(1).over(of_customer),
    )
    return table.mutate(
        gap_days=days_between(table.moment, table.before),
        new_day=table.is_order
        & (table.local_before.isnull() | (table.local.date() != table.local_before.date())),
    ).drop("local_before")


def back(lines: ir.Table) -> ir.BooleanColumn:
    """Whether a line is a return: its amount is below 0, or it is 0 and the quantity is below."""
    undone = (lines.amount == 0) & (lines.quantity < 0).fill_null(False)
    made: ir.BooleanColumn = (lines.amount < 0) | undone
    return made


def bought(lines: ir.Table) -> ir.BooleanScalar:
    """Whether lines of one order and moment bought something: one has an amount above 0, or none
    is a return. A return is no order, nor is one with a line of 0 beside it (its postage, say);
    an order of 0 alone is genuine, where nothing of the same order was returned before.
    """
    made: ir.BooleanScalar = (lines.amount.max() > 0) | ~back(lines).any()
    return made


def _parts(lines: ir.Table, spec: FeatureSpec, key: list[str]) -> ir.Table:
    """A row for each order and moment; `key` tells orders apart."""
    table = lines.group_by(*key, "moment").aggregate(**_sums(lines, spec))
    # What comes at 0 with or after a return of the same order is its postage. Looks only back.
    so_far = ibis.window(group_by=key, order_by="moment", preceding=None, following=0)
    nothing = (table.amount == 0) & (table.returned == 0)
    table = table.mutate(bought=table.bought & ~(nothing & table.gave_back.any().over(so_far)))
    opened = table.moment.min(where=table.bought).over(ibis.window(group_by=key))
    return table.mutate(is_order=table.bought & (table.moment == opened))


def _sums(lines: ir.Table, spec: FeatureSpec) -> dict[str, ir.Value]:
    """What lines of one order come to."""
    sums: dict[str, ir.Value] = {
        "local": lines.local.min(),
        "amount": lines.amount.sum(),
        "returned": ibis.greatest(-lines.amount, 0.0).sum(),
        "lines": lines.count(),
        "bought": bought(lines),
        "gave_back": back(lines).any(),
    }
    if "as_of" in lines.columns:
        sums["age_days"] = lines.age_days.min()
    if "quantity" in spec.present:
        # What a return says of its quantity, with or without a sign, was given back.
        units = (lines.amount < 0).ifelse(-lines.quantity.abs(), lines.quantity)
        sums["units"] = units.sum()  # null where no line's quantity is known
    if "discount" in spec.present:
        sums["discount"] = lines.discount.sum(where=~back(lines)).fill_null(0.0)
    for i, channel in enumerate(spec.order_channels):
        sums[f"channel_{i}"] = (lines.channel == channel).any()
    return sums
