import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from training.prediction import blend
from training.prediction.blend import EXPERTS, Calibration, Pool

LOGITS = arrays.arrays(np.float64, st.integers(1, 30), elements=st.floats(-1e6, 1e6))
AMOUNTS = arrays.arrays(np.float64, st.integers(1, 30), elements=st.floats(0, 1e7))


@st.composite
def calibrations(draw: st.DrawFn) -> Calibration:
    """All that `fitting.calibration` and `windows.stretch` can give."""
    scale, ratio = st.floats(1 / 3, 3), st.floats(1 / 3, 60)
    each = st.tuples(*[st.floats(0, 2)] * len(EXPERTS))
    levels = st.tuples(*[st.floats(1e-3, 1e4)] * len(EXPERTS))
    return Calibration(
        churn=(draw(st.floats(-10, 10)), draw(st.floats(0, 5))),
        spend=Pool(draw(each), draw(levels), draw(st.floats(1e-3, 1e4))),
        orders=draw(scale),
        most_orders=draw(st.floats(1, 1e3)),
        most_spend=draw(st.floats(1, 1e6)),
        churn_power=draw(ratio),
        orders_stretch=draw(ratio),
        spend_stretch=draw(ratio),
    )


def alike(amounts: np.ndarray) -> np.ndarray:
    """(n, experts): every expert says the same."""
    return np.tile(amounts[:, None], (1, len(EXPERTS)))


@given(LOGITS, calibrations())
def test_churn_is_a_probability(logits: np.ndarray, c: Calibration) -> None:
    p = blend.churn(logits, c)
    assert ((p >= 0) & (p <= 1)).all()


@given(LOGITS, calibrations())
def test_churn_rises_with_its_logit(logits: np.ndarray, c: Calibration) -> None:
    assert (np.diff(blend.churn(np.sort(logits), c)) >= 0).all()


@given(AMOUNTS, LOGITS, calibrations())
def test_orders_and_spend_stay_between_what_the_chance_of_an_order_allows(
    amounts: np.ndarray, logits: np.ndarray, c: Calibration
) -> None:
    n = min(len(amounts), len(logits))
    churned = blend.churn(logits[:n], c)
    orders = blend.orders(amounts[:n], churned, c)
    assert (orders >= 1 - churned).all()
    most = np.maximum(c.most_orders * c.orders_stretch, 1.0)
    assert (orders <= (1 - churned) * most * (1 + 1e-9)).all()
    spend = blend.spend(alike(amounts[:n]), churned, c)
    assert (spend <= (1 - churned) * c.most_spend * c.spend_stretch * (1 + 1e-9)).all()


@given(AMOUNTS, calibrations())
def test_spend_is_never_negative_and_rises_with_its_parts(
    amounts: np.ndarray, c: Calibration
) -> None:
    made = blend.spend(alike(np.sort(amounts)), 0.0, c)
    assert (made >= 0).all()
    assert np.isfinite(made).all()
    assert (np.diff(made) >= -1e-9 * made[1:]).all()


def test_a_longer_horizon_lowers_churn_and_raises_the_rest() -> None:
    near = Calibration(churn=(-0.5, 1.0))
    far = dataclasses.replace(near, churn_power=2.0, orders_stretch=2.0, spend_stretch=2.5)
    logits, amount = np.array([-1.0, 0.0, 2.0]), np.array([1.0, 4.0, 9.0])
    short, long = blend.churn(logits, near), blend.churn(logits, far)
    assert long == pytest.approx(short**2)
    experts = alike(amount)
    assert blend.spend(experts, 0.0, far) == pytest.approx(2.5 * blend.spend(experts, 0.0, near))
    assert (blend.orders(amount, long, far) >= blend.orders(amount, short, near)).all()


def test_the_pool_is_the_weighted_geometric_mean_in_units_of_each_level() -> None:
    pool = Pool((0.5, 0.25, 0.25, 0.0, 0.0), (10.0, 100.0, 1.0, 7.0, 7.0), 3.0)
    made = pool.spend(np.array([[40.0, 1600.0, 16.0, 1.0, 9.0]]))
    assert made == pytest.approx([3.0 * 4**0.5 * 16**0.25 * 16**0.25])


def test_an_expert_that_knows_nothing_agrees_with_the_others() -> None:
    pool = Pool((0.3, 0.1, 0.0, 0.2, 0.4), (10.0, 10.0, 10.0, 50.0, 50.0), 2.0)
    known = np.array([[20.0, 20.0, 99.0, 100.0, 100.0], [40.0, 10.0, 99.0, 0.0, 0.0]])
    unknown = np.where(np.arange(5) < 3, known, np.nan)
    made = pool.spend(unknown)
    assert made[0] == pytest.approx(pool.spend(known)[0])  # who would have said twice, too
    assert made[1] == pytest.approx(2.0 * (4**0.3 * 1**0.1) ** (1 / 0.4))


def test_who_alone_is_asked_and_knows_nothing_leaves_the_others_an_equal_say() -> None:
    pool = Pool((0.0, 0.0, 0.0, 0.0, 1.0), (1.0, 1.0, 1.0, 1.0, 1.0), 1.0)
    assert pool.spend(np.array([[2.0, 4.0, 8.0, np.nan, np.nan]])) == pytest.approx([4.0])


def test_the_churn_logit_is_the_mean_of_its_parts() -> None:
    parts = np.array([0.5]), np.array([3.0]), np.array([-1.5]), np.array([2.5])
    assert blend.churn_logit(*parts) == pytest.approx([1.0])


def test_logit_and_sigmoid_undo_each_other() -> None:
    p = np.linspace(1e-5, 1 - 1e-5, 101)
    assert blend.sigmoid(blend.logit(p)) == pytest.approx(p)
    assert np.isfinite(blend.logit(np.array([0.0, 1.0]))).all()


def test_a_calibration_survives_being_written_down() -> None:
    c = Calibration(churn=(0.25, 0.75), spend=Pool((0.2,) * 5, (3.0,) * 5, 4.0))
    assert Calibration.from_dict(json.loads(json.dumps(dataclasses.asdict(c)))) == c
