"""How much of a window was seen, where days of it are lost."""

import numpy as np
import pandas as pd
import pytest

from features import engine
from training.fitting import fit
from training.prediction import blend
from training.prediction.blend import EXPERTS
from training.prediction.calibrated import Raw
from training.windows import exposure

T = pd.Timestamp
FIRST = T("2024-01-01")  # a Monday
JUNE = T("2024-06-01")


def days(usual: float = 40.0, count: int = 240) -> pd.Series:
    return pd.Series(usual, pd.date_range(FIRST, periods=count))


def test_of_a_window_without_a_lost_day_all_was_seen() -> None:
    found = exposure.Exposure(days())
    assert found.of(JUNE, 30) == 1.0
    assert found.lost(JUNE, 30) == found.everywhere() == ()


@pytest.mark.parametrize(("left", "seen"), [(0.0, 0.8), (4.0, 0.82)])
def test_days_on_which_hardly_anybody_came_are_lost(left: float, seen: float) -> None:
    """6 of 30 equal days, of which nothing or a tenth was recorded."""
    shop = days()
    shop["2024-06-10":"2024-06-15"] = left
    found = exposure.Exposure(shop)
    assert found.of(JUNE, 30) == pytest.approx(seen)
    (gap,) = found.lost(JUNE, 30)
    assert (gap.first, gap.last, gap.missed) == (
        T("2024-06-10"), T("2024-06-15"), pytest.approx(6 * (40 - left)),
    )  # fmt: skip
    assert found.everywhere() == (gap,)
    assert found.of(JUNE - pd.Timedelta(days=60), 30) == 1.0
    assert found.lost(T("2024-06-16"), 30) == ()
    assert [gap.first for gap in found.lost(T("2024-06-13"), 30)] == [T("2024-06-13")]
    assert found.of(T("2024-06-13 12:00"), 29) == found.of(T("2024-06-13"), 30)
    half_inside = found.of(T("2024-06-13"), 30)
    assert half_inside == pytest.approx(1 - (1 - left / 40) * 3 / 30)


def test_a_lost_day_weighs_as_much_as_its_weekday() -> None:
    """Saturdays bring three times as much, Sundays nothing: Monday to Saturday are a week."""
    shop = days()
    shop[shop.index.day_of_week == 5] = 120.0
    shop[shop.index.day_of_week == 6] = 0.0
    shop["2024-06-10":"2024-06-15"] = 0.0
    found = exposure.Exposure(shop)
    assert found.of(T("2024-06-03"), 28) == pytest.approx(0.75)
    assert [gap.days for gap in found.lost(T("2024-06-03"), 28)] == [6]


@pytest.mark.parametrize(
    ("usual", "last"),
    [(40.0, "2024-06-12"), (2.0, "2024-06-15")],
    ids=["three days are a holiday", "in a small shop six days may be chance"],
)
def test_what_may_be_something_else_is_no_loss(usual: float, last: str) -> None:
    shop = days(usual)
    shop["2024-06-10":last] = 0.0
    assert exposure.Exposure(shop).of(JUNE, 30) == 1.0


def test_four_days_are_lost_though_the_shop_is_closed_between_them() -> None:
    """Thursday to Tuesday; and of a shop that is closed on Sundays alone Saturday to Tuesday."""
    shop = days()
    shop[shop.index.day_of_week >= 5] = 0.0
    shop["2024-06-13":"2024-06-18"] = 0.0
    assert exposure.Exposure(shop).of(T("2024-06-03"), 28) == pytest.approx(0.8)
    three = days()
    three[three.index.day_of_week == 6] = 0.0
    three["2024-06-15":"2024-06-18"] = 0.0
    assert exposure.Exposure(three).of(T("2024-06-03"), 28) == 1.0


def test_low_days_are_a_slack_season_where_a_fifth_came_throughout() -> None:
    shop = days()
    shop["2024-06-10":"2024-06-19"] = 8.0
    assert exposure.Exposure(shop).of(JUNE, 30) == 1.0


def test_a_shop_that_never_was_as_large_again_is_at_another_level() -> None:
    shop = days()
    shop["2024-06-10":"2024-06-15"] = 0.0
    shop["2024-06-16":] = 12.0
    assert exposure.Exposure(shop).of(JUNE, 30) == 1.0


def test_customers_who_come_in_batches_hide_a_silence() -> None:
    rng = np.random.default_rng(7)
    shop = days()
    shop[:] = np.where(rng.random(len(shop)) < 0.1, 400.0, 0.0)
    shop["2024-06-10":"2024-06-15"] = 0.0
    assert exposure.Exposure(shop).of(JUNE, 30) == 1.0


def test_growth_and_a_slack_season_are_no_loss() -> None:
    shop = days()
    shop[:] = (
        40.0 * np.exp(np.arange(len(shop)) / 60) * (1 + 0.5 * np.sin(np.arange(len(shop)) / 9))
    )
    assert exposure.Exposure(shop).of(JUNE, 30) == 1.0


@pytest.mark.parametrize("times", [5, 6, 10, 15])
@pytest.mark.parametrize("at", ["2024-06-05", "2024-06-20"])
def test_another_level_is_no_loss(times: int, at: str) -> None:
    """A season that ended within the window, or began."""
    fallen, risen, peak = days(), days(), days()
    fallen[at:] /= times
    risen[at:] *= times
    peak["2024-05-20":at] *= times
    for shop in (fallen, risen, peak):
        assert exposure.Exposure(shop).of(JUNE, 30) == 1.0
        assert exposure.Exposure(shop).of(JUNE, 70) == 1.0


