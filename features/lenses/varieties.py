"""Behavioural lens, what orders are made of: categories, brands and stores, their mix and novelty.

The features are made from one row for each (customer, `as_of`, what, value), where `what` is
`category`, `brand` or `store`: `paid` in all, and the ages in days of its `youngest` and `oldest`
purchase. A null value stands for what is unknown: paid, but no category of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import ibis
import ibis.expr.types as ir

from features.asof import KEYS, days_between, known, part_of
from features.feature import Feature, aggregate
from features.pieces import back
from features.spec import FeatureSpec, slugs

LENS = "behavioural"
WHAT = ("category", "brand", "store")
PLURALS = {"category": "categories", "brand": "brands", "store": "stores"}
NOTHING = "nothing paid"


def features(spec: FeatureSpec) -> list[Feature]:
    """The catalog of this part of the lens; empty where no line says what it is of."""
    made: list[Feature] = []
    for what in _known_of(spec):
        made += _of(what)
    if "category" in spec.present:
        made += _novelty()
        named = zip(spec.categories, slugs(spec.categories), strict=True)
        made += [_category_share(category, slug) for category, slug in named]
    return made


def expression(
    orders: ir.Table, spine: ir.Table, spec: FeatureSpec, cutoffs: Sequence[datetime] = ()
) -> ir.Table | None:
    """(customer_id, as_of) and these features, for customers with a known purchase; or None.

    `cutoffs` are all that the spine has, where they are known: then lines that no cut-off tells
    apart are added up first, which changes no value and saves meeting each line with the spine.
    """
    told = _known_of(spec)
    if not told:
        return None
    lines = orders.filter(~back(orders))
    if cutoffs:
        lines = lines.mutate(part=part_of(lines, cutoffs))
        late = {}
        if "arrived" in lines.columns:
            # The later of a line's own two: never the moment of one and the arrival of another.
            late["arrived"] = ibis.greatest(
                lines.moment, lines.arrived.fill_null(lines.moment)
            ).min()
        lines = lines.group_by("customer_id", "part", *told).aggregate(
            amount=lines.amount.sum(), moment=lines.moment.min(), last=lines.moment.max(), **late
        )
    else:
        lines = lines.mutate(last=lines.moment)
    seen = known(lines, spine)
    seen = seen.mutate(last_age=days_between(seen.as_of, seen.last))
    # All at once, so that the lines are looked at once; then each on its own.
    together = seen.group_by(*KEYS, *told).aggregate(
        paid=seen.amount.sum(), youngest=seen.last_age.min(), oldest=seen.age_days.max()
    )
    each = [
        together.select(
            *KEYS, "paid", "youngest", "oldest", what=ibis.literal(what), value=together[what]
        )
        for what in told
    ]
    if len(each) == 1:
        return aggregate(each[0], features(spec))
    long = ibis.union(*each)
    varieties = long.group_by(*KEYS, "what", "value").aggregate(
        paid=long.paid.sum(), youngest=long.youngest.min(), oldest=long.oldest.max()
    )
    return aggregate(varieties, features(spec))


def _known_of(spec: FeatureSpec) -> list[str]:
    return [what for what in WHAT if what in spec.present]


def _of(what: str) -> list[Feature]:
    plural = PLURALS[what]
    return [
        Feature(plural, LENS, plural, "count", "never",
                f"Different {plural} bought so far (a return takes none away).",
                build=lambda k: ((k.what == what) & k.value.notnull()).sum()),
        Feature(f"{what}_loyalty", LENS, "share", "number", f"nothing paid of a known {what}",
                f"Share of the {what} paid most for, in what was paid of a known {what}.",
                build=lambda k: _paid(k, what, "max") / _paid(k, what, "sum").nullif(0.0)),
        Feature(f"{what}_diversity", LENS, "ratio", "number", f"nothing paid of a known {what}",
                f"Effective number of {plural} (inverse Simpson index of what was paid): as many "
                "as would be paid for equally.",
                build=lambda k: _effective(k, what)),
    ]  # fmt: skip


def _paid(k: ir.Table, what: str, how: str) -> ir.Value:
    """Of known values; null where there is none."""
    return getattr(k.paid, how)(where=(k.what == what) & k.value.notnull())


def _effective(k: ir.Table, what: str) -> ir.Value:
    total = _paid(k, what, "sum").nullif(0.0)
    squares = (k.paid * k.paid).sum(where=(k.what == what) & k.value.notnull())
    return total * total / squares


def _novelty() -> list[Feature]:
    def times(k: ir.Table, condition: ir.BooleanValue) -> ir.Value:
        return ((k.what == "category") & k.value.notnull() & condition).sum()

    return [
        Feature("categories_90d", LENS, "categories", "count", "never",
                "Categories bought in the last 90 days.", 90,
                lambda k: times(k, k.youngest <= 90)),
        Feature("categories_new_90d", LENS, "categories", "count", "never",
                "Categories bought for the first time in the last 90 days.", 90,
                lambda k: times(k, k.oldest <= 90)),
    ]  # fmt: skip


def _category_share(category: str, slug: str) -> Feature:
    def share(k: ir.Table) -> ir.Value:
        mine = k.paid.sum(where=(k.what == "category") & (k.value == category)).fill_null(0.0)
        return mine / k.paid.sum(where=k.what == "category").nullif(0.0)

    return Feature(
        f"category_share_{slug}", LENS, "share", "number", NOTHING,
        f"Share in what was paid of the category {category!r}.", build=share,
    )  # fmt: skip
