from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from training.measures import separation


def test_eta_squared_agrees_with_the_analysis_of_variance() -> None:
    generator = np.random.default_rng(5)
    labels = generator.choice(["a", "b", "c"], 200)
    values = generator.normal(size=200) + (labels == "a")
    f = stats.f_oneway(*(values[labels == name] for name in "abc")).statistic
    assert separation.eta_squared(values, labels) == pytest.approx(f * 2 / (f * 2 + 197))
    assert separation.eta_squared([1, 1], ["a", "b"]) == pytest.approx(float("nan"), nan_ok=True)


def test_segment_auc_ranks_by_the_rates_given(
    by_pairs: Callable[[np.ndarray, np.ndarray], float],
) -> None:
    truth, labels = [1, 0, 0, 1], ["a", "a", "b", "b"]
    assert separation.segment_auc(truth, labels, {"a": 0.2, "b": 0.1}) == 0.5
    assert separation.segment_auc(
        [1, 1, 0, 1], labels, {"a": 0.2, "b": 0.1, "c": 0}
    ) == pytest.approx(by_pairs(np.array([1, 1, 0, 1]), np.array([0.2, 0.2, 0.1, 0.1])))
    with pytest.raises(ValueError, match=r"a rate estimated elsewhere\. Without one: \['b'\]\."):
        separation.segment_auc(truth, labels, {"a": 0.2})


def test_jaccard_by_hand() -> None:
    # x = {0, 1, 2} meets {0, 1} in 2 of 3; y = {3, 4} meets {2, 3, 4} in 2 of 3
    found = separation.jaccard_per_cluster(["x", "x", "x", "y", "y"], [0, 0, 1, 1, 1])
    assert found == {"x": pytest.approx(2 / 3), "y": pytest.approx(2 / 3)}


def test_groupings_are_equal_whatever_their_names() -> None:
    labels = np.array([0, 0, 1, 2, 2, 2])
    names = np.array(["c", "a", "b"])[labels]
    assert separation.adjusted_rand(labels, names) == 1
    assert separation.jaccard_per_cluster(labels, names) == {0: 1, 1: 1, 2: 1}
