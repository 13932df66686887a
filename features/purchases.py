"""Behavioural lens: what customers bought, how often, how lately, and in what rhythm.

Order lines are brought to *pieces* first: one row for each (customer, order, moment). What a
piece says of its past (the gap to the order before, whether it opens its order) looks only
backwards, so pieces can be made once for all cut-offs without a look ahead.
"""

from __future__ import annotations

from collections.abc import Callable

import ibis
import ibis.expr.types as ir

from features.asof import days_between, known
from features.feature import Feature, aggregate
from features.spec import FeatureSpec, slugs

LENS = "behavioural"
WINDOWS = (7, 30, 90, 180, 365)
NEVER = "never"
NO_ORDER = "no order yet"


def pieces(orders: ir.Table, spec: FeatureSpec) -> ir.Table:
    """Order lines -> one row a (customer, order, moment), with past-only columns.

    `amount` is net of returns, `returned` what was returned (>= 0). `is_order` is true on the
    first piece of an order that bought something (a return alone is no order; an amount of 0 is
    genuine). `gap_days` is the time since the order before (null on the first), and `new_day`
    says that the customer had not ordered earlier on that local day.
    """
    sums: dict[str, ir.Value] = {
        "local": orders.local.min(),
        "amount": orders.amount.sum(),
        "returned": ibis.greatest(-orders.amount, 0.0).sum(),
        "lines": orders.count(),
        "bought": (orders.amount >= 0).any(),
    }
    if "quantity" in spec.present:
        sums["units"] = orders.quantity.fill_null(0.0).sum()
    if "discount" in spec.present:
        sums["discount"] = orders.discount.fill_null(0.0).sum()
    for i, category in enumerate(spec.categories):
        sums[f"category_{i}"] = (orders.category == category).ifelse(orders.amount, 0.0).sum()
    for i, channel in enumerate(spec.order_channels):
        sums[f"channel_{i}"] = (orders.channel == channel).any()
    table = orders.group_by("customer_id", "order_id", "moment").aggregate(**sums)
    of_order = ibis.window(
        group_by=["customer_id", "order_id", "bought"], order_by=["moment"]
    )
    table = table.mutate(is_order=table.bought & (ibis.row_number().over(of_order) == 0))
    of_customer = ibis.window(
        group_by=["customer_id", "is_order"], order_by=["moment", "order_id"]
    )
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


