from datetime import datetime, timedelta
from math import exp, sqrt

import pandas as pd
import pytest

from features.lenses import purchases


@pytest.fixture(scope="module")
def small(shop):
    """Four orders' worth of lines: 60, 30 and 10 days ago, and a return 20 days ago."""
    line = shop.line
    return [
        line("2024-04-02", 10, order_id="1", channel="shop", category="fruit", quantity=2.0,
             discount=2.0),
        line("2024-04-02", 30, order_id="1", channel="shop", category="wine", quantity=1.0),
        line("2024-05-02", 20, order_id="2", channel="web", category="fruit", quantity=4.0),
        line("2024-05-12", -5, order_id="2", channel="web", category="fruit", quantity=1.0),
        line("2024-05-22", 0, order_id="3"),
    ]  # fmt: skip


def test_every_feature_of_a_small_history_computed_by_hand(shop, small):
    found = shop.features(orders=small)
    expected = {
        "recency_days": 10.0,
        "T_days": 60.0,
        "orders": 3,
        "frequency": 2,
        "spend": 55.0,
        "monetary_repeat": 10.0,  # of 20 and 0
        "basket_value": 20.0,  # of 40, 20 and 0
        "basket_value_sd": sqrt(800 / 3),
        "basket_lines": 4 / 3,
        "orders_7d": 0,
        "spend_7d": 0.0,
        "units_7d": 0.0,
        "discount_7d": 0.0,
        "orders_30d": 2,
        "spend_30d": 15.0,
        "units_30d": 3.0,  # 4 less the 1 given back
        "discount_30d": 0.0,
        "orders_90d": 3,
        "spend_90d": 55.0,
        "units_90d": 6.0,
        "discount_90d": 2.0,
        "orders_180d": 3,
        "spend_180d": 55.0,
        "units_180d": 6.0,
        "discount_180d": 2.0,
        "orders_365d": 3,
        "spend_365d": 55.0,
        "units_365d": 6.0,
        "discount_365d": 2.0,
        "orders_decayed_14d": exp(-60 / 14) + exp(-30 / 14) + exp(-10 / 14),
        "spend_decayed_14d": 40 * exp(-60 / 14) + 20 * exp(-30 / 14) - 5 * exp(-20 / 14),
        "orders_decayed_45d": exp(-60 / 45) + exp(-30 / 45) + exp(-10 / 45),
        "spend_decayed_45d": 40 * exp(-60 / 45) + 20 * exp(-30 / 45) - 5 * exp(-20 / 45),
        "active_weeks_12": 3,  # the second, the fifth and the ninth week back
        "gap_mean": 25.0,  # of 30 and 20: the return is no order
        "gap_sd": 5.0,
        "gap_max": 30.0,
        "gap_last": 20.0,
        "gap_last_over_mean": 0.8,
        "recency_over_gap": 0.4,
        "orders_trend": 1.5,  # (2 + 1) / (3 / 3 + 1)
        "spend_trend": 21 / 23,  # (15 + 20) / (55 / 3 + 20)
        "returns": 1,
        "return_share": 5 / 60,
        "basket_units": 3.5,  # of 3 and 4; the third order's are unknown
        "discount_share": 2 / 62,
        "discount_share_90d": 2 / 62,
        "order_channel_share_shop": 1 / 3,
        "order_channel_share_web": 1 / 3,
    }
    assert [f.name for f in purchases.features(shop.spec)] == list(expected)
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("days", "when"), [
    (7, "2024-05-25"), (30, "2024-05-02"), (90, "2024-03-03"), (180, "2023-12-04"),
    (365, "2023-06-02"),
])  # fmt: skip
def test_a_window_holds_the_purchase_exactly_its_days_ago_and_none_at_as_of(shop, days, when):
    edge = pd.Timestamp(when).to_pydatetime()
    rows = [
        shop.line(edge, 1),
        shop.line(edge - pd.Timedelta(seconds=1), 10),
        shop.line("2024-05-31 23:59:59", 100),
        shop.line("2024-06-01", 1000),
    ]
    found = shop.features(orders=rows)
    assert (found[f"orders_{days}d"], found[f"spend_{days}d"]) == (2, 101.0)
    assert (found["orders"], found["spend"]) == (3, 111.0)


def test_a_week_is_active_from_its_first_moment_to_before_the_next(shop):
    rows = [shop.line(when, 1) for when in ("2024-05-25", "2024-05-31")]
    assert shop.features(orders=rows)["active_weeks_12"] == 1
    rows.append(shop.line("2024-05-24 23:59:59", 1))  # the second week back
    assert shop.features(orders=rows)["active_weeks_12"] == 2
    rows.append(shop.line("2024-03-08 23:59:59", 1))  # no longer of the twelve
    assert shop.features(orders=rows)["active_weeks_12"] == 2
    rows.append(shop.line("2024-03-09", 1))  # 84 days ago: the first moment of the twelfth
    assert shop.features(orders=rows)["active_weeks_12"] == 3


