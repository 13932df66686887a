"""The season ahead: told from the same days a year earlier, or said to be unknown."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from features import sources
from features.errors import FitError
from features.settings import config
from features.snapshot import snapshot
from features.spec import FeatureSpec
from features.spine import customers_known
from training import run
from training.btyd.bg_nbd import MbgNbd
from training.rivals import histories
from training.screen import Screen
from training.windows import deviation, season
from training.windows.deviation import Deviation
from training.windows.stretch import Stretch

FIRST_DAY = pd.Timestamp("2021-09-01")
NOW = pd.Timestamp("2023-11-01")
PEAK = 1.8


def snapshot_of(file: Path, cutoff: pd.Timestamp) -> pd.DataFrame:
    connection = sources.load(config.load(file), NOW).connection
    return snapshot(connection, FeatureSpec(), customers_known(connection, [cutoff]), 60)


def told(connection: object) -> season.Served:
    """MBG/NBD's levels, in place of a served model's."""
    return lambda when: deviation.by_mbg(connection, when, 60)


def measured(file: Path, start: pd.Timestamp = FIRST_DAY) -> season.Season:
    read = sources.load(config.load(file), NOW)
    before = NOW - pd.Timedelta(days=60)
    return season.measure(read.connection, start, before, NOW, 60, 60, 90, told(read.connection))


@pytest.mark.slow
def test_a_known_season_is_found_a_year_earlier(shop: Callable[[float], Path]) -> None:
    found = measured(shop(PEAK))
    # September and October to November and December: from 1 to PEAK; MBG/NBD, which was fitted on
    # the slack season, takes the silence for leaving, and shrinking takes a little off.
    assert found.factor.orders == pytest.approx(PEAK, rel=0.2)
    assert found.factor.spend == pytest.approx(PEAK, rel=0.2)
    assert found.factor.churn_power > 1.15
    assert (found.of_churn, found.of_spend) == (True, True)
    assert found.said == (
        "Calibrated on 2023-09-02 to 2023-11-01, asked for 2023-11-01 to 2023-12-31: seasonal "
        f"factor {found.factor.orders:.2f} of orders and {found.factor.spend:.2f} of spend, by "
        "the same days a year earlier, drawn towards 1 by their noise and by 15%, as no year is "
        "quite like another."
    )


@pytest.mark.slow
def test_the_naive_rule_of_a_year_ago_is_told_from_the_file_alone(
    shop: Callable[[float], Path], tmp_path: Path
) -> None:
    found = measured(shop(PEAK)).over_recent
    lines = pd.read_csv(tmp_path / "orders.csv", parse_dates=["when"])
    cutoff = NOW - season.YEAR
    known = lines[lines.who.isin(lines[lines.when < cutoff].who)]
    days = (known.when - cutoff).dt.days
    came, before = known[days.between(0, 59)].paid.sum(), known[days.between(-30, -1)].paid.sum()
    assert found == pytest.approx(came / before)
    assert found > 2.5  # sixty days of the peak over thirty before it
    assert measured(tmp_path / "shop.toml", pd.Timestamp("2022-06-05")).over_recent is None


def test_where_no_season_is_none_is_found(shop: Callable[[float], Path]) -> None:
    found = measured(shop(1.0))
    assert found.factor.orders == pytest.approx(1.0, abs=0.08)
    assert found.factor.spend == pytest.approx(1.0, abs=0.08)
    assert (found.of_churn, found.of_spend) == (True, True)  # told: no difference


@pytest.mark.slow
def test_a_history_without_the_year_corrects_nothing_and_says_so(
    shop: Callable[[float], Path],
) -> None:
    # A year before the calibration window began is 2022-09-02; 90 days of history before that.
    missing = measured(shop(PEAK), pd.Timestamp("2022-06-05"))
    assert missing.factor == Stretch()
    assert (missing.of_churn, missing.of_spend) == (False, False)
    assert missing.said == (
        "Calibrated on 2023-09-02 to 2023-11-01, asked for 2023-11-01 to 2023-12-31: another "
        "season, and nothing corrects for it, since the history (from 2022-06-05) does not hold "
        "both a year earlier."
    )
    assert measured(shop(PEAK), pd.Timestamp("2022-06-04")).factor != Stretch()


def test_few_customers_tell_no_season(
    shop: Callable[[float], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = shop(PEAK)
    monkeypatch.setattr(deviation, "LEAST_CUSTOMERS", 10_000)
    found = measured(file)
    assert found.factor == Stretch()
    assert "since a year earlier " in found.said
    assert found.said.endswith(", 10000 needed.")


@pytest.mark.slow
def test_only_years_that_were_used_are_counted(shop: Callable[[float], Path]) -> None:
    # So early a start has room for two pairs of years, and the shop's first holds no order.
    found = measured(shop(PEAK), FIRST_DAY - pd.Timedelta(days=400))
    assert found.factor.orders > 1
    assert "by the same days a year earlier, drawn towards 1" in found.said


@pytest.mark.slow
def test_customers_of_one_habit_tell_their_season_too(
    tmp_path: Path, experiment_text: Callable[..., str]
) -> None:
    """All buy at the same rate and nobody leaves: the likelihood of MBG/NBD has no maximum."""
    rng = np.random.default_rng(8)
    calendar = pd.date_range(FIRST_DAY, periods=850)
    rate = np.where(calendar.month.isin([11, 12]), PEAK, 1.0) / 60
    rows = [
        (f"C{customer}", calendar[day], 10.0 + day % 7)
        for customer in range(600)
        for day in np.flatnonzero(rng.random(850) < -np.expm1(-rate))
    ]
    pd.DataFrame(rows, columns=["who", "when", "paid"]).to_csv(tmp_path / "orders.csv", index=False)
    (tmp_path / "shop.toml").write_text(experiment_text(name="seasonal", horizon_days=60))
    frame = snapshot_of(tmp_path / "shop.toml", NOW - season.YEAR)
    with pytest.raises(FitError):
        MbgNbd.fit(*histories(frame))
    found = measured(tmp_path / "shop.toml")
    assert found.factor.orders == pytest.approx(PEAK**season.REPEATS, rel=0.1)
    assert found.factor.spend == pytest.approx(PEAK**season.REPEATS, rel=0.1)
    # 92 customers had no order in the peak of a year ago: of silences nothing is told
    silent = int((snapshot_of(tmp_path / "shop.toml", NOW - season.YEAR).future_orders == 0).sum())
    assert silent < deviation.LEAST_CUSTOMERS
    assert found.factor.churn_power == 1.0
    assert (found.of_churn, found.of_spend) == (False, True)


@pytest.mark.slow
def test_a_year_with_a_peak_is_above_its_slack_days(shop: Callable[[float], Path]) -> None:
    # September and October, against ten months of 1 and two of the peak
    assert measured(shop(4.0)).year == pytest.approx(1.5**season.REPEATS, rel=0.12)
    assert measured(shop(1.0)).year == pytest.approx(1.0, abs=0.12)


def test_a_year_of_few_silences_leaves_those_of_the_others(
    shop: Callable[[float], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, thin = (1.0, 0.001), (1.0, np.inf)
    low, high = (Deviation(plain, plain, (power, 0.001)) for power in (1.0, 0.5))
    unknown = Deviation(plain, plain, thin)
    # the latest year first, calibrated and ahead; then those asked for and the whole of it
    said = iter([unknown, high, low, high, low, high, high, low])
    monkeypatch.setattr(deviation, "by_mbg", lambda *_: next(said))
    one = measured(shop(1.0), NOW - 4 * season.YEAR).factor.churn_power
    assert one == pytest.approx(0.5**season.REPEATS, rel=0.02)
    monkeypatch.setattr(deviation, "by_mbg", lambda *_: unknown)
    assert measured(shop(1.0), NOW - 4 * season.YEAR).factor.churn_power == 1.0


def test_what_the_served_model_was_off_by_a_year_ago_is_the_season(
    shop: Callable[[float], Path],
) -> None:
    """Of each earlier year: over its window before, under it after. The year's level is not its."""
    read = sources.load(config.load(shop(PEAK)), NOW)
    before, sure = NOW - pd.Timedelta(days=60), 1e-5
    asked = []

    def served(when: pd.Timestamp) -> Deviation:
        asked.append(when)
        off = {before: (0.8, 0.9, 2.0), NOW: (1.2, 0.9, 1.0)}
        at = next(each for each in off for i in (1, 2) if each - i * season.YEAR == when)
        orders, spend, power = off[at]
        return Deviation((orders, sure), (spend, sure), (power, sure))

    start = NOW - 3 * season.YEAR
    given = read.connection, start, before, NOW, 60, 60, 90
    found = season.measure(*given, served)
    assert asked == [before - season.YEAR, NOW - season.YEAR,
                     before - 2 * season.YEAR, NOW - 2 * season.YEAR]  # fmt: skip
    assert found.factor.orders == pytest.approx(1.5**season.REPEATS, rel=0.02)
    assert found.factor.spend == 1.0
    assert found.factor.churn_power == pytest.approx(0.5**season.REPEATS, rel=0.02)
    by_mbg = season.measure(*given, told(read.connection))
    shares = [each.year / each.factor.spend for each in (found, by_mbg)]  # of a year's level
    assert shares[0] == pytest.approx(shares[1])
    assert found.over_recent == by_mbg.over_recent
    untold = season.measure(*given, lambda when: "nobody knows")
    assert untold.factor == Stretch()
    assert untold.said.endswith("since a year earlier nobody knows.")


