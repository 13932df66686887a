"""What holds for every lens and any history; and that the leak, where there is one, is seen."""

import importlib
import math
import pkgutil
from collections.abc import Callable
from datetime import datetime, timedelta

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import features
from features import asof, catalog, journey, occasions, purchases
from features.online import OnlineFeatures
from features.snapshot import tables
from features.spec import slugs

SEED = 7
T = datetime(2024, 6, 1)
EARLIER = datetime(2024, 4, 1, 15, 30)
CUTS = (T, EARLIER)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
WHO = ("a", "b", "c")

MODULES = {
    name: importlib.import_module(f"features.{name}")
    for _, name, _ in pkgutil.iter_modules(features.__path__)
}
LENSES = {
    name: module
    for name, module in MODULES.items()
    if hasattr(module, "features") and hasattr(module, "expression")
}
#: How often each lens asks `features.asof` for the past; the journey asks the purchase lens.
USES = {"purchases": 2, "engagement": 1, "journey": 0, "occasions": 1, "attributes": 1}

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
        "quantity": st.none() | st.integers(0, 5).map(float),
        "discount": st.none() | st.integers(0, 40).map(lambda n: n / 4),
        "channel": st.sampled_from(["shop", "web", "kiosk", None]),
    }
)
EVENTS = st.fixed_dictionaries(
    {
        "customer_id": st.sampled_from(WHO),
        "moment": MOMENTS,
        "kind": st.sampled_from(["mail", "return", "webinar"]),
        "channel": st.sampled_from(["app", "post", None]),
    }
)
VALUES = {
    "home": ["Bonn", "Köln", None],
    "age": ["young", "old", "ancient"],
    "score": ["1", "-2.5", "many", "nan", None],
    "sector": ["steel", "law"],
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


@pytest.fixture(scope="module")
def many(shop):
    """A log of 24 customers, all busy on the day after T, the last four for the first time."""
    rng = np.random.default_rng(SEED)

    def one_of(*values):
        return values[rng.integers(len(values))]

    orders, events, attributes = [], [], []
    for i in range(24):
        who = f"c{i:02}"
        days = [] if i >= 20 else [300] if i >= 16 else rng.integers(-20, 420, rng.integers(1, 40))
        for late, day in [*((False, day) for day in days), (True, 0)]:
            when = T + timedelta(minutes=int(rng.integers(1440))) - timedelta(days=int(day))
            line = {
                "order_id": f"{who}-{rng.integers(60)}",
                "local": when + timedelta(hours=2),
                "category": one_of("fruit", "cheese") if late else one_of("fruit", "wine", None),
                "quantity": float(rng.integers(1, 9)),
                "discount": rng.integers(40) / 4,
                "channel": one_of("shop", "web", None),
            }
            amount = rng.integers(-40, 400) / 4 if i < 12 else -5 if late and i < 16 else 10
            orders.append(shop.line(when, amount, who, **line))
            met, name = when + timedelta(minutes=1), one_of(*VALUES)
            kind, channel = one_of("mail", "return"), "kiosk" if late else one_of("app", None)
            events.append(shop.event(met, kind, who, channel=channel))
            attributes.append(shop.attribute(name, one_of(*VALUES[name][:2]), when, who))
    return shop.log(orders, events, attributes)


def spine_at(shop, log, *cuts):
    who = sorted({*log.orders["customer_id"].to_pylist(), *WHO, "nobody"})
    return shop.spine(*((customer, at) for at in cuts for customer in who))


def leaks(shop, compiled, log, *cuts):
    """The features that differ between the whole log and the log as it was at the cut-off."""
    red = set()
    for at in cuts:
        spine, then = spine_at(shop, log, at), log.before(at)
        whole, past = (
            compiled(some.orders, some.events, some.attributes, spine).to_pylist()
            for some in (log, then)
        )
        red |= shop.differing(whole, past)
    return red


# ------------------------------------------------------------------------ the future is unseen


@examples(12)
def test_the_future_changes_no_feature(shop, history):
    assert leaks(shop, shop.compiled(), written(shop, history), *CUTS) == set()


def test_the_future_changes_no_feature_of_many_customers(shop, many):
    assert len(many.before(T).orders) < len(many.orders) - 20
    assert leaks(shop, shop.compiled(), many, *CUTS) == set()


def test_two_cut_offs_at_once_are_as_one_after_the_other(shop, many):
    both = shop.rows(many, spine_at(shop, many, *CUTS))
    single = [row for at in CUTS for row in shop.rows(many, spine_at(shop, many, at))]
    assert shop.differing(both, single) == set()


def test_every_lens_is_watched(shop, monkeypatch):
    assert set(LENSES) == set(USES)
    asked = dict.fromkeys(USES, 0)
    for name in MODULES:
        for function in ("known", "known_or_undated"):
            real = getattr(MODULES[name], function, None)
            if real is None or MODULES[name] is asof:
                continue

            def counted(table, spine, real=real, name=name):
                asked[name] += 1
                return real(table, spine)

            monkeypatch.setattr(MODULES[name], function, counted)
    OnlineFeatures(shop.spec)
    assert asked == USES
    assert {f.name for f in catalog.features(shop.spec)} == set().union(
        *(names_of(shop, name) for name in LENSES)
    )


def names_of(shop, lens):
    of = LENSES[lens].features
    return {f.name for f in (of() if lens == "journey" else of(shop.spec))}


@pytest.mark.parametrize(
    ("lens", "use"), [(lens, use) for lens in sorted(USES) for use in range(USES[lens])]
)
def test_a_day_of_the_future_let_into_a_lens_is_seen(shop, many, monkeypatch, inject, lens, use):
    inject(monkeypatch, LENSES[lens], use)
    red = leaks(shop, OnlineFeatures(shop.spec), many, T)
    varied = {name for name in names_of(shop, "purchases") if name.startswith("categories")}
    own = names_of(shop, lens)
    if lens == "purchases":  # asks for pieces (the stages are made of them), then for categories
        own = varied if use else (own - varied) | names_of(shop, "journey")
    assert red == own


def test_a_day_of_the_future_let_into_the_journey_is_seen(shop, many, monkeypatch, inject):
    real = journey.expression

    def leaky(bought, spine):
        with pytest.MonkeyPatch.context() as patch:
            inject(patch, purchases, 0)
            later = purchases.expression(tables()["orders"], spine, shop.spec)
        return real(later, spine)

    monkeypatch.setattr(journey, "expression", leaky)
    assert leaks(shop, OnlineFeatures(shop.spec), many, T) == names_of(shop, "journey")


def test_a_piece_that_looks_at_the_next_one_is_seen(shop, many, monkeypatch):
    def ahead(orders, spec, real=purchases.pieces):
        table = real(orders, spec)
        order = ibis.window(group_by=["customer_id", "is_order"], order_by=["moment", "order_id"])
        return table.mutate(gap_days=table.gap_days.lead(1).over(order))

    monkeypatch.setattr(purchases, "pieces", ahead)
    red = leaks(shop, OnlineFeatures(shop.spec), many, T)
    assert red >= {"gap_mean", "gap_sd", "gap_max", "gap_last", "recency_over_gap", "silence"}
    assert red <= names_of(shop, "purchases") | names_of(shop, "journey")


# ------------------------------------------------------------------- what must not matter


def rearranged(table, rows):
    return table.take(pa.array(rows, pa.int64())).select(table.column_names[::-1])


@examples(6)
def test_the_order_of_rows_and_columns_is_irrelevant(shop, history):
    log = written(shop, history)
    spine = spine_at(shop, log, *CUTS)
    turned = log.map(lambda table: rearranged(table, range(len(table))[::-1]))
    assert shop.differing(shop.rows(log, spine), shop.rows(turned, spine)) == set()


def test_the_order_of_rows_and_columns_of_many_customers_is_irrelevant(shop, many):
    rng = np.random.default_rng(SEED)
    mixed = many.map(lambda table: rearranged(table, rng.permutation(len(table))))
    spine = spine_at(shop, many, *CUTS)
    backwards = rearranged(spine, range(len(spine))[::-1])
    rows, others = shop.rows(many, spine), shop.rows(mixed, backwards)[::-1]
    assert shop.differing(rows, others) == set()


def test_other_customers_are_irrelevant(shop, many):
    spine = spine_at(shop, many, T)
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

    spine = spine_at(shop, many, *CUTS)
    moved = shop.differing(shop.rows(many, spine), shop.rows(many.map(seven_hours_on), spine))
    told = {feature.name for feature in occasions.features(shop.spec)} | {"frequency"}
    assert moved <= told
    assert moved >= {"frequency", "weekend_share", "night_share", "morning_share"}


def test_inputs_are_left_as_they_were(shop, many):
    spine = spine_at(shop, many, T)
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

    def paid_or_discounted(self, days=10_000):
        recent = [row for row in self.bought if self.at - row["moment"] <= days * DAY]
        return sum(row["amount"] + (row["discount"] or 0) for row in recent)

    def quantities(self):
        keys = {(row["order_id"], row["moment"]) for row in self.openings.values()}
        opened = [row for row in self.lines if (row["order_id"], row["moment"]) in keys]
        return [row for row in opened if row["quantity"] is not None]

    def of_kinds(self, *kinds):
        return [row for row in self.events if row["kind"] in kinds]

    def around(self, spec):
        spans = [
            (day - occasion.days_before * DAY, day + (occasion.days_after + 1) * DAY)
            for occasion in spec.occasions
            for day in map(datetime.fromisoformat, occasion.dates)
        ]
        return [r for r in self.openings.values() if any(a <= r["local"] < b for a, b in spans)]

    def value(self, attribute):
        """The latest that is known, by the greatest (moment, text)."""
        mine = [row for row in self.attributes if row["name"] == attribute.name]
        told = [(row["valid_from"] or datetime.min, row["value"]) for row in mine if row["value"]]
        value = max(told)[1] if told else None
        if attribute.kind == "ordered" and value not in attribute.order:
            return None
        return None if attribute.kind == "number" and value in ("many", "nan") else value


#: The catalog's words -> whether they are true of a past; a feature is null if and only if.
MEANINGS = {
    "never": lambda past, f, row, spec: False,
    "no order yet": lambda past, f, row, spec: not past.openings,
    "fewer than two orders": lambda past, f, row, spec: len(past.openings) < 2,
    "nothing paid": lambda past, f, row, spec: past.paid() == 0,
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
    "never bought around an occasion": lambda past, f, row, spec: not past.around(spec),
    "unknown": lambda past, f, row, spec: past.value(
        next(a for a in spec.attributes if f"{a.name!r}" in f.definition)
    ) is None,
}  # fmt: skip


def wrong(shop, log, *cuts):
    """The (feature, customer, cut-off) whose null is not what the catalog says."""
    made = catalog.features(shop.spec)
    assert {feature.null for feature in made} == set(MEANINGS), "a null without a meaning here"
    found = []
    for row in shop.rows(log, spine_at(shop, log, *cuts)):
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
    for row in shop.rows(log, spine_at(shop, log, *CUTS)):
        for f in catalog.features(shop.spec):
            value = row[f.name]
            if value is None or f.dtype == "category":
                continue
            assert math.isfinite(value), (f.name, value)
            assert f.dtype != "count" or (type(value) is int and value >= 0), (f.name, value)
            assert f.unit != "share" or -1e-12 <= value <= 1 + 1e-12, (f.name, value)
            assert f.unit not in ("days", "ratio", "orders") or value >= 0, (f.name, value)