def test_an_order_a_week_at_one_hour_is_twelve_active_weeks(shop):
    days = [datetime(2024, 6, 1) - timedelta(days=7 * week) for week in range(1, 13)]
    found = shop.features(orders=[shop.line(day, 1) for day in days])
    assert (found["active_weeks_12"], found["orders_90d"]) == (12, 12)


def test_a_rhythm_of_hours_is_taken_for_one_of_days(shop):
    whens = ("2024-05-01 00:00", "2024-05-01 06:00", "2024-05-01 12:00", "2024-05-02 00:00")
    found = shop.features(orders=[shop.line(when, 1) for when in whens])
    assert (found["gap_mean"], found["gap_last_over_mean"]) == (pytest.approx(1 / 3), 0.5)
    assert found["recency_over_gap"] == 30.0


def test_a_return_lowers_the_spend_and_is_no_order(shop):
    bought = [shop.line("2024-05-01", 50, order_id="1")]
    for later in ("1", "2"):  # under the same order id, and under its own
        back = shop.line("2024-05-20", -20, order_id=later)
        found = shop.features(orders=[*bought, back])
        assert (found["orders"], found["spend"], found["spend_30d"]) == (1, 30.0, -20.0)
        assert (found["returns"], found["return_share"]) == (1, 0.4)
        assert (found["recency_days"], found["basket_value"], found["gap_mean"]) == (31, 50, None)
        assert found["category_share_fruit"] == 0.0
        assert found["spend_trend"] == 50 / (30 / 3 + 50)  # spend is not taken below 0


@pytest.mark.parametrize("given_back", [2.0, -2.0])  # exports write it either way
def test_units_of_a_return_are_given_back_whatever_their_sign(shop, given_back):
    back = shop.line("2024-05-20", -20, order_id="2", quantity=given_back)
    only = shop.features(orders=[back])
    assert (only["units_7d"], only["units_30d"], only["basket_units"]) == (0.0, -2.0, None)
    bought = shop.line("2024-05-01", 50, order_id="1", quantity=5.0)
    later = shop.features(orders=[bought, back])
    assert (later["units_90d"], later["basket_units"]) == (3.0, 5.0)
    at_once = shop.line("2024-05-01", -20, order_id="1", quantity=given_back)
    within = shop.features(orders=[bought, at_once])
    assert (within["units_90d"], within["basket_units"]) == (3.0, 3.0)


def test_units_that_cost_nothing_are_bought_all_the_same(shop):
    found = shop.features(orders=[shop.line("2024-05-01", 0, quantity=2.0)])
    assert (found["units_90d"], found["basket_units"]) == (2.0, 2.0)


def test_an_exchange_at_the_same_price_is_an_order(shop):
    rows = [shop.line("2024-05-01", amount, order_id="1") for amount in (50, -50)]
    found = shop.features(orders=rows)
    assert (found["orders"], found["spend"], found["returns"]) == (1, 0.0, 1)
    later = shop.features(orders=[*rows, shop.line("2024-05-03", 5, order_id="1")])
    assert (later["orders"], later["recency_days"], later["spend"]) == (1, 31.0, 5.0)


def test_a_return_within_the_order_makes_its_basket_smaller(shop):
    rows = [shop.line("2024-05-01", amount, order_id="1") for amount in (50, -20)]
    found = shop.features(orders=rows)
    assert (found["orders"], found["spend"], found["basket_value"]) == (1, 30.0, 30.0)
    assert (found["returns"], found["return_share"], found["basket_lines"]) == (1, 0.4, 2.0)


def test_a_customer_with_returns_only_has_not_ordered(shop):
    found = shop.features(orders=[shop.line("2024-05-01", -20, channel="web", category="fruit")])
    assert (found["orders"], found["spend"], found["returns"]) == (0, -20.0, 1)
    assert (found["categories"], found["frequency"], found["stage"]) == (0, 0, "prospect")
    nulls = {f.name for f in purchases.features(shop.spec) if f.null != "never"}
    assert {name for name in nulls if found[name] is not None} == set()


def test_an_amount_of_zero_is_a_genuine_order(shop):
    found = shop.features(orders=[shop.line("2024-05-01", 0), shop.line("2024-05-11", 0)])
    assert (found["orders"], found["frequency"], found["gap_mean"]) == (2, 1, 10.0)
    assert (found["basket_value"], found["monetary_repeat"], found["spend"]) == (0.0, 0.0, 0.0)
    assert (found["spend_trend"], found["return_share"]) == (1.0, None)
    assert found["category_share_fruit"] is None


def test_lines_of_one_order_are_one_order_even_where_one_comes_later(shop):
    line = shop.line
    rows = [
        line("2024-05-01 10:00", 5, order_id="1"),
        line("2024-05-01 10:00", 7, order_id="1"),
        line("2024-05-03 10:00", 100, order_id="1"),
    ]
    found = shop.features(orders=rows)
    assert (found["orders"], found["spend"], found["gap_mean"]) == (1, 112.0, None)
    assert (found["basket_value"], found["basket_lines"]) == (12.0, 2.0)
    assert found["recency_days"] == pytest.approx(30 + 14 / 24, rel=1e-12)