@pytest.mark.slow
def test_the_seasons_factor_takes_most_of_the_bias_away(
    shop: Callable[[float], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    file = shop(PEAK)
    with (tmp_path / "log.txt").open("w") as log:
        screen = Screen(Console(file=log, width=160))
        made = run.retrain(config.load(file), screen, NOW, tmp_path / "out")
    lines = pd.read_csv(tmp_path / "orders.csv", parse_dates=["when"])
    ahead = lines[lines.when.between(NOW, NOW + pd.Timedelta(days=60), inclusive="left")]
    came = ahead[ahead.who.isin(made.scores.customer_id)].groupby("who").paid.sum()
    expected, factor = made.scores.expected_spend.sum(), made.bundle.manifest["season"]["factor"]
    silent = 1 - len(came) / len(made.scores)
    with_it, without = expected / came.sum() - 1, expected / factor["spend"] / came.sum() - 1
    assert without < -0.25
    assert abs(with_it) < 0.15
    churned = made.scores.churn_probability
    before = churned ** (1 / factor["churn_power"])
    assert abs(churned.mean() - silent) < abs(before.mean() - silent)
    assert "Served: Calibrated on 2023-09-02 to 2023-11-01" in made.card.heading[4]
    assert f"seasonal factor {factor['orders']:.2f} of orders" in made.card.heading[4]


def test_a_year_or_more_holds_every_season(shop: Callable[[float], Path]) -> None:
    read = sources.load(config.load(shop(PEAK)), NOW)
    before = NOW - pd.Timedelta(days=60)
    found = season.measure(read.connection, FIRST_DAY, before, NOW, 365, 365, 90, told(read))
    assert found.factor == Stretch()
    assert (found.of_churn, found.of_spend) == (True, True)
    assert found.said.endswith(
        "asked for 2023-11-01 to 2024-10-31: a year or more, which holds every season."
    )


def test_a_year_ahead_of_some_months_is_another_season_that_nothing_corrects_for(
    shop: Callable[[float], Path],
) -> None:
    read = sources.load(config.load(shop(PEAK)), NOW)
    before = NOW - pd.Timedelta(days=60)
    found = season.measure(read.connection, FIRST_DAY, before, NOW, 60, 365, 90, told(read))
    assert (found.factor, found.year) == (Stretch(), 1.0)
    assert (found.of_churn, found.of_spend) == (False, False)  # the level reverts
    assert found.said == (
        "Calibrated on 2023-09-02 to 2023-11-01, asked for 2023-11-01 to 2024-10-31: a year or "
        "more, which holds every season, while the 60 days calibrated on hold some more than "
        "others, and nothing corrects for it."
    )


@pytest.mark.slow
def test_a_year_ago_without_prices_corrects_nothing(
    shop: Callable[[float], Path], tmp_path: Path
) -> None:
    file = shop(PEAK)
    lines = pd.read_csv(tmp_path / "orders.csv", parse_dates=["when"])
    lines.loc[lines.when < NOW - pd.Timedelta(days=200), "paid"] = 0.0
    lines.to_csv(tmp_path / "orders.csv", index=False)
    found = measured(file)
    assert found.factor == Stretch()
    assert "nobody spent" in found.said
