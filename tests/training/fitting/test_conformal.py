import numpy as np
import pytest

from training.fitting import conformal
from training.prediction.intervals import Bands

LEVELS = [0.5, 0.8, 0.9]
World = tuple[np.ndarray, np.ndarray, np.ndarray]


def world(rows: int, seed: int, zeros: bool = False) -> World:
    """Expected spend, probability of no order, and spend: gamma around its mean if there is any,
    more widely the less is expected.
    """
    rng = np.random.default_rng(seed)
    churn = rng.beta(1, 2, rows) if zeros else np.zeros(rows)
    level = rng.lognormal(4, 1, rows)
    shape = np.where(level > 50, 6, 2)
    spend = level * rng.gamma(shape, 1 / shape) * (rng.random(rows) >= churn)
    return level * (1 - churn), churn, spend


def held(bands: Bands, expected: np.ndarray, churn: np.ndarray, spend: np.ndarray) -> np.ndarray:
    low, _, high = bands.interval(expected, churn)
    return (low <= spend) & (spend <= high)


def error(level: float, rows: int) -> float:
    """Standard error of a share held, of the calibration draw and of the test draw."""
    return float(np.sqrt(level * (1 - level) * 2 / rows))


@pytest.mark.parametrize("level", LEVELS)
def test_the_interval_holds_its_share_of_customers_like_those_it_learned_from(level: float) -> None:
    inside = held(conformal.fit(*world(6_000, 1), level), *world(6_000, 2))
    assert inside.mean() == pytest.approx(level, abs=3 * error(level, 6_000))


@pytest.mark.parametrize("level", LEVELS)
def test_the_interval_holds_its_share_in_every_fifth_of_value(level: float) -> None:
    expected, churn, spend = world(6_000, 2)
    inside = held(conformal.fit(*world(6_000, 1), level), expected, churn, spend)
    for rows in np.array_split(np.argsort(expected), 5):
        assert inside[rows].mean() == pytest.approx(level, abs=3 * error(level, 1_200))


@pytest.mark.parametrize("level", LEVELS)
def test_where_many_spend_nothing_at_least_its_share_is_held(level: float) -> None:
    expected, churn, spend = world(6_000, 2, zeros=True)
    inside = held(conformal.fit(*world(6_000, 1, zeros=True), level), expected, churn, spend)
    for rows in np.array_split(np.argsort(expected), 5):
        assert inside[rows].mean() >= level - 3 * error(level, 1_200)


def test_a_churn_probability_that_is_wrong_costs_width_and_no_customers() -> None:
    expected, churn, spend = world(6_000, 1, zeros=True)
    fitted = conformal.fit(expected, churn / 4, spend, 0.8)
    assert fitted.low < 0.1
    later, quiet, came = world(6_000, 2, zeros=True)
    inside = held(fitted, later, quiet / 4, came)
    assert inside.mean() >= 0.8 - 3 * error(0.8, 6_000)


def test_an_interval_is_never_narrower_than_its_quantiles() -> None:
    # all who spent did so alike, nobody left or half did: everything lies inside, or at its ends
    for spend in (np.full(600, 100.0), np.tile([0.0, 100.0], 300)):
        fitted = conformal.fit(np.full(600, 50.0), np.full(600, 0.5), spend, 0.8)
        assert (fitted.low, fitted.high) == pytest.approx((0.1, 0.9))


def test_the_ends_are_those_of_the_finite_sample_rank() -> None:
    # of 19 at 80 %: rank ceil(20 x .9) = 18, of 20 ceil(21 x .9) = 19: one above and one below
    for rows in (19, 20):
        spend = np.arange(1.0, rows + 1)
        fitted = conformal.fit(np.full(rows, 10.0), np.zeros(rows), spend, 0.8)
        low, _, high = fitted.interval(np.array([10.0]), np.array([0.0]))
        assert 1 < low[0] <= 2
        assert rows - 1 <= high[0] < rows


def test_a_handful_of_customers_gives_all_that_they_did() -> None:
    spend = np.array([0.0, 50.0, 150.0, 400.0])
    fitted = conformal.fit(np.full(4, 100.0), np.full(4, 0.25), spend, 0.8)
    low, _, high = fitted.interval(np.array([100.0]), np.array([0.25]))
    assert (low[0], high[0]) == pytest.approx((0.0, 400.0))


def test_where_nobody_spent_nothing_is_to_come() -> None:
    fitted = conformal.fit(np.full(50, 10.0), np.full(50, 0.9), np.zeros(50), 0.8)
    assert np.array(fitted.interval(np.array([0.0, 10.0, 1e6]), np.full(3, 0.5))).max() == 0


def test_where_nothing_was_expected_nothing_is_divided_by() -> None:
    fitted = conformal.fit(np.zeros(100), np.zeros(100), np.full(100, 50.0), 0.8)
    assert np.isfinite(fitted.ratio).all()


def test_a_higher_level_gives_a_wider_interval() -> None:
    expected, churn, _ = world(500, 3, zeros=True)
    narrow, wide = (
        conformal.fit(*world(2_000, 1, zeros=True), level).interval(expected, churn)
        for level in (0.5, 0.9)
    )
    assert (wide[0] <= narrow[0]).all()
    assert (wide[2] >= narrow[2]).all()


@pytest.mark.parametrize(("rows", "bands"), [(1, 1), (119, 1), (120, 2), (299, 4), (5_000, 5)])
def test_there_are_as_many_bands_as_sixty_who_spent_make(rows: int, bands: int) -> None:
    expected, churn, spend = world(rows, 1)
    silent = np.full(rows, 20.0), np.ones(rows), np.zeros(rows)  # they make no band
    fitted = conformal.fit(
        *(np.concatenate(pair) for pair in zip((expected, churn, spend), silent, strict=True)), 0.8
    )
    assert len(fitted.centre) == len(fitted.ratio) == bands
    assert (np.diff(fitted.centre) > 0).all()
    assert all((np.diff(band) >= 0).all() and band[0] == 0 for band in fitted.ratio)


def test_one_prediction_for_all_is_no_problem() -> None:
    spend = np.random.default_rng(7).gamma(2, 30, 600)
    fitted = conformal.fit(np.full(600, 60.0), np.zeros(600), spend, 0.8)
    assert (np.diff(fitted.centre) > 0).all()
    some = np.array([0.0, 60.0, 1e6])
    assert np.isfinite(fitted.interval(some, np.array([0.0, 0.5, 1.0]))).all()


def test_the_median_is_the_true_one_where_the_law_is_known() -> None:
    from scipy import stats

    bands = conformal.fit(*world(20_000, 1, zeros=True), 0.8)
    expected, churn, _ = world(400, 2, zeros=True)
    level = expected / (1 - churn)
    # far from the step in the law, and where the quantile of the gamma is not next to nothing
    clear = (abs(np.log(level / 50)) > 1) & (churn < 0.4)
    shape = np.where(level > 50, 6, 2)
    true = level * stats.gamma.ppf(np.maximum(0.5 - churn, 0) / (1 - churn), shape, scale=1 / shape)
    found = bands.quantile(0.5, expected, churn)
    assert clear.sum() > 80
    assert np.median(abs(found[clear] / true[clear] - 1)) < 0.1
    assert (found[churn >= 0.5] == 0).all()
