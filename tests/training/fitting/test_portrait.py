from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.feature import Feature
from training.fitting import portrait

FEATURES = [
    Feature("spend", "behavioural", "currency", "number", "never", "Spend so far."),
    Feature("visits", "engagement", "events", "count", "never", "Visits so far."),
    Feature("age", "demographic", "days", "number", "unknown", "Age."),
    Feature("stage", "journey", "category", "category", "never", "Stage."),
]


def customers() -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Six customers in two segments: three spend a lot and often, three little and seldom."""
    labels = np.array([0, 0, 0, 1, 1, 1])
    columns = {
        "spend": np.array([900.0, 1000, 1100, 9, 10, 11]),
        "visits": np.array([5.0, 5, 5, 5, 5, 5]),
        "age": np.array([30.0, np.nan, np.nan, np.nan, np.nan, np.nan]),
        "stage": np.array(["loyal", "loyal", "new", "new", "new", "new"], dtype=object),
        "gap_mean": np.array([6.0, 7, 8, np.nan, np.nan, 60]),
        "basket_value": np.array([50.0, 60, 70, np.nan, np.nan, np.nan]),
    }
    predicted = {
        "churn_probability": np.array([0.0, 0.1, 0.2, 0.6, 0.7, 0.8]),
        "expected_orders": np.array([4.0, 5, 6, 0, 1, 2]),
        "expected_spend": np.array([200.0, 300, 400, 1, 2, 3]),
    }
    return labels, columns, predicted


def described(count: int = 2) -> list[dict[str, Any]]:
    labels, columns, predicted = customers()
    return portrait.describe(labels, count, columns, predicted, FEATURES)


def plain(**changes: Any) -> dict[str, Any]:
    usual = {
        "customers": 100, "expected_spend": 50.0, "churn_probability": 0.2, "rhythm": 7.0,
        "basket_value": 30.0, "stages": {"active": 1.0},
    }  # fmt: skip
    return {**usual, **changes}


# ------------------------------------------------------------------------------------ what is said


def test_a_portrait_counts_and_averages_its_own_customers() -> None:
    best, least = described()
    assert (best["customers"], best["share"]) == (3, 0.5)
    assert best["churn_probability"] == pytest.approx(0.1)
    assert best["expected_spend"] == pytest.approx(300.0)
    assert (best["rhythm"], best["basket_value"]) == (7.0, 60.0)
    assert best["stages"] == pytest.approx({"loyal": 2 / 3, "new": 1 / 3})
    assert (least["rhythm"], least["basket_value"]) == (60.0, None)


def test_traits_are_what_sets_it_apart_and_is_known() -> None:
    best, least = described()
    assert [t["feature"] for t in best["traits"]] == ["spend"]  # visits are alike, age is unknown
    trait = best["traits"][0]
    assert (trait["segment"], trait["everyone"]) == (1000.0, 455.5)
    assert trait["difference"] > 0 > least["traits"][0]["difference"]
    assert set(best["profile"]) == set(least["profile"]) == {"spend"}


def test_a_segment_without_customers_has_a_portrait_too() -> None:
    empty = described(3)[2]
    assert (empty["customers"], empty["share"], empty["traits"]) == (0, 0.0, [])
    assert empty["expected_spend"] is None
    assert empty["stages"] == {}
    assert portrait.name_all(described(3), [None] * 3)[2]


# ---------------------------------------------------------------------------------------- the name


def test_a_name_says_value_and_certainty() -> None:
    high = plain(expected_spend=100.0, churn_probability=0.05)
    low = plain(expected_spend=10.0, churn_probability=0.7, stages={"lapsed": 0.9})
    assert portrait.name_all([high, low], [None, None]) == [
        "High spenders, steady",
        "Minimal spenders, mostly gone",
    ]


@pytest.mark.parametrize(
    ("churn", "stages", "word"),
    [
        (0.7, {"lapsed": 0.3, "at_risk": 0.2, "active": 0.5}, "mostly gone"),
        (0.7, {"lapsed": 0.3, "active": 0.7}, "seldom here"),
        (0.4, {"at_risk": 0.6, "loyal": 0.4}, "slipping away"),
        (0.4, {"active": 1.0}, "on and off"),
        (0.2, {"lapsed": 1.0}, "wavering"),
    ],
)
def test_only_who_is_silent_for_longer_than_usual_is_called_gone(
    churn: float, stages: dict[str, float], word: str
) -> None:
    one = plain(churn_probability=churn, stages=stages)
    assert portrait.name_all([one], [None]) == [f"Mid spenders, {word}"]


def test_identical_portraits_never_share_a_name() -> None:
    assert portrait.name_all([plain()] * 5, [None] * 5) == [
        "Mid spenders, wavering",
        "Mid spenders, wavering, weekly",
        "Mid spenders, wavering, weekly, baskets of 30",
        "Mid spenders, wavering, weekly, baskets of 30 (2)",
        "Mid spenders, wavering, weekly, baskets of 30 (3)",
    ]


def test_kept_names_stay_and_are_not_given_again() -> None:
    kept = [None, "Mid spenders, wavering", None]
    assert portrait.name_all([plain()] * 3, kept) == [
        "Mid spenders, wavering, weekly",
        "Mid spenders, wavering",
        "Mid spenders, wavering, weekly, baskets of 30",
    ]


def test_a_kept_name_that_the_figures_no_longer_lead_to_is_told() -> None:
    usual, best = plain(), plain(expected_spend=400.0, churn_probability=0.05)
    empty = plain(customers=0, expected_spend=None, churn_probability=None)
    # The rhythm tells two apart that are called alike: it is no part of what the figures say.
    names = ["Low spenders, wavering, weekly", "High spenders, steady", "Old name"]
    assert portrait.misnamed([usual, best, empty], names) == {}
    told = portrait.misnamed([usual, best, empty], ["Top spenders, steady", *names[1:]])
    assert told == {0: "Low spenders, wavering"}


PORTRAITS = st.builds(
    plain,
    customers=st.integers(0, 1000),
    expected_spend=st.none() | st.floats(0, 1e6),
    churn_probability=st.none() | st.floats(0, 1),
    rhythm=st.none() | st.floats(0, 1000),
    basket_value=st.none() | st.floats(0, 1e4),
)
NAMES = ["Mid spenders, wavering", "Mid spenders, wavering, weekly", "Old name"]


@given(
    st.lists(PORTRAITS, min_size=1, max_size=20),
    st.lists(st.sampled_from(NAMES), unique=True, max_size=3),
)
def test_no_name_twice_whatever_the_portraits(
    portraits: list[dict[str, Any]], old: list[str]
) -> None:
    kept = [*old, *[None] * len(portraits)][: len(portraits)]
    names = portrait.name_all(portraits, kept)
    assert len(set(names)) == len(names) == len(portraits)
    assert all(names[i] == name for i, name in enumerate(kept) if name)
    assert all(names)
