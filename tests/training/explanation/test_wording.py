"""Reasons in words, from a spec and values made by hand."""

import math
from typing import Any

import pytest

from features import catalog
from features.spec import Attribute, FeatureSpec, Goal
from training.explanation.themes import named
from training.explanation.wording import Words

SPEC = FeatureSpec(
    present=("category",),
    categories=("Tea (loose)",),
    event_kinds=("mail", "trial"),
    attributes=(
        Attribute("income", "demographic", "ordered", ("low", "middle", "high")),
        Attribute("home", "geographic", "region", levels=("country", "state")),
        Attribute("employees", "firmographic", "number"),
    ),
    goals=(Goal("trial", ("trial",)),),
)
WORDS = Words.of(SPEC, "EUR")


@pytest.mark.parametrize(
    ("feature", "value", "typical", "told"),
    [
        ("recency_days", 64.0, 6.0, "No order for 64 days (typical: 6)"),
        ("recency_days", 3.25, 12.6, "No order for 3.2 days (typical: 13)"),
        ("T_days", 500.0, 1320.0, "Days since the first order: 500 (typical: 1,320)"),
        ("orders_30d", 0, 8.0, "Orders in the last 30 days: 0 (typical: 8)"),
        ("spend_30d", 0.0, 1181.2,
         "Spend in the last 30 days, net of returns: 0.00 EUR (typical: 1,181.20 EUR)"),
        ("gap_mean", 6.25, 7.0, "Mean time between orders: 6.2 days (typical: 7)"),
        ("active_weeks_12", 3, 7.0, "Of the last 12 weeks, those with an order: 3 (typical: 7)"),
        ("orders_trend", 0.25, 1.0,
         "Orders of the last 30 days against the pace of the last 90: 0.25 (typical: 1)"),
        ("weekend_share", 0.125, 0.0,
         "Share of orders on a Saturday or Sunday, local time: 12% (typical: 0%)"),
        ("category_share_tea_loose", 1.0, 0.25,
         "Share in what was paid of the category 'Tea (loose)': 100% (typical: 25%)"),
        ("event_mail_count", 12, 3.0, "Events of kind 'mail' so far: 12 (typical: 3)"),
        ("goal_trial_count", 2, 0.0, "Times that the goal 'trial' was set so far: 2 (typical: 0)"),
        ("stage", "at_risk", "loyal", "Stage of the customer's journey: at_risk (typical: loyal)"),
        ("attribute_income", 2.0, 1.0, "Attribute 'income': high (typical: middle)"),
        ("attribute_home_state", "DE/Bayern", None,
         "Attribute 'home': DE/Bayern (typical: unknown)"),
        ("attribute_employees", 1200.0, 12.0, "Attribute 'employees': 1,200 (typical: 12)"),
    ],
)  # fmt: skip
def test_a_value_is_told_beside_what_is_typical(
    feature: str, value: Any, typical: Any, told: str
) -> None:
    assert WORDS.known(feature, value, typical) == told


@pytest.mark.parametrize(
    ("feature", "told"),
    [
        ("recency_days", "Days since the last order: unknown, no order yet (typical: 6)"),
        ("gap_mean", "Mean time between orders: unknown, fewer than two orders (typical: 6)"),
        ("attribute_employees", "Attribute 'employees': unknown (typical: 6)"),
    ],
)
def test_null_is_told_as_unknown_with_what_it_means(feature: str, told: str) -> None:
    assert WORDS.known(feature, math.nan, 6.0) == told
    assert WORDS.known(feature, None, 6.0) == told


@pytest.mark.parametrize(
    ("measure", "contribution", "told"),
    [
        ("churn_probability", 0.2134, "raises the risk of leaving by 21 points"),
        ("churn_probability", -0.0213, "lowers the risk of leaving by 2.1 points"),
        ("expected_spend", 1234.5, "raises the expected spend by 1,234.50 EUR"),
        ("expected_spend", -0.126, "lowers the expected spend by 0.13 EUR"),
    ],
)
def test_an_effect_is_told_in_points_or_in_currency(
    measure: str, contribution: float, told: str
) -> None:
    assert WORDS.effect(measure, contribution) == told


def test_no_remark_in_parentheses_and_no_code_is_left_in_a_reason() -> None:
    phrases = [WORDS.phrase(f.name) for f in catalog.features(SPEC) if named(f.name)]
    outside = [p.replace("'Tea (loose)'", "") for p in phrases]
    assert [p for p in outside if "(" in p or "`" in p or p.endswith(".")] == []
