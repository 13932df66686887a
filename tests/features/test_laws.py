"""What holds for every lens and any history."""

import dataclasses
import itertools
import math
from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from features import catalog, occasions
from features.snapshot import snapshot
from features.spec import slugs

SEED = 7
T = datetime(2024, 6, 1)
EARLIER = datetime(2024, 4, 1, 15, 30)
CUTS = (T, EARLIER)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
WHO = ("a", "b", "c")

# ------------------------------------------------------------------------------ histories

EDGES = [T, T - SECOND, T + SECOND, T + DAY, EARLIER, EARLIER - SECOND]
EDGES += [T - days * DAY for days in (1, 7, 30, 84, 90, 365)]
MOMENTS = st.sampled_from(EDGES) | st.builds(
    lambda days, hours: T - timedelta(days=days, hours=hours),
    st.integers(-9, 420),
    st.integers(0, 23),
)
# Quarters, so that every order of adding them gives the same sum.
LINES = st.fixed_dictionaries(
    {
        "customer_id": st.sampled_from(WHO),
        "moment": MOMENTS,
        "clock": st.sampled_from([0, 2, -5]),
        "amount": st.sampled_from([0.0, 5.0, 10.0, -5.0])
        | st.integers(-80, 400).map(lambda n: n / 4),
        "order_id": st.none() | st.sampled_from(["1", "2", "3"]),
        "category": st.sampled_from(["fruit", "wine", "bread", None]),
        "brand": st.sampled_from(["own", "other", None]),
        "quantity": st.none() | st.integers(0, 5).map(float),
        "discount": st.none() | st.integers(0, 40).map(lambda n: n / 4),
        "channel": st.sampled_from(["shop", "web", "kiosk", None]),
    }
)
EVENTS = st.fixed_dictionaries(
    {
        "customer_id": st.sampled_from(WHO),
        "moment": MOMENTS,
        "kind": st.sampled_from(["mail", "return", "cart", "webinar"]),
        "channel": st.sampled_from(["app", "post", None]),
    }
)
VALUES = {
    "home": ["Bonn", "Köln", None],
    "age": ["young", "old", "ancient"],
    "score": ["1", "-2.5", "many", "nan", None],
    "sector": ["steel", "law"],
    "region": ["DE", "DE/BY", "DE / BY/München/Mitte", "DE//München", None],
    "position": ["52.5,13.4", "-90,180", "90.1,0", "0,181", "0", "north,east", None],
}
ATTRIBUTES = st.sampled_from(sorted(VALUES)).flatmap(
    lambda name: st.fixed_dictionaries(
        {
            "customer_id": st.sampled_from(WHO),
            "name": st.just(name),
            "value": st.sampled_from(VALUES[name]),
            "valid_from": st.none() | MOMENTS,
        }
    )
)
HISTORIES = st.tuples(
    st.lists(LINES, max_size=25), st.lists(EVENTS, max_size=12), st.lists(ATTRIBUTES, max_size=12)
)


def examples(n: int) -> Callable:
    """A property over `n` histories."""
    return lambda test: settings(max_examples=n)(given(history=HISTORIES)(test))


def written(shop, history):
    lines, events, attributes = history
    orders = []
    for line in lines:
        more = {
            k: v
            for k, v in line.items()
            if k not in ("moment", "amount", "clock") and v is not None
        }
        who, local = more.pop("customer_id"), line["moment"] + timedelta(hours=line["clock"])
        orders.append(shop.line(line["moment"], line["amount"], who, local=local, **more))
    return shop.log(orders, events, attributes)


# ------------------------------------------------------------------------ the future is unseen


@examples(12)
def test_the_future_changes_no_feature(shop, history):
    assert shop.leaks(shop.compiled(), written(shop, history), *CUTS) == set()


def test_the_future_changes_no_feature_of_many_customers(shop, many):
    assert len(many.before(T).orders) < len(many.orders) - 20
    assert shop.leaks(shop.compiled(), many, *CUTS) == set()


def test_two_cut_offs_at_once_are_as_one_after_the_other(shop, many):
    both = shop.rows(many, shop.spine_at(many, *CUTS))
    single = [row for at in CUTS for row in shop.rows(many, shop.spine_at(many, at))]
    assert shop.differing(both, single) == set()


