import pytest

from features.lenses import occasions
from features.spec import FeatureSpec

PARTS = ("weekend_share", "night_share", "morning_share", "afternoon_share", "evening_share")
WEEK = ("monday_share", "tuesday_share", "wednesday_share", "thursday_share", "friday_share",
        "saturday_share", "sunday_share")  # fmt: skip
QUARTERS = ("quarter_1_share", "quarter_2_share", "quarter_3_share", "quarter_4_share")


def test_every_feature_of_a_small_history_computed_by_hand(shop):
    line = shop.line
    rows = [
        line("2023-12-24 10:00", 30),  # a Sunday, in the week before Christmas
        line("2024-04-01 19:00", 10),  # a Monday, the day after Easter
        line("2024-05-02 05:00", 60),  # a Thursday
        line("2024-05-07 05:00", -20),  # a return: neither an order nor paid
        line("2024-05-08 12:00", 0),  # a Wednesday
    ]
    expected = {
        "weekend_share": 0.25,
        **dict.fromkeys(WEEK, 0.0),
        "monday_share": 0.25,
        "wednesday_share": 0.25,
        "thursday_share": 0.25,
        "sunday_share": 0.25,
        "night_share": 0.25,
        "morning_share": 0.25,
        "afternoon_share": 0.25,
        "evening_share": 0.25,
        "quarter_1_share": 0.0,
        "quarter_2_share": 0.75,
        "quarter_3_share": 0.0,
        "quarter_4_share": 0.25,
        "occasion_share_christmas": 0.3,
        "occasion_recency_christmas": 159 + 14 / 24,
        "occasion_share_easter": 0.1,
        "occasion_recency_easter": 60 + 5 / 24,
        "occasion_share_children_s_day": 0.0,
        "occasion_recency_children_s_day": None,
        "occasion_recency": 60 + 5 / 24,
    }
    found = shop.features(orders=rows)
    assert [f.name for f in occasions.features(shop.spec)] == list(expected)
    for name, value in expected.items():
        close = value if value is None else pytest.approx(value, rel=1e-12)
        assert (name, found[name]) == (name, close)


@pytest.mark.parametrize(
    ("local", "part"),
    [("00:00", "night"), ("05:59", "night"), ("06:00", "morning"), ("11:59", "morning"),
     ("12:00", "afternoon"), ("17:59", "afternoon"), ("18:00", "evening"), ("23:59", "evening")],
)  # fmt: skip
def test_a_part_of_the_day_begins_at_its_hour(shop, local, part):
    found = shop.features(orders=[shop.line(f"2024-05-08 {local}", 1)])
    assert [name for name in PARTS if found[name] == 1.0] == [f"{part}_share"]


@pytest.mark.parametrize(
    ("local", "weekend"),
    [("2024-05-10 23:59", 0.0), ("2024-05-11 00:00", 1.0), ("2024-05-12 23:59", 1.0),
     ("2024-05-13 00:00", 0.0)],
)  # fmt: skip
def test_the_weekend_is_saturday_and_sunday(shop, local, weekend):
    assert shop.features(orders=[shop.line(local, 1)])["weekend_share"] == weekend


def test_the_clock_is_the_local_one(shop):
    # 22:30 UTC on a Friday is half past midnight on Saturday in Berlin.
    friday = shop.line("2024-05-10 22:30", 1, local="2024-05-11 00:30")
    found = shop.features(orders=[friday])
    assert [found[name] for name in PARTS] == [1.0, 1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("day", range(7))
def test_each_weekday_has_its_share_by_the_local_clock(shop, day):
    # 2024-05-06 was a Monday; half past eleven at night in UTC is the next day in Berlin.
    bought = shop.line(f"2024-05-{5 + day:02} 23:30", 1, local=f"2024-05-{6 + day:02} 01:30")
    found = shop.features(orders=[bought, shop.line("2024-05-13", -1)])
    assert [found[name] for name in WEEK] == [float(day == other) for other in range(7)]


@pytest.mark.parametrize(
    ("local", "quarter"),
    [("2024-01-01 00:00", 1), ("2024-03-31 23:59", 1), ("2024-04-01 00:00", 2),
     ("2023-06-30 23:59", 2), ("2023-07-01 00:00", 3), ("2023-12-31 23:59", 4)],
)  # fmt: skip
def test_a_quarter_is_one_of_the_calendar_year_in_any_year(shop, local, quarter):
    found = shop.features(orders=[shop.line("2024-02-01", 1, local=local)])
    assert [name for name in QUARTERS if found[name] == 1.0] == [f"quarter_{quarter}_share"]


@pytest.mark.parametrize(
    ("local", "share"),
    [("2024-03-28 23:59", 0.0), ("2024-03-29 00:00", 1.0), ("2024-04-01 23:59", 1.0),
     ("2024-04-02 00:00", 0.0)],
)  # fmt: skip
def test_an_occasion_spans_its_days_before_and_after_by_the_local_clock(shop, local, share):
    bought = shop.line("2024-03-31 06:00", 1, local=local)
    assert shop.features(orders=[bought])["occasion_share_easter"] == share


def test_an_occasion_comes_round_on_each_of_its_dates(shop):
    rows = [shop.line(f"{year}-12-20", 1) for year in (2021, 2022, 2023)]
    found = shop.features(orders=rows)
    assert found["occasion_share_christmas"] == pytest.approx(2 / 3)
    assert found["occasion_recency"] == found["occasion_recency_christmas"] == 164.0
    assert found["occasion_recency_easter"] is None


def test_without_a_purchase_around_an_occasion_its_recency_is_unknown(shop):
    found = shop.features(orders=[shop.line("2024-05-01", 0)])
    assert (found["occasion_recency"], found["occasion_share_easter"]) == (None, None)
    assert found["occasion_recency_easter"] is None
    assert found["night_share"] == 1.0


def test_a_gift_that_was_free_was_bought_for_its_occasion_and_a_return_was_not(shop):
    rows = [shop.line("2023-12-20", 0), shop.line("2024-03-30", -5)]
    found = shop.features(orders=rows)
    assert found["occasion_recency_christmas"] == 164.0
    assert found["occasion_recency_easter"] is None


def test_without_occasions_the_clock_remains():
    assert [f.name for f in occasions.features(FeatureSpec())] == [
        PARTS[0],
        *WEEK,
        *PARTS[1:],
        *QUARTERS,
    ]


def test_what_comes_round_once_a_year_says_that_it_needs_a_year(shop):
    windows = {f.name: f.window for f in occasions.features(shop.spec)}
    named = ("christmas", "easter", "children_s_day")
    yearly = {*QUARTERS, *(f"occasion_recency_{name}" for name in named)}
    assert {name for name, window in windows.items() if window == 365} == yearly
    assert {windows[name] for name in windows if name not in yearly} == {0}
