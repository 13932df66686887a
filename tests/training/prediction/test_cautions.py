"""What is said beside a prediction, row by row."""

from typing import Any

import numpy as np
import pytest

from training.prediction.cautions import cautions, unmet

NAMES = ("a", "b", "c", "d", "e")


def said(outside: int = 0, insufficient: tuple[str, ...] = (), **columns: float) -> list[str]:
    """Of one customer of whom so many of `NAMES` lie outside the training range."""
    known = {"orders": 3.0, "returns": 0.0, "T_days": 100.0, **columns}
    manifest: dict[str, Any] = {"insufficient": list(insufficient)} if insufficient else {}
    (made,) = cautions(
        {name: np.array([value]) for name, value in known.items()},
        np.array(["2024-01-01"], dtype="datetime64[us]"), manifest,
        np.array([np.arange(len(NAMES)) < outside]), NAMES, np.array([False]),
    )  # fmt: skip
    return made


def test_of_a_usual_customer_nothing_is_said() -> None:
    assert said() == []
    assert said(orders=1.0) == []


@pytest.mark.parametrize(
    ("outside", "words"), [(1, "a"), (3, "a, b, c"), (4, "a, b, c and 1 more")]
)
def test_three_features_outside_are_named_and_of_more_the_number(outside: int, words: str) -> None:
    assert said(outside) == [f"outside the training range: {words}"]


@pytest.mark.parametrize("met", [{"returns": 1.0, "events": 0.0}, {"events": 1.0}])
def test_who_returned_something_or_was_met_is_no_stranger(met: dict[str, float]) -> None:
    nobody = {"orders": 0.0, "T_days": np.nan}
    assert said(**nobody, **met) == [
        "no orders yet: predicted from what else is known, take with caution"
    ]
    assert said(**nobody, events=0.0) == [
        "no orders yet, nor events: nobody alike was learned from, hardly a guess"
    ]


def test_where_no_event_is_known_whoever_did_not_order_is_a_stranger() -> None:
    assert said(orders=0.0, T_days=np.nan) == [
        "no orders yet, nor events: nobody alike was learned from, hardly a guess"
    ]


def test_what_the_data_did_not_suffice_for_is_said_first() -> None:
    assert said(1, ("insufficient for CLV",))[0] == "insufficient for CLV"


def test_values_that_training_never_had_are_told_row_by_row() -> None:
    columns = {"city": np.array(["Bonn", "Atlantis", None, "x" * 90], dtype=object)}
    said = unmet(columns, {"home": ("city", "km")}, {"city": ("Bonn",), "stage": ("new",)})
    assert [len(one) for one in said] == [0, 1, 0, 1]
    assert said[1] == [
        "attribute 'home' is 'Atlantis', which training had never or too seldom: predicted as one "
        "of the rare"
    ]
    assert "x" * 77 + "...'" in said[3][0]
