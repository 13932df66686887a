"""Engagement lens: what else a customer met or did (campaigns, redemptions, visits).

Told of all events, by kind, by channel, and as response rates where the experiment file says
which kinds answer which. A kind without features of its own (rare, or new since the training) is
among all events still.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.asof import KEYS, known
from features.feature import Feature, aggregate
from features.spec import FeatureSpec, Response, slugs

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
    for channel, slug in zip(spec.event_channels, slugs(spec.event_channels), strict=True):
        made += _of_channel(channel, slug)
    for response, slug in zip(spec.responses, slugs(r.name for r in spec.responses), strict=True):
        made += _of_response(response, slug)
    return made


def _of_all() -> list[Feature]:
    return [
        Feature("events", LENS, "events", "count", NEVER, "Events so far, of all kinds.",
                build=lambda k: k.count()),
        Feature("events_recency", LENS, "days", "number", NO_EVENT,
                "Days since the last event, of any kind.",
                build=lambda k: k.age_days.min()),
        Feature("events_gap_last", LENS, "days", "number", "fewer than two events",
                "Time between the last two events, of all kinds.",
                build=lambda k: k.age_before.min() - k.age_days.min()),
        Feature("events_trend", LENS, "ratio", "number", NO_EVENT,
                "Events of the last 30 days over a third of the last 90 days', one added to each.",
                90, _trend),
    ]  # fmt: skip


def _trend(k: ir.Table) -> ir.Value:
    month, quarter = ((k.age_days <= days).sum().cast("float64") for days in (30, 90))
    return (month + 1.0) / (quarter / 3.0 + 1.0)


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
                f"Share of all events that are of kind {kind!r}.",
                build=lambda k: (k.kind == kind).mean()),
    ]  # fmt: skip


def _of_channel(channel: str, slug: str) -> list[Feature]:
    # Of a year: a count without an end grows past all that training saw where a channel is rare.
    return [
        Feature(f"channel_{slug}_count_365d", LENS, "events", "count", NEVER,
                f"Events through the channel {channel!r} in the last 365 days.", 365,
                lambda k: ((k.channel == channel) & (k.age_days <= 365)).fill_null(False).sum()),
        Feature(f"channel_{slug}_share", LENS, "share", "number", NO_EVENT,
                f"Share of all events that came through the channel {channel!r}.",
                build=lambda k: (k.channel == channel).fill_null(False).mean()),
        Feature(f"channel_{slug}_recency", LENS, "days", "number", "no event through it yet",
                f"Days since the last event through the channel {channel!r}.",
                build=lambda k: k.age_days.min(where=k.channel == channel)),
    ]  # fmt: skip


def _of_response(response: Response, slug: str) -> list[Feature]:
    of, per = (" or ".join(map(repr, kinds)) for kinds in (response.of, response.per))

    def rate(k: ir.Table, days: int | None = None) -> ir.Value:
        recent = ibis.literal(True) if days is None else k.age_days <= days
        counts = ((k.kind.isin(kinds) & recent).sum() for kinds in (response.of, response.per))
        answers, contacts = counts
        return answers / contacts.nullif(0)

    # More than one answer can follow a contact: a ratio, not a share.
    return [
        Feature(f"response_{slug}_ever", LENS, "ratio", "number", "nothing to respond to yet",
                f"Response {response.name!r}: events of kind {of} per event of kind {per}, so far.",
                build=rate),
        Feature(f"response_{slug}_90d", LENS, "ratio", "number",
                "nothing to respond to in the last 90 days",
                f"Response {response.name!r} of the last 90 days.", 90,
                lambda k: rate(k, 90)),
    ]  # fmt: skip


def expression(events: ir.Table, spine: ir.Table, spec: FeatureSpec) -> ir.Table | None:
    """(customer_id, as_of) and this lens's features; None where the spec has no kinds of event.

    A row for customers with a known event, of whatever kind.
    """
    if not spec.event_kinds:
        return None
    k = known(events, spine)
    # Of the event before, sought among those known: one that arrives later is not yet there.
    of_customer = ibis.window(group_by=list(KEYS), order_by="moment")
    return aggregate(k.mutate(age_before=k.age_days.lag(1).over(of_customer)), features(spec))
