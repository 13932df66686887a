"""Behavioural lens, period by period: orders and spend as a series, which a model reads in order.

The periods of a customer are counted back from `as_of`, all of the same length; one order more or
less in one of them says little, the course of all of them tells a rhythm, a pause and a return.
"""

from __future__ import annotations

import ibis.expr.types as ir

from features.feature import Feature
from features.spec import FeatureSpec

LENS = "behavioural"
#: How many periods are told, the latest first, and how many of them make a horizon.
PERIODS, A_HORIZON = 24, 4
ORDERS = tuple(f"orders_period_{i}" for i in range(1, PERIODS + 1))
SPEND = tuple(f"spend_period_{i}" for i in range(1, PERIODS + 1))
NAMES = frozenset((*ORDERS, *SPEND))


def days_of(horizon_days: int) -> int:
    """How many days a period has.

    >>> days_of(30), days_of(1)
    (8, 1)
    """
    return max(1, round(horizon_days / A_HORIZON))


def marked(k: ir.Table, spec: FeatureSpec) -> ir.Table:
    """Known pieces with `period`, 1 the latest; a moment on the border of two belongs to
    the later one, as to the window of its days. As they are where the spec has no periods.
    """
    if not spec.period_days:
        return k
    return k.mutate(period=(k.age_days / spec.period_days).ceil().cast("int64").clip(lower=1))


def features(spec: FeatureSpec) -> list[Feature]:
    """The catalog of this lens, of known pieces `k` that are `marked`."""
    days = spec.period_days
    if not days:
        return []
    return [
        *(_orders(name, i, days) for i, name in enumerate(ORDERS, start=1)),
        *(_spend(name, i, days) for i, name in enumerate(SPEND, start=1)),
    ]


def _orders(name: str, period: int, days: int) -> Feature:
    return Feature(
        name, LENS, "orders", "count", "never", f"Orders {_when(period, days)}.", period * days,
        lambda k: (k.is_order & (k.period == period)).sum(),
    )  # fmt: skip


def _spend(name: str, period: int, days: int) -> Feature:
    return Feature(
        name, LENS, "currency", "number", "never",
        f"Spend {_when(period, days)}, net of returns.", period * days,
        lambda k: k.amount.sum(where=k.period == period),
    )  # fmt: skip


def _when(period: int, days: int) -> str:
    if period == 1:
        return f"in the last {days} days" if days > 1 else "in the last day"
    return f"from {period * days} to {(period - 1) * days} days ago"
