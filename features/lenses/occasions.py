"""Occasion lens: when customers buy: weekday, hour, quarter, and around named occasions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

import ibis
import ibis.expr.types as ir

from features.feature import Feature
from features.spec import FeatureSpec, Occasion, slugs

LENS = "occasion"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PARTS = (("night", 0, 6), ("morning", 6, 12), ("afternoon", 12, 18), ("evening", 18, 24))
#: Days until each season and occasion has come round: before, what is told of it tells the date.
YEAR = 365

Condition = Callable[[ir.Table], ir.BooleanValue]


def marked(k: ir.Table, spec: FeatureSpec) -> ir.Table:
    """Known pieces with `weekday` (0: Monday), `hour` and `quarter` of their local moment, and
    whether it lies around the spec's i-th occasion (`near_i`): told once for all features.
    """
    near = {f"near_{i}": _near(occasion, k.local) for i, occasion in enumerate(spec.occasions)}
    clock = {"weekday": k.local.day_of_week.index(), "hour": k.local.hour()}
    return k.mutate(**clock, quarter=k.local.quarter(), **near)


def features(spec: FeatureSpec) -> list[Feature]:
    """The catalog of this lens, of known pieces `k` that are `marked`."""
    made = [
        _share("weekend_share", "Share of orders on a Saturday or Sunday, local time.",
               lambda k: k.weekday >= 5)
    ]  # fmt: skip
    made += [_weekday(*weekday) for weekday in enumerate(WEEKDAYS)]
    made += [_part_of_day(*part) for part in PARTS]
    made += [_quarter(quarter) for quarter in (1, 2, 3, 4)]
    for i, slug in enumerate(slugs(occasion.name for occasion in spec.occasions)):
        made += _around(spec.occasions[i], slug, f"near_{i}")
    if spec.occasions:
        made.append(_since_any([f"near_{i}" for i in range(len(spec.occasions))]))
    return made


def _share(name: str, definition: str, condition: Condition, window: int = 0) -> Feature:
    return Feature(
        name, LENS, "share", "number", "no order yet", definition, window,
        build=lambda k: condition(k).cast("float64").mean(where=k.is_order),
    )  # fmt: skip


def _weekday(index: int, name: str) -> Feature:
    return _share(
        f"{name}_share", f"Share of orders on a {name.capitalize()}, local time.",
        lambda k: k.weekday == index,
    )  # fmt: skip


def _quarter(quarter: int) -> Feature:
    return _share(
        f"quarter_{quarter}_share",
        f"Share of orders in quarter {quarter} of the calendar year, local time.",
        lambda k: k.quarter == quarter, YEAR,
    )  # fmt: skip


def _part_of_day(part: str, start: int, end: int) -> Feature:
    return _share(
        f"{part}_share", f"Share of orders from {start}:00 to before {end}:00, local time.",
        lambda k: (k.hour >= start) & (k.hour < end),
    )  # fmt: skip


def _around(occasion: Occasion, slug: str, near: str) -> list[Feature]:
    days = f"({occasion.days_before} days before to {occasion.days_after} after)"
    return [
        Feature(
            f"occasion_share_{slug}", LENS, "share", "number", "nothing paid",
            f"Share in what was paid around {occasion.name} {days}.",
            build=lambda k: k.paid.sum(where=k[near]).fill_null(0.0) / k.paid.sum().nullif(0.0),
        ),
        Feature(
            f"occasion_recency_{slug}", LENS, "days", "number", "never bought around this occasion",
            f"Days since the last order around {occasion.name} {days}.", YEAR,
            build=lambda k: k.age_days.min(where=k.is_order & k[near]),
        ),
    ]  # fmt: skip


def _since_any(every: list[str]) -> Feature:
    return Feature(
        "occasion_recency", LENS, "days", "number", "never bought around an occasion",
        "Days since the last order around any named occasion.",
        build=lambda k: k.age_days.min(where=k.is_order & reduce(or_, (k[near] for near in every))),
    )  # fmt: skip


def _near(occasion: Occasion, local: ir.TimestampValue) -> ir.BooleanValue:
    """Whether a local moment lies within the days around one of the occasion's dates."""
    days = [datetime.fromisoformat(text) for text in occasion.dates]
    before, after = timedelta(occasion.days_before), timedelta(occasion.days_after + 1)
    spans = [(ibis.timestamp(day - before), ibis.timestamp(day + after)) for day in days]
    return reduce(or_, ((local >= start) & (local < end) for start, end in spans))
