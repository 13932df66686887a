import pytest

from features import occasions
from features.spec import FeatureSpec

DAY = ("weekend_share", "night_share", "morning_share", "afternoon_share", "evening_share")


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
        "night_share": 0.25,
        "morning_share": 0.25,
        "afternoon_share": 0.25,
        "evening_share": 0.25,
        "occasion_share_christmas": 0.3,
        "occasion_share_easter": 0.1,
        "occasion_share_children_s_day": 0.0,
        "occasion_recency": 60 + 5 / 24,
    }
    found = shop.features(orders=rows)
    assert [f.name for f in occasions.features(shop.spec)] == list(expected)
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("local", "part"),
    [("00:00", "night"), ("05:59", "night"), ("06:00", "morning"), ("11:59", "morning"),
     ("12:00", "afternoon"), ("17:59", "afternoon"), ("18:00", "evening"), ("23:59", "evening")],
)  # fmt: skip
def test_a_part_of_the_day_begins_at_its_hour(shop, local, part):
    found = shop.features(orders=[shop.line(f"2024-05-08 {local}", 1)])
    assert [name for name in DAY if found[name] == 1.0] == [f"{part}_share"]


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
    assert [found[name] for name in DAY] == [1.0, 1.0, 0.0, 0.0, 0.0]


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
    assert found["occasion_recency"] == 164.0


def test_without_a_purchase_around_an_occasion_its_recency_is_unknown(shop):
    found = shop.features(orders=[shop.line("2024-05-01", 0)])
    assert (found["occasion_recency"], found["occasion_share_easter"]) == (None, None)
    assert found["night_share"] == 1.0


def test_without_occasions_the_clock_remains():
    assert [f.name for f in occasions.features(FeatureSpec())] == list(DAY)
