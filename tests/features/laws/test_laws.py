"""What holds for every lens and any history."""

import dataclasses
import itertools
import math
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import catalog
from features.lenses import occasions
from features.snapshot import snapshot

SEED = 7
DAY = timedelta(days=1)

# ------------------------------------------------------------------------ the future is unseen


@settings(max_examples=12)
@given(data=st.data())
def test_the_future_changes_no_feature(shop, drawn, cuts, data):
    assert shop.leaks(shop.compiled(), drawn(data), *cuts) == set()


def test_the_future_changes_no_feature_of_many_customers(shop, many, cuts):
    assert len(many.before(shop.at).orders) < len(many.orders) - 20
    assert shop.leaks(shop.compiled(), many, *cuts) == set()


def test_two_cut_offs_at_once_are_as_one_after_the_other(shop, many, cuts):
    both = shop.rows(many, shop.spine_at(many, *cuts))
    single = [row for at in cuts for row in shop.rows(many, shop.spine_at(many, at))]
    assert shop.differing(both, single) == set()


#: Days after its moment at which a row arrived, or before, as clocks differ; None for at once.
DELAYS = st.lists(st.none() | st.integers(-60, 60), min_size=40, max_size=40)


@pytest.mark.slow
@settings(max_examples=12)
@given(data=st.data(), delays=DELAYS)
def test_what_arrives_in_the_future_changes_no_feature(shop, drawn, cuts, data, delays):
    late = dataclasses.replace(shop.spec, present=(*shop.spec.present, "arrived"))
    log = arriving(drawn(data), delays)
    assert shop.leaks(shop.compiled(late), log, *cuts) == set()


@pytest.mark.slow
def test_what_arrives_in_the_future_changes_no_feature_of_a_snapshot(shop, many, cuts):
    late = dataclasses.replace(shop.spec, present=("category", "arrived"))
    log = arriving(many, np.random.default_rng(SEED).integers(-200, 200, 500).tolist())
    together = snapshot(log.connect(), late, shop.spine_at(log, *cuts))
    for at in cuts:
        whole = together[together.as_of == at].reset_index(drop=True)
        past = snapshot(log.before(at).connect(), late, shop.spine_at(log, at))
        pd.testing.assert_frame_equal(whole, past, rtol=1e-9, atol=1e-9)


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


@settings(max_examples=6)
@given(data=st.data())
def test_the_order_of_rows_and_columns_is_irrelevant(shop, drawn, cuts, data):
    log = drawn(data)
    spine = shop.spine_at(log, *cuts)
    turned = log.map(lambda table: rearranged(table, range(len(table))[::-1]))
    assert shop.differing(shop.rows(log, spine), shop.rows(turned, spine)) == set()


def test_the_order_of_rows_and_columns_of_many_customers_is_irrelevant(shop, many, cuts):
    rng = np.random.default_rng(SEED)
    mixed = many.map(lambda table: rearranged(table, rng.permutation(len(table))))
    spine = shop.spine_at(many, *cuts)
    backwards = rearranged(spine, range(len(spine))[::-1])
    rows, others = shop.rows(many, spine), shop.rows(mixed, backwards)[::-1]
    assert shop.differing(rows, others) == set()


def test_other_customers_are_irrelevant(shop, many):
    spine = shop.spine_at(many, shop.at)
    rows = {row["customer_id"]: row for row in shop.rows(many, spine)}
    for who in ("c00", "c07", "c23", "nobody"):
        alone = many.map(lambda table, who=who: table.filter(pc.field("customer_id") == who))
        assert shop.differing(shop.rows(alone, shop.spine((who, shop.at))), [rows[who]]) == set()


def test_the_clock_changes_what_is_told_of_days_and_hours_and_nothing_else(shop, many, cuts):
    def seven_hours_on(table):
        if "local" not in table.column_names:
            return table
        at = table.column_names.index("local")
        local = pc.add(table["local"], pa.scalar(timedelta(hours=7)))
        return table.set_column(at, table.schema.field("local"), local)

    spine = shop.spine_at(many, *cuts)
    moved = shop.differing(shop.rows(many, spine), shop.rows(many.map(seven_hours_on), spine))
    told = {feature.name for feature in occasions.features(shop.spec)} | {"frequency"}
    told |= {"gap_last", "gap_last_over_mean", "stage", "silence", "days_in_stage"}
    assert moved <= told
    assert moved >= {"frequency", "weekend_share", "night_share", "morning_share"}


def test_inputs_are_left_as_they_were(shop, many):
    spine = shop.spine_at(many, shop.at)
    given = {**vars(many), "spine": spine}
    before = {name: table.to_pylist() for name, table in given.items()}
    shop.rows(many, spine)
    assert {name: table.to_pylist() for name, table in given.items()} == before


# -------------------------------------------------------------------- what a value can be


@settings(max_examples=10)
@given(data=st.data())
def test_every_value_is_finite_and_within_its_units_bounds(shop, drawn, cuts, data):
    log = drawn(data)
    for row in shop.rows(log, shop.spine_at(log, *cuts)):
        for f in catalog.features(shop.spec):
            value = row[f.name]
            if value is None or f.dtype == "category":
                continue
            assert math.isfinite(value), (f.name, value)
            assert f.dtype != "count" or (type(value) is int and value >= 0), (f.name, value)
            assert f.unit != "share" or -1e-12 <= value <= 1 + 1e-12, (f.name, value)
            assert f.unit not in ("days", "ratio", "orders") or value >= 0, (f.name, value)


# ------------------------------------------------------------- one request after the other


@pytest.mark.slow
@settings(max_examples=12)
@given(data=st.data())
def test_a_plan_that_is_kept_gives_what_a_fresh_one_gives(shop, drawn, cuts, data):
    log = drawn(data)
    spine = shop.spine_at(log, *cuts)
    fresh = snapshot(log.connect(), shop.spec, spine)
    kept = shop.compiled()(log.orders, log.events, log.attributes, spine).to_pandas()
    kept = kept.sort_values(["customer_id", "as_of"], ignore_index=True)
    pd.testing.assert_frame_equal(kept, fresh, rtol=1e-9, atol=1e-9)
