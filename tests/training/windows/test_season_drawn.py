"""How far a season is believed, and which years, days and horizons tell it."""

import numpy as np
import pandas as pd
import pytest

from training.windows import deviation, season, splits
from training.windows.deviation import Deviation
from training.windows.stretch import Stretch

NOW = pd.Timestamp("2023-11-01")


def test_what_may_be_noise_is_drawn_towards_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(season, "MISFIT", 0.0)

    def factor(noise: float) -> float:
        return season._drawn([((1.0, noise / 2), (np.e, noise / 2))])

    repeats = season.REPEATS
    assert factor(0.0) == pytest.approx(np.exp(repeats))
    # a log ratio of 1 with a variance of 1/4
    assert factor(0.25) == pytest.approx(np.exp(0.75 * repeats))
    assert factor(1.0) == factor(4.0) == 1.0
    twice = season._drawn([((1.0, 0.125), (np.e, 0.125))] * 2)  # the mean of two years
    assert twice == pytest.approx(np.exp(0.875 * repeats))
    assert season._drawn([((1.0, 0.0), (50.0, 0.0))]) == season.MOST


def test_as_little_as_the_model_errs_by_is_no_season() -> None:
    def kept(log: float, years: int = 1) -> float:
        drawn = season._drawn([((1.0, 0.0), (np.exp(log), 0.0))] * years)
        return float(np.log(drawn) / season.REPEATS / log)

    assert kept(0.1) == pytest.approx(0.0, abs=1e-9)
    assert kept(0.2) == pytest.approx(0.75)
    assert kept(-0.2, years=2) == pytest.approx(0.875)  # each year errs in its own way
    assert kept(1.0) == pytest.approx(0.99)


PLAIN = Deviation((1.0, 0.0), (1.0, 0.0), (1.0, 0.0))


def told(
    monkeypatch: pytest.MonkeyPatch,
    *levels: Deviation | str,
    years: int,
    mbg: tuple[Deviation | str, Deviation | str] = (PLAIN, PLAIN),
) -> season.Season:
    """Measured where the served model was off by these, one after the other, and `mbg` by those, in
    the days a year before those asked for and in all of that year.
    """
    left, others = iter(levels), iter(mbg)
    monkeypatch.setattr(deviation, "by_mbg", lambda *_: next(others))
    before = NOW - pd.Timedelta(days=60)
    start = NOW - (years + 1) * season.YEAR
    return season.measure(None, start, before, NOW, 60, 60, 90, lambda _: next(left))


def test_the_latest_year_that_tells_nothing_leaves_the_older_theirs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slack, peak = (Deviation((n, 0.0), (n, 0.0), (1.0, 0.0), 2.0) for n in (1.0, 1.5))
    # the days calibrated on and those asked for of each year, the latest first
    asked = slack, "few ordered", slack, peak
    found = told(monkeypatch, *asked, years=2, mbg=("few ordered", slack))
    assert found.factor.spend == pytest.approx(1.5**season.REPEATS, rel=0.05)
    assert found.over_recent is None
    none = told(monkeypatch, "few ordered", slack, slack, "nobody spent", years=2)
    assert none.factor == Stretch()
    assert none.said.endswith("since a year earlier few ordered.")  # of the latest year


def test_a_horizon_beyond_the_window_is_carried_on_by_what_is_off_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of the days beyond the window MBG/NBD expects too little by half."""
    asked = []

    def level(_: object, when: pd.Timestamp, days: int) -> Deviation | str:
        asked.append((when, days))
        off = 1.5 if days == 90 else 1.0
        return Deviation((off, 0.0), (off, 0.0), (off, 0.0))

    monkeypatch.setattr(deviation, "by_mbg", level)
    before, start = NOW - pd.Timedelta(days=60), NOW - 2 * season.YEAR
    own = Deviation((1.2, 0.0), (1.2, 0.0), (1.2, 0.0))
    given = None, start, before, NOW, 60, 90, 90
    found = season.measure(*given, lambda when: own).factor
    for factor in (found.orders, found.spend, found.churn_power):
        assert factor == pytest.approx(1.5**season.REPEATS, rel=0.05)
    assert {(NOW - season.YEAR, 60), (NOW - season.YEAR, 90)} <= {*asked}
    monkeypatch.setattr(deviation, "by_mbg", lambda _, when, days: level(_, when, days)
                        if days == 60 else "few ordered")  # fmt: skip
    none = season.measure(*given, lambda when: own)
    assert none.factor == Stretch()
    assert none.said.endswith("since a year earlier few ordered.")


def test_what_is_late_is_no_slack_end_of_the_year(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def level(_: object, when: pd.Timestamp, days: int) -> Deviation:
        asked.append((when, days))
        return PLAIN

    monkeypatch.setattr(deviation, "by_mbg", level)
    before, start = NOW - pd.Timedelta(days=60), NOW - 2 * season.YEAR
    season.measure(None, start, before, NOW, 60, 60, 90, lambda when: PLAIN, None, 14)
    known = NOW - season.YEAR - pd.Timedelta(days=14)
    assert asked == [(known, 60), (known, 365), (NOW - season.YEAR, 60)]


def test_years_of_long_ago_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    found = told(monkeypatch, *[PLAIN] * 6, years=9)
    assert ", 3 years back," in found.said


def test_what_a_whole_year_spends_is_no_matter_of_its_orders(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Four times the orders to expect, and twice the spend."""
    part = Deviation((2.0, 0.0), (1.0, 0.0), (1.0, 0.0))
    whole = Deviation((8.0, 0.0), (2.0, 0.0), (1.0, 0.0))
    found = told(monkeypatch, PLAIN, PLAIN, years=1, mbg=(part, whole))
    assert found.year == pytest.approx(2.0**season.REPEATS, rel=0.05)
    slack = Deviation((1.0, 0.0), (0.5, 0.0), (1.0, 0.0))  # what is asked for, a half
    found = told(monkeypatch, PLAIN, slack, years=1, mbg=(part, whole))
    assert found.year == pytest.approx(2.0**season.REPEATS * found.factor.spend, rel=0.05)


def test_the_cut_offs_of_earlier_years_are_those_that_are_asked_for() -> None:
    days = pd.Timedelta(days=1)

    def asked(start: str, window: int = 60) -> set[pd.Timestamp]:
        starts = [NOW - i * window * days for i in (3, 2, 1)]
        train, calibration, test = (splits.Window(at, at + window * days) for at in starts)
        first = pd.Timestamp(start)
        plan = splits.Splits("full", window, window, 90, 90, first, NOW, (train,), calibration,
                             test, (test,))  # fmt: skip
        return season.cutoffs(plan)

    ago = {NOW - i * 60 * days - season.YEAR for i in (0, 1, 2)}
    latest = NOW - 120 * days - season.YEAR - 90 * days
    assert asked(f"{latest:%Y-%m-%d}") == ago
    assert asked(f"{latest + days:%Y-%m-%d}") == {at for at in ago if at > NOW - 480 * days}
    assert asked(f"{latest + 61 * days:%Y-%m-%d}") == set()
    assert asked(f"{latest - season.YEAR:%Y-%m-%d}") == ago | {at - season.YEAR for at in ago}
    assert asked("2000-01-01", 365) == set()


def test_a_season_goes_on_where_a_longer_horizon_ends() -> None:
    both = season.carried(Stretch(1.5, 1.6, 1.2, "BG/NBD"), Stretch(2.0, 0.5, 1.5, "season"))
    assert both == Stretch(3.0, 0.8, pytest.approx(1.8), "BG/NBD")
