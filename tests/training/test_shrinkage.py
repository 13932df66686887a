"""Few events: how far estimates are drawn towards a simple model's."""

import numpy as np
import pytest

from training.shrinkage import Shrinkage, chosen, drawn


@pytest.mark.parametrize(
    ("ordered", "silent", "share"),
    [(100, 900, 0.5), (900, 100, 0.5), (300, 300, 0.25), (0, 500, 1.0), (1_900, 5_000, 0.05)],
)
def test_the_rarer_outcome_says_how_far(ordered: int, silent: int, share: float) -> None:
    found = chosen(np.repeat([2.0, 0.0], [ordered, silent]), structural=True)
    assert found.share == pytest.approx(share)  # 100 / (100 + events)
    assert found.events == min(ordered, silent)


def test_with_many_events_nothing_is_drawn() -> None:
    found = chosen(np.repeat([1.0, 0.0], 1_901), structural=True)
    assert found.share == 0.0
    assert found.rung == "learned models"


def test_the_rung_names_the_simple_model_and_the_events() -> None:
    assert chosen(np.repeat([1.0, 0.0], [25, 400]), structural=False).rung == (
        "learned models, drawn 80% towards means of RFM cells: only 25 events"
    )


def test_an_estimate_lies_between_both_by_the_share() -> None:
    made = drawn(np.array([10.0, 10.0, 10.0]), np.array([20.0, 0.0, np.nan]), 0.25)
    assert made.tolist() == [12.5, 7.5, 10.0]  # where the simple model knows nothing: as learned


def test_a_bundle_without_a_word_of_it_draws_nothing() -> None:
    assert Shrinkage(**{}).share == 0.0
