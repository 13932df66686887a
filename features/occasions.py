"""Occasion lens: when customers buy: weekday, hour of day, and around named occasions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import reduce
from operator import or_

import ibis
import ibis.expr.types as ir

from features.asof import known
from features.feature import Feature, aggregate
from features.purchases import pieces
from features.spec import FeatureSpec, Occasion, slugs

LENS = "occasion"
PARTS = (("night", 0, 6), ("morning", 6, 12), ("afternoon", 12, 18), ("evening", 18, 24))
NO_ORDER = "no order yet"


def features(spec: FeatureSpec) -> list[Feature]:
    """The catalog of this lens."""
    made = [
        _share("weekend_share", "Share of orders on a Saturday or Sunday, local time.",
               lambda k: k.local.day_of_week.index() >= 5)
    ]  # fmt: skip
    for part, start, end in PARTS:
        made.append(
            _share(f"{part}_share", f"Share of orders from {start}:00 to before {end}:00, local time.",
                   lambda k, a=start, b=end: (k.local.hour() >= a) & (k.local.hour() < b))
        )  # fmt: skip
    for occasion, slug in zip(spec.occasions, slugs(o.name for o in spec.occasions), strict=True):
        near = _near(occasion)
        made.append(
            Feature(f"occasion_share_{slug}", LENS, "share", "number", "nothing spent",
                    f"Share of spend around {occasion.name} ({occasion.days_before} days before to "
                    f"{occasion.days_after} after).",
                    build=lambda k, near=near: k.amount.sum(where=near(k)).fill_null(0.0)
                    / k.amount.sum().nullif(0.0))
        )  # fmt: skip
    if spec.occasions:
        every = [_near(o) for o in spec.occasions]
        made.append(
            Feature("occasion_recency", LENS, "days", "number", "never bought around an occasion",
                    "Days since the last order around any named occasion.",
                    build=lambda k: k.age_days.min(where=k.is_order & reduce(or_, (n(k) for n in every))))
        )  # fmt: skip
    return made


def _share(name: str, definition: str, condition: Callable[[ir.Table], ir.BooleanValue]) -> Feature:
    return Feature(
        name, LENS, "share", "number", NO_ORDER, definition,
        build=lambda k: condition(k).cast("float64").mean(where=k.is_order),
    )  # fmt: skip


def _near(occasion: Occasion) -> Callable[[ir.Table], ir.BooleanValue]:
    spans = []
    for text in occasion.dates:
        date = dt.datetime.fromisoformat(text)
        spans.append(
            (
                date - dt.timedelta(days=occasion.days_before),
                date + dt.timedelta(days=occasion.days_after + 1),
            )
        )

    def near(k: ir.Table) -> ir.BooleanValue:
        return reduce(
            or_,
            ((k.local >= ibis.timestamp(a)) & (k.local < ibis.timestamp(b)) for a, b in spans),
        )

    return near


def expression(orders: ir.Table, spine: ir.Table, spec: FeatureSpec) -> ir.Table:
    """(customer_id, as_of) and this lens's features, for customers with any known order line."""
    return aggregate(known(pieces(orders, spec), spine), features(spec))
