"""Customers with an order and those without have each their own calibration and bands."""

import json

import numpy as np
import pytest

from training.prediction.blend import EXPERTS, Calibration
from training.prediction.calibrated import Calibrated, Raw
from training.prediction.intervals import Bands

BUYERS = (
    Calibration(churn=(0.5, 1.0), orders=2.0, spend_stretch=3.0),
    Bands(0.8, 0.1, 0.9, (2.0, 9.0), ((0.0, 1.0, 2.0), (0.0, 1.0, 1.5))),
)
PROSPECTS = Calibration(churn=(-2.0, 0.5), orders=0.5), Bands(0.8, 0.0, 1.0, (1.0,), ((0, 1, 4),))
ORDERED = np.array([True, False, True, False])
RAW = Raw(
    np.array([-1.0, -1.0, 0.5, 0.5]), np.tile([[40.0], [40.0], [9.0], [9.0]], len(EXPERTS)),
    np.array([2.0, 2.0, 1.0, 1.0]), np.zeros((4, 2)), ORDERED,
)  # fmt: skip
BOTH = Calibrated(BUYERS, PROSPECTS)


@pytest.mark.parametrize(("fitted", "rows"), [(BUYERS, ORDERED), (PROSPECTS, ~ORDERED)])
def test_each_is_predicted_by_what_was_fitted_to_the_like(
    fitted: tuple[Calibration, Bands], rows: np.ndarray
) -> None:
    made, alone = BOTH.estimates(RAW), Calibrated(fitted).estimates(RAW)
    assert {n: v[rows].tolist() for n, v in made.items()} == {
        n: v[rows].tolist() for n, v in alone.items()
    }
    ends = np.array(BOTH.interval(RAW, made))[:, rows]
    c, bands = fitted
    told = made["expected_spend"][rows], made["churn_probability"][rows]
    assert ends == pytest.approx(np.array(bands.interval(*told, c.spend_stretch)))


def test_both_survive_being_written_down() -> None:
    for calibrated in (BOTH, Calibrated(BUYERS)):
        assert Calibrated.from_dict(json.loads(json.dumps(calibrated.to_dict()))) == calibrated
