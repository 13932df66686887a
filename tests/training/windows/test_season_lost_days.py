"""A season where days were not recorded: neither slack days nor a slack year."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from features import sources
from features.settings import config
from training.windows import deviation, exposure, season
from training.windows.deviation import Deviation

FIRST_DAY = pd.Timestamp("2021-09-01")
NOW = pd.Timestamp("2023-11-01")
PEAK = 1.8


def told(connection: object) -> season.Served:
    """MBG/NBD's deviations, in place of a served model's."""
    return lambda when: deviation.by_mbg(connection, when, 60)


@pytest.mark.slow
def test_a_day_lost_a_year_ago_is_no_slack_season(shop: Callable[[float], Path]) -> None:
    """A sixth of what the days calibrated on brought a year ago was not recorded."""
    lost = exposure.Exposure(pd.Series(10.0, pd.date_range(FIRST_DAY, NOW)))
    at = (NOW - pd.Timedelta(days=60)) - season.YEAR
    lost.daily[at : at + pd.Timedelta(days=9)] = 0.0
    assert lost.of(at, 60) == pytest.approx(5 / 6)
    connection = sources.load(config.load(shop(PEAK)), NOW).connection
    begun = NOW - pd.Timedelta(days=60)
    asked = connection, FIRST_DAY, begun, NOW, 60, 60, 90, told(connection)
    plain, seen = season.measure(*asked), season.measure(*asked, lost)
    before = deviation.by_mbg(connection, at, 60)
    assert before is not None
    of_all = before.carried(5 / 6)
    assert of_all.spend == (pytest.approx(before.spend[0] * 1.2), before.spend[1])
    assert of_all.churn_power == (pytest.approx(before.churn_power[0] * 1.2), before.churn_power[1])
    for name in ("orders", "spend", "churn_power"):  # and a smaller factor is trusted less
        ratio = getattr(plain.factor, name) / getattr(seen.factor, name)
        assert 1.2**season.REPEATS * 0.99 < ratio < 1.25
    assert seen.year < plain.year
    assert "closure" not in seen.said


def test_days_lost_within_the_year_are_no_slack_year(
    shop: Callable[[float], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two months of the year were not recorded, none of those calibrated on."""
    lost = exposure.Exposure(pd.Series(10.0, pd.date_range(FIRST_DAY, NOW)))
    lost.daily["2023-03-01":"2023-04-29"] = 0.0
    before = NOW - pd.Timedelta(days=60)
    seen = lost.of(before - season.YEAR, season.YEAR_DAYS)
    assert seen < 0.85
    sure = 0.0001

    def level(_: object, __: pd.Timestamp, days: int) -> Deviation:
        came = seen if days == season.YEAR_DAYS else 1.0
        return Deviation((came, sure), (came, sure), (1.0, sure))

    monkeypatch.setattr(deviation, "by_mbg", level)
    connection = sources.load(config.load(shop(1.0)), NOW).connection
    asked = connection, FIRST_DAY, before, NOW, 60, 60, 90, told(connection)
    found = season.measure(*asked, lost)
    assert found.year == pytest.approx(1.0)


@pytest.mark.slow
def test_days_lost_a_year_before_those_asked_for_are_named(shop: Callable[[float], Path]) -> None:
    days = pd.Series(10.0, pd.date_range(FIRST_DAY, NOW))
    days["2022-11-20":"2022-11-25"] = 0.0
    connection = sources.load(config.load(shop(PEAK)), NOW).connection
    begun = NOW - pd.Timedelta(days=60)
    asked = connection, FIRST_DAY, begun, NOW, 60, 60, 90, told(connection)
    plain, named = season.measure(*asked), season.measure(*asked, exposure.Exposure(days))
    assert named.said == plain.said + (
        " Hardly anybody ordered 2022-11-20 to 2022-11-25: taken for a closure that comes again."
    )
    assert named.factor == plain.factor
