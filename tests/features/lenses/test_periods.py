import dataclasses

import pytest

from features.lenses import periods
from features.spec import FeatureSpec


@pytest.fixture(scope="module")
def told(shop):
    """At 2024-06-01, in periods of 7 days: the latest period's first and last day, the border of
    the second, a return in the third, and what came before the 24th.
    """
    line = shop.line
    return shop.features(
        orders=[
            line("2024-05-31 23:59:59", 3, order_id="6"),
            line("2024-05-25", 4, order_id="5"),  # 7 days ago to the second
            line("2024-05-24 23:59:59", 5, order_id="4"),
            line("2024-05-12", 20, order_id="3"),
            line("2024-05-13", -8, order_id="3"),
            line("2023-12-16", 7, order_id="2"),  # the 24th, to the second
            line("2023-12-15", 900, order_id="1"),  # longer ago than is told
        ]
    )


def test_orders_fall_in_the_periods_they_came_in(told):
    counts = {i: told[name] for i, name in enumerate(periods.ORDERS, start=1) if told[name]}
    assert counts == {1: 2, 2: 1, 3: 1, 24: 1}


def test_spend_is_net_of_returns_and_a_return_is_no_order(told):
    spent = {i: told[name] for i, name in enumerate(periods.SPEND, start=1) if told[name]}
    assert spent == {1: 7.0, 2: 5.0, 3: 12.0, 24: 7.0}


def test_periods_of_a_window_add_up_to_it(shop):
    spec = dataclasses.replace(shop.spec, period_days=15)
    lines = [
        shop.line(f"2024-0{1 + i * j % 5}-{1 + (7 * i + 3 * j) % 28:02d}", i + j / 4, f"c{i}")
        for i in range(1, 21)
        for j in range(1, 12)
    ]
    spine = shop.spine(*((f"c{i}", shop.at) for i in range(1, 21)))
    for row in shop.rows(shop.log(lines), spine, spec):
        for days in (30, 90, 180):
            last = slice(days // 15)
            assert sum(row[n] for n in periods.ORDERS[last]) == row[f"orders_{days}d"]
            spent = sum(row[n] for n in periods.SPEND[last])
            assert spent == pytest.approx(row[f"spend_{days}d"], abs=1e-9)


def test_a_spec_without_periods_has_none():
    assert periods.features(FeatureSpec()) == []


def test_the_names_are_those_of_the_catalog(shop):
    assert {f.name for f in periods.features(shop.spec)} == periods.NAMES


def test_definitions_say_which_days():
    made = {f.name: f for f in periods.features(FeatureSpec(period_days=7))}
    assert made["orders_period_1"].definition == "Orders in the last 7 days."
    assert made["spend_period_3"].definition == "Spend from 21 to 14 days ago, net of returns."
    assert made["spend_period_3"].window == 21
    (first, *_) = periods.features(FeatureSpec(period_days=1))
    assert first.definition == "Orders in the last day."
