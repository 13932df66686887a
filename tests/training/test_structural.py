import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, optimize

from features.errors import FitError
from training.bg_nbd import BgNbd, MbgNbd
from training.gamma_gamma import GammaGamma
from training.pareto_nbd import ParetoNbd, _integrals
from training.structural import Histories

Oracle = Callable[[Any], Any]
MODELS: list[Any] = [BgNbd, MbgNbd, ParetoNbd]
EXAMPLES: dict[Any, Any] = {
    BgNbd: BgNbd(0.7, 20, 0.8, 2.5),
    MbgNbd: MbgNbd(0.7, 20, 0.8, 2.5),
    ParetoNbd: ParetoNbd(0.7, 20, 0.8, 60),
}


@pytest.fixture(scope="module")
def cdnow() -> SimpleNamespace:
    """The 2,357 customers' first 39 weeks, in weeks; repeat orders counted a day. Do not mutate."""
    package = importlib.util.find_spec("lifetimes")
    assert package is not None
    assert package.origin is not None
    lines = pd.read_csv(
        Path(package.origin).parent / "datasets" / "CDNOW_sample.txt",
        sep=r"\s+",
        names=["master", "customer", "date", "discs", "amount"],
    )
    lines["date"] = pd.to_datetime(lines["date"].astype(str), format="%Y%m%d")
    end = pd.Timestamp(1997, 9, 30)
    days = lines[lines["date"] <= end].groupby(["customer", "date"], as_index=False)["amount"].sum()
    dates = days.groupby("customer")["date"]
    first, last, orders = dates.min(), dates.max(), dates.size()
    repeat = days[days["date"] > days["customer"].map(first)]
    return SimpleNamespace(
        x=(orders - 1).to_numpy(),
        t_x=(last - first).dt.days.to_numpy() / 7,
        T=(end - first).dt.days.to_numpy() / 7,
        mean_spend=repeat.groupby("customer")["amount"].mean().reindex(first.index).to_numpy(),
    )


