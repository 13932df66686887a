import dataclasses
import json

import numpy as np
import pytest

from training.prediction.intervals import Bands

# Two bands, around predictions of 4 and 16; quantiles at 0, 25, 50, 75 and 100 %.
BANDS = Bands(0.8, 0.1, 0.9, (2.0, 4.0), ((0.0, 0.4, 1.0, 1.6, 4.0), (0.0, 0.8, 1.0, 1.2, 2.0)))


def at(level: float, spend: float, churn: float, stretch: float = 1.0) -> float:
    return float(BANDS.quantile(level, np.array([spend]), np.array([churn]), stretch)[0])


@pytest.mark.parametrize(
    ("level", "churn", "spend"),
    [
        (0.5, 0.0, 16.0),  # the middle of those who spend: ratio 1
        (0.75, 0.0, 19.2),
        (0.625, 0.0, 17.6),  # half way between 1 and 1.2
        (0.5, 0.6, 0.0),  # more than half spend nothing
        (0.6, 0.6, 0.0),
        (0.8, 0.6, 40.0),  # the middle of the 40 % who spend 16 / .4 on average
        (0.9, 0.6, 48.0),
        (1.0, 0.6, 80.0),
        (0.9, 1.0, 0.0),
    ],
)
def test_a_quantile_by_hand(level: float, churn: float, spend: float) -> None:
    assert at(level, 16.0, churn) == pytest.approx(spend)


def test_between_two_bands_the_quantiles_are_interpolated() -> None:
    assert at(0.75, 9.0, 0.0) == pytest.approx(9 * 1.4)  # root 3, half way between 2 and 4
    assert at(0.75, 4.0, 0.0) == pytest.approx(4 * 1.6)
    assert at(0.75, 1.0, 0.0) == pytest.approx(1.6)


def test_beyond_the_best_customer_the_interval_grows_in_proportion() -> None:
    churn = np.array([0.05])
    near, far = (BANDS.interval(np.array([spend]), churn) for spend in (16.0, 64.0))
    assert np.array(far) == pytest.approx(4 * np.array(near))
    assert near[0][0] > 0


def test_an_interval_reaches_from_its_lower_to_its_upper_level() -> None:
    low, median, high = BANDS.interval(np.array([16.0]), np.array([0.0]))
    # .4 and .6 of a step
    assert (low[0], median[0], high[0]) == pytest.approx((16 * 0.32, 16.0, 16 * 1.68))


def test_a_longer_horizon_stretches_the_interval_with_the_prediction() -> None:
    churn = np.array([0.2])
    near = BANDS.interval(np.array([9.0]), churn)
    far = BANDS.interval(np.array([27.0]), churn, stretch=3.0)
    assert np.array(far) == pytest.approx(3 * np.array(near))


def test_over_a_longer_horizon_fewer_are_held_to_spend_nothing() -> None:
    assert at(0.9, 5.0, 0.92) == 0
    assert at(0.9, 15.0, 0.92**3, stretch=3.0) > 0


def test_the_median_lies_inside_and_nothing_is_negative() -> None:
    rng = np.random.default_rng(7)
    spend = np.concatenate([[0.0, 1e-12, 1e9], rng.lognormal(2, 2, 500)])
    churn = np.concatenate([[1.0, 0.0, 0.5], rng.random(500)])
    low, median, high = BANDS.interval(spend, churn)
    assert (low >= 0).all()
    assert (low <= median).all()
    assert (median <= high).all()
    assert np.isfinite(high).all()


def test_no_quantile_lies_where_its_mean_cannot_be() -> None:
    spend, churn = np.full(3, 16.0), np.array([0.0, 0.3, 0.6])
    apart = BANDS.scaled(0.02)  # the level of spend fell to a fiftieth, the intervals stayed
    low, median, high = apart.interval(spend * 0.02, churn)
    assert (median <= 2 * 0.32).all()
    assert (high <= 10 * 0.32 + 1e-9).all()
    assert (low <= median).all()
    assert median[0] == pytest.approx(0.64)
    near = BANDS.scaled(0.9).interval(
        spend * 0.9, churn
    )  # a level that moved a little binds nothing
    assert np.array(near) == pytest.approx(np.array(BANDS.interval(spend, churn)))


def test_bands_that_are_scaled_give_the_same_intervals_between_their_centres_too() -> None:
    spend, churn = np.array([9.0]), np.array([0.2])
    made = BANDS.scaled(0.5).interval(spend * 0.5, churn)
    assert np.array(made) == pytest.approx(np.array(BANDS.interval(spend, churn)))


def test_a_mean_may_lie_above_its_interval() -> None:
    *_, high = BANDS.interval(np.array([5.0]), np.array([0.95]))
    assert high[0] == 0


def test_a_probability_that_differs_by_rounding_moves_no_end_by_much() -> None:
    ends = [at(0.1, 16.0, 0.1 + step) for step in (-1e-7, 0.0, 1e-7)]
    assert ends == pytest.approx([0.0] * 3, abs=1e-4)


def test_bands_survive_being_written_down() -> None:
    assert Bands.from_dict(json.loads(json.dumps(dataclasses.asdict(BANDS)))) == BANDS
