"""One column alone: what it taught on some rows ranks others."""

import numpy as np
import pandas as pd
import pytest

from training.measures.metrics import roc_auc
from training.measures.ranking import by_presence, by_value

PAST = np.array([1.0, 1, 0, 0])


def test_a_group_ranks_by_its_mean_outcome_drawn_towards_everybodys() -> None:
    then, now = pd.Series(["a", "a", "b", "b"]), pd.Series(["b", "a", "new", None])
    groups, _ = by_value(then, now, PAST, roc_auc, texts=True)
    # (0 + 10 x .5) / 12, (2 + 10 x .5) / 12; nobody had the others: everybody's mean.
    assert groups.tolist() == pytest.approx([5 / 12, 7 / 12, 0.5, 0.5])


def test_a_value_ranks_as_it_stands_up_or_down_as_it_did_before() -> None:
    then, now = pd.Series([1.0, 2, 3, 4]), pd.Series([10.0, np.nan, 30])
    _, value = by_value(then, now, PAST, roc_auc, texts=False)
    assert value.tolist() == [-10, -2.5, -30]  # the unknown one is taken for the median of before


def test_presence_ranks_by_whether_there_is_a_value_alone() -> None:
    then, now = pd.Series(["x", "y", None, None]), pd.Series([None, "z"])
    assert by_presence(then, now, PAST).tolist() == pytest.approx([5 / 12, 7 / 12])


def test_many_numbers_are_ranked_by_twenty_groups_and_unknown_ones_by_their_own() -> None:
    then = pd.Series([*np.arange(60.0), *[np.nan] * 20])
    groups, _ = by_value(then, then, np.repeat([0.0, 1, 0], [30, 30, 20]), roc_auc, texts=False)
    assert groups[[0, 59, 60]].tolist() == pytest.approx([3.75 / 13, 6.75 / 13, 3.75 / 30])
    assert len(np.unique(groups[:60])) == 2


def test_many_texts_are_ranked_each_by_its_own() -> None:
    then = pd.Series([f"{i:02}" for i in range(40)] * 2)
    groups, _ = by_value(then, then, np.arange(80) % 2 * 1.0, roc_auc, texts=True)
    assert groups.tolist() == pytest.approx([5 / 12, 7 / 12] * 40)


def test_a_text_that_is_new_is_not_taken_for_an_unknown_one() -> None:
    then, now = pd.Series(["a", "a", None, None]), pd.Series(["new", None])
    groups, _ = by_value(then, now, PAST, roc_auc, texts=True)
    assert groups.tolist() == pytest.approx([0.5, 5 / 12])


def test_a_text_that_is_new_is_not_taken_for_its_neighbour_in_the_alphabet() -> None:
    then, now = pd.Series(["a", "a", "c", "c"]), pd.Series(["b", "c", "z"])
    means, _ = by_value(then, now, np.array([1.0, 1.0, 0.0, 0.0]), roc_auc, texts=True)
    assert means[0] == means[2] == 0.5
    assert means[1] < 0.5


def test_a_column_that_was_never_known_ranks_nobody() -> None:
    then, now = pd.Series([np.nan] * 4), pd.Series([1.0, 2.0])
    assert [r.tolist() for r in by_value(then, now, PAST, roc_auc, texts=False)] == [[0.5, 0.5]]
