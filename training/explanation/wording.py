"""Reasons in words: what a feature says of the customer, and what that does to the prediction."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from features import catalog
from features.feature import Feature
from features.lenses import attributes
from features.spec import FeatureSpec
from training.explanation.typical import Value

#: A definition's remarks in parentheses; what stands in quotes is matched first, and kept.
_REMARK = re.compile(r"""('[^']*'|"[^"]*")| \([^)]*\)""")
#: Definitions that say how rather than what.
_SHORTER = {
    "frequency": "Days with an order after the first",
    "gap_last": "Time between the last two orders",
    "gap_last_over_mean": "Time between the last two orders, in mean times between orders",
    "recency_over_gap": "Days since the last order, in mean times between orders",
    "silence": "Days since the last order, in usual silences at most",
    "stage": "Stage of the customer's journey",
    "orders_trend": "Orders of the last 30 days against the pace of the last 90",
    "spend_trend": "Spend of the last 30 days against the pace of the last 90",
    "events_trend": "Events of the last 30 days against the pace of the last 90",
    "category_diversity": "Effective number of categories",
    "brand_diversity": "Effective number of brands",
    "store_diversity": "Effective number of stores",
}
_BARE_UNITS = ("ratio", "code", "category", "as given", "share", "currency")


@dataclasses.dataclass(frozen=True)
class Words:
    """The words of one spec and currency; `levels` are the values of ordered attributes."""

    features: Mapping[str, Feature]
    levels: Mapping[str, tuple[str, ...]]
    currency: str

    @classmethod
    def of(cls, spec: FeatureSpec, currency: str) -> Words:
        features = {feature.name: feature for feature in catalog.features(spec)}
        made_of = attributes.names_of(spec)
        ordered = [a for a in spec.attributes if a.kind == "ordered"]
        levels = {name: a.order for a in ordered for name in made_of[a.name]}
        return cls(features, levels, currency)

    def known(self, name: str, value: Any, typical: Value) -> str:
        """What the feature says, beside what is typical: "Orders in the last 30 days: 0 (typical:
        8)". Null is nan or None.
        """
        here, usual = self.value(name, value), self.value(name, typical)
        if name == "recency_days" and not _unknown(value):
            return f"No order for {here} days (typical: {usual})"
        feature = self.features[name]
        if _unknown(value) and feature.null not in ("unknown", "never"):
            here = f"unknown, {feature.null}"
        phrase, unit = self.phrase(name), feature.unit
        counted = unit in phrase.lower() or phrase.startswith("Times ")
        if unit not in _BARE_UNITS and not counted and not _unknown(value):
            here = f"{here} {unit}"
        return f"{phrase}: {here} (typical: {usual})"

    def phrase(self, name: str) -> str:
        """What the feature is, from its definition, without full stop and remarks."""
        if name in _SHORTER:
            return _SHORTER[name]
        text = self.features[name].definition.rstrip(".").partition(", the latest value")[0]
        return _REMARK.sub(lambda found: found[1] or "", text)

    def value(self, name: str, value: Any) -> str:
        """A value as it is read; "unknown" where it is null."""
        if _unknown(value):
            return "unknown"
        unit = self.features[name].unit
        if isinstance(value, str):
            return value
        if name in self.levels:
            return self.levels[name][round(value)]
        if unit == "share":
            return f"{value:.0%}"
        if unit == "currency":
            return f"{value:,.2f} {self.currency}"
        if abs(value) >= 9.95 or abs(value) < 0.005 or float(value).is_integer():
            return f"{value:,.0f}"
        return f"{value:.1f}" if abs(value) >= 1 else f"{value:.2f}"

    def effect(self, measure: str, contribution: float) -> str:
        """What it does: "raises the risk of leaving by 21 points", points of a hundred."""
        verb = "raises" if contribution >= 0 else "lowers"
        if measure == "expected_spend":
            return f"{verb} the expected spend by {abs(contribution):,.2f} {self.currency}"
        points = abs(contribution) * 100
        size = f"{points:.0f}" if points >= 9.95 else f"{points:.1f}"
        return f"{verb} the risk of leaving by {size} points"


def _unknown(value: Any) -> bool:
    return value is None or value != value
