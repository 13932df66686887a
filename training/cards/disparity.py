"""Does the model err alike for everybody? Its figures by group of a protected attribute.

A campaign that goes by predicted value is a selection: the share of a group among the selected
over that of the group selected most is its selection ratio (below .8 the US "four-fifths rule"
looks for the reason: Uniform Guidelines on Employee Selection Procedures, 1978, section 4 D).
Groups may differ in what they really spend; so beside it stands how many of those who did turn out
the best customers were selected (equal opportunity: Hardt, Price & Srebro 2016).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.lenses.attributes import names_of
from features.spec import Attribute, FeatureSpec
from training.cards.report_card import Section
from training.measures import metrics

LEAST = 50  # customers of a group that is shown alone
SELECTED = 0.2
FOUR_FIFTHS = 0.8
UNKNOWN, SMALL = "unknown", "smaller groups"


def groups(frame: pd.DataFrame, spec: FeatureSpec, name: str) -> np.ndarray:
    """(n,) the group of each row of a snapshot by the attribute `name`, as text; who has no known
    value is a group, and those of fewer than 50 customers are one.
    """
    attribute = next(a for a in spec.attributes if a.name == name)
    (column,) = names_of(spec)[name]  # a category or ordered: one feature
    made = _labels(frame[column], attribute)
    counts = made.value_counts()
    few = set(counts[counts < LEAST].index) - {UNKNOWN}
    return np.asarray(made.where(~made.isin(few), SMALL), dtype=object)


def _labels(values: pd.Series, attribute: Attribute) -> pd.Series:
    if attribute.kind == "ordered":
        values = values.map(dict(enumerate(attribute.order)))
    return values.astype(object).where(values.notna(), UNKNOWN).astype(str)


def disparity_section(
    name: str, groups: np.ndarray, test: pd.DataFrame, predicted: Mapping[str, np.ndarray]
) -> Section:
    """The figures of each group of attribute `name` at the test cut-off (rows with outcomes).

    `predicted` holds `churn_probability` and `expected_spend`, each (n,). Selected are the fifth of
    highest expected spend, best those of the fifth who did spend most who spent anything.
    """
    spend = test.future_spend.to_numpy(np.float64)
    left = (test.future_orders == 0).to_numpy(np.float64)
    churn, expected = predicted["churn_probability"], predicted["expected_spend"]
    selected, best = _top(expected), _top(spend) & (spend > 0)
    rows, shares = {}, {}
    for group in [*sorted(set(groups) - {SMALL, UNKNOWN}), SMALL, UNKNOWN]:
        inside = groups == group
        if not inside.any():
            continue
        shares[group] = float(selected[inside].mean())
        both = 0 < left[inside].sum() < inside.sum()
        rows[group] = {
            "customers": float(inside.sum()),
            "churned": float(left[inside].mean()),
            "said to churn": float(churn[inside].mean()),
            "churn AUC": metrics.roc_auc(left[inside], churn[inside]) if both else float("nan"),
            "spend bias": metrics.total_bias(spend[inside], expected[inside])
            if spend[inside].sum() > 0
            else float("nan"),
            "selected": shares[group],
            "of the best, selected": float(selected[inside & best].mean())
            if (inside & best).any()
            else float("nan"),
        }
    return Section(f"By group of {name}", rows, (), _notes(shares))


def _top(values: np.ndarray) -> np.ndarray:
    chosen = np.zeros(len(values), dtype=bool)
    order = np.argsort(-values, kind="stable")
    chosen[order[: max(1, round(SELECTED * len(values)))]] = True
    return chosen


def _notes(shares: Mapping[str, float]) -> tuple[str, ...]:
    said = (
        f"Selected: the {SELECTED:.0%} of highest expected spend; of the best: of those who then "
        f"did spend most. Groups of fewer than {LEAST} customers are one."
    )
    most = max(shares, key=lambda group: shares[group])
    low = [f"{g} {share / shares[most]:.2f}" for g, share in shares.items()
           if shares[most] > 0 and share < FOUR_FIFTHS * shares[most]]  # fmt: skip
    if not low:
        return (said, f"No group is selected less than {FOUR_FIFTHS} times as often as {most}.")
    return (
        said,
        f"Selected less than {FOUR_FIFTHS} times as often as {most}, the group selected most: "
        f"{', '.join(low)}. That may be what they spend: compare the last column.",
    )
