"""Few events: how far estimates are drawn towards a simple model's."""

import numpy as np
import pytest

from training.prediction.shrinkage import Shrinkage, chosen, drawn


def of(ordered: int, silent: int, unpaid: int = 0, structural: bool = True) -> Shrinkage:
    """So many rows with an order, of whom `unpaid` spent nothing, and so many without."""
    orders = np.repeat([2.0, 0.0], [ordered, silent])
    spend = np.repeat([0.0, 9.0, 0.0], [unpaid, ordered - unpaid, silent])
    return chosen(orders, spend, structural)


@pytest.mark.parametrize(
    ("ordered", "silent", "share"),
    [(50, 900, 0.5), (900, 50, 0.5), (150, 200, 0.25), (0, 500, 1.0), (450, 5_000, 0.1)],
)
def test_of_churn_the_rarer_outcome_says_how_far(ordered: int, silent: int, share: float) -> None:
    found = of(ordered, silent)
    assert found.churn == pytest.approx(share)  # 50 / (50 + events)
    assert found.events == min(ordered, silent)


def test_of_value_those_who_spent_say_how_far() -> None:
    found = of(900, 50, unpaid=750)
    assert found.value == pytest.approx(0.25)
    assert found.spent == 150
    assert found.most == 9.0  # beyond what ever came, the simple model is not believed


@pytest.mark.parametrize(("structural", "churn"), [(True, 0.1), (False, 0.0)])
def test_with_many_events_the_structural_model_keeps_a_say_in_churn(
    structural: bool, churn: float
) -> None:
    found = of(951, 951, structural=structural)
    assert (found.churn, found.value) == (churn, 0.0)
    assert found.rung == "learned models"  # which that always is


def test_the_means_of_cells_count_down_to_a_twentieth() -> None:
    assert of(950, 950, structural=False).churn == 0.05
    assert of(950, 950, structural=False).rung.startswith("learned models, churn drawn 5% (950 ")


def test_the_rung_names_the_simple_model_and_the_events() -> None:
    assert of(200, 12, structural=False).rung == (
        "learned models, churn drawn 81% (12 events), value 20% (200 who spent) towards means of "
        "RFM cells"
    )


def test_an_estimate_lies_between_both_by_the_share() -> None:
    made = drawn(np.array([10.0, 10.0, 10.0]), np.array([20.0, 0.0, np.nan]), 0.25)
    assert made.tolist() == [12.5, 7.5, 10.0]  # where the simple model knows nothing: as learned