@pytest.fixture(scope="module")
def lifetimes() -> Oracle:
    """The archived package as oracle: its formulas, at parameters that are handed to it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # archived in 2020
        import lifetimes as package  # type: ignore[import-untyped]
    fitters = {
        BgNbd: package.BetaGeoFitter,
        MbgNbd: package.ModifiedBetaGeoFitter,
        ParetoNbd: package.ParetoNBDFitter,
        GammaGamma: package.GammaGammaFitter,
    }

    def oracle(model: Any) -> Any:
        fitter = fitters[type(model)]()
        values = {name: value for name, value in asdict(model).items() if name != "customers"}
        if isinstance(model, GammaGamma):
            values["v"] = values.pop("gamma")
        fitter.params_ = pd.Series(values)
        return fitter

    return oracle


def simulated(kind: Any, customers: int, horizon: float, seed: int = 0) -> SimpleNamespace:
    """A world that obeys EXAMPLES[kind]: histories up to T, and orders within the horizon after."""
    generator = np.random.default_rng(seed)
    law = EXAMPLES[kind]
    T = generator.integers(20, 201, customers).astype(np.float64)
    rate = generator.gamma(law.r, 1 / law.alpha, customers)
    x, t_x, after = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    if kind is ParetoNbd:
        loss = np.maximum(generator.gamma(law.s, 1 / law.beta, customers), 1e-300)
        life = generator.exponential(1 / loss)
    else:
        drops = generator.beta(law.a, law.b, customers)
        alive = np.ones(customers, dtype=bool)
        if kind is MbgNbd:
            alive = generator.random(customers) >= drops
        life = np.where(alive, np.inf, 0)
    now = np.zeros(customers)
    live = np.arange(customers)
    while live.size:
        now[live] += generator.exponential(1 / np.maximum(rate[live], 1e-300))
        live = live[(now[live] <= T[live] + horizon) & (now[live] <= life[live])]
        past = live[now[live] <= T[live]]
        x[past] += 1
        t_x[past] = now[past]
        after[live[now[live] > T[live]]] += 1
        if kind is not ParetoNbd:
            live = live[generator.random(live.size) >= drops[live]]
    return SimpleNamespace(x=x, t_x=t_x, T=T, after=after)


# ------------------------------------------------------------------------------- published figures


def test_bg_nbd_as_published(cdnow: SimpleNamespace) -> None:
    model = BgNbd.fit(cdnow.x, cdnow.t_x, cdnow.T)  # Fader, Hardie, Lee 2005, table 2
    assert [model.r, model.alpha, model.a, model.b] == pytest.approx(
        [0.243, 4.414, 0.793, 2.426], rel=0.01
    )
    assert model.log_likelihood == pytest.approx(-9582.4, abs=0.1)
    assert model.customers == 2357


def test_mbg_nbd_as_measured_elsewhere(cdnow: SimpleNamespace) -> None:
    model = MbgNbd.fit(cdnow.x, cdnow.t_x, cdnow.T)
    assert [model.r, model.alpha, model.a, model.b] == pytest.approx(
        [0.525, 6.183, 0.891, 1.614], rel=0.01
    )
    assert model.log_likelihood == pytest.approx(-9582.14, abs=0.1)


def test_pareto_nbd_as_published(cdnow: SimpleNamespace) -> None:
    model = ParetoNbd.fit(cdnow.x, cdnow.t_x, cdnow.T)  # Fader, Hardie, Lee 2005, table 2
    assert [model.r, model.alpha, model.s, model.beta] == pytest.approx(
        [0.553, 10.578, 0.606, 11.669], rel=0.01
    )
    assert model.log_likelihood == pytest.approx(-9595.0, abs=0.1)
    # reference page of pnbd.PAlive in the R package BTYD, from its own fit to these customers
    assert model.p_alive(0, 0, 39) == pytest.approx(0.2941633, abs=5e-4)


def test_gamma_gamma_as_published(cdnow: SimpleNamespace) -> None:
    model = GammaGamma.fit(cdnow.x, cdnow.mean_spend)  # Fader & Hardie 2013
    assert [model.p, model.q, model.gamma] == pytest.approx([6.25, 3.74, 15.44], rel=0.01)
    assert model.log_likelihood == pytest.approx(-4055.918, abs=0.1)
    assert model.customers == 946
    assert model.mean == pytest.approx(35.2, rel=0.01)


def test_one_time_buyers_are_alive_and_yet_silent(cdnow: SimpleNamespace) -> None:
    model = BgNbd.fit(cdnow.x, cdnow.t_x, cdnow.T)
    assert model.p_alive(0, 0, 39) == 1
    assert model.probability_of_order(39, 0, 0, 39) < 0.4


# ------------------------------------------------------------------------------------------ oracle


@pytest.mark.parametrize("kind", MODELS)
def test_predictions_agree_with_lifetimes(
    kind: Any, cdnow: SimpleNamespace, lifetimes: Oracle
) -> None:
    model, oracle = EXAMPLES[kind], lifetimes(EXAMPLES[kind])
    history = cdnow.x, cdnow.t_x, cdnow.T
    theirs = oracle.conditional_expected_number_of_purchases_up_to_time(52, *history)
    np.testing.assert_allclose(model.expected_orders(52, *history), theirs, rtol=1e-8)
    theirs = oracle.conditional_probability_alive(*history)
    np.testing.assert_allclose(model.p_alive(*history), theirs, rtol=1e-8)


def test_expected_value_agrees_with_lifetimes(cdnow: SimpleNamespace, lifetimes: Oracle) -> None:
    model = GammaGamma(6.25, 3.74, 15.44)
    spend = np.nan_to_num(cdnow.mean_spend)
    theirs = lifetimes(model).conditional_expected_average_profit(cdnow.x, spend)
    np.testing.assert_allclose(model.expected_value(cdnow.x, cdnow.mean_spend), theirs, rtol=1e-9)


def decay(t: float, alpha: float, beta: float, p: float, q: float, start: float) -> float:
    """What is integrated, 1 at its start."""
    return ((alpha + start) / (alpha + t)) ** p * ((beta + start) / (beta + t)) ** q


def test_the_integral_agrees_with_adaptive_quadrature() -> None:
    generator = np.random.default_rng(0)
    for _ in range(100):
        alpha, beta, p, q = np.exp(generator.uniform(-4, 4, 4))
        start, length = np.exp(generator.uniform(-3, 4, 2))

        powers = alpha, beta, p, q, start

        points = start + length * np.array([1e-4, 1e-2, 0.1])
        area, _ = integrate.quad(
            decay, start, start + length, args=powers, points=points, epsrel=1e-11
        )
        expected = np.log(area) - p * np.log(alpha + start) - q * np.log(beta + start)
        columns = [np.array([value]) for value in (p, q, start, start + length)]
        found = _integrals(columns[0], columns[1], alpha, beta, columns[2], columns[3])
        assert found.log[0] == pytest.approx(expected, abs=1e-7)


# -------------------------------------------------------------------------------------- simulation


@pytest.mark.parametrize("kind", MODELS)
def test_predictions_come_true_in_the_models_own_world(kind: Any) -> None:
    horizon = 60.0
    world = simulated(kind, 40_000, horizon)
    model = EXAMPLES[kind]
    history = world.x, world.t_x, world.T
    chance = model.probability_of_order(horizon, *history)
    expected = model.expected_orders(horizon, *history)
    recent = world.t_x > world.T / 2
    groups = {
        "once": world.x == 0,
        "twice, long ago": (world.x == 1) & ~recent,
        "twice, recently": (world.x == 1) & recent,
        "often, long ago": (world.x > 1) & ~recent,
        "often, recently": (world.x > 1) & recent,
    }
    for name, rows in groups.items():
        for came, said in (((world.after > 0).astype(float), chance), (world.after, expected)):
            apart = came[rows] - said[rows]
            error = apart.std() / np.sqrt(rows.sum())
            assert abs(apart.mean()) < 4 * error, (kind.title, name, apart.mean(), error)


@pytest.mark.parametrize("kind", MODELS)
def test_a_fit_finds_the_law_of_its_world(kind: Any) -> None:
    world = simulated(kind, 10_000, 1)
    found, law = kind.fit(world.x, world.t_x, world.T), EXAMPLES[kind]
    # each parameter alone is loosely determined: what the fit predicts is what must be found
    new = np.zeros(1), np.zeros(1), np.zeros(1)
    for horizon in (30, 365):
        assert found.expected_orders(horizon, *new) == pytest.approx(
            law.expected_orders(horizon, *new), rel=0.08
        )
        assert found.probability_of_order(horizon, *new) == pytest.approx(
            law.probability_of_order(horizon, *new), rel=0.04
        )


def test_gamma_gamma_finds_the_law_of_its_world() -> None:
    generator = np.random.default_rng(0)
    x = generator.integers(1, 9, 10_000)
    mean_spend = generator.gamma(6 * x) / generator.gamma(4, 1 / 15, 10_000) / x
    found = GammaGamma.fit(x, mean_spend)
    # p and gamma lie on a ridge: within three standard errors of 7, 2 and 9 % (inverse Hessian)
    apart = np.abs(np.log([found.p / 6, found.q / 4, found.gamma / 15]))
    assert (apart < [0.22, 0.06, 0.28]).all()
    assert found.mean == pytest.approx(6 * 15 / 3, rel=0.02)


# -------------------------------------------------------------------------------------------- laws


@pytest.mark.parametrize("kind", MODELS)
def test_the_gradient_is_that_of_the_likelihood(kind: Any) -> None:
    world = simulated(kind, 300, 1)
    histories = Histories.of(world.x, world.t_x, world.T)
    for logs in np.random.default_rng(0).uniform(-2, 2, (5, 4)):
        slope = optimize.approx_fprime(
            logs, lambda at: kind._mean_log_likelihood(np.exp(at), histories)[0], 1e-6
        )
        found = kind._mean_log_likelihood(np.exp(logs), histories)[1]
        np.testing.assert_allclose(found, slope, rtol=1e-3, atol=1e-4)


def test_the_gradient_of_gamma_gamma() -> None:
    generator = np.random.default_rng(0)
    x, mean, one = np.array([1.0, 2, 5]), generator.gamma(2, 1, 3), np.ones(3)
    for logs in generator.uniform(-2, 2, (5, 3)):
        slope = optimize.approx_fprime(
            logs, lambda at: GammaGamma._mean_log_likelihood(np.exp(at), x, mean, one)[0], 1e-6
        )
        found = GammaGamma._mean_log_likelihood(np.exp(logs), x, mean, one)[1]
        np.testing.assert_allclose(found, slope, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", MODELS)
def test_neither_the_unit_of_time_nor_the_order_of_rows_matters(
    kind: Any, cdnow: SimpleNamespace
) -> None:
    weeks = kind.fit(cdnow.x, cdnow.t_x, cdnow.T)
    order = np.random.default_rng(0).permutation(len(cdnow.x))
    days = kind.fit(cdnow.x[order], cdnow.t_x[order] * 7, cdnow.T[order] * 7)
    assert days.alpha == pytest.approx(weeks.alpha * 7, rel=1e-4)
    assert days.log_likelihood == pytest.approx(
        weeks.log_likelihood - cdnow.x.sum() * np.log(7), abs=1e-4
    )
    history = cdnow.x[:50], cdnow.t_x[:50], cdnow.T[:50]
    in_days = history[0], history[1] * 7, history[2] * 7
    for name in ("expected_orders", "probability_of_order"):
        np.testing.assert_allclose(
            getattr(days, name)(91, *in_days), getattr(weeks, name)(13, *history), rtol=1e-4
        )


@pytest.mark.parametrize("kind", MODELS)
def test_customers_weigh_as_many_times_as_they_occur(kind: Any, cdnow: SimpleNamespace) -> None:
    columns = cdnow.x, cdnow.t_x, cdnow.T
    once, twice = kind.fit(*columns), kind.fit(*(np.tile(column, 2) for column in columns))
    assert twice.customers == 2 * once.customers
    assert twice.log_likelihood == pytest.approx(2 * once.log_likelihood, rel=1e-9)
    assert twice.expected_orders(9, 3, 5, 9) == pytest.approx(once.expected_orders(9, 3, 5, 9))


@pytest.mark.parametrize("kind", MODELS)
def test_probability_lies_below_life_and_below_expectation(
    kind: Any, cdnow: SimpleNamespace
) -> None:
    model, history = EXAMPLES[kind], (cdnow.x, cdnow.t_x, cdnow.T)
    alive = model.p_alive(*history)
    before = np.zeros(len(alive))
    for horizon in (0, 0.5, 4, 39, 400):
        chance = model.probability_of_order(horizon, *history)
        expected = model.expected_orders(horizon, *history)
        assert (chance >= before - 1e-12).all()  # more time, more chance
        assert (chance <= alive + 1e-12).all()
        assert (chance <= expected + 1e-9).all()
        before = chance
    assert model.probability_of_order(0, *history).max() == 0


@pytest.mark.parametrize("kind", MODELS)
def test_extreme_histories_stay_finite(kind: Any) -> None:
    x = [0, 0, 10_000, 10_000, 1, 5]
    t_x = [0, 0, 399, 10, 1e-9, 1]
    T = [0, 1e5, 400, 400, 1e5, 1e9]
    model = EXAMPLES[kind]
    for horizon in (1e-6, 30, 1e6):
        for found in (
            model.expected_orders(horizon, x, t_x, T),
            model.probability_of_order(horizon, x, t_x, T),
            model.p_alive(x, t_x, T),
        ):
            assert np.isfinite(found).all()
            assert (found >= 0).all()


@pytest.mark.parametrize(
    "near", [lambda v: BgNbd(0.7, 20, v, 2.5), lambda v: ParetoNbd(0.7, 20, v, 60)]
)
def test_expected_orders_pass_smoothly_through_the_pole_of_their_formula(
    near: Callable[[float], BgNbd | ParetoNbd],
) -> None:
    history = [0, 3, 40], [0, 50, 90], [80, 80, 100]
    at = near(1.0).expected_orders(60, *history)
    assert np.isfinite(at).all()
    for v in (1 - 1e-3, 1 - 1.01e-4, 1 - 0.99e-4, 1 + 1e-12, 1 + 1.01e-4, 1 + 1e-3):
        np.testing.assert_allclose(near(v).expected_orders(60, *history), at, rtol=2e-3)


def test_expected_value_lies_between_the_customers_mean_and_everybodys() -> None:
    model = GammaGamma(6.25, 3.74, 15.44)
    found = model.expected_value([0, 1, 5, 500, 3, 3], [np.nan, 100, 100, 100, 0, -50])
    assert found[0] == pytest.approx(model.mean)
    assert model.mean < found[1] < found[2] < found[3] < 100
    assert found[3] == pytest.approx(100, rel=0.01)
    assert 0 < found[4] < model.mean
    assert found[5] == found[4]  # more returned than bought counts as nothing


def test_a_fitted_model_cannot_change() -> None:
    with pytest.raises(FrozenInstanceError):
        EXAMPLES[BgNbd].r = 1


# ---------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("kind", MODELS)
def test_one_time_buyers_only_are_refused(kind: Any) -> None:
    with pytest.raises(FitError) as refused:
        kind.fit(np.zeros(500), np.zeros(500), np.full(500, 30))
    assert str(refused.value) == (
        f"{kind.title} needs at least 10 customers who ordered again. "
        "Seen: 0 of 500 customers with a repeat order. "
        "Remedy: use a longer history or more customers"
    )


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("customers", [[], [(3, 10, 30)]])
def test_one_customer_or_none_is_refused(kind: Any, customers: list[tuple[float, ...]]) -> None:
    columns = np.array(customers, dtype=float).reshape(-1, 3).T
    with pytest.raises(FitError, match=rf"Seen: {len(customers)} of {len(customers)} customers"):
        kind.fit(*columns)


def test_a_world_that_nobody_leaves_is_refused() -> None:
    generator = np.random.default_rng(0)
    T = np.full(1_000, 300.0)
    x = generator.poisson(generator.gamma(2, 4, 1_000))
    t_x = np.where(x > 0, T * generator.random(1_000) ** (1 / np.maximum(x, 1)), 0)
    says = {
        BgNbd: "a towards 0, b towards infinity",
        MbgNbd: "a towards 0, b towards infinity",
        ParetoNbd: "beta towards infinity",
    }
    for kind in MODELS:
        with pytest.raises(FitError) as refused:
            kind.fit(x, t_x, T)
        assert (
            refused.value.rule == f"{kind.title} is used only where its likelihood has a maximum."
        )
        assert refused.value.seen.startswith("it still grows with ")
        assert says[kind] in refused.value.seen
        assert refused.value.remedy == (
            "use another structural model, a longer history or more customers"
        )


def test_twins_are_refused() -> None:
    with pytest.raises(FitError, match="r towards infinity"):
        BgNbd.fit(np.full(100, 3), np.full(100, 20), np.full(100, 30))


def test_a_search_that_stops_on_a_slope_is_refused(
    cdnow: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = optimize.minimize

    def two_steps(*args: Any, options: dict[str, Any], **kwargs: Any) -> Any:
        return search(*args, options=options | {"maxiter": 2}, **kwargs)

    monkeypatch.setattr(optimize, "minimize", two_steps)
    with pytest.raises(
        FitError, match=r"search for its maximum converged\. Seen: a slope of 0\.\d+ p"
    ):
        BgNbd.fit(cdnow.x, cdnow.t_x, cdnow.T)


@pytest.mark.parametrize(
    ("history", "says"),
    [
        (([1], [9], [5]), "x 1, t_x 9, T 5 in row 0"),
        (([0, 0], [0, 2], [5, 5]), "x 0, t_x 2, T 5 in row 1"),
        (([2], [0], [5]), "x 2, t_x 0, T 5 in row 0"),
        (([1.5], [1], [5]), "x 1.5, t_x 1, T 5 in row 0"),
        (([0], [0], [float("nan")]), "x 0, t_x 0, T nan in row 0"),
        (([-1], [0], [5]), "x -1, t_x 0, T 5 in row 0"),
    ],
)
def test_impossible_histories_are_refused(history: Any, says: str) -> None:
    for call in (BgNbd.fit, EXAMPLES[ParetoNbd].p_alive):
        with pytest.raises(ValueError, match="x counts repeat orders and 0 <= t_x <= T") as refused:
            call(*history)
        assert str(refused.value) == (
            "x counts repeat orders and 0 <= t_x <= T, where t_x is 0 exactly if x is. "
            f"Seen: {says}."
        )


def test_a_horizon_lies_ahead() -> None:
    with pytest.raises(ValueError, match=r"^A horizon is finite and not below 0\. Seen: -1\.$"):
        EXAMPLES[BgNbd].expected_orders(-1, [0], [0], [5])


def amounts() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    x = generator.integers(1, 6, 500)
    return x, generator.gamma(6 * x) / generator.gamma(4, 1 / 15, 500) / x


def test_constant_amounts_are_refused() -> None:
    x, _ = amounts()
    with pytest.raises(FitError) as refused:
        GammaGamma.fit(x, np.full(500, 9.99))
    assert str(refused.value) == (
        "Gamma-Gamma needs amounts that differ from customer to customer. "
        "Seen: every customer spends 9.99 an order. "
        "Remedy: multiply expected orders by that amount instead"
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
    assert refused.value.remedy == "cap extreme amounts, or predict spend without this model"


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
