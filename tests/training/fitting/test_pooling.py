import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import spearmanr

from training.fitting import pooling
from training.prediction.blend import EXPERTS, Pool


def world(rows: int, noise: tuple[float, ...], seed: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Experts who see log rates through `noise` (standard deviations), and spend, often 0."""
    rng = np.random.default_rng(seed)
    rate = rng.normal(3.0, 1.0, rows)
    seen = [np.exp(rate + rng.normal(0.0, s, rows)) for s in noise]
    spend = rng.poisson(0.5, rows) * np.exp(rate) * rng.gamma(2.0, 1.0, rows)
    return np.column_stack(seen), spend


EVEN = (0.4,) * len(EXPERTS)


def test_the_pool_adds_up_to_what_was_spent() -> None:
    experts, spend = world(4_000, EVEN)
    assert pooling.fit(experts, spend).spend(experts).sum() == pytest.approx(spend.sum())


def test_who_sees_more_clearly_gets_the_greater_weight() -> None:
    weights = pooling.fit(*world(40_000, (0.3, 0.6, 0.6, 0.6, 0.6, 0.6, 1.5))).weights
    assert weights[0] > 2 * max(weights[1:])
    assert weights[-1] < min(weights[:-1])
    assert min(weights) >= 0


def test_the_pool_ranks_better_than_each_expert_in_it() -> None:
    pool = pooling.fit(*world(20_000, EVEN))
    experts, _ = world(20_000, EVEN, seed=8)
    rate, _ = world(20_000, (0.0,) * len(EXPERTS), seed=8)  # the same customers, seen plainly
    pooled = spearmanr(pool.spend(experts), rate[:, 0]).statistic
    assert pooled > max(spearmanr(one, rate[:, 0]).statistic for one in experts.T) + 0.02


def test_experts_that_are_all_too_bold_are_shrunk() -> None:
    experts, spend = world(20_000, (0.0,) * len(EXPERTS))
    honest, bold = (sum(pooling.fit(e, spend).weights) for e in (experts, experts**2))
    assert honest == pytest.approx(1.0, abs=0.1)
    assert 0.45 < bold < 0.65  # held a little towards 1


def test_one_window_of_many_customers_does_not_make_the_pool_bold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Experts who are all too timid in this window may not be in the next."""

    def total() -> float:
        experts, spend = world(40_000, EVEN)
        return sum(pooling.fit(experts**0.7, spend).weights)

    held = total()
    monkeypatch.setattr(pooling, "SUM", 0.0)
    assert 1.0 < held < total() - 0.05


def test_weights_lie_where_no_step_helps() -> None:
    """The least of the loss itself, whatever its gradient says of where it lies."""
    experts, spend = world(4_000, EVEN)
    actual, said = spend / spend.mean(), np.log(experts**0.7 / (experts**0.7).mean(axis=0))
    found = pooling._weights(said, actual)

    def loss(weights: np.ndarray) -> float:
        mean = np.exp(said @ weights)
        power = pooling.POWER

        def at(level: float) -> float:
            rate = np.exp(level) * mean
            deviance = rate ** (2 - power) / (2 - power)
            return float((deviance - actual * rate ** (1 - power) / (1 - power)).mean())

        off = ((weights - 1 / len(EXPERTS)) ** 2).sum() * pooling.PRIOR / len(spend)
        return minimize_scalar(at).fun + off + pooling.SUM * (weights.sum() - 1) ** 2

    for step in 0.02 * np.vstack(
        [np.eye(len(EXPERTS)), -np.eye(len(EXPERTS)), np.ones(len(EXPERTS)) / 2]
    ):
        assert loss(found) < loss(np.maximum(found + step, 0.0))


def test_few_customers_choose_little(monkeypatch: pytest.MonkeyPatch) -> None:
    def strayed(rows: int) -> float:
        fits = [pooling.fit(*world(rows, EVEN, seed)).weights for seed in range(10)]
        return float(np.abs(np.array(fits) - 1 / len(EXPERTS)).mean())

    few, many = strayed(40), strayed(4_000)
    monkeypatch.setattr(pooling, "PRIOR", 0.0)
    assert strayed(40) > 1.5 * few
    assert strayed(4_000) == pytest.approx(many, rel=0.1)


def test_an_expert_that_knows_nobody_gets_no_weight() -> None:
    experts, spend = world(4_000, EVEN)
    experts[:, 4:] = np.nan
    pool = pooling.fit(experts, spend)
    assert pool.weights[4:] == (0.0, 0.0, 0.0)
    assert pool.spend(experts).sum() == pytest.approx(spend.sum())


def test_customers_that_some_experts_do_not_know_count_in_the_total() -> None:
    experts, spend = world(4_000, EVEN)
    experts[:1_000, 4:] = np.nan
    pool = pooling.fit(experts, spend)
    assert min(pool.weights) > 0
    assert pool.spend(experts).sum() == pytest.approx(spend.sum())


def test_where_none_of_those_known_to_all_spent_the_others_teach() -> None:
    experts, spend = world(4_000, EVEN)
    experts[:1_000, 4:], spend[1_000:] = np.nan, 0.0
    pool = pooling.fit(experts, spend)
    assert min(pool.weights[:4]) > 0
    assert pool.weights[4:] == (0.0, 0.0, 0.0)
    assert pool.spend(experts).sum() == pytest.approx(spend.sum())


def test_one_estimate_beyond_all_others_changes_no_level() -> None:
    experts, spend = world(4_000, EVEN)
    plain = pooling.fit(experts, spend)
    slipped = experts.copy()
    slipped[0] = 1e9
    pool = pooling.fit(slipped, spend)
    assert pool.levels == pytest.approx(plain.levels, rel=0.1)
    assert pool.spend(experts[1:]).sum() == pytest.approx(plain.spend(experts[1:]).sum(), rel=0.2)


def test_experts_that_mislead_or_expect_nothing_weigh_nothing() -> None:
    experts, spend = world(40_000, EVEN)
    experts[:, 5] = 1 / experts[:, 5]
    assert pooling.fit(experts, spend).weights[5] == 0.0
    experts[:, 3] = 0.0
    pool = pooling.fit(experts, spend)
    assert pool.spend(experts).sum() == pytest.approx(spend.sum())


def test_without_any_spend_the_boosted_estimate_stands_alone() -> None:
    experts, spend = world(100, EVEN)
    assert pooling.fit(experts, 0 * spend) == Pool()
    assert Pool().spend(experts) == pytest.approx(experts[:, 0])
