"""Where a log begins: `of` on tables; `begin` has its examples."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features import beginning, sources
from features.settings import config
from training.windows import splits

FIRST = pd.Timestamp("2024-03-01")


def lines(shop: Any, count: int = 300) -> list[dict[str, Any]]:
    """Six lines a day from `FIRST` on."""
    return [shop.line(FIRST + pd.Timedelta(hours=4 * i), 10.0) for i in range(count)]


@pytest.mark.parametrize(
    ("alone", "begins"),
    [
        ([], "2024-03-01"),
        (["1900-01-01 13:00"], "2024-03-01"),
        (["1900-01-01", "1970-01-01"], "1970-01-01"),  # one of 302 is less than one in 200
        (["1900-01-01", "1900-01-02"], "1900-01-01"),  # two are more
        (["2023-03-02"], "2023-03-02"),  # a year before, and no day more
        (["2023-03-01"], "2024-03-01"),
        (["2024-05-01"], "2024-03-01"),  # after the rest
    ],
)
def test_lone_lines_long_before_all_others_do_not_begin_a_log(
    shop: Any, alone: list[str], begins: str
) -> None:
    log = shop.log([*lines(shop), *(shop.line(when, 10.0) for when in alone)])
    assert beginning.of(log.connect()) == pd.Timestamp(begins)


def test_lone_lines_are_fewer_than_one_in_two_hundred_however_often_they_pause() -> None:
    days = pd.DatetimeIndex(["1900-01-01", "1970-01-01", "2024-03-01"])

    def begins(*lines: int) -> pd.Timestamp:
        return beginning.begin(pd.Series(lines, days[-len(lines) :]))

    assert begins(1, 199) == days[1]
    assert begins(1, 200) == begins(1, 1, 500) == days[2]


def test_a_log_of_one_line_begins_with_it(shop: Any) -> None:
    assert beginning.of(shop.log(lines(shop, 1)).connect()) == FIRST


def test_no_window_looks_at_the_time_before(
    experiment_text: Callable[..., str], tmp_path: Path
) -> None:
    days = pd.date_range(FIRST, periods=300).strftime("%Y-%m-%d")
    rows = [f"{i % 40},{day},5" for i, day in enumerate(days)]
    experiment = config.parse(experiment_text(), tmp_path / "shop.toml")

    def planned(*more: str) -> splits.Splits:
        text = "\n".join(["who,when,paid", *rows, *more])
        (tmp_path / "orders.csv").write_text(text)
        return splits.planned(experiment, sources.load(experiment), None)

    assert planned("3,1900-01-01,5") == planned()