def features(spec: FeatureSpec) -> list[Feature]:
    """The catalog of this lens."""
    made: list[Feature] = []

    def add(
        name: str,
        unit: str,
        definition: str,
        build: Callable[[ir.Table], ir.Value],
        null: str = NEVER,
        dtype: str = "number",
        window: int = 0,
    ) -> None:
        made.append(Feature(name, LENS, unit, dtype, null, definition, window, build))

    add("recency_days", "days", "Days since the last order.",
        lambda k: k.age_days.min(where=k.is_order), NO_ORDER)  # fmt: skip
    add("T_days", "days", "Days since the first order (the customer's age, T in the literature).",
        lambda k: k.age_days.max(where=k.is_order), NO_ORDER)  # fmt: skip
    add("orders", "orders", "Orders so far.", lambda k: _count(k.is_order), dtype="count")
    add("frequency", "days", "Days with a repeat order (x in the literature): days with an order less the first.",
        lambda k: ibis.greatest(_count(k.new_day) - 1, 0), dtype="count")  # fmt: skip
    add("spend", "currency", "Spend so far, net of returns.", lambda k: k.amount.sum())
    add("monetary_repeat", "currency", "Mean spend of the orders after the first.",
        lambda k: k.amount.mean(where=k.is_order & (k.number > 1)), "fewer than two orders")  # fmt: skip
    add("basket_value", "currency", "Mean spend of an order.",
        lambda k: k.amount.mean(where=k.is_order), NO_ORDER)  # fmt: skip
    add("basket_value_sd", "currency", "Standard deviation of the spend of an order.",
        lambda k: k.amount.std(where=k.is_order, how="pop"), NO_ORDER)  # fmt: skip
    add("basket_lines", "lines", "Mean number of lines of an order.",
        lambda k: k.lines.mean(where=k.is_order), NO_ORDER)  # fmt: skip
    for days in WINDOWS:
        add(f"orders_{days}d", "orders", f"Orders in the last {days} days.",
            lambda k, d=days: _count(k.is_order & (k.age_days <= d)), dtype="count", window=days)  # fmt: skip
        add(f"spend_{days}d", "currency", f"Spend in the last {days} days, net of returns.",
            lambda k, d=days: k.amount.sum(where=k.age_days <= d), window=days)  # fmt: skip
    for days in (14, 45):
        add(f"orders_decayed_{days}d", "orders", f"Orders, each weighted exp(-age / {days} days).",
            lambda k, d=days: (k.is_order.ifelse(1.0, 0.0) * (-k.age_days / d).exp()).sum(), window=3 * days)  # fmt: skip
        add(f"spend_decayed_{days}d", "currency", f"Spend, each amount weighted exp(-age / {days} days).",
            lambda k, d=days: (k.amount * (-k.age_days / d).exp()).sum(), window=3 * days)  # fmt: skip
    add("active_weeks_12", "weeks", "Of the last 12 weeks, those with an order.",
        lambda k: (k.age_days / 7).floor().nunique(where=k.is_order & (k.age_days < 84)), dtype="count", window=84)  # fmt: skip
    add("gap_mean", "days", "Mean time between orders.",
        lambda k: k.gap_days.mean(), "fewer than two orders")  # fmt: skip
    add("gap_sd", "days", "Standard deviation of the time between orders.",
        lambda k: k.gap_days.std(how="pop"), "fewer than two orders")  # fmt: skip
    add("gap_max", "days", "Longest time between two orders.",
        lambda k: k.gap_days.max(), "fewer than two orders")  # fmt: skip
    add("gap_last", "days", "Time between the last two orders.",
        lambda k: k.gap_days.argmax(k.number), "fewer than two orders")  # fmt: skip
    add("recency_over_gap", "ratio", "Days since the last order over the mean time between orders (at least a day).",
        lambda k: k.age_days.min(where=k.is_order) / k.gap_days.mean().clip(lower=1.0), "fewer than two orders")  # fmt: skip
    add("orders_trend", "ratio", "Orders of the last 30 days over a third of the last 90 days', smoothed by 1.",
        lambda k: (_count(k.is_order & (k.age_days <= 30)) + 1.0) / (_count(k.is_order & (k.age_days <= 90)) / 3.0 + 1.0),
        window=90)  # fmt: skip
    add("spend_trend", "ratio", "Spend of the last 30 days over a third of the last 90 days', smoothed by a mean order.",
        lambda k: (_spend(k, 30) + _basket(k)) / (_spend(k, 90) / 3.0 + _basket(k)), NO_ORDER, window=90)  # fmt: skip
    add("returns", "orders", "Order pieces with something returned.",
        lambda k: _count(k.returned > 0), dtype="count")  # fmt: skip
    add("return_share", "share", "What was returned over what was bought, by amount.",
        lambda k: k.returned.sum() / (k.amount.sum() + k.returned.sum()).nullif(0.0), "nothing bought")  # fmt: skip
    if "quantity" in spec.present:
        add("basket_units", "units", "Mean number of units of an order.",
            lambda k: k.units.mean(where=k.is_order), NO_ORDER)  # fmt: skip
    if "discount" in spec.present:
        add("discount_share", "share", "Discount over what would have been paid without it.",
            lambda k: k.discount.sum() / (k.amount.sum() + k.returned.sum() + k.discount.sum()).nullif(0.0), "nothing bought")  # fmt: skip
        add("discount_share_90d", "share", "Discount share of the last 90 days.",
            lambda k: _recent(k, k.discount, 90) / (_recent(k, k.amount, 90) + _recent(k, k.returned, 90) + _recent(k, k.discount, 90)).nullif(0.0),
            "nothing bought in the last 90 days", window=90)  # fmt: skip
    for i, slug in enumerate(slugs(spec.categories)):
        add(f"category_share_{slug}", "share", f"Share of spend in the category {spec.categories[i]!r}.",
            lambda k, c=f"category_{i}": k[c].sum() / k.amount.sum().nullif(0.0), "nothing spent")  # fmt: skip
    for i, slug in enumerate(slugs(spec.order_channels)):
        add(f"order_channel_share_{slug}", "share", f"Share of orders through the channel {spec.order_channels[i]!r}.",
            lambda k, c=f"channel_{i}": _count(k.is_order & k[c]) / _count(k.is_order).nullif(0), NO_ORDER)  # fmt: skip
    if "category" in spec.present:
        made.extend(_variety())
    return made


def _variety() -> list[Feature]:
    def entry(name: str, definition: str, build: Callable[[ir.Table], ir.Value], window: int = 0) -> Feature:  # fmt: skip
        return Feature(name, LENS, "categories", "count", NEVER, definition, window, build)

    return [
        entry("categories", "Categories bought so far.", lambda k: k.count()),
        entry("categories_90d", "Categories bought in the last 90 days.",
              lambda k: _count(k.youngest <= 90), 90),  # fmt: skip
        entry("categories_new_90d", "Categories bought for the first time in the last 90 days.",
              lambda k: _count(k.oldest <= 90), 90),  # fmt: skip
    ]


def expression(orders: ir.Table, spine: ir.Table, spec: FeatureSpec) -> ir.Table:
    """(customer_id, as_of) and this lens's features, for customers with any known order line."""
    entries = features(spec)
    variety = {f.name for f in _variety()} if "category" in spec.present else set()
    table = aggregate(
        known(pieces(orders, spec), spine), [f for f in entries if f.name not in variety]
    )
    if not variety:
        return table
    bought = orders.filter(orders.category.notnull() & (orders.amount >= 0))
    daily = bought.group_by("customer_id", "category", "moment").aggregate()
    seen = known(daily, spine)
    spans = seen.group_by("customer_id", "as_of", "category").aggregate(
        youngest=seen.age_days.min(), oldest=seen.age_days.max()
    )
    varied = aggregate(spans, [f for f in entries if f.name in variety])
    return table.left_join(varied, ["customer_id", "as_of"]).drop("customer_id_right", "as_of_right")


def _count(condition: ir.BooleanValue) -> ir.IntegerScalar:
    return condition.sum().fill_null(0)


def _recent(k: ir.Table, column: ir.Column, days: int) -> ir.Value:
    return column.sum(where=k.age_days <= days)


def _spend(k: ir.Table, days: int) -> ir.Value:
    return k.amount.sum(where=k.age_days <= days).fill_null(0.0)


def _basket(k: ir.Table) -> ir.Value:
    return ibis.greatest(k.amount.mean(where=k.is_order), 1e-9)
