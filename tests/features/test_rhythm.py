"""Silences, changes of level, and the hours of the day."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.rhythm import Gap, Hours, Shift, gaps, hours, series, shift


def daily(values: Any, first: str = "2024-01-01") -> pd.Series:
    """Customers a day from a Monday on."""
    return pd.Series(np.asarray(values, dtype=float), pd.date_range(first, periods=len(values)))


def test_customers_are_counted_a_day_not_lines(shop: Any) -> None:
    lines = [
        shop.line("2024-01-01", 1, "a"),
        shop.line("2024-01-01 10:00", 1, "a"),
        shop.line("2024-01-01", 1, "b"),
        shop.line("2024-01-04", 1, "b"),
    ]
    events = [shop.event("2024-01-02", "mail"), shop.event("2026-01-01", "mail")]
    orders, mail = series(shop.log(lines, events).connect())
    assert (orders.name, orders.rows, orders.empty) == ("orders", 4, 2)
    assert orders.daily.tolist() == [2, 0, 0, 1]
    assert orders.daily.index[0] == pd.Timestamp("2024-01-01")
    assert (mail.name, mail.rows) == ("mail", 2)


def test_the_day_of_an_order_is_the_shops(shop: Any) -> None:
    lines = [shop.line("2024-01-01 23:30", 1, local="2024-01-02 00:30")]
    (orders,) = series(shop.log(lines).connect())
    assert orders.daily.index.tolist() == [pd.Timestamp("2024-01-02")]


def test_a_silence_is_found_with_whom_it_missed() -> None:
    days = daily([10.0] * 364)
    days["2024-05-01":"2024-05-03"] = 0.0
    assert gaps(days) == (Gap(pd.Timestamp("2024-05-01"), pd.Timestamp("2024-05-03"), 30.0),)
    assert gaps(days)[0].days == 3


def test_closed_sundays_are_no_silence() -> None:
    assert gaps(daily([50, 50, 50, 50, 50, 50, 0] * 52)) == ()


def test_a_shop_that_sells_now_and_then_is_not_silent_in_between() -> None:
    assert gaps(daily([1, 0, 0] * 120)) == ()


def test_a_mailing_once_a_month_leaves_no_silence_behind() -> None:
    assert gaps(daily(([200] + [0] * 29) * 12)) == ()


def test_a_change_of_level_is_dated_and_measured() -> None:
    days = daily([10.0] * 70 + [4.0] * 70)
    assert shift(days) == Shift(pd.Timestamp("2024-03-11"), 70.0, 28.0)


def test_growth_season_and_silence_are_no_change_of_level() -> None:
    assert shift(daily(np.linspace(20, 40, 364))) is None
    assert shift(daily([10.0] * 100 + [18.0] * 30 + [10.0] * 100)) is None
    days = daily([10.0] * 364)
    days["2024-05-01":"2024-06-15"] = 0.0
    assert shift(days) is not None
    assert shift(days, gaps(days)) is None


def test_doubling_from_month_to_month_is_growth_not_a_change_of_level() -> None:
    assert shift(daily(5 * 2 ** (np.arange(252) / 28))) is None
    assert shift(daily(5 * 2 ** (np.arange(252)[::-1] / 28))) is None


@pytest.mark.parametrize("weeks", [4, 6, 8])
def test_a_peak_of_a_few_weeks_is_no_change_of_level(weeks: int) -> None:
    christmas = [10.0] * 140 + [40.0] * (7 * weeks) + [10.0] * 140
    assert shift(daily(christmas)) is None


def test_a_higher_level_of_a_quarter_and_a_lower_one_of_six_weeks_are_changes() -> None:
    quarter = daily([10.0] * 140 + [40.0] * 91 + [10.0] * 140)
    assert shift(quarter) == Shift(quarter.index[140], 70.0, 280.0)
    # Half of the customers, for weeks, may be a part that is missing.
    missing = daily([40.0] * 140 + [10.0] * 42 + [40.0] * 140)
    assert shift(missing) == Shift(missing.index[140], 280.0, 70.0)


def test_a_season_that_comes_each_year_is_no_change_of_level() -> None:
    year = [10.0] * 203 + [40.0] * 91 + [10.0] * 70
    assert shift(daily(year)) is not None
    assert shift(daily(year * 2)) is None
    gap = [10.0] * 329 + [0.0] * 42 + [10.0] * 357  # of six weeks, on its quiet days
    shut = daily([a if b else 0.0 for a, b in zip(year * 2, gap, strict=True)])
    assert shift(shut, gaps(shut)) is None
    christmas = [10.0] * 315 + [40.0] * 42 + [10.0] * 7
    assert shift(daily(christmas + christmas[:350])) is None  # a log that ends in December


def test_a_change_of_level_beside_a_greater_peak_is_found() -> None:
    days = daily([10.0] * 140 + [60.0] * 42 + [10.0] * 140 + [25.0] * 140)
    assert shift(days) == Shift(days.index[322], 70.0, 175.0)


def test_a_few_orders_a_week_have_no_level() -> None:
    assert shift(daily([0.0] * 70 + [2.0] * 70)) is None


def test_hours_are_read_from_the_wall_clock_and_bare_dates_apart(shop: Any) -> None:
    lines = [
        shop.line("2024-01-01 17:15", 1, local="2024-01-01 18:15"),
        shop.line("2024-01-02 17:59", 1, local="2024-01-02 18:59"),
        shop.line("2024-01-03 08:00", 1, local="2024-01-03 09:00"),
        shop.line("2024-01-04 00:00", 1, local="2024-01-04 01:00"),
    ]
    found = hours(shop.log(lines).connect())
    assert found.counts == tuple({18: 2, 9: 1}.get(hour, 0) for hour in range(24))
    assert found.bare == 0.25


def test_the_quietest_five_hours_may_begin_before_midnight() -> None:
    quiet = {22, 23, 0, 1, 2}
    hours = Hours(tuple(1 if h in quiet else 9 for h in range(24)), 0.0)
    assert (hours.quietest, hours.night) == (22, pytest.approx(5 / (5 + 19 * 9)))
    alike = [Hours((lines,) * 24, 0.0).night for lines in (3, 0)]
    assert alike == pytest.approx([5 / 24, 5 / 24])
