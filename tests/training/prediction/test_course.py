"""What the recurrent network is told of a customer, by hand."""

import dataclasses

import numpy as np
import pytest

from features.lenses import periods
from training.prediction.course import CHANNELS, INPUTS, KNOWN, Course

COURSE = Course(3, 10, 20.0, (0.0,) * len(KNOWN), (1.0,) * len(KNOWN), 50.0)


def columns(rows: int = 1, **given: float) -> dict[str, np.ndarray]:
    """Feature columns of customers without any order, but for what is given."""
    made = {name: np.zeros(rows) for name in INPUTS}
    made |= {name: np.full(rows, np.nan) for name in ("recency_days", "T_days", "basket_value")}
    return made | {name: np.full(rows, value) for name, value in given.items()}


def test_the_latest_period_is_read_last() -> None:
    told = COURSE.series(
        columns(orders_period_1=2.0, spend_period_1=60.0, orders_period_3=1.0, T_days=25.0)
    )
    assert told.shape == (1, 3, CHANNELS)
    assert told.dtype == np.float32
    assert told[0, :, 0] == pytest.approx(np.log1p([1.0, 0.0, 2.0]))
    assert told[0, :, 1] == pytest.approx(np.log1p([0.0, 0.0, 3.0]))  # in orders of 20
    assert told[0, :, 2].tolist() == [1.0, 0.0, 1.0]
    assert told[0, :, 3].tolist() == [0.5, 1.0, 1.0]  # a customer for 25 days of 30


def test_more_returned_than_bought_is_no_spend() -> None:
    assert COURSE.series(columns(spend_period_2=-5.0))[0, 1, 1] == 0.0


def test_what_is_beyond_all_measure_stays_a_number() -> None:
    told = COURSE.series(columns(spend_period_1=1e308, orders_period_1=np.nan, T_days=1e9))
    assert told[0, -1].tolist() == [0.0, 20.0, 0.0, 1.0]
    assert COURSE.known(columns(spend=np.inf, orders=np.nan))[0, 2:4].tolist() == [0.0, 4.0]


def test_who_never_ordered_is_told_without_nulls() -> None:
    assert not COURSE.series(columns()).any()
    assert COURSE.known(columns()).tolist() == [[0.0] * len(KNOWN)]


def test_what_is_known_is_standardised_and_bounded() -> None:
    course = dataclasses.replace(COURSE, mean=(1.0,) * 5, scale=(2.0,) * 5)
    told = course.known(columns(orders=np.expm1(3.0), spend=1e300, recency_days=0.0))[0]
    assert told.tolist() == pytest.approx([-0.5, 0.0, 1.0, 4.0, 0.0])


def test_it_is_learned_from_the_rows_of_training() -> None:
    rows = columns(200, orders=4.0, spend=80.0, basket_value=20.0, recency_days=5.0)
    rows["T_days"] = np.linspace(1.0, 41.0, 200)
    course = Course.of(rows, 10, np.array([0.0, 30.0] * 100))
    assert (course.days, course.order, course.spend) == (10, 20.0, 15.0)
    assert course.periods == 5 + periods.A_HORIZON  # 41 days, and a horizon more
    told = course.known(rows)
    assert told[:, 1].mean() == pytest.approx(0.0, abs=1e-6)
    assert told[:, 1].std() == pytest.approx(1.0, abs=1e-6)
    rows["T_days"] = np.full(200, 4_000.0)
    assert Course.of(rows, 10, np.zeros(200)).periods == periods.PERIODS


def test_what_never_varied_in_training_is_not_blown_up() -> None:
    course = Course.of(columns(50, orders=1.0, T_days=20.0), 10, np.ones(50))
    assert course.known(columns(orders=3.0))[0, 2] == pytest.approx(np.log(2.0))  # of log1p


def test_rows_without_any_order_make_a_course_too() -> None:
    course = Course.of(columns(5), 10, np.zeros(5))
    assert course.periods == periods.A_HORIZON
    assert np.isfinite(course.series(columns(5))).all()
    assert np.isfinite(course.known(columns(5, orders=3.0, T_days=9.0))).all()


def test_what_the_network_says_is_bounded() -> None:
    logits, spend = COURSE.estimates(np.array([[1.5, 0.0], [0.0, 900.0], [0.0, -900.0]]))
    assert logits.tolist() == [1.5, 0.0, 0.0]
    assert spend == pytest.approx([50.0, 50.0 * np.exp(6.0), 50.0 * np.exp(-12.0)])


def test_it_survives_as_plain_values() -> None:
    assert Course.from_dict(dataclasses.asdict(COURSE)) == COURSE