#: Days after its moment at which a row arrived; None for at once.
DELAYS = st.lists(st.none() | st.integers(0, 60), min_size=40, max_size=40)


@settings(max_examples=12)
@given(history=HISTORIES, delays=DELAYS)
def test_what_arrives_in_the_future_changes_no_feature(shop, history, delays):
    late = dataclasses.replace(shop.spec, present=(*shop.spec.present, "arrived"))
    log = arriving(written(shop, history), delays)
    assert shop.leaks(shop.compiled(late), log, *CUTS) == set()


def test_an_order_that_arrives_late_changes_the_gap_from_then_on(shop):
    late = dataclasses.replace(shop.spec, present=(*shop.spec.present, "arrived"))
    day = datetime(2024, 5, 1)
    log = shop.log([
        shop.line(day, 1), shop.line(day + 4 * DAY, 1, arrived=day + 20 * DAY),
        shop.line(day + 10 * DAY, 1),
    ])  # fmt: skip
    spine = shop.spine(*(("a", day + days * DAY) for days in (12, 20, 21)))
    rows = shop.rows(log, spine, late)
    assert [row["gap_last"] for row in rows] == [10.0, 10.0, 6.0]
    assert [row["orders"] for row in rows] == [2, 2, 3]


def arriving(log, delays):
    """The log with its orders and events arriving days after their moments."""

    def delayed(table):
        if "arrived" not in table.column_names:
            return table
        pairs = zip(table["moment"].to_pylist(), itertools.cycle(delays))
        arrived = [None if delay is None else when + delay * DAY for when, delay in pairs]
        at = table.column_names.index("arrived")
        values = pa.array(arrived, pa.timestamp("us"))
        return table.set_column(at, table.schema.field("arrived"), values)

    return log.map(delayed)


# ------------------------------------------------------------------- what must not matter


def rearranged(table, rows):
    return table.take(pa.array(rows, pa.int64())).select(table.column_names[::-1])


@examples(6)
def test_the_order_of_rows_and_columns_is_irrelevant(shop, history):
    log = written(shop, history)
    spine = shop.spine_at(log, *CUTS)
    turned = log.map(lambda table: rearranged(table, range(len(table))[::-1]))
    assert shop.differing(shop.rows(log, spine), shop.rows(turned, spine)) == set()


def test_the_order_of_rows_and_columns_of_many_customers_is_irrelevant(shop, many):
    rng = np.random.default_rng(SEED)
    mixed = many.map(lambda table: rearranged(table, rng.permutation(len(table))))
    spine = shop.spine_at(many, *CUTS)
    backwards = rearranged(spine, range(len(spine))[::-1])
    rows, others = shop.rows(many, spine), shop.rows(mixed, backwards)[::-1]
    assert shop.differing(rows, others) == set()


def test_other_customers_are_irrelevant(shop, many):
    spine = shop.spine_at(many, T)
    rows = {row["customer_id"]: row for row in shop.rows(many, spine)}
    for who in ("c00", "c07", "c23", "nobody"):
        alone = many.map(lambda table, who=who: table.filter(pc.field("customer_id") == who))
        assert shop.differing(shop.rows(alone, shop.spine((who, T))), [rows[who]]) == set()


def test_the_clock_changes_what_is_told_of_days_and_hours_and_nothing_else(shop, many):
    def seven_hours_on(table):
        if "local" not in table.column_names:
            return table
        at = table.column_names.index("local")
        local = pc.add(table["local"], pa.scalar(timedelta(hours=7)))
        return table.set_column(at, table.schema.field("local"), local)

    spine = shop.spine_at(many, *CUTS)
    moved = shop.differing(shop.rows(many, spine), shop.rows(many.map(seven_hours_on), spine))
    told = {feature.name for feature in occasions.features(shop.spec)} | {"frequency"}
    assert moved <= told
    assert moved >= {"frequency", "weekend_share", "night_share", "morning_share"}


