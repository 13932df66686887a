"""The level after a cut-off, which a season is the ratio of two of, and how far it is believed."""

import numpy as np
import pandas as pd
import pytest

from training.rivals import recent_spend
from training.windows import season
from training.windows.stretch import Stretch

NOW = pd.Timestamp("2023-11-01")


def rows_of(ordered: int = 100, silent: int = 200) -> pd.DataFrame:
    """Snapshot rows of random customers; so many ordered afterwards, for 30."""
    rng = np.random.default_rng(8)
    n = ordered + silent
    T, x = rng.uniform(100, 300, n), rng.poisson(rng.gamma(2, 1.5, n)).astype(float)
    came = np.arange(n) < ordered
    return pd.DataFrame({
        "orders": x + 1, "frequency": x, "T_days": T,
        "recency_days": np.where(x > 0, T * rng.uniform(0, 0.8, n), T), "spend": 20.0 * (x + 1),
        "future_orders": came.astype(int), "future_spend": 30.0 * came, recent_spend(60): 10.0,
    })  # fmt: skip


def level_of(rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> season.Level | str:
    """Of 60 days after these rows."""
    monkeypatch.setattr(season, "customers_known", lambda *_: None)
    monkeypatch.setattr(season, "snapshot", lambda *_: rows)
    return season.level(None, NOW, 60)


def test_a_hundred_who_ordered_tell_a_level(monkeypatch: pytest.MonkeyPatch) -> None:
    found = level_of(rows_of(100), monkeypatch)
    assert isinstance(found, season.Level)
    assert found.over_recent == pytest.approx(100 * 30 / (300 * 10))
    assert level_of(rows_of(99), monkeypatch) == (
        "99 of 299 customers with an order before ordered in the 60 days from 2023-11-01, 100 "
        "needed"
    )


def test_a_level_is_of_customers_with_an_order(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rows_of()
    nobody = rows.iloc[:1].assign(orders=0, spend=np.nan, future_spend=1e4)
    nobody[["frequency", "T_days", "recency_days"]] = np.nan
    assert level_of(pd.concat([rows, nobody]), monkeypatch) == level_of(rows, monkeypatch)


def test_neither_a_slip_nor_what_was_returned_makes_a_level(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = rows_of()
    usual = level_of(rows, monkeypatch)
    assert isinstance(usual, season.Level)
    odd = rows.copy()
    odd.loc[0, "future_spend"], odd.loc[200, "spend"] = 1e9, -1e5
    found = level_of(odd, monkeypatch)
    assert isinstance(found, season.Level)
    assert found.spend[0] == pytest.approx(usual.spend[0], rel=0.02)


def test_where_nobody_had_spent_nothing_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rows_of()
    assert "nobody spent in the 60 days" in level_of(rows.assign(spend=0.0), monkeypatch)
    assert "nobody spent in the 60 days" in level_of(rows.assign(future_spend=0.0), monkeypatch)
    of_late = level_of(rows.assign(**{recent_spend(60): 0.0}), monkeypatch)
    assert isinstance(of_late, season.Level)
    assert of_late.over_recent is None


def test_where_no_power_tells_the_silences_there_is_no_level(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(season, "_power", lambda *_: None)
    assert level_of(rows_of(), monkeypatch) == (
        "another share came back in the 60 days from 2023-11-01 than the model could tell"
    )


def test_a_ratio_of_totals_knows_its_noise() -> None:
    ratio, noise = season._over(np.array([4.0, 0.0]), np.array([1.0, 1.0]))
    assert ratio == 2.0
    assert noise == pytest.approx((2**2 + 2**2) / 4**2)


def test_the_power_makes_the_expected_silences_the_realised_ones() -> None:
    ordered = np.repeat([1.0, 0.0], [75, 25])
    power, _ = season._power(ordered, np.full(100, 0.5))
    assert power == pytest.approx(2.0)  # .5 squared is .25
    noise = (75 * 0.25**2 + 25 * 0.75**2) / (100 * 0.25 * np.log(4)) ** 2
    assert season._power(ordered, np.full(100, 0.25)) == pytest.approx((1.0, noise))


def test_no_power_makes_an_unlikely_silence_likely() -> None:
    assert season._power(np.zeros(1_000), np.full(1_000, 1e-6)) is None
    assert season._power(np.repeat([0.0, 1.0], 500), np.full(1_000, 0.5)) == pytest.approx(
        (1.0, (1_000 * 0.25) / (1_000 * 0.5 * np.log(2)) ** 2)
    )


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


PLAIN = season.Level((1.0, 0.0), (1.0, 0.0), (1.0, 0.0))


def told(
    monkeypatch: pytest.MonkeyPatch,
    *levels: season.Level | str,
    years: int,
    mbg: tuple[season.Level | str, season.Level | str] = (PLAIN, PLAIN),
) -> season.Season:
    """Measured where the served model was off by these, one after the other, and `mbg` by those, in
    the days a year before those asked for and in all of that year.
    """
    left, others = iter(levels), iter(mbg)
    monkeypatch.setattr(season, "level", lambda *_: next(others))
    before = NOW - pd.Timedelta(days=60)
    start = NOW - (years + 1) * season.YEAR
    return season.measure(None, start, before, NOW, 60, 60, 90, lambda _: next(left))


def test_the_latest_year_that_tells_nothing_leaves_the_older_theirs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slack, peak = (season.Level((n, 0.0), (n, 0.0), (1.0, 0.0), 2.0) for n in (1.0, 1.5))
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

    def level(_: object, when: pd.Timestamp, days: int) -> season.Level | str:
        asked.append((when, days))
        off = 1.5 if days == 90 else 1.0
        return season.Level((off, 0.0), (off, 0.0), (off, 0.0))

    monkeypatch.setattr(season, "level", level)
    before, start = NOW - pd.Timedelta(days=60), NOW - 2 * season.YEAR
    own = season.Level((1.2, 0.0), (1.2, 0.0), (1.2, 0.0))
    given = None, start, before, NOW, 60, 90, 90
    found = season.measure(*given, lambda when: own).factor
    for factor in (found.orders, found.spend, found.churn_power):
        assert factor == pytest.approx(1.5**season.REPEATS, rel=0.05)
    assert {(NOW - season.YEAR, 60), (NOW - season.YEAR, 90)} <= {*asked}
    monkeypatch.setattr(season, "level", lambda _, when, days: level(_, when, days)
                        if days == 60 else "few ordered")  # fmt: skip
    none = season.measure(*given, lambda when: own)
    assert none.factor == Stretch()
    assert none.said.endswith("since a year earlier few ordered.")


def test_what_is_late_is_no_slack_end_of_the_year(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def level(_: object, when: pd.Timestamp, days: int) -> season.Level:
        asked.append((when, days))
        return PLAIN

    monkeypatch.setattr(season, "level", level)
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
    part = season.Level((2.0, 0.0), (1.0, 0.0), (1.0, 0.0))
    whole = season.Level((8.0, 0.0), (2.0, 0.0), (1.0, 0.0))
    found = told(monkeypatch, PLAIN, PLAIN, years=1, mbg=(part, whole))
    assert found.year == pytest.approx(2.0**season.REPEATS, rel=0.05)
    slack = season.Level((1.0, 0.0), (0.5, 0.0), (1.0, 0.0))  # what is asked for, a half
    found = told(monkeypatch, PLAIN, slack, years=1, mbg=(part, whole))
    assert found.year == pytest.approx(2.0**season.REPEATS * found.factor.spend, rel=0.05)
