import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from training.fitting.identity import match


def test_permuted_labels_are_the_same_segments() -> None:
    old = np.random.default_rng(7).integers(0, 5, 500)
    renamed = np.array([3, 1, 4, 0, 2])
    made = match(old, renamed[old], 5, 5)
    assert [made.old_of[renamed[i]] for i in range(5)] == [0, 1, 2, 3, 4]
    assert made.kept == 1.0
    assert made.deaths == ()


def test_a_segment_without_a_past_is_born() -> None:
    old = np.array([0] * 50 + [1] * 50)
    new = np.array([0] * 30 + [2] * 20 + [1] * 30 + [2] * 20)
    made = match(old, new, 2, 3)
    assert made.old_of == (0, 1, None)
    assert made.kept == pytest.approx(0.6)


def test_a_segment_without_a_future_dies() -> None:
    old = np.array([0] * 40 + [1] * 40 + [2] * 10)
    new = np.array([0] * 40 + [1] * 50)
    made = match(old, new, 3, 2)
    assert made.old_of == (0, 1)
    assert made.deaths == (2,)
    assert made.kept == pytest.approx(80 / 90)


def test_a_small_overlap_is_no_continuation() -> None:
    old = np.array([0] * 100 + [1] * 100)
    new = np.array([0] * 100 + [1] * 20 + [2] * 80)  # the old 1 went on as 2
    made = match(old, new, 2, 3)
    assert made.old_of == (0, None, 1)
    scattered = match(np.repeat(np.arange(5), 100), np.tile(np.arange(5), 100), 5, 5)
    assert scattered.old_of == (None,) * 5
    assert scattered.deaths == (0, 1, 2, 3, 4)
    assert scattered.kept == 0.0


def test_a_segment_that_nobody_is_in_continues_nothing() -> None:
    old, new = np.array([0] * 10), np.array([1] * 10)
    made = match(old, new, 2, 2)
    assert made.old_of == (None, 0)
    assert made.deaths == (1,)


def test_no_customers_at_all_is_no_problem() -> None:
    nobody = np.array([], dtype=int)
    made = match(nobody, nobody, 2, 2)
    assert made.old_of == (None, None)
    assert made.kept == 0.0


@given(st.integers(1, 6), st.integers(1, 6), st.data())
def test_a_matching_is_one_to_one_and_counts_everyone(a: int, b: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 60))
    old = data.draw(arrays.arrays(np.int64, n, elements=st.integers(0, a - 1)))
    new = data.draw(arrays.arrays(np.int64, n, elements=st.integers(0, b - 1)))
    made = match(old, new, a, b)
    continued = [i for i in made.old_of if i is not None]
    assert len(continued) == len(set(continued))
    assert sorted([*continued, *made.deaths]) == list(range(a))
    assert 0.0 <= made.kept <= 1.0
    stays = sum(made.old_of[j] == i for i, j in zip(old, new, strict=True))
    assert made.kept == pytest.approx(stays / n)
