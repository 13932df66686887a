import numpy as np
import pytest

from training import conformal
from training.intervals import Bands

LEVELS = [0.5, 0.8, 0.9]


def world(rows: int, seed: int, zeros: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Expected spend, and spend around it whose spread grows with it; some spend nothing."""
    rng = np.random.default_rng(seed)
    expected = rng.lognormal(4, 1, rows)
    spend = expected * rng.gamma(4, 1 / 4, rows)
    if zeros:
        spend *= rng.random(rows) < 0.7
    return expected, spend


def held(bands: Bands, expected: np.ndarray, spend: np.ndarray) -> np.ndarray:
    low, high = bands.interval(expected)
    return (low <= spend) & (spend <= high)


@pytest.mark.parametrize("level", LEVELS)
def test_the_interval_holds_its_share_of_customers_like_those_it_learned_from(level: float) -> None:
    n = 6_000
    inside = held(conformal.fit(*world(n, 1), level), *world(n, 2))
    error = np.sqrt(level * (1 - level) * 2 / n)  # of the calibration draw and of the test draw
    assert inside.mean() == pytest.approx(level, abs=3 * error)


@pytest.mark.parametrize("level", LEVELS)
def test_the_interval_holds_its_share_in_every_band_of_value(level: float) -> None:
    n, bands = 6_000, 10
    fitted = conformal.fit(*world(n, 1), level)
    expected, spend = world(n, 2)
    inside = held(fitted, expected, spend)
    error = np.sqrt(level * (1 - level) * 2 / (n / bands))
    for rows in np.array_split(np.argsort(expected), bands):
        assert inside[rows].mean() == pytest.approx(level, abs=3 * error)


def test_where_many_spend_nothing_at_least_its_share_is_held() -> None:
    inside = held(conformal.fit(*world(6_000, 1, zeros=True), 0.8), *world(6_000, 2, zeros=True))
    assert inside.mean() >= 0.8 - 3 * np.sqrt(0.16 * 2 / 6_000)


def test_a_higher_level_gives_a_wider_interval() -> None:
    expected, _ = world(500, 3)
    narrow, wide = (
        conformal.fit(*world(2_000, 1), level).interval(expected) for level in (0.5, 0.9)
    )
    assert (wide[0] <= narrow[0]).all()
    assert (wide[1] >= narrow[1]).all()


@pytest.mark.parametrize("rows", [1, 5, 59, 61, 700])
def test_bands_are_in_order_however_few_customers_there_are(rows: int) -> None:
    fitted = conformal.fit(*world(rows, 1), 0.8)
    assert (np.diff(fitted.centre) > 0).all()
    assert 1 <= len(fitted.centre) <= conformal.MOST_BANDS
    assert (np.array(fitted.low) <= fitted.high).all()


def test_a_handful_of_customers_gives_all_that_they_did() -> None:
    expected, spend = np.full(4, 100.0), np.array([0.0, 50.0, 150.0, 400.0])
    low, high = conformal.fit(expected, spend, 0.8).interval(np.array([100.0]))
    assert (low[0], high[0]) == pytest.approx((0.0, 400.0))


def test_one_prediction_for_all_is_no_problem() -> None:
    spend = np.random.default_rng(7).gamma(2, 30, 600)
    fitted = conformal.fit(np.full(600, 60.0), spend, 0.8)
    assert np.isfinite(fitted.interval(np.array([0.0, 60.0, 1e6]))).all()


def test_an_interval_is_never_negative_nor_upside_down() -> None:
    fitted = conformal.fit(*world(2_000, 1, zeros=True), 0.8)
    low, high = fitted.interval(np.array([0.0, 1e-9, 0.1, 1.0, 50.0, 1e4, 1e7]))
    assert (low >= 0).all()
    assert (high >= low).all()


def test_beyond_the_best_customer_the_interval_grows_in_proportion() -> None:
    fitted = conformal.fit(*world(2_000, 1), 0.8)
    top = fitted.centre[-1] ** 2
    near, far = fitted.interval(np.array([top])), fitted.interval(np.array([4 * top]))
    assert far[1] == pytest.approx(4 * near[1])
    assert far[0] == pytest.approx(4 * near[0])


def test_a_longer_horizon_stretches_the_interval_with_the_prediction() -> None:
    fitted = conformal.fit(*world(2_000, 1), 0.8)
    near, far = fitted.interval(np.array([80.0])), fitted.interval(np.array([240.0]), stretch=3.0)
    assert np.array(far) == pytest.approx(3 * np.array(near))


def test_bands_survive_being_written_down() -> None:
    fitted = conformal.fit(*world(200, 1), 0.8)
    plain = {k: list(v) if isinstance(v, tuple) else v for k, v in vars(fitted).items()}
    assert Bands.from_dict(plain) == fitted
