import numpy as np
import pytest
from scipy import integrate
from scipy.stats import beta

from features.settings.contracts import Profit
from training.measures.bootstrap import paired_bootstrap
from training.measures.profit import asked, break_even, campaign, earned, empc, hull, profit_curve

SEED = 7


def by_definition(truth: np.ndarray, score: np.ndarray, p: Profit) -> tuple[float, float]:
    """EMPC and eta by numeric integration: for each gamma the best of every possible cut-off."""
    cuts = [np.inf, *sorted(set(score), reverse=True)]
    churners = np.array([np.mean((score >= t) & (truth == 1)) for t in cuts])
    others = np.array([np.mean((score >= t) & (truth == 0)) for t in cuts])

    def profits(gamma: float) -> np.ndarray:
        kept = gamma * (p.clv - p.incentive) - p.contact
        return kept * churners - (p.incentive + p.contact) * others

    grid = np.linspace(0, 1, 200_001)
    best = np.array([profits(g).argmax() for g in grid[::100]])
    assert best.min() == 0  # targeting nobody is best where nobody accepts
    value = integrate.quad(
        lambda g: profits(g).max() * beta.pdf(g, p.alpha, p.beta), 0, 1, limit=2_000, epsabs=1e-10
    )[0]
    mass = np.diff(beta.cdf(grid, p.alpha, p.beta))
    middle = (grid[1:] + grid[:-1]) / 2
    lines = (np.outer(middle, churners) * (p.clv - p.incentive)
             - p.contact * churners - (p.incentive + p.contact) * others)  # fmt: skip
    chosen = lines.argmax(axis=1)
    return value, float(np.sum((churners + others)[chosen] * mass))


@pytest.mark.parametrize(
    "profit",
    [Profit(), Profit(clv=50, incentive=20, contact=4), Profit(alpha=2, beta=3, contact=0)],
)
def test_the_closed_form_is_the_integral_of_the_definition(profit: Profit) -> None:
    generator = np.random.default_rng(SEED)
    truth = (generator.random(60) < 0.3).astype(float)
    score = np.round(truth * 0.5 + generator.normal(size=60), 1)  # with ties
    expected = by_definition(truth, score, profit)
    assert campaign(truth, score, profit) == pytest.approx(expected, abs=1e-4)
    assert empc(truth, score, profit) == pytest.approx(expected[0], abs=1e-7)


def test_a_campaign_that_costs_nothing_asks_whoever_may_leave() -> None:
    """With no price on asking the wrong customer the limit of a small price holds."""
    truth, score = [1, 0, 0], [0.9, 0.5, 0.1]
    made = campaign(truth, score, Profit(clv=100, incentive=0, contact=0))
    assert made == pytest.approx((10.0, 1 / 3))  # .3 of a third of 100
    assert made == pytest.approx(campaign(truth, score, Profit(clv=100, incentive=1e-9, contact=0)))


def test_a_perfect_score_earns_what_every_churner_is_worth_when_asked() -> None:
    # A quarter churns and is asked: .25 x (.3 x 190 - 1) = 14, if gamma never falls below phi/(1-d)
    truth, score = [1, 0, 0, 0], [0.9, 0.2, 0.2, 0.1]
    assert campaign(truth, score) == pytest.approx((14.0, 0.25), abs=1e-6)


def test_one_score_for_all_targets_all_or_nobody() -> None:
    # All of them while gamma x .1 x 190 > 10, so from gamma = 10 / 19 on (1 asked, 9 x 11 spent).
    truth, score = [1, *[0] * 9], [0.5] * 10
    first = 10.0 / 19
    taken = integrate.quad(lambda g: (19 * g - 10) * beta.pdf(g, 6, 14), first, 1)[0]
    assert campaign(truth, score) == pytest.approx((taken, beta.sf(first, 6, 14)), abs=1e-9)


