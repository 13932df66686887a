"""Intent lens: goals that a customer set out for (a trial, a webinar, a cart), and left open.

A goal is named in the experiment file with its kinds of event. Where it says what completes it
and within how many days, it is *open* until then, and *abandoned* if nothing has completed it by
the end of them. What completes a goal follows it, or bears the same moment. A goal younger than
its days is never abandoned, and one that was abandoned is so for good.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.asof import days_between, known
from features.feature import Build, Feature, aggregate
from features.pieces import back
from features.spec import ORDER, FeatureSpec, Goal, slugs

LENS = "intent"
NEVER = "never"


def features(spec: FeatureSpec) -> list[Feature]:
    """The catalog of this lens; empty where no goal is named."""
    made: list[Feature] = []
    for i, slug in enumerate(slugs(goal.name for goal in spec.goals)):
        goal = spec.goals[i]
        made += _reached(goal, slug)
        if goal.completed_by:
            made += _left(goal, slug, f"completed_{i}")
    return made


def _reached(goal: Goal, slug: str) -> list[Feature]:
    said = f"the goal {goal.name!r} was set ({', '.join(goal.kinds)})"
    return [
        _count(f"goal_{slug}_count", f"Times that {said} so far.",
               lambda k: _times(_set(k, goal))),
        _count(f"goal_{slug}_count_90d", f"Times that {said} in the last 90 days.",
               lambda k: _times(_set(k, goal) & (k.age_days <= 90)), 90),
        Feature(f"goal_{slug}_recency", LENS, "days", "number", "no such goal yet",
                f"Days since {said} last.",
                build=lambda k: k.age_days.min(where=_set(k, goal))),
    ]  # fmt: skip


def _left(goal: Goal, slug: str, completed: str) -> list[Feature]:
    by = " or ".join("a purchase" if kind == ORDER else repr(kind) for kind in goal.completed_by)
    days = goal.within_days
    return [
        _count(f"goal_{slug}_open",
               f"Times that the goal {goal.name!r} was set, less than {days} days ago, and not "
               f"completed yet by {by}.",
               lambda k: _times(_set(k, goal) & ~k[completed] & (k.age_days < days)), days),
        _count(f"goal_{slug}_abandoned",
               f"Times that the goal {goal.name!r} was set, {days} days ago or longer, and not "
               f"followed within {days} days by {by}.",
               lambda k: _times(_set(k, goal) & ~k[completed] & (k.age_days >= days))),
    ]  # fmt: skip


def _count(name: str, definition: str, build: Build, window: int = 0) -> Feature:
    return Feature(name, LENS, "events", "count", NEVER, definition, window, build)


def _times(condition: ir.BooleanValue) -> ir.IntegerScalar:
    return condition.sum().fill_null(0)


def _set(k: ir.Table, goal: Goal) -> ir.BooleanValue:
    return ~k.is_order & k.kind.isin(goal.kinds)


def expression(
    events: ir.Table, orders: ir.Table, spine: ir.Table, spec: FeatureSpec
) -> ir.Table | None:
    """(customer_id, as_of) and this lens's features; None where the spec has no goals.

    Parameters
    ----------
    events, spine : as in `features.schema`
    orders : as in `features.schema`; whatever bought something is a purchase, also what is added to
        an order later (see `features.pieces`)
    """
    if not spec.goals:
        return None
    kinds = {kind for goal in spec.goals for kind in goal.events}
    rows = events.filter(events.kind.isin(sorted(kinds))).select(
        "customer_id", "moment", "arrived", "kind", is_order=ibis.literal(False),
        order_id=ibis.null("string"), most=ibis.null("float64"), gave_back=ibis.null("boolean"),
    )  # fmt: skip
    if any(ORDER in goal.completed_by for goal in spec.goals):
        lines = orders.group_by("customer_id", "moment", "arrived", "order_id").aggregate(
            most=orders.amount.max(), gave_back=back(orders).any()
        )
        paid = lines.mutate(kind=ibis.literal(""), is_order=ibis.literal(True))
        rows = rows.union(paid.select(rows.columns).cast(rows.schema()))
    k = known(rows, spine)
    # Of the lines that are known by then: one that comes late may be what an order bought.
    order = ["customer_id", "as_of", "order_id"]
    piece = ibis.window(group_by=[*order, "moment"])
    so_far = ibis.window(group_by=order, order_by="moment", preceding=None, following=0)
    bought = (k.most.max().over(piece) > 0) | ~(
        k.gave_back.any().over(piece) | k.gave_back.any().over(so_far)
    )
    k = k.mutate(is_order=k.is_order & bought.fill_null(False))
    # What follows a goal is sought among rows that are known already, at each as_of anew.
    left = {f"completed_{i}": _completed(k, g) for i, g in enumerate(spec.goals) if g.completed_by}
    return aggregate(k.mutate(**left), features(spec))


def _completed(k: ir.Table, goal: Goal) -> ir.BooleanValue:
    """Whether a row is followed, within the goal's days, by what completes it."""
    completes = ~k.is_order & k.kind.isin([c for c in goal.completed_by if c != ORDER])
    if ORDER in goal.completed_by:
        completes = completes | k.is_order
    following = ibis.window(
        group_by=["customer_id", "as_of"],
        order_by=[k.moment, completes],  # at one moment the goal comes first
        preceding=0,
        following=None,
    )
    then = completes.ifelse(k.moment, None).min().over(following)
    return (days_between(then, k.moment) < goal.within_days).fill_null(False)
