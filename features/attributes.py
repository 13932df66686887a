"""Demographic, geographic, psychographic and firmographic lenses: what is known of a customer.

Attributes arrive long: (customer, name, value, valid from). The latest value valid before
`as_of` counts; an undated value is taken as constant, and gives way to any dated one. Unknown is
a value of its own: null.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.asof import known_or_undated
from features.feature import Build, Feature, aggregate
from features.spec import Attribute, FeatureSpec, slugs

UNDATED = "1900-01-01"


def features(spec: FeatureSpec) -> list[Feature]:
    """The catalog of these lenses; empty where there are no attributes."""
    named = zip(spec.attributes, slugs(a.name for a in spec.attributes), strict=True)
    return [_of(attribute, slug) for attribute, slug in named]


def _of(attribute: Attribute, slug: str) -> Feature:
    unit, dtype, how = {
        "category": ("category", "category", "as it stands"),
        "ordered": ("code", "number", "as its place in " + " < ".join(attribute.order)),
        "number": ("as given", "number", "as a number"),
    }[attribute.kind]
    definition = f"Attribute {attribute.name!r}, the latest known, {how}."
    return Feature(
        f"attribute_{slug}", attribute.lens, unit, dtype, "unknown", definition,
        build=_value(attribute),
    )  # fmt: skip


def _value(attribute: Attribute) -> Build:
    def latest(k: ir.Table) -> ir.Value:
        given = (k.name == attribute.name) & k.value.notnull()
        text = k.value.argmax(k.place, where=given)
        if attribute.kind == "number":
            number = text.try_cast("float64")
            return (number.isnan() | number.isinf()).ifelse(None, number)
        if attribute.kind == "ordered":
            places = [(text == value, float(i)) for i, value in enumerate(attribute.order)]
            return ibis.cases(*places, else_=ibis.null("float64"))
        return text

    return latest


def expression(attributes: ir.Table, spine: ir.Table, spec: FeatureSpec) -> ir.Table | None:
    """(customer_id, as_of) and these features, for customers with any known attribute."""
    if not spec.attributes:
        return None
    k = known_or_undated(attributes, spine)
    since = k.valid_from.fill_null(ibis.timestamp(UNDATED))
    # Of two values valid from the same moment the greater text counts, whatever the rows' order.
    k = k.mutate(place=ibis.struct({"since": since, "value": k.value}))
    return aggregate(k, features(spec))