def test_what_lies_between_two_peaks_is_no_loss() -> None:
    shop = days()
    shop["2024-06-01":"2024-06-05"] *= 10
    shop["2024-06-16":"2024-06-24"] *= 10
    assert exposure.Exposure(shop).of(JUNE, 30) == 1.0


@pytest.mark.parametrize("lost", [22, 35, 45, 58])
def test_a_long_outage_does_not_make_its_own_usual_day(lost: int) -> None:
    shop = days()
    shop[T("2024-05-10") : T("2024-05-10") + pd.Timedelta(days=lost - 1)] = 0.0
    found = exposure.Exposure(shop)
    assert found.of(T("2024-05-05"), 90) == pytest.approx(1 - lost / 90)
    assert found.of(T("2024-05-12"), 20) == exposure.LEAST  # all of it lies inside


def test_a_day_on_which_some_came_does_not_end_an_outage() -> None:
    shop = days()
    shop["2024-06-10":"2024-06-16"] = [0.0, 0.0, 0.0, 11.0, 0.0, 0.0, 0.0]
    assert exposure.Exposure(shop).of(JUNE, 30) == pytest.approx((23 * 40 + 11) / (29 * 40 + 11))


def test_a_shop_that_is_ended_is_another_level() -> None:
    for closed in ([], [6]):
        shop = days(count=400)
        shop[shop.index.day_of_week.isin(closed)] = 0.0
        shop["2024-06-10":] = 0.0
        assert exposure.Exposure(shop).of(T("2024-09-01"), 90) == 1.0


def test_nearly_everything_lost_tells_no_more_than_the_least() -> None:
    shop = days()
    shop["2024-06-02":"2024-06-28"] = 0.0
    assert exposure.Exposure(shop).of(JUNE, 30) == exposure.LEAST


def test_what_was_not_recorded_before_now_is_lost_too() -> None:
    """Ten customers on each day until 20 June, asked on 1 July: 20 of 30 days were seen."""
    backend = engine.connect()
    backend.con.execute(
        "CREATE TABLE orders AS SELECT 'c' || i AS customer_id, day AS moment, day AS local "
        "FROM range(10) r(i), range(TIMESTAMP '2024-01-01', TIMESTAMP '2024-06-21', INTERVAL 1 DAY)"
        " s(day)"
    )
    found = exposure.measure(backend, T("2024-07-01"))
    assert found.of(T("2024-06-01"), 30) == pytest.approx(20 / 30)
    assert found.of(T("2024-05-01"), 30) == 1.0
    assert exposure.measure(backend, T("2024-06-21")).of(T("2024-05-22"), 30) == 1.0


@pytest.mark.parametrize("seen", [1.0, 0.6])
def test_what_is_calibrated_on_a_part_of_a_window_holds_for_all_of_it(seen: float) -> None:
    """Customers of constant rates, of whose orders the part `seen` was recorded."""
    rng = np.random.default_rng(7)
    rate = rng.gamma(1.0, 1.5, 20_000)
    worth = rng.lognormal(3, 0.5, 20_000)
    raw = Raw(
        np.log(1 / np.expm1(rate)),  # the logit of exp(-rate)
        np.repeat((rate * worth)[:, None], len(EXPERTS), axis=1),
        rate,
        np.zeros((20_000, 2)),
        np.ones(20_000, bool),
    )
    came, all_of_it = (rng.poisson(rate * part).astype(float) for part in (seen, 1.0))
    window = pd.DataFrame({"future_orders": came, "future_spend": came * worth, "exposure": seen})
    learned, bands = fit.calibrate(raw, window, 0.8)
    churned = blend.churn(raw.churn_logit, learned)
    spend = blend.spend(raw.experts, churned, learned)
    assert churned.mean() == pytest.approx((all_of_it == 0).mean(), abs=0.01)
    assert spend.sum() == pytest.approx((all_of_it * worth).sum(), rel=0.03)
    assert blend.orders(rate, churned, learned).sum() == pytest.approx(all_of_it.sum(), rel=0.05)
    assert learned.most_orders * seen == 2 * came.max()  # what bounds it is of all of it too
    low, _, high = bands.interval(spend, churned)
    outside = (all_of_it * worth < low) | (all_of_it * worth > high)
    assert 0.1 < outside.mean() < 0.2


def test_nothing_after_a_window_tells_how_much_of_it_was_seen() -> None:
    shop = days()
    shop["2024-06-10":"2024-06-15"] = 0.0
    later = shop.copy()
    later["2024-07-01":] = np.random.default_rng(7).poisson(400, len(later["2024-07-01":]))
    ends = [JUNE + pd.Timedelta(days=d) for d in range(-20, 1)]
    whole, cut, changed = (exposure.Exposure(x) for x in (shop, shop[:"2024-06-30"], later))
    told = [[e.of(at, 30) for at in ends] for e in (whole, cut, changed)]
    assert told[0] == told[1] == told[2]
    assert min(told[0]) == pytest.approx(0.8)


@pytest.mark.parametrize("a_day", [0.2, 0.3, 0.4, 0.6, 1.0])
def test_where_hardly_a_customer_a_day_is_usual_days_without_any_are_no_outage(
    a_day: float,
) -> None:
    index = pd.date_range("2021-01-01", periods=3 * 365)
    for seed in range(20):
        steady = pd.Series(np.random.default_rng(seed).poisson(a_day, len(index)) * 1.0, index)
        assert exposure.Exposure(steady).everywhere() == ()
