"""Every feature of a spec, in column order; the hash of the catalog is the feature version."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from features.feature import Feature
from features.lenses import (
    attributes,
    engagement,
    intent,
    journey,
    occasions,
    periods,
    purchases,
    varieties,
)  # fmt: skip
from features.spec import ORDER, FeatureSpec


def features(spec: FeatureSpec) -> list[Feature]:
    """All features that `spec` gives rise to, lens by lens."""
    return [
        *purchases.features(spec),
        *periods.features(spec),
        *varieties.features(spec),
        *engagement.features(spec),
        *intent.features(spec),
        *journey.features(),
        *occasions.features(spec),
        *attributes.features(spec),
    ]


def by_table(spec: FeatureSpec) -> dict[str, list[Feature]]:
    """The features that are made of each source table. Those of goals are made of orders too where
    an order completes one.
    """
    met, goals, known = engagement.features(spec), intent.features(spec), attributes.features(spec)
    of_others = {feature.name for feature in (*met, *goals, *known)}
    bought = [feature for feature in features(spec) if feature.name not in of_others]
    if any(ORDER in goal.completed_by for goal in spec.goals):
        bought += goals
    return {"orders": bought, "events": [*met, *goals], "attributes": known}


def tabular(spec: FeatureSpec) -> list[Feature]:
    """The features that say something alone: all but the periods, which are read in order."""
    return [feature for feature in features(spec) if feature.name not in periods.NAMES]


def entries(spec: FeatureSpec) -> list[dict[str, Any]]:
    """The catalog as plain values: lens, unit, dtype, meaning of null, definition, window."""
    return [feature.entry() for feature in features(spec)]


def catalog_hash(spec: FeatureSpec) -> str:
    """The first 16 hex digits of the SHA-256 of the catalog and its spec.

    >>> len(catalog_hash(FeatureSpec()))
    16
    """
    text = json.dumps([entries(spec), spec.to_dict()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
