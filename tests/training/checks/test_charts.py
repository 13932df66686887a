"""Charts as text: shapes where the figures put them, words that are escaped."""

import re

import pandas as pd

from features.rhythm import Gap
from training.checks import charts


def test_a_line_reaches_its_top_and_a_silence_is_shaded() -> None:
    daily = pd.Series([5.0, 10.0, 0.0, 0.0, 5.0], pd.date_range("2024-01-01", periods=5))
    drawn = charts.days(daily, [Gap(daily.index[2], daily.index[3], 20.0)], "a<b")
    # Heights of 38 below an edge of 2: the top at 2, half of it at 21, nothing at 40.
    assert (
        'points="0,40 0.00,21.00 25.00,2.00 50.00,40.00 75.00,40.00 100.00,21.00 100,40"' in drawn
    )
    # Two days of four steps, from half a day before the first.
    assert '<rect class="gap" x="37.50" y="0" width="50.00" height="40"/>' in drawn
    assert "a&lt;b: customers a day, at most 10" in drawn
    assert "a<b" not in drawn
    assert 'aria-label="a&lt;b: customers a day from 2024-01-01 to 2024-01-05, at most 10' in drawn


def test_a_long_history_is_drawn_by_means_of_weeks() -> None:
    daily = pd.Series([7.0] + [0.0] * 6, pd.date_range("2024-01-01", periods=7))
    long = pd.concat([daily] * 60)
    long.index = pd.date_range("2024-01-01", periods=420)
    drawn = charts.days(long, [], "orders")
    assert "customers a day, means of weeks, at most 1" in drawn
    points = re.search(r'points="([^"]*)"', drawn)
    assert points is not None
    assert len(points[1].split()) == 60 + 2


def test_bars_are_as_high_as_their_counts() -> None:
    drawn = charts.columns([1, 0, 2], "how many", "one, none, two", ["1", "2", "3"])
    found = re.findall(r'y="([\d.]+)" width="26.67" height="([\d.]+)"', drawn)
    assert found == [("21.00", "19.00"), ("40.00", "0.00"), ("2.00", "38.00")]
    assert '<div class="ends each" aria-hidden="true"><span>1</span>' in drawn
    assert '<div class="ends" ' in charts.columns([1, 2, 3], "", "", ["left", "right"])
    counted = charts.columns([18_013, 3], "", "", ["1", ""])
    assert "<span>18k</span><span></span></div><svg" in counted  # where a bar has a name


def test_a_lying_bar_keeps_to_its_cell() -> None:
    widths = [charts.bar(share) for share in (0.25, 1.7, -1.0, float("nan"))]
    assert [re.search(r"width:([\d.]+)%", bar)[1] for bar in widths] == [  # type: ignore[index]
        "25.0", "100.0", "0.0", "0.0",
    ]  # fmt: skip


def test_windows_lie_where_they_lie_in_the_history() -> None:
    start, end = pd.Timestamp("2024-01-01"), pd.Timestamp("2024-04-10")  # 100 days
    window = (pd.Timestamp("2024-01-11"), pd.Timestamp("2024-01-31"))
    drawn = charts.spans([("train", [window])], start, end)
    assert '<rect class="bar" x="10.00" y="1" width="20.00" height="8"/>' in drawn
    assert 'aria-label="train: 2024-01-11 to 2024-01-31"' in drawn
