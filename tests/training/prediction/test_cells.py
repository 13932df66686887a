"""RFM cells: mean outcomes of customers alike."""

import dataclasses
import json

import numpy as np
import pytest

from training.prediction.cells import SMOOTHED, Cells


def known(recency: np.ndarray) -> dict[str, np.ndarray]:
    """Customers who differ in recency alone."""
    same = np.ones(len(recency))
    return {"recency_days": recency, "orders": same, "spend": same * 10}


RECENCY = np.repeat([5.0, 50.0, 150.0], 100)
ORDERS = np.repeat([2.0, 1.0, 0.0], 100)
MADE = Cells.fit(known(RECENCY), ORDERS, ORDERS * 7)


def test_a_cell_gives_its_mean_drawn_towards_everybodys() -> None:
    columns = MADE.columns(known(np.array([4.0, 60.0, 500.0])))
    # a hundred of the cell's own and twenty of everybody's mean, which are 1, 2/3 and 7
    own, all_of = 100 / (100 + SMOOTHED), SMOOTHED / (100 + SMOOTHED)
    assert columns["structural_orders"] == pytest.approx(np.array([2, 1, 0]) * own + all_of)
    assert columns["structural_return"] == pytest.approx(np.array([1, 1, 0]) * own + all_of * 2 / 3)
    assert columns["structural_spend"] == pytest.approx(np.array([14, 7, 0]) * own + all_of * 7)


def test_the_means_of_those_they_were_learned_from_add_up_again() -> None:
    columns = MADE.columns(known(RECENCY))
    assert columns["structural_spend"].sum() == pytest.approx((ORDERS * 7).sum())


def test_an_empty_cell_is_everybodys_mean_and_a_prospect_has_none() -> None:
    rows = {
        "recency_days": np.array([5.0, np.nan]),
        "orders": np.array([99.0, 0.0]),
        "spend": np.array([10.0, np.nan]),
    }
    orders = MADE.columns(rows)["structural_orders"]
    assert orders[0] == pytest.approx(1.0)
    assert np.isnan(orders[1])


def test_cells_survive_being_written_down() -> None:
    written = json.loads(json.dumps(dataclasses.asdict(MADE)))
    assert Cells.from_dict(written) == MADE
    assert Cells.from_dict(None) is None
