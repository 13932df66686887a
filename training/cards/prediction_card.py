"""What the report card says of predictions: churn and spend beside the naive rules, and sums over
all customers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from training import rivals
from training.cards import chance
from training.cards.report_card import CHURN, OURS, Section, compare
from training.measures import metrics
from training.rivals import Rule

SPEND = {"norm. Gini": metrics.normalized_gini, "Spearman": metrics.spearman, "RMSE": metrics.rmse,
         "MAE/mean": metrics.mae_over_mean, "decile MAPE": metrics.decile_mape,
         "bias": metrics.total_bias}  # fmt: skip


def churn_section(
    calibration: pd.DataFrame,
    test: pd.DataFrame,
    probability: np.ndarray,
    window_days: int,
    seed: int,
) -> Section:
    """Probability of no order in the window against the naive rules."""
    truth = (test.future_orders == 0).to_numpy(np.float64)
    if truth.min() == truth.max():
        note = f"Every customer of the test {'left' if truth[0] else 'came back'}: nothing to rank."
        return Section("Churn", {OURS: {"Brier": metrics.brier(truth, probability)}}, (), (note,))
    others = rivals.churn_rules(calibration, test, window_days)
    rows, made = compare(CHURN, truth, Rule(OURS, probability, probability), others, seed)
    note = f"{len(truth):,} customers, {truth.mean():.1%} without an order in {window_days} days."
    told = chance.ranking("Churn", "AUC", metrics.roc_auc, 0.5, truth, probability, seed)
    if told and chance.same(probability):
        told = (f"{told[0]} Everybody was given the same probability, {probability[0]:.1%}.",)
    said = _refused(others, rivals.BG_NBD, test, window_days)
    return Section("Churn", rows, made, (note, *said), told)


def spend_section(
    calibration: pd.DataFrame,
    test: pd.DataFrame,
    predicted: Mapping[str, np.ndarray],
    window_days: int,
    currency: str,
    seed: int,
    a_year_ago: float | None = None,
) -> Section:
    """Expected spend against the naive rules; `a_year_ago` as in `rivals.spend_rules`."""
    truth = test.future_spend.to_numpy(np.float64)
    if truth.sum() <= 0:
        return Section(
            "Spend", {OURS: {"bias": float("nan")}}, (), ("Nobody spent in the test window.",)
        )
    others = rivals.spend_rules(calibration, test, window_days, a_year_ago)
    ours = Rule(OURS, predicted["expected_spend"], predicted["expected_spend"])
    rows, made = compare(SPEND, truth, ours, others, seed)
    return Section("Spend", rows, made, (
        f"Mean spend {truth.mean():,.2f} {currency} in {window_days} days; realised total "
        f"{truth.sum():,.0f}, predicted {predicted['expected_spend'].sum():,.0f} {currency}.",
        *_refused(others, rivals.WITH_GAMMA_GAMMA, test, window_days),
    ), chance.ranking(
        "Spend", "norm. Gini", metrics.normalized_gini, 0.0, truth, ours.score, seed
    ))  # fmt: skip


def totals_section(
    test: pd.DataFrame, predicted: Mapping[str, np.ndarray], window_days: int, currency: str
) -> Section:
    """What was expected of all customers together against what came: the estimates reconciled."""
    rows = {}
    for name, truth, said in (
        (f"spend, {currency}", test.future_spend, predicted["expected_spend"]),
        ("orders", test.future_orders, predicted["expected_orders"]),
        ("customers with an order", test.future_orders > 0, 1.0 - predicted["churn_probability"]),
    ):
        came = truth.to_numpy(np.float64)
        rows[name] = {
            "realised": float(came.sum()),
            "expected": float(said.sum()),
            "off by": metrics.total_bias(came, said),
        }
    notes = [
        f"Sums over the {len(test):,} customers with an order before the cut-off, in {window_days} "
        "days; what others came to order for the first time is not in it. Of each customer, the "
        "probabilities of an order and of none add up to 1, expected orders are not below the "
        "first, and expected spend is not below 0."
    ]
    refunded = float(test.future_refunded.sum())
    if refunded > 0:
        net = float(test.future_spend.sum()) - refunded
        notes.append(
            f"Spend is net of returns, and 0 where a customer returned more than was bought in "
            f"these days: {currency} {refunded:,.0f} in all, without which the books would show "
            f"{currency} {net:,.0f} of the same customers."
        )
    return Section("Summed over all customers", rows, (), tuple(notes))


def _refused(
    others: Sequence[Rule], name: str, test: pd.DataFrame, window_days: int
) -> tuple[str, ...]:
    if any(rule.name == name for rule in others):
        return ()
    return (rivals.refusal(test, window_days),)
