"""What the benchmark of models measures, by hand."""

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from training.measures.bootstrap import Interval

Script = Callable[[str], ModuleType]


def test_better_is_more_of_a_ranking_and_less_of_an_error(script: Script) -> None:
    verdict = script("model_figures").verdict
    assert verdict(Interval(0.1, 0.05, 0.2), more=True) == 1
    assert verdict(Interval(0.1, 0.05, 0.2), more=False) == -1
    assert verdict(Interval(-0.1, -0.2, -0.05), more=False) == 1
    assert verdict(Interval(0.1, -0.05, 0.2), more=True) == 0


def test_a_rival_is_compared_only_where_it_says_something(script: Script) -> None:
    figures = script("model_figures")
    said = script("model_rivals").Said
    happened = pd.DataFrame({"future_orders": [0, 1] * 50, "future_spend": [0.0, 10.0] * 50})
    ours = said(np.array([0.9, 0.1] * 50), np.array([0.0, 10.0] * 50))
    flat = said(None, np.full(100, 6.0))
    made = figures.figures(happened, {figures.OURS: ours, "flat": flat})
    assert made[figures.OURS]["AUC"].value == 1
    assert made[figures.OURS]["Brier"].value == pytest.approx(0.01)
    assert set(made["flat"]) == {"norm. Gini", "RMSE", "decile MAPE", "bias"}
    assert made["flat"]["bias"].value == pytest.approx(0.2)  # 600 expected, 500 came
    assert made["flat"]["bias"].difference.value == pytest.approx(-0.2)
    assert made["flat"]["RMSE"].value == pytest.approx(26**0.5)  # (36 + 16) / 2
    assert {m: c.verdict for m, c in made["flat"].items()} == dict.fromkeys(made["flat"], 1)


def test_a_rule_is_ranked_by_its_own_score_where_it_has_one(script: Script) -> None:
    figures = script("model_figures")
    said = script("model_rivals").Said
    happened = pd.DataFrame({"future_orders": [0, 1] * 20, "future_spend": [0.0, 1.0] * 20})
    spend, tied = np.full(40, 0.5), np.full(40, 0.5)
    ours = said(tied, spend)
    rule = said(tied, spend, np.array([30.0, 2.0] * 20))
    made = figures.figures(happened, {figures.OURS: ours, "recency": rule})
    assert made[figures.OURS]["AUC"].value == 0.5
    assert made["recency"]["AUC"].value == 1
    assert made["recency"]["AUC"].verdict == -1
    assert made["recency"]["Brier"].verdict == 0


def test_plain_split_conformal_is_one_width_of_finite_sample_rank(script: Script) -> None:
    conformal = script("model_figures").split_conformal
    expected, then, came = np.array([5.0, 20.0]), np.zeros(9), np.arange(1.0, 10.0)
    low, high = conformal(expected, then, came, 0.8)  # ceil(10 * .8) = 8th of 1 to 9
    assert low.tolist() == [0, 12]
    assert high.tolist() == [13, 28]
    low, high = conformal(expected, then, came, 0.8, stretch=2.0)
    assert high.tolist() == [21, 36]


def test_intervals_are_told_by_fifth_of_what_was_expected(script: Script) -> None:
    expected = np.arange(10.0)
    spent = np.where(expected < 2, 5.0, expected)  # the lowest fifth brings more than its interval
    ours = expected - 1, expected + 1
    plain = expected - 2, expected + 2
    held = script("model_figures").held(spent, expected, ours, plain, 0.8)
    assert held.outside == pytest.approx({"all": 0.2, "1": 1, "2": 0, "3": 0, "4": 0, "5": 0})
    # width 2 and 10 times what lies outside: 4 of customer 0, 3 of customer 1
    assert held.ours["1"] == pytest.approx(2 + 10 * 3.5)
    assert held.plain["1"] == pytest.approx(4 + 10 * 2.5)
    assert held.ours["5"] == pytest.approx(2)
