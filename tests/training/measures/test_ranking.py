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


def test_a_column_that_was_never_known_ranks_nobody() -> None:
    then, now = pd.Series([np.nan] * 4), pd.Series([1.0, 2.0])
    assert [r.tolist() for r in by_value(then, now, PAST, roc_auc, texts=False)] == [[0.5, 0.5]]
