import numpy as np
import pandas as pd
import pytest

from features.spec import Attribute, FeatureSpec
from training.cards.disparity import SMALL, UNKNOWN, disparity_section, groups

SPEC = FeatureSpec(
    attributes=(
        Attribute("home", "geographic", "region", levels=("country", "city")),
        Attribute("age", "demographic", "ordered", order=("young", "old")),
        Attribute("home club", "demographic", "category"),
    )
)


def test_groups_bear_their_names_and_the_unknown_are_one() -> None:
    frame = pd.DataFrame({"attribute_age": [0.0, 1.0, np.nan] * 50})
    made = groups(frame, SPEC, "age")
    assert made[:3].tolist() == ["young", "old", UNKNOWN]


def test_small_groups_are_one_and_the_unknown_stay_apart() -> None:
    clubs = ["red"] * 60 + ["blue"] * 49 + ["green"] * 10 + [None] * 5
    made = groups(pd.DataFrame({"attribute_home_club": clubs}), SPEC, "home club")
    assert pd.Series(made).value_counts().to_dict() == {"red": 60, SMALL: 59, UNKNOWN: 5}


def test_figures_are_of_each_group_alone() -> None:
    test = pd.DataFrame(
        {"future_orders": [1, 0, 1, 0, 1], "future_spend": [10.0, 0.0, 90.0, 0.0, 50.0]}
    )
    predicted = {
        "churn_probability": np.array([0.2, 0.6, 0.1, 0.3, 0.5]),
        "expected_spend": np.array([20.0, 0.0, 45.0, 10.0, 60.0]),
    }
    of = np.array(["a", "a", "b", "b", UNKNOWN])
    section = disparity_section("age", of, test, predicted)
    assert section.title == "By group of age"
    assert list(section.rows) == ["a", "b", UNKNOWN]
    assert section.rows["a"] == pytest.approx(
        {
            "customers": 2, "churned": 0.5, "said to churn": 0.4, "churn AUC": 1.0,
            "spend bias": 1.0, "selected": 0.0, "of the best, selected": float("nan"),
        },
        nan_ok=True,
    )  # fmt: skip
    assert section.rows["b"]["spend bias"] == pytest.approx(55 / 90 - 1)
    assert section.rows["b"]["of the best, selected"] == 0.0  # who spent 90 was not selected
    assert np.isnan(section.rows[UNKNOWN]["churn AUC"])
    assert section.rows[UNKNOWN]["selected"] == 1.0


def many(shares: dict[str, float]) -> tuple[np.ndarray, pd.DataFrame, dict[str, np.ndarray]]:
    """A hundred customers a group, of whom such shares are expected to spend much."""
    of = np.repeat(list(shares), 100)
    high = np.concatenate([np.arange(100) < 100 * share for share in shares.values()])
    test = pd.DataFrame({"future_orders": high.astype(int), "future_spend": 10.0 * high})
    return of, test, {"churn_probability": 0.5 * ~high, "expected_spend": 10.0 * high}


def test_a_group_selected_too_seldom_is_named() -> None:
    section = disparity_section("age", *many({"old": 0.25, "young": 0.15}))
    assert section.notes[1] == (
        "Selected less than 0.8 times as often as old, the group selected most: young 0.60. "
        "That may be what they spend: compare the last column."
    )


def test_groups_selected_alike_are_said_to_be() -> None:
    section = disparity_section("age", *many({"old": 0.21, "young": 0.19}))
    assert section.notes[1] == "No group is selected less than 0.8 times as often as old."


def test_who_spent_nothing_is_not_among_the_best() -> None:
    of, test, predicted = many({"old": 0.04, "young": 0.04})
    section = disparity_section("age", of, test, predicted)
    assert [row["of the best, selected"] for row in section.rows.values()] == [1.0, 1.0]
