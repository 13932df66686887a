"""What every structural model of orders keeps, and refuses."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import optimize

from features.errors import FitError
from training.btyd.bg_nbd import BgNbd, MbgNbd
from training.btyd.pareto_nbd import ParetoNbd
from training.btyd.structural import Histories

MODELS: list[Any] = [BgNbd, MbgNbd, ParetoNbd]
EXAMPLES: dict[Any, Any] = {
    BgNbd: BgNbd(0.7, 20, 0.8, 2.5),
    MbgNbd: MbgNbd(0.7, 20, 0.8, 2.5),
    ParetoNbd: ParetoNbd(0.7, 20, 0.8, 60),
}


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


# ------------------------------------------------------------------------------------------- oracle


@pytest.mark.parametrize("kind", MODELS)
def test_predictions_agree_with_lifetimes(
    kind: Any, cdnow: SimpleNamespace, lifetimes: Callable[[Any], Any]
) -> None:
    model, oracle = EXAMPLES[kind], lifetimes(EXAMPLES[kind])
    history = cdnow.x, cdnow.t_x, cdnow.T
    theirs = oracle.conditional_expected_number_of_purchases_up_to_time(52, *history)
    np.testing.assert_allclose(model.expected_orders(52, *history), theirs, rtol=1e-8)
    theirs = oracle.conditional_probability_alive(*history)
    np.testing.assert_allclose(model.p_alive(*history), theirs, rtol=1e-8)


# --------------------------------------------------------------------------------------- simulation


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


# --------------------------------------------------------------------------------------------- laws


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


def test_a_fitted_model_cannot_change() -> None:
    with pytest.raises(FrozenInstanceError):
        EXAMPLES[BgNbd].r = 1


# ----------------------------------------------------------------------------------------- refusals


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
            "bring a longer history or more customers; where all order equally often, or nobody "
            "leaves, there is nothing to mend"
        )


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


def test_no_repeat_order_where_a_and_b_add_up_to_one_has_the_value_between() -> None:
    """The hypergeometric function's third parameter is 0 there."""
    found = [
        float(BgNbd(1.5, 30, 0.3, b).expected_orders(365.0, [0.0], [0.0], [100.0])[0])
        for b in (0.699, 0.7, 0.701)
    ]
    assert found[1] == pytest.approx((found[0] + found[2]) / 2, rel=1e-4)
    assert found[1] == pytest.approx(2.64756, rel=1e-4)
