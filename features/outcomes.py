"""What happened after `as_of`: the only features-layer module that looks there."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.asof import days_between, within_horizon
from features.pieces import pieces
from features.spec import FeatureSpec


def expression(orders: ir.Table, spine: ir.Table, horizon_days: int) -> ir.Table:
    """(customer_id, as_of) of the whole spine with the outcomes over [as_of, as_of + horizon).

    Columns: `future_orders` (int64, orders opened in the horizon), `future_spend` (float64,
    currency, net of returns, never below 0), `future_refunded` (float64, currency, >= 0, what
    was returned beyond that), `days_to_order` (float64, days from `as_of` to the first of those
    orders, null where there is none) and `churned` (bool, no order in the horizon).
    """
    later = within_horizon(pieces(orders, FeatureSpec()), spine, horizon_days)
    counted = later.group_by("customer_id", "as_of").aggregate(
        future_orders=later.is_order.sum(),
        future_spend=later.amount.sum(),
        days_to_order=days_between(later.moment, later.as_of).min(where=later.is_order),
    )
    joined = spine.left_join(counted, ["customer_id", "as_of"])
    orders_after, net = joined.future_orders.fill_null(0), joined.future_spend.fill_null(0.0)
    return joined.select(
        customer_id=joined.customer_id,
        as_of=joined.as_of,
        future_orders=orders_after,
        future_spend=ibis.greatest(net, 0.0),
        future_refunded=ibis.greatest(-net, 0.0),
        days_to_order=joined.days_to_order,
        churned=orders_after == 0,
    )