def test_inputs_are_left_as_they_were(shop, many):
    spine = shop.spine_at(many, T)
    given = {**vars(many), "spine": spine}
    before = {name: table.to_pylist() for name, table in given.items()}
    shop.rows(many, spine)
    assert {name: table.to_pylist() for name, table in given.items()} == before


# ----------------------------------------------------------------------- what null means


def test_an_empty_history_is_a_prospect_with_counts_of_zero_and_nothing_known(shop):
    (row,) = shop.rows(shop.log(), shop.spine(("nobody", T)))
    found = {f.name: row[f.name] for f in catalog.features(shop.spec)}
    expected = {f.name: None if f.null != "never" else 0 for f in catalog.features(shop.spec)}
    assert found == {**expected, "stage": "prospect"}


class Past:
    """What one customer's rows before `at` say, in plain Python: another way to the same null."""

    def __init__(self, log, who, at):
        mine = {name: [row for row in table.to_pylist() if row["customer_id"] == who]
                for name, table in vars(log.before(at)).items()}  # fmt: skip
        self.at, self.lines, self.events = at, mine["orders"], mine["events"]
        self.attributes = mine["attributes"]
        self.bought = sorted(
            (row for row in self.lines if row["amount"] >= 0), key=lambda row: row["moment"]
        )
        self.openings = {}
        for row in self.bought:
            self.openings.setdefault(row["order_id"], row)

    def paid(self):
        return sum(row["amount"] for row in self.bought)

    def paid_of_known(self, what):
        return sum(row["amount"] for row in self.bought if row[what] is not None)

    def paid_or_discounted(self, days=10_000):
        recent = [row for row in self.bought if self.at - row["moment"] <= days * DAY]
        return sum(row["amount"] + (row["discount"] or 0) for row in recent)

    def quantities(self):
        keys = {(row["order_id"], row["moment"]) for row in self.openings.values()}
        opened = [row for row in self.lines if (row["order_id"], row["moment"]) in keys]
        return [row for row in opened if row["quantity"] is not None]

    def of_kinds(self, *kinds):
        return [row for row in self.events if row["kind"] in kinds]

    def through(self, channel, *kinds):
        return [row for row in self.of_kinds(*kinds) if row["channel"] == channel]

    def of_last_days(self, days, *kinds):
        return [r for r in self.of_kinds(*kinds) if self.at - r["moment"] <= days * DAY]

    def around(self, *occasions):
        spans = [
            (day - occasion.days_before * DAY, day + (occasion.days_after + 1) * DAY)
            for occasion in occasions
            for day in map(datetime.fromisoformat, occasion.dates)
        ]
        # The clock of a piece is the earliest of its lines'.
        clocks = [
            min(r["local"] for r in self.lines
                if (r["order_id"], r["moment"]) == (opening["order_id"], opening["moment"]))
            for opening in self.openings.values()
        ]  # fmt: skip
        return [local for local in clocks if any(a <= local < b for a, b in spans)]

    def value(self, attribute):
        """The latest that is known, by the greatest (moment, text)."""
        mine = [row for row in self.attributes if row["name"] == attribute.name]
        told = [(row["valid_from"] or datetime.min, row["value"]) for row in mine if row["value"]]
        value = max(told)[1] if told else None
        if attribute.kind == "ordered" and value not in attribute.order:
            return None
        return None if attribute.kind == "number" and value in ("many", "nan") else value

    def known(self, attribute, feature):
        value = self.value(attribute)
        if value is None or attribute.kind not in ("region", "location"):
            return value is not None
        if attribute.kind == "location":
            return value in ("52.5,13.4", "-90,180", "52.52,13.405", "0,0")
        depth = [feature.name.endswith(level) for level in attribute.levels].index(True)
        parts = value.split("/")[: depth + 1]
        return len(parts) > depth and all(parts)


