import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from training import blend
from training.blend import Calibration

LOGITS = arrays.arrays(np.float64, st.integers(1, 30), elements=st.floats(-1e6, 1e6))
AMOUNTS = arrays.arrays(np.float64, st.integers(1, 30), elements=st.floats(0, 1e7))


@st.composite
def calibrations(draw: st.DrawFn) -> Calibration:
    """All that `training.calibration` and `training.stretch` can give."""
    scale, ratio = st.floats(1 / 3, 3), st.floats(1, 20)
    return Calibration(
        churn=(draw(st.floats(-10, 10)), draw(st.floats(0, 5))),
        boosted_spend=draw(scale),
        latent_spend=draw(scale),
        orders=draw(scale),
        latent_share=draw(st.floats(0, 1)),
        churn_power=draw(ratio),
        orders_stretch=draw(ratio),
        spend_stretch=draw(ratio),
    )


@given(LOGITS, calibrations())
def test_churn_is_a_probability(logits: np.ndarray, c: Calibration) -> None:
    p = blend.churn(logits, c)
    assert ((p >= 0) & (p <= 1)).all()


@given(LOGITS, calibrations())
def test_churn_rises_with_its_logit(logits: np.ndarray, c: Calibration) -> None:
    assert (np.diff(blend.churn(np.sort(logits), c)) >= 0).all()


@given(AMOUNTS, LOGITS, calibrations())
def test_orders_are_at_least_the_probability_of_one(
    boosted: np.ndarray, logits: np.ndarray, c: Calibration
) -> None:
    n = min(len(boosted), len(logits))
    churned = blend.churn(logits[:n], c)
    assert (blend.orders(boosted[:n], churned, c) >= 1 - churned).all()


@given(AMOUNTS, calibrations())
def test_spend_is_never_negative_and_rises_with_its_parts(
    amounts: np.ndarray, c: Calibration
) -> None:
    made = blend.spend(np.sort(amounts), np.sort(amounts), c)
    assert (made >= 0).all()
    assert (np.diff(made) >= -1e-9 * made[1:]).all()


def test_a_longer_horizon_lowers_churn_and_raises_the_rest() -> None:
    near = Calibration(churn=(-0.5, 1.0))
    far = dataclasses.replace(near, churn_power=2.0, orders_stretch=2.0, spend_stretch=2.5)
    logits, amount = np.array([-1.0, 0.0, 2.0]), np.array([1.0, 4.0, 9.0])
    short, long = blend.churn(logits, near), blend.churn(logits, far)
    assert long == pytest.approx(short**2)
    assert blend.spend(amount, amount, far) == pytest.approx(
        2.5 * blend.spend(amount, amount, near)
    )
    assert (blend.orders(amount, long, far) >= blend.orders(amount, short, near)).all()


def test_the_blend_is_the_weighted_sum_of_its_scaled_parts() -> None:
    c = Calibration(boosted_spend=2.0, latent_spend=0.5, latent_share=0.25)
    made = blend.spend(np.array([10.0]), np.array([100.0]), c)
    assert made == pytest.approx([0.75 * 2 * 10 + 0.25 * 0.5 * 100])


def test_the_churn_logit_is_the_mean_of_three() -> None:
    made = blend.churn_logit(np.array([0.5]), np.array([3.0]), np.array([-1.5]))
    assert made == pytest.approx([0.5])


def test_logit_and_sigmoid_undo_each_other() -> None:
    p = np.linspace(1e-5, 1 - 1e-5, 101)
    assert blend.sigmoid(blend.logit(p)) == pytest.approx(p)
    assert np.isfinite(blend.logit(np.array([0.0, 1.0]))).all()


def test_a_calibration_survives_being_written_down() -> None:
    c = Calibration(churn=(0.25, 0.75), latent_share=0.5)
    assert Calibration.from_dict({**dataclasses.asdict(c), "churn": [0.25, 0.75]}) == c
