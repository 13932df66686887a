"""Demographic, geographic, psychographic and firmographic lenses: what is known of a customer.

Attributes arrive long: (customer, name, value, valid from). The latest value valid before
`as_of` counts; an undated value is taken as constant. Unknown is a value of its own: null.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.asof import known_or_undated
from features.feature import Feature
from features.spec import Attribute, FeatureSpec, slugs

LENSES = ("demographic", "geographic", "psychographic", "firmographic")
KINDS = ("category", "ordered", "number")


def features(spec: FeatureSpec) -> list[Feature]:
    """The catalog of these lenses; empty where there are no attributes."""
    made = []
    for attribute, slug in zip(
        spec.attributes, slugs(a.name for a in spec.attributes), strict=True
    ):
        unit, dtype, how = {
            "category": ("category", "category", "as it stands"),
            "ordered": ("code", "number", "as its place in " + " < ".join(attribute.order)),
            "number": ("as given", "number", "as a number"),
        }[attribute.kind]
        made.append(
            Feature(f"attribute_{slug}", attribute.lens, unit, dtype, "unknown",
                    f"Attribute {attribute.name!r}, the latest known, {how}.",
                    build=_value(attribute))
        )  # fmt: skip
    return made


def _value(attribute: Attribute):  # type: ignore[no-untyped-def]  # an ibis deferred builder
    def latest(k: ir.Table) -> ir.Value:
        text = k.value.argmax(k.since, where=(k.name == attribute.name) & k.value.notnull())
        if attribute.kind == "number":
            return text.try_cast("float64")
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
    k = k.mutate(since=k.valid_from.fill_null(ibis.timestamp("1900-01-01")))
    values = {f.name: f.build(k) for f in features(spec) if f.build is not None}
    return k.group_by("customer_id", "as_of").aggregate(**values)