#: The catalog's words -> whether they are true of a past; a feature is null if and only if.
MEANINGS = {
    "never": lambda past, f, row, spec: False,
    "no order yet": lambda past, f, row, spec: not past.openings,
    "fewer than two orders": lambda past, f, row, spec: len(past.openings) < 2,
    "nothing paid": lambda past, f, row, spec: past.paid() == 0,
    **{f"nothing paid of a known {what}": (
        lambda past, f, row, spec, what=what: past.paid_of_known(what) == 0
    ) for what in ("category", "brand")},
    "nothing paid or discounted": lambda past, f, row, spec: past.paid_or_discounted() == 0,
    "nothing paid or discounted in the last 90 days": (
        lambda past, f, row, spec: past.paid_or_discounted(90) == 0
    ),
    "no order of known quantity": lambda past, f, row, spec: not past.quantities(),
    "no event yet": lambda past, f, row, spec: not past.of_kinds(*spec.event_kinds),
    "no such event yet": lambda past, f, row, spec: not past.of_kinds(
        *(kind for kind, slug in zip(spec.event_kinds, slugs(spec.event_kinds), strict=True)
          if f.name == f"event_{slug}_recency")
    ),
    "the stage is prospect, active or loyal": (
        lambda past, f, row, spec: row["stage"] in ("prospect", "active", "loyal")
    ),
    "fewer than two events": lambda past, f, row, spec: len(past.of_kinds(*spec.event_kinds)) < 2,
    "no event through it yet": lambda past, f, row, spec: not past.through(
        f.name.removeprefix("channel_").removesuffix("_recency"), *spec.event_kinds
    ),
    "nothing to respond to yet": lambda past, f, row, spec: not past.of_kinds("mail"),
    "nothing to respond to in the last 90 days": (
        lambda past, f, row, spec: not past.of_last_days(90, "mail")
    ),
    "no such goal yet": lambda past, f, row, spec: not past.of_kinds(
        *next(goal.kinds for goal in spec.goals if f"{goal.name!r}" in f.definition)
    ),
    "never bought around an occasion": (
        lambda past, f, row, spec: not past.around(*spec.occasions)
    ),
    "never bought around this occasion": lambda past, f, row, spec: not past.around(
        next(o for o in spec.occasions if f"around {o.name} (" in f.definition)
    ),
    "unknown": lambda past, f, row, spec: not past.known(
        next(a for a in spec.attributes if f"{a.name!r}" in f.definition), f
    ),
}  # fmt: skip


def wrong(shop, log, *cuts):
    """The (feature, customer, cut-off) whose null is not what the catalog says."""
    made = catalog.features(shop.spec)
    assert {feature.null for feature in made} == set(MEANINGS), "a null without a meaning here"
    found = []
    for row in shop.rows(log, shop.spine_at(log, *cuts)):
        past = Past(log, row["customer_id"], row["as_of"])
        for f in made:
            if (row[f.name] is None) != MEANINGS[f.null](past, f, row, shop.spec):
                found.append((f.name, f.null, row[f.name], row["customer_id"], row["as_of"]))
    return found


@examples(15)
def test_null_means_what_the_catalog_says(shop, history):
    assert wrong(shop, written(shop, history), *CUTS) == []


def test_null_means_what_the_catalog_says_of_many_customers(shop, many):
    assert wrong(shop, many, *CUTS) == []


@examples(10)
def test_every_value_is_finite_and_within_its_units_bounds(shop, history):
    log = written(shop, history)
    for row in shop.rows(log, shop.spine_at(log, *CUTS)):
        for f in catalog.features(shop.spec):
            value = row[f.name]
            if value is None or f.dtype == "category":
                continue
            assert math.isfinite(value), (f.name, value)
            assert f.dtype != "count" or (type(value) is int and value >= 0), (f.name, value)
            assert f.unit != "share" or -1e-12 <= value <= 1 + 1e-12, (f.name, value)
            assert f.unit not in ("days", "ratio", "orders") or value >= 0, (f.name, value)


# ------------------------------------------------------------- one request after the other


@examples(12)
def test_a_plan_that_is_kept_gives_what_a_fresh_one_gives(shop, history):
    log = written(shop, history)
    spine = shop.spine_at(log, *CUTS)
    fresh = snapshot(log.connect(), shop.spec, spine)
    kept = shop.compiled()(log.orders, log.events, log.attributes, spine).to_pandas()
    kept = kept.sort_values(["customer_id", "as_of"], ignore_index=True)
    pd.testing.assert_frame_equal(kept, fresh, rtol=1e-9, atol=1e-9)
