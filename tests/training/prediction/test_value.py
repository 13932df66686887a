"""Discounted value: against numeric integration, and by hand where that is possible."""

import numpy as np
import pytest
from scipy import integrate

from features.settings.experiment import ValueSettings
from training.btyd.bg_nbd import MbgNbd
from training.prediction import value
from training.prediction.structure import Prior

PRIOR = Prior(0.525, 43.3, 0.891, 1.614, 6.25, 3.74, 15.44, 30)
KNOWN = {
    "frequency": np.array([0.0, 2.0, 40.0, np.nan]),
    "T_days": np.array([3.0, 200.0, 300.0, np.nan]),
    "recency_days": np.array([3.0, 20.0, 5.0, np.nan]),
    "spend": np.array([20.0, 70.0, 900.0, 0.0]),
}
SPEND = np.array([10.0, 8.0, 90.0, 1.0])


@pytest.mark.slow
def test_value_is_the_discounted_integral_of_what_is_expected() -> None:
    terms = ValueSettings(margin=0.3, discount_rate=0.12, returns=0.05, months=(12, 24))
    made = value.discounted(terms, PRIOR, KNOWN, SPEND, 30)
    model = MbgNbd(PRIOR.r, PRIOR.alpha, PRIOR.a, PRIOR.b)
    for i in range(3):
        x, T = KNOWN["frequency"][[i]], KNOWN["T_days"][[i]]
        t_x = np.where(x > 0, T - KNOWN["recency_days"][[i]], 0)

        def orders(day: float, x=x, t_x=t_x, T=T) -> float:
            return float(model.expected_orders(day, x, t_x, T)[0])

        for months in (12, 24):
            days = np.linspace(0, months * 365.25 / 12, 4_001)
            grown = np.array([orders(day) for day in days])
            middle = 1.12 ** (-(days[1:] + days[:-1]) / 2 / 365.25)
            expected = 0.3 * 0.95 * SPEND[i] * (middle * np.diff(grown)).sum() / orders(30)
            assert made[f"value_{months}m"][i] == pytest.approx(expected, rel=1e-5)


def test_the_integral_by_parts_is_the_integral() -> None:
    # Y(t) = t / (1 + t): discounted integral of its slope over [0, 2] at delta .1
    nodes, weights = np.polynomial.legendre.leggauss(8)
    at = 1 + nodes
    by_parts = np.exp(-0.2) * 2 / 3 + 0.1 * (weights * np.exp(-0.1 * at) * at / (1 + at)).sum()
    direct = integrate.quad(lambda t: np.exp(-0.1 * t) / (1 + t) ** 2, 0, 2)[0]
    assert by_parts == pytest.approx(direct, rel=1e-7)


def test_over_the_horizon_itself_undiscounted_value_is_the_expected_spend() -> None:
    terms = ValueSettings(discount_rate=0.0, months=(12,))
    made = value.discounted(terms, PRIOR, KNOWN, SPEND, 365.25)["value_12m"]
    assert made[:3] == pytest.approx(SPEND[:3])


def test_longer_is_more_and_dearer_money_is_less() -> None:
    cheap = value.discounted(ValueSettings(discount_rate=0.0), PRIOR, KNOWN, SPEND, 30)
    dear = value.discounted(ValueSettings(discount_rate=0.5), PRIOR, KNOWN, SPEND, 30)
    for made in (cheap, dear):
        assert (made["value_24m"][:3] > made["value_12m"][:3]).all()
    for name in cheap:
        assert (dear[name][:3] < cheap[name][:3]).all()
    assert (cheap["value_12m"][:3] >= SPEND[:3]).all()
    assert (cheap["value_12m"][:3] <= SPEND[:3] * 365.25 / 30).all()  # never above constant rates


def test_margin_and_returns_are_shares_of_it() -> None:
    whole = value.discounted(ValueSettings(), PRIOR, KNOWN, SPEND, 30)["value_12m"]
    part = value.discounted(ValueSettings(margin=0.4, returns=0.25), PRIOR, KNOWN, SPEND, 30)
    assert part["value_12m"][:3] == pytest.approx(0.3 * whole[:3])


