"""Engagement lens: what else a customer met or did (campaigns, redemptions, visits), by kind."""

from __future__ import annotations

import ibis.expr.types as ir

from features.asof import known
from features.feature import Feature, aggregate
from features.spec import FeatureSpec, slugs

LENS = "engagement"


def features(spec: FeatureSpec) -> list[Feature]:
    """The catalog of this lens; empty where no kind of event was seen."""
    if not spec.event_kinds:
        return []
    made = [
        Feature("events", LENS, "events", "count", "never", "Events so far, of all kinds.",
                build=lambda k: k.count()),
        Feature("events_recency", LENS, "days", "number", "no event yet", "Days since the last event.",
                build=lambda k: k.age_days.min()),
    ]  # fmt: skip
    if spec.event_channels:
        made.append(
            Feature("event_channels", LENS, "channels", "count", "never",
                    "Different channels met so far (omnichannel breadth).",
                    build=lambda k: k.channel.nunique())
        )  # fmt: skip
    for kind, slug in zip(spec.event_kinds, slugs(spec.event_kinds), strict=True):
        made += _of_kind(kind, slug)
    return made


def _of_kind(kind: str, slug: str) -> list[Feature]:
    return [
        Feature(f"{slug}_events", LENS, "events", "count", "never", f"Events of kind {kind!r} so far.",
                build=lambda k: (k.kind == kind).sum()),
        Feature(f"{slug}_events_90d", LENS, "events", "count", "never",
                f"Events of kind {kind!r} in the last 90 days.", 90,
                lambda k: ((k.kind == kind) & (k.age_days <= 90)).sum()),
        Feature(f"{slug}_recency", LENS, "days", "number", "no such event yet",
                f"Days since the last event of kind {kind!r}.",
                build=lambda k: k.age_days.min(where=k.kind == kind)),
        Feature(f"{slug}_share", LENS, "share", "number", "no event yet",
                f"Share of all events that are of kind {kind!r} (a response rate where the other kinds are contacts).",
                build=lambda k: (k.kind == kind).mean()),
    ]  # fmt: skip


def expression(events: ir.Table, spine: ir.Table, spec: FeatureSpec) -> ir.Table | None:
    """(customer_id, as_of) and this lens's features, for customers with a known event of the
    spec's kinds; None where the spec has none."""
    if not spec.event_kinds:
        return None
    return aggregate(known(events.filter(events.kind.isin(spec.event_kinds)), spine), features(spec))
