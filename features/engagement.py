"""Engagement lens: what else a customer met or did (campaigns, redemptions, visits), by kind."""

from __future__ import annotations

import ibis.expr.types as ir

from features.asof import known
from features.feature import Feature, aggregate
from features.spec import FeatureSpec, slugs

LENS = "engagement"
NEVER = "never"
NO_EVENT = "no event yet"


def features(spec: FeatureSpec) -> list[Feature]:
    """The catalog of this lens; empty where no kind of event was seen."""
    if not spec.event_kinds:
        return []
    made = _of_all()
    if spec.event_channels:
        made.append(
            Feature("event_channels", LENS, "channels", "count", NEVER,
                    "Different channels met so far (omnichannel breadth).",
                    build=lambda k: k.channel.nunique())
        )  # fmt: skip
    for kind, slug in zip(spec.event_kinds, slugs(spec.event_kinds), strict=True):
        made += _of_kind(kind, slug)
    return made


def _of_all() -> list[Feature]:
    return [
        Feature("events", LENS, "events", "count", NEVER, "Events so far, of all kinds.",
                build=lambda k: k.count()),
        Feature("events_recency", LENS, "days", "number", NO_EVENT, "Days since the last event.",
                build=lambda k: k.age_days.min()),
    ]  # fmt: skip


def _of_kind(kind: str, slug: str) -> list[Feature]:
    # The prefix keeps a kind called "return" or "weekend" apart from the other lenses' features.
    return [
        Feature(f"event_{slug}_count", LENS, "events", "count", NEVER,
                f"Events of kind {kind!r} so far.",
                build=lambda k: (k.kind == kind).sum()),
        Feature(f"event_{slug}_count_90d", LENS, "events", "count", NEVER,
                f"Events of kind {kind!r} in the last 90 days.", 90,
                lambda k: ((k.kind == kind) & (k.age_days <= 90)).sum()),
        Feature(f"event_{slug}_recency", LENS, "days", "number", "no such event yet",
                f"Days since the last event of kind {kind!r}.",
                build=lambda k: k.age_days.min(where=k.kind == kind)),
        Feature(f"event_{slug}_share", LENS, "share", "number", NO_EVENT,
                f"Share of all events that are of kind {kind!r} "
                "(a response rate where the other kinds are contacts).",
                build=lambda k: (k.kind == kind).mean()),
    ]  # fmt: skip


def expression(events: ir.Table, spine: ir.Table, spec: FeatureSpec) -> ir.Table | None:
    """(customer_id, as_of) and this lens's features; None where the spec has no kinds of event.

    A row for customers with a known event of the spec's kinds.
    """
    if not spec.event_kinds:
        return None
    of_kinds = events.filter(events.kind.isin(spec.event_kinds))
    return aggregate(known(of_kinds, spine), features(spec))
