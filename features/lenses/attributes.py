"""Demographic, geographic, psychographic and firmographic lenses: what is known of a customer.

Attributes arrive long: (customer, name, value, valid from). The latest value valid before
`as_of` counts; an undated value is taken as constant, and gives way to any dated one. Unknown is
a value of its own: null. How a value is written, by kind: `ingestion.attribute_values`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import ibis
import ibis.expr.types as ir

from features.asof import KEYS, known_or_undated
from features.feature import Feature
from features.spec import Attribute, FeatureSpec, Place, slugs

UNDATED = "1900-01-01"
#: Mean radius of the Earth (IUGG).
EARTH_KM = 6371.0088

#: From the latest text to the value.
Read = Callable[[ir.StringValue], ir.Value]


def features(spec: FeatureSpec) -> list[Feature]:
    """The catalog of these lenses; empty where there are no attributes."""
    made = [f for i, a in enumerate(spec.attributes) for f in _of(a, f"latest_{i}", spec.places)]
    named = zip(made, slugs(feature.name for feature in made), strict=True)
    return [replace(feature, name=f"attribute_{slug}") for feature, slug in named]


def names_of(spec: FeatureSpec) -> dict[str, tuple[str, ...]]:
    """The features of each attribute, by its name."""
    made = iter(features(spec))
    return {
        attribute.name: tuple(next(made).name for _ in _of(attribute, "", spec.places))
        for attribute in spec.attributes
    }


def _of(attribute: Attribute, column: str, places: tuple[Place, ...]) -> list[Feature]:
    """Its features under names as they are told; `column` holds the latest text."""
    said = f"Attribute {attribute.name!r}, the latest value known, "

    def entry(name: str, unit: str, dtype: str, how: str, read: Read) -> Feature:
        return Feature(
            name, attribute.lens, unit, dtype, "unknown", f"{said}{how}.",
            build=lambda latest: read(latest[column]),
        )  # fmt: skip

    if attribute.kind == "region":
        separator, levels = attribute.separator, attribute.levels
        return [
            entry(f"{attribute.name} {level}", "category", "category",
                  f"as {separator.join(levels[: depth + 1])}, where none above it is unknown",
                  _level(separator, depth))
            for depth, level in enumerate(levels)
        ]  # fmt: skip
    if attribute.kind == "location":
        nearest = "the nearest of " if len(places) > 1 else ""
        named = ", ".join(place.name for place in places)
        how = f"as great-circle distance (haversine) to {nearest}{named}"
        return [entry(f"{attribute.name} distance", "km", "number", how, _distance(places))]
    unit, dtype, how, read = {
        "category": ("category", "category", "as it stands", _text),
        "ordered": ("code", "number", "as its place in " + " < ".join(attribute.order),
                    _place_in(attribute.order)),
        "number": ("as given", "number", "as a number", _number),
    }[attribute.kind]  # fmt: skip
    return [entry(attribute.name, unit, dtype, how, read)]


def _text(text: ir.StringValue) -> ir.Value:
    return text


def _number(text: ir.StringValue) -> ir.Value:
    number = text.try_cast("float64")
    return (number.isnan() | number.isinf()).ifelse(None, number)


def _place_in(order: tuple[str, ...]) -> Read:
    def place(text: ir.StringValue) -> ir.Value:
        places = [(text == value, float(i)) for i, value in enumerate(order)]
        return ibis.cases(*places, else_=ibis.null("float64"))

    return place


def _level(separator: str, depth: int) -> Read:
    """The path down to a level: places of one name in two states stay apart.

    Null where the level, or one above it, is unknown.
    """
    part = f"[^{separator}]+"
    path = f"^{part}" + f"[{separator}]{part}" * depth

    def level(text: ir.StringValue) -> ir.Value:
        bare = text.re_replace(f" *[{separator}] *", separator)
        return bare.re_extract(path, 0).nullif("")

    return level


def _distance(places: tuple[Place, ...]) -> Read:
    """Kilometres to the nearest place; null where the text is no latitude and longitude.

    Haversine formula (Sinnott 1984, "Virtues of the Haversine", Sky and Telescope 68, p. 159).
    """

    def distance(text: ir.StringValue) -> ir.Value:
        parts = text.split(",")
        latitude, longitude = (_within(parts[i], limit) for i, limit in ((0, 90.0), (1, 180.0)))
        return ibis.least(*(_haversine(latitude, longitude, place) for place in places))

    return distance


def _within(text: ir.StringValue, limit: float) -> ir.FloatingValue:
    degrees = text.try_cast("float64")
    return (degrees.abs() <= limit).ifelse(degrees, None)  # NaN is larger than any number


def _haversine(latitude: ir.Value, longitude: ir.Value, place: Place) -> ir.Value:
    north = ((latitude - place.latitude).radians() / 2).sin()
    east = ((longitude - place.longitude).radians() / 2).sin()
    narrowing = latitude.radians().cos() * math.cos(math.radians(place.latitude))
    a = north * north + narrowing * east * east
    return a.clip(upper=1.0).sqrt().asin() * (2 * EARTH_KM)


def expression(attributes: ir.Table, spine: ir.Table, spec: FeatureSpec) -> ir.Table | None:
    """(customer_id, as_of) and these features, for customers with any known attribute."""
    if not spec.attributes:
        return None
    k = known_or_undated(attributes, spine)
    since = k.valid_from.fill_null(ibis.timestamp(UNDATED))
    # Of two values valid from the same moment the greater text counts, whatever the rows' order.
    k = k.mutate(place=ibis.struct({"since": since, "value": k.value}))
    texts = {
        f"latest_{i}": ((k.name == a.name) & k.value.notnull()).ifelse(k.place, None).max()["value"]
        for i, a in enumerate(spec.attributes)
    }
    latest = k.group_by(*KEYS).aggregate(**texts)
    made = {f.name: f.build(latest) for f in features(spec) if f.build is not None}
    return latest.select(*KEYS, **made)