def test_a_ranking_upside_down_is_worth_no_more_than_no_ranking() -> None:
    truth = [1, 1, 0, 0, 0, 0]
    assert campaign(truth, [1, 2, 3, 4, 5, 6]) == pytest.approx(campaign(truth, [1] * 6))


def test_only_the_order_of_the_scores_matters_and_not_that_of_the_rows() -> None:
    generator = np.random.default_rng(SEED)
    truth, score = (generator.random(50) < 0.4).astype(float), generator.random(50)
    order = generator.permutation(50)
    assert campaign(truth, score) == campaign(truth, np.exp(5 * score))
    assert campaign(truth[order], score[order]) == pytest.approx(campaign(truth, score), rel=1e-12)


def test_one_outcome_alone_has_no_profit_measure() -> None:
    assert np.isnan(campaign([1, 1], [0.1, 0.2])).all()


def test_the_hull_leaves_out_what_lies_below_it() -> None:
    # Scores 5 to 1 have outcomes 1, 0, 1, 0, 0: the corner after the second is below the line.
    churners, others = hull(np.array([1.0, 0, 1, 0, 0]), np.array([5.0, 4, 3, 2, 1]))
    assert churners.tolist() == pytest.approx([0, 0.2, 0.4, 0.4])
    assert others.tolist() == pytest.approx([0, 0, 0.2, 0.6])


def test_the_profit_curve_counts_each_customer_once() -> None:
    # A churner asked brings .3 x 190 - 1 = 56, another costs 11.
    share, brought = profit_curve([1, 0, 1, 0], [4, 3, 2, 1])
    assert share.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert brought.tolist() == pytest.approx([0, 14, 11.25, 25.25, 22.5])


@pytest.mark.parametrize(
    "profit", [Profit(), Profit(clv=50, incentive=20, contact=4), Profit(incentive=0, contact=0)]
)
def test_at_break_even_asking_earns_nothing_and_above_it_something(profit: Profit) -> None:
    def brought(chance: float) -> float:
        # Verbraken et al. (2013), eq. 7, of one customer who is asked.
        gamma = profit.alpha / (profit.alpha + profit.beta)
        kept = profit.clv * (gamma * (1 - profit.incentive / profit.clv)) - profit.contact
        return chance * kept - (1 - chance) * (profit.incentive + profit.contact)

    at = break_even(profit)
    assert brought(at) == pytest.approx(0, abs=1e-12)
    assert brought(at - 0.01) < 0 < brought(at + 0.01)


def test_nobody_is_asked_whom_asking_does_not_pay() -> None:
    assert break_even() == pytest.approx(11 / 67)
    risk = [0.0012, 0.5, 0.17, 0.16]
    assert asked(risk, 1.0).tolist() == [False, True, True, False]
    assert asked(risk, 0.25).tolist() == [False, True, False, False]
    assert not asked([0.0012, 0.001], 1.0).any()
    # A churner who takes the offer brings 2 with chance .3, and the asking costs 1.
    assert break_even(Profit(clv=4, incentive=2, contact=1)) > 1


def test_what_a_choice_earns_is_a_point_of_the_curve() -> None:
    truth, score = [1, 0, 1, 0], np.array([4, 3, 2, 1])
    share, brought = profit_curve(truth, score)
    for i, count in enumerate(share * 4):
        assert earned(truth, score > 4 - count) == pytest.approx(brought[i])


def test_a_profit_has_a_paired_interval() -> None:
    truth = np.tile([0.0, 0, 1, 1], 25)
    ours, rival = np.tile([0.1, 0.2, 0.8, 0.9], 25), np.full(100, 0.5)
    assert paired_bootstrap(empc, truth, ours, rival, resamples=50).excludes_zero


def test_an_outcome_is_0_or_1() -> None:
    with pytest.raises(ValueError, match=r"^An outcome is 0 or 1\. Seen: 0\.5\.$"):
        empc([0.5, 1], [1, 2])