def test_the_same_order_id_of_two_customers_is_two_orders(shop):
    log = shop.log([shop.line("2024-05-01", 5, who, order_id="1") for who in "ab"])
    spine = shop.spine(("a", shop.at), ("b", shop.at))
    assert [(r["orders"], r["spend"]) for r in shop.rows(log, spine)] == [(1, 5.0), (1, 5.0)]


def test_orders_at_the_same_moment_are_two_orders_without_a_gap(shop):
    rows = [shop.line("2024-05-01", amount, order_id=str(amount)) for amount in (10, 30)]
    found = shop.features(orders=rows)
    assert (found["orders"], found["frequency"]) == (2, 0)  # two orders, no day with a repeat
    assert (found["gap_mean"], found["gap_max"], found["gap_last"]) == (0.0, 0.0, None)
    assert found["monetary_repeat"] == 30.0  # "10" is the first of them by its id
    assert found["recency_over_gap"] == 31.0  # over a day at least


def test_a_second_receipt_of_a_day_is_no_last_gap(shop):
    rows = [shop.line(day, 1) for day in ("2024-01-01", "2024-01-11", "2024-01-21")]
    back = shop.line("2024-05-30 10:00", 1, order_id="r1")
    again = shop.line("2024-05-30 16:00", 1, order_id="r2")
    once, twice = (shop.features(orders=[*rows, *days]) for days in ([back], [back, again]))
    assert once["gap_last"] == twice["gap_last"] == pytest.approx(130 + 10 / 24, rel=1e-12)
    assert once["stage"] == twice["stage"] == "returned"
    assert (once["orders"], twice["orders"]) == (4, 5)
    # over the mean of the gaps, which the second receipt halves
    assert twice["gap_last_over_mean"] == pytest.approx(
        once["gap_last_over_mean"] * once["gap_mean"] / twice["gap_mean"], rel=1e-12
    )


def test_a_return_with_a_line_of_nought_is_no_order(shop):
    line = shop.line
    rows = [
        line("2024-04-01", 80, order_id="1"),
        line("2024-05-01", -80, order_id="2"),
        line("2024-05-01", 0, order_id="2"),  # its postage
    ]
    found = shop.features(orders=rows)
    assert (found["orders"], found["returns"], found["spend"]) == (1, 1, 0.0)
    assert (found["recency_days"], found["basket_value"], found["monetary_repeat"]) == (
        61,
        80,
        None,
    )
    # nor where it comes a second later; before the return nobody can know
    rows[2] = line("2024-05-01 00:00:01", 0, order_id="2")
    found = shop.features(orders=rows)
    assert (found["orders"], found["recency_days"]) == (1, 61)
    rows[2] = line("2024-04-30", 0, order_id="2")
    assert shop.features(orders=rows)["orders"] == 2
    # an exchange bought something, and a gift did too
    rows[2] = line("2024-05-01", 1, order_id="2")
    assert shop.features(orders=rows)["orders"] == 2
    assert shop.features(orders=[line("2024-05-01", 0)])["orders"] == 1


def test_days_with_an_order_are_local_days(shop):
    late = shop.line("2024-05-01 21:30", 1, local="2024-05-01 23:30")
    later = shop.line("2024-05-01 22:30", 1, local="2024-05-02 00:30")
    assert shop.features(orders=[late, later])["frequency"] == 1
    later["local"] = late["local"]
    assert shop.features(orders=[late, later])["frequency"] == 0


def test_recency_over_gap_is_null_with_one_order(shop):
    found = shop.features(orders=[shop.line("2024-05-01", 5)])
    assert (found["recency_days"], found["recency_over_gap"]) == (31.0, None)


def test_channels_are_shares_of_orders_and_unknown_is_none_of_them(shop):
    line = shop.line
    rows = [line("2024-05-01", 1, channel="web"), line("2024-05-02", 99), line("2024-05-03", 0,
            channel="kiosk"), line("2024-05-04", 1, channel="web")]  # fmt: skip
    found = shop.features(orders=rows)
    assert (found["order_channel_share_web"], found["order_channel_share_shop"]) == (0.5, 0.0)


def test_a_discount_counts_where_something_was_bought(shop):
    rows = [
        shop.line("2024-01-01", 80, discount=20.0),
        shop.line("2024-05-01", -80, discount=20.0),  # the refund states the discount again
    ]
    found = shop.features(orders=rows)
    assert (found["discount_share"], found["discount_share_90d"]) == (0.2, None)


def test_amounts_that_cancel_do_not_make_a_share_of_nothing(shop):
    rows = [shop.line("2024-05-01", 0.1, category="fruit"), shop.line("2024-05-02", 0.2),
            shop.line("2024-05-03", -0.3)]  # fmt: skip
    assert sum(row["amount"] for row in rows) == 5.551115123125783e-17  # what floats make of 0
    found = shop.features(orders=rows)
    assert found["category_share_fruit"] == pytest.approx(1 / 3)
    assert found["return_share"] == pytest.approx(1.0)
