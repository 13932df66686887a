import numpy as np
import pytest

from training.cards.fidelity import LEAVES, rule_fidelity


def world(seed: int, rows: int = 4_000) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 1, (rows, 3))


def test_segments_cut_along_a_feature_are_told_wholly() -> None:
    then, now = world(1), world(2)
    labels = [np.floor(4 * design[:, 1]).astype(int) for design in (then, now)]
    assert rule_fidelity((then, now), (labels[0], labels[1]), 7) == pytest.approx(1.0, abs=0.005)


def test_segments_that_no_rule_tells_are_told_by_chance() -> None:
    then, now = world(1), world(2)
    rng = np.random.default_rng(3)
    labels = [rng.integers(0, 4, len(then)) for _ in range(2)]
    assert rule_fidelity((then, now), (labels[0], labels[1]), 7) == pytest.approx(0.25, abs=0.03)


def test_more_segments_than_leaves_cannot_all_be_told() -> None:
    then, now = world(1), world(2)
    labels = [np.floor(2 * LEAVES * design[:, 0]).astype(int) for design in (then, now)]
    assert rule_fidelity((then, now), (labels[0], labels[1]), 7) == pytest.approx(0.5, abs=0.05)
