"""Order lines brought to *pieces*: one row for each (customer, order, moment).

What a piece says of its past (the gap to the order before, whether it opens its order) looks only
backwards, so pieces can be made once for all cut-offs without a look ahead.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.asof import days_between
from features.spec import FeatureSpec


def pieces(orders: ir.Table, spec: FeatureSpec) -> ir.Table:
    """Order lines -> one row a (customer, order, moment), with past-only columns.

    `amount` is `paid` (>= 0) less `returned` (>= 0). `is_order` is true on the first piece of an
    order that bought something (a return alone is no order; an amount of 0 is genuine). `gap_days`
    is the time since the order before (null on the first), `number` counts the orders from 1, and
    `new_day` says that the customer had not ordered earlier on that local day. Lines of an order
    at a later moment are a piece of their own: spend, but no other order and no part of its basket.
    """
    sums: dict[str, ir.Value] = {
        "local": orders.local.min(),
        "amount": orders.amount.sum(),
        "paid": ibis.greatest(orders.amount, 0.0).sum(),
        "returned": ibis.greatest(-orders.amount, 0.0).sum(),
        "lines": orders.count(),
        "bought": (orders.amount >= 0).any(),
    }
    if "quantity" in spec.present:
        sums["units"] = orders.quantity.sum()  # null where no line's quantity is known
    if "discount" in spec.present:
        sums["discount"] = orders.discount.sum(where=orders.amount >= 0).fill_null(0.0)
    for i, category in enumerate(spec.categories):
        of_category = (orders.category == category) & (orders.amount >= 0)
        sums[f"category_{i}"] = orders.amount.sum(where=of_category).fill_null(0.0)
    for i, channel in enumerate(spec.order_channels):
        sums[f"channel_{i}"] = (orders.channel == channel).any()
    table = orders.group_by("customer_id", "order_id", "moment").aggregate(**sums)
    of_order = ibis.window(group_by=["customer_id", "order_id", "bought"], order_by=["moment"])
    table = table.mutate(is_order=table.bought & (ibis.row_number().over(of_order) == 0))
    of_customer = ibis.window(group_by=["customer_id", "is_order"], order_by=["moment", "order_id"])
    table = table.mutate(
        before=table.moment.lag(1).over(of_customer),
        local_before=table.local.lag(1).over(of_customer),
        number=ibis.row_number().over(of_customer) + 1,
    )
    return table.mutate(
        gap_days=table.is_order.ifelse(days_between(table.moment, table.before), None),
        new_day=table.is_order
        & (table.local_before.isnull() | (table.local.date() != table.local_before.date())),
    ).drop("before", "local_before")