def test_who_is_expected_to_spend_nothing_is_worth_nothing() -> None:
    made = value.discounted(ValueSettings(), PRIOR, KNOWN, np.zeros(4), 30)
    assert made["value_24m"][:3].tolist() == [0.0, 0.0, 0.0]


def test_who_has_not_ordered_has_no_value() -> None:
    made = value.discounted(ValueSettings(), PRIOR, KNOWN, SPEND, 30)
    assert np.isnan(made["value_12m"][3])


def test_columns_are_named_by_their_months() -> None:
    made = value.discounted(ValueSettings(months=(6,)), PRIOR, KNOWN, SPEND, 30)
    assert list(made) == ["value_6m"]


def test_the_assumptions_are_said() -> None:
    terms = ValueSettings(margin=0.25, discount_rate=0.08, returns=0.1)
    assert value.assumptions(terms, "EUR", 30) == (
        "Value over 12 and 24 months is 25% of spend, 10% of it taken back beyond the returns in "
        "the data, discounted at 8.0% a year, in today's EUR.",
        "Its first 30 days are the model's expected spend; beyond them order days go on as MBG/NBD "
        "expects of the customer, who may be lost upon each.",
        "What an order brings stays as it is within the horizon: no trend of prices, nothing that "
        "changes habits. Where the history tells the season ahead, what follows is of the mean "
        "level of a year; else of the level of the horizon.",
    )
    assert "net of the returns in the data" in value.assumptions(ValueSettings(), "EUR", 30)[0]


def test_settings_survive_being_written_down() -> None:
    terms = ValueSettings(0.5, 0.0, 0.1, (6, 36))
    plain = {"margin": 0.5, "discount_rate": 0.0, "returns": 0.1, "months": [6, 36]}
    assert value.settings(plain) == terms
    assert value.settings(None) == ValueSettings()


def test_beyond_the_horizon_goes_on_what_a_mean_day_of_the_year_brings() -> None:
    plain = ValueSettings(discount_rate=0.0, months=(12, 24))
    level = value.discounted(plain, PRIOR, KNOWN, SPEND, 30)
    # calibrated on days of twice the year's level, asked for days of half of theirs: the mean level
    peak = value.discounted(plain, PRIOR, KNOWN, SPEND, 30, season=0.5, year=0.5)
    assert peak["value_24m"][:3] == pytest.approx(level["value_24m"][:3])
    # calibrated on such days and asked for the same: half of it goes on
    high = value.discounted(plain, PRIOR, KNOWN, SPEND, 30, season=1.0, year=0.5)
    assert (high["value_12m"] - SPEND)[:3] == pytest.approx((level["value_12m"] - SPEND)[:3] / 2)


def test_a_season_of_the_horizon_does_not_go_on() -> None:
    plain = ValueSettings(discount_rate=0.0, months=(12,))
    usual = value.discounted(plain, PRIOR, KNOWN, SPEND / 1.5, 30)["value_12m"]
    made = value.discounted(plain, PRIOR, KNOWN, SPEND, 30, season=1.5)["value_12m"]
    assert made[:3] == pytest.approx((usual + SPEND * (1 - 1 / 1.5))[:3])


def test_of_months_within_the_horizon_its_season_counts_in_their_middle() -> None:
    terms = ValueSettings(discount_rate=0.21, months=(6,))
    plain, made = (
        value.discounted(terms, PRIOR, KNOWN, SPEND, 365.25, season=season)["value_6m"][1]
        for season in (1.0, 2.0)
    )
    known = [np.array([n]) for n in (2.0, 180.0, 200.0)]
    model = MbgNbd(PRIOR.r, PRIOR.alpha, PRIOR.a, PRIOR.b)
    half, year = (model.expected_orders(days, *known)[0] for days in (365.25 / 2, 365.25))
    assert made - plain / 2 == pytest.approx(SPEND[1] / 2 * half / year * 1.21**-0.25)
