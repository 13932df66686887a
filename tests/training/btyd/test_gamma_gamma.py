from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import optimize

from features.errors import FitError
from training.btyd.gamma_gamma import GammaGamma


def test_gamma_gamma_as_published(cdnow: SimpleNamespace) -> None:
    model = GammaGamma.fit(cdnow.x, cdnow.mean_spend)  # Fader & Hardie 2013
    assert [model.p, model.q, model.gamma] == pytest.approx([6.25, 3.74, 15.44], rel=0.01)
    assert model.log_likelihood == pytest.approx(-4055.918, abs=0.1)
    assert model.customers == 946
    assert model.mean == pytest.approx(35.2, rel=0.01)


def test_expected_value_agrees_with_lifetimes(
    cdnow: SimpleNamespace, lifetimes: Callable[[Any], Any]
) -> None:
    model = GammaGamma(6.25, 3.74, 15.44)
    spend = np.nan_to_num(cdnow.mean_spend)
    theirs = lifetimes(model).conditional_expected_average_profit(cdnow.x, spend)
    np.testing.assert_allclose(model.expected_value(cdnow.x, cdnow.mean_spend), theirs, rtol=1e-9)


def test_gamma_gamma_finds_the_law_of_its_world() -> None:
    generator = np.random.default_rng(0)
    x = generator.integers(1, 9, 10_000)
    mean_spend = generator.gamma(6 * x) / generator.gamma(4, 1 / 15, 10_000) / x
    found = GammaGamma.fit(x, mean_spend)
    # p and gamma lie on a ridge: within three standard errors of 7, 2 and 9 % (inverse Hessian)
    apart = np.abs(np.log([found.p / 6, found.q / 4, found.gamma / 15]))
    assert (apart < [0.22, 0.06, 0.28]).all()
    assert found.mean == pytest.approx(6 * 15 / 3, rel=0.02)


def test_the_gradient_of_gamma_gamma() -> None:
    generator = np.random.default_rng(0)
    x, mean, one = np.array([1.0, 2, 5]), generator.gamma(2, 1, 3), np.ones(3)
    for logs in generator.uniform(-2, 2, (5, 3)):
        slope = optimize.approx_fprime(
            logs, lambda at: GammaGamma._mean_log_likelihood(np.exp(at), x, mean, one)[0], 1e-6
        )
        found = GammaGamma._mean_log_likelihood(np.exp(logs), x, mean, one)[1]
        np.testing.assert_allclose(found, slope, rtol=1e-3, atol=1e-4)


def test_expected_value_lies_between_the_customers_mean_and_everybodys() -> None:
    model = GammaGamma(6.25, 3.74, 15.44)
    found = model.expected_value([0, 1, 5, 500, 3, 3], [np.nan, 100, 100, 100, 0, -50])
    assert found[0] == pytest.approx(model.mean)
    assert model.mean < found[1] < found[2] < found[3] < 100
    assert found[3] == pytest.approx(100, rel=0.01)
    assert 0 < found[4] < model.mean
    assert found[5] == found[4]  # more returned than bought counts as nothing


# ----------------------------------------------------------------------------------------- refusals


def amounts() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    x = generator.integers(1, 6, 500)
    return x, generator.gamma(6 * x) / generator.gamma(4, 1 / 15, 500) / x


def test_constant_amounts_are_refused() -> None:
    x, _ = amounts()
    for weak in (False, True):
        with pytest.raises(FitError) as refused:
            GammaGamma.fit(x, np.full(500, 9.99), weak)
        assert str(refused.value) == (
            "Gamma-Gamma needs amounts that differ from customer to customer. "
            "Seen: every customer spends 9.99 an order. "
            "Remedy: multiply expected orders by that amount instead"
        )


def test_where_customers_are_alike_each_order_brings_the_mean_of_all_orders() -> None:
    # 1 order of 8 and 3 of 4 on average: 20 in 4 orders
    model = GammaGamma.alike([1, 3, 0], [8, 4, np.nan])
    assert model.customers == 2
    assert model.mean == pytest.approx(5)
    found = model.expected_value([0, 1, 3], [np.nan, 8, 4])
    assert found == pytest.approx(np.full(3, 5.0), abs=1e-4)


def test_no_order_has_no_mean_amount() -> None:
    with pytest.raises(FitError) as refused:
        GammaGamma.alike([0, 0], [0, 0])
    assert str(refused.value) == (
        "The mean amount of an order needs an order. Seen: 2 customers, none with x > 0. "
        "Remedy: use a longer history or more customers"
    )


def test_zero_amounts_are_left_out_and_nothing_but_zeros_refused() -> None:
    x, mean_spend = amounts()
    some = mean_spend.copy()
    some[:100] = 0
    assert GammaGamma.fit(x, some) == GammaGamma.fit(x[100:], mean_spend[100:])
    with pytest.raises(FitError) as refused:
        GammaGamma.fit(x, np.zeros(500))
    assert str(refused.value) == (
        "Gamma-Gamma needs at least 10 customers whose orders brought something. "
        "Seen: 0 of 500 customers with x > 0 and mean_spend > 0. "
        "Remedy: use a longer history or more customers"
    )


def test_one_amount_of_a_milliard_leaves_a_usable_fit() -> None:
    x, mean_spend = amounts()
    mean_spend[0] = 1e9
    model = GammaGamma.fit(x, mean_spend)
    assert model.q > 1
    assert np.isfinite(model.expected_value(x, mean_spend)).all()


def test_many_of_them_are_refused() -> None:
    x, mean_spend = amounts()
    mean_spend[:30] = 1e9
    with pytest.raises(FitError) as refused:
        GammaGamma.fit(x, mean_spend)
    assert (
        refused.value.remedy
        == "cap extreme amounts, if there are any, or predict spend without this model"
    )


def test_amounts_in_a_small_currency_change_nothing_but_gamma() -> None:
    x, mean_spend = amounts()
    euros, dong = GammaGamma.fit(x, mean_spend), GammaGamma.fit(x, mean_spend * 28_000)
    assert [dong.p, dong.q, dong.gamma / 28_000] == pytest.approx(
        [euros.p, euros.q, euros.gamma], rel=1e-5
    )
    assert dong.log_likelihood == pytest.approx(euros.log_likelihood - 500 * np.log(28_000))


def test_amounts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Seen: x 2, mean_spend nan in row 1\.$"):
        GammaGamma(6, 4, 15).expected_value([1, 2], [5, np.nan])
    with pytest.raises(ValueError, match=r"Seen shapes: \(2,\) and \(1,\)\.$"):
        GammaGamma.fit([1, 2], [5])
