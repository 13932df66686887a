"""Every feature of a spec, in column order; the hash of the catalog is the feature version."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from features import (
    attributes,
    engagement,
    intent,
    journey,
    occasions,
    periods,
    purchases,
    varieties,
)
from features.feature import Feature
from features.spec import FeatureSpec


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
