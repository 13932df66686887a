"""What the report card says of customers without an order: the chance of a first one beside naive
rules, and what came of them all together.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from training import rivals
from training.cards import chance
from training.cards.report_card import OURS, Section, compare
from training.measures import metrics
from training.rivals import Rule
from training.snapshots import LEAST_CUSTOMERS, LEAST_SPENDERS

TITLE = "First orders"
MEASURES = {"AUC": metrics.roc_auc, "PR-AUC": metrics.pr_auc, "Brier": metrics.brier,
            "bias": metrics.total_bias}  # fmt: skip


def prospect_section(
    before: pd.DataFrame, test: pd.DataFrame, predicted: pd.DataFrame, window_days: int,
    currency: str, seed: int,
) -> Section | None:  # fmt: skip
    """The chance of a first order in the window against the naive rules.

    Parameters
    ----------
    before, test : prospects of the calibration and of the test cut-off, with outcomes
    predicted : what the bundle predicts of the latter

    Nothing is ranked where fewer than ten ordered (or did not), and None returned where fewer than
    100 stand at either.
    """
    if min(len(before), len(test)) < LEAST_CUSTOMERS:
        return None
    truth = (test.future_orders > 0).to_numpy(np.float64)
    likely = 1.0 - predicted.churn_probability.to_numpy()
    sums = [
        (float(test[came].sum()), float(predicted[said].sum()))
        for came, said in (
            ("future_orders", "expected_orders"), ("future_spend", "expected_spend"),
        )
    ]  # fmt: skip
    notes = (
        f"{len(test):,} customers without an order before the cut-off, of whom {truth.sum():,.0f} "
        f"ordered in {window_days} days; {likely.sum():,.1f} were expected to.",
        f"Orders: realised {sums[0][0]:,.0f}, expected {sums[0][1]:,.1f}. Spend: realised "
        f"{sums[1][0]:,.0f}, expected {sums[1][1]:,.0f} {currency}. No other section counts them.",
    )
    if min(truth.sum(), len(truth) - truth.sum()) < LEAST_SPENDERS:
        figures = {"Brier": metrics.brier(truth, likely)}
        return Section(TITLE, {OURS: figures}, (), notes)
    others = rivals.first_order_rules(before, test)
    rows, made = compare(MEASURES, truth, Rule(OURS, likely, likely), others, seed)
    told = chance.ranking(TITLE, "AUC", metrics.roc_auc, 0.5, truth, likely, seed)
    return Section(TITLE, rows, made, notes, told)
