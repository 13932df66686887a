"""Behavioural lens: what customers bought, how often, how lately, and in what rhythm."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.feature import Build, Feature
from features.spec import FeatureSpec, slugs

LENS = "behavioural"
WINDOWS = (7, 30, 90, 180, 365)
DECAYS = (14, 45)
NEVER = "never"
NO_ORDER = "no order yet"
FEW_ORDERS = "fewer than two orders"
FEW_DAYS = "fewer than two days with an order"
NOTHING = "nothing paid"
LEAST_BASKET = 1e-9


def features(spec: FeatureSpec) -> list[Feature]:
    """The catalog of this lens, of known pieces `k` (see `features.pieces`)."""
    made = _since_ever()
    for days in WINDOWS:
        made += _within(days, spec)
    for days in DECAYS:
        made += _decayed(days)
    made += _rhythm() + _trends() + _returns()
    if "quantity" in spec.present:
        made += _units()
    if "discount" in spec.present:
        made += _discounts()
    for i, slug in enumerate(slugs(spec.order_channels)):
        made.append(_channel_share(slug, spec.order_channels[i], f"channel_{i}"))
    return made


# ------------------------------------------------------------------------------ an entry


def _number(
    name: str, unit: str, null: str, definition: str, build: Build, window: int = 0
) -> Feature:
    return Feature(name, LENS, unit, "number", null, definition, window, build)


def _count(name: str, unit: str, definition: str, build: Build, window: int = 0) -> Feature:
    return Feature(name, LENS, unit, "count", NEVER, definition, window, build)


def _times(condition: ir.BooleanValue) -> ir.IntegerScalar:
    """How often; 0 where the condition is never known."""
    return condition.sum().fill_null(0)


def _share(part: ir.Value, whole: ir.Value) -> ir.Value:
    """Null where there is no whole."""
    return part / whole.nullif(0)


# ------------------------------------------------------------------------------ the features


def _since_ever() -> list[Feature]:
    return [
        _number("recency_days", "days", NO_ORDER, "Days since the last order.",
                lambda k: k.age_days.min(where=k.is_order)),
        _number("T_days", "days", NO_ORDER,
                "Days since the first order (the customer's age, T in the literature).",
                lambda k: k.age_days.max(where=k.is_order)),
        _count("orders", "orders", "Orders so far.",
               lambda k: _times(k.is_order)),
        _count("frequency", "days",
               "Days with a repeat order (x in the literature): days with an order less the first.",
               lambda k: ibis.greatest(_times(k.new_day) - 1, 0)),
        _number("spend", "currency", NEVER, "Spend so far, net of returns.",
                lambda k: k.amount.sum()),
        _number("monetary_repeat", "currency", FEW_ORDERS,
                "Mean spend of the orders after the first.",
                lambda k: k.amount.mean(where=k.is_order & k.before.notnull())),
        _number("basket_value", "currency", NO_ORDER, "Mean spend of an order.",
                lambda k: k.amount.mean(where=k.is_order)),
        _number("basket_value_sd", "currency", NO_ORDER,
                "Standard deviation of the spend of an order.",
                lambda k: k.amount.std(where=k.is_order, how="pop")),
        _number("basket_lines", "lines", NO_ORDER, "Mean number of lines of an order.",
                lambda k: k.lines.mean(where=k.is_order)),
    ]  # fmt: skip


def _within(days: int, spec: FeatureSpec) -> list[Feature]:
    made = [
        _count(f"orders_{days}d", "orders", f"Orders in the last {days} days.",
               lambda k: _times(k.is_order & (k.age_days <= days)), days),
        _number(f"spend_{days}d", "currency", NEVER,
                f"Spend in the last {days} days, net of returns.",
                lambda k: k.amount.sum(where=k.age_days <= days), days),
    ]  # fmt: skip
    if "quantity" in spec.present:
        made.append(_sum_within(days, "units", "units", ", net of returns"))
    if "discount" in spec.present:
        made.append(_sum_within(days, "discount", "currency", " (without returned lines)"))
    return made


def _sum_within(days: int, column: str, unit: str, more: str) -> Feature:
    return _number(
        f"{column}_{days}d", unit, NEVER,
        f"{column.capitalize()} in the last {days} days{more}.",
        lambda k: k[column].sum(where=k.age_days <= days), days,
    )  # fmt: skip


def _decayed(days: int) -> list[Feature]:
    return [
        _number(f"orders_decayed_{days}d", "orders", NEVER,
                f"Orders, each weighted exp(-age / {days} days).",
                lambda k: (k.is_order.ifelse(1.0, 0.0) * (-k.age_days / days).exp()).sum(),
                3 * days),
        _number(f"spend_decayed_{days}d", "currency", NEVER,
                f"Spend, each amount weighted exp(-age / {days} days).",
                lambda k: (k.amount * (-k.age_days / days).exp()).sum(),
                3 * days),
    ]  # fmt: skip


def _rhythm() -> list[Feature]:
    return [
        _count("active_weeks_12", "weeks", "Of the last 12 weeks, those with an order.",
               _active_weeks, 84),
        _number("gap_mean", "days", FEW_ORDERS, "Mean time between orders.",
                lambda k: k.gap_days.mean()),
        _number("gap_sd", "days", FEW_ORDERS, "Standard deviation of the time between orders.",
                lambda k: k.gap_days.std(how="pop")),
        _number("gap_max", "days", FEW_ORDERS, "Longest time between two orders.",
                lambda k: k.gap_days.max()),
        _number("gap_last", "days", FEW_DAYS,
                "Time between the first order of the last day with one and the order before.",
                _gap_last),
        _number("gap_last_over_mean", "ratio", FEW_DAYS,
                "That time over the mean time between orders (at least a day).",
                lambda k: _gap_last(k) / k.gap_days.mean().clip(lower=1.0)),
        _number("recency_over_gap", "ratio", FEW_ORDERS,
                "Days since the last order over the mean time between orders (at least a day).",
                lambda k: k.age_days.min(where=k.is_order) / k.gap_days.mean().clip(lower=1.0)),
    ]  # fmt: skip


def _gap_last(k: ir.Table) -> ir.Value:
    # A second receipt of one day is no rhythm. The order before the last day is the youngest of
    # those that were followed by one of another day.
    return (k.age_before.min(where=k.new_day) - k.age_days.min(where=k.new_day)).clip(lower=0.0)


def _active_weeks(k: ir.Table) -> ir.Value:
    # Counted at the first order of each week back, the one whose predecessor lies further back.
    # A moment on the border of two weeks belongs to the later one, as to the window of its days.
    first = k.age_before.isnull() | ((k.age_before / 7).ceil() != (k.age_days / 7).ceil())
    return _times(k.is_order & (k.age_days <= 84) & first)


def _trends() -> list[Feature]:
    return [
        _number("orders_trend", "ratio", NO_ORDER,
                "Orders of the last 30 days over a third of the last 90 days', one added to each.",
                _orders_trend, 90),
        _number("spend_trend", "ratio", NO_ORDER,
                "Spend of the last 30 days over a third of the last 90 days', neither below 0, the "
                "mean order added to each.",
                _spend_trend, 90),
    ]  # fmt: skip


def _orders_trend(k: ir.Table) -> ir.Value:
    month, quarter = (_times(k.is_order & (k.age_days <= days)) for days in (30, 90))
    trend = (month + 1.0) / (quarter / 3.0 + 1.0)
    return k.is_order.any().ifelse(trend, None)


def _spend_trend(k: ir.Table) -> ir.Value:
    # clip keeps null, ibis.greatest would not
    basket = k.amount.mean(where=k.is_order).clip(lower=LEAST_BASKET)
    sums = (k.amount.sum(where=k.age_days <= days).fill_null(0.0) for days in (30, 90))
    month, quarter = (spend.clip(lower=0.0) for spend in sums)
    return (month + basket) / (quarter / 3.0 + basket)


def _returns() -> list[Feature]:
    return [
        _count("returns", "orders",
               "Order pieces with a return: a line below 0, or of 0 with a quantity below 0.",
               lambda k: _times(k.gave_back)),
        # clip keeps null; more can come back than the log saw being bought
        _number("return_share", "share", NOTHING,
                "What was returned over what was paid, at most 1.",
                lambda k: _share(k.returned.sum(), k.paid.sum()).clip(upper=1.0)),
    ]  # fmt: skip


def _units() -> list[Feature]:
    return [
        _number("basket_units", "units", "no order of known quantity",
                "Mean number of units of an order, net of returns, of those whose quantity is "
                "known.",
                lambda k: k.units.mean(where=k.is_order)),
    ]  # fmt: skip


def _discounts() -> list[Feature]:
    def share(k: ir.Table, where: ir.BooleanValue | None = None) -> ir.Value:
        discount, paid = k.discount.sum(where=where), k.paid.sum(where=where)
        return _share(discount, paid + discount)

    return [
        _number("discount_share", "share", "nothing paid or discounted",
                "Discount over what would have been paid without it (without returned lines).",
                share),
        _number("discount_share_90d", "share", "nothing paid or discounted in the last 90 days",
                "Discount share of the last 90 days.",
                lambda k: share(k, k.age_days <= 90), 90),
    ]  # fmt: skip


def _channel_share(slug: str, channel: str, column: str) -> Feature:
    return _number(
        f"order_channel_share_{slug}", "share", NO_ORDER,
        f"Share of orders with a line through the channel {channel!r}.",
        lambda k: _share(_times(k.is_order & k[column]), _times(k.is_order)),
    )  # fmt: skip
