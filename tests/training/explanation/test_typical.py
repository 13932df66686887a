"""A typical customer from a handful of rows."""

import statistics
from typing import Any

import numpy as np
import pytest

from features.lenses import periods
from training.explanation.typical import rhythm, typical


def of(*values: Any) -> Any:
    dtype = object if any(isinstance(v, str) for v in values) else float
    return typical({"it": np.array(values, dtype=dtype)}, ["it"])["it"]


def test_a_typical_number_is_the_lower_median_of_the_known() -> None:
    assert of(5.0, 1.0, 9.0) == 5.0
    assert of(5.0, 1.0, 9.0, 7.0) == 5.0
    assert of(5.0, 1.0, np.nan, np.nan) == 1.0


def test_what_most_do_not_have_is_typically_unknown() -> None:
    assert of(5.0, np.nan, np.nan) is None
    assert of("a", None, None) is None


def test_a_typical_category_is_the_commonest_of_equals_the_first_in_order() -> None:
    assert of("b", "a", "b", None) == "b"
    assert of("b", "a", None) == "a"
    assert of("b", "b", None, None) == "b"


def told(**usual: float | None) -> tuple[list[int], list[float]]:
    """Numbers and spend of the typical customer's periods of 10 days that have any order."""
    made = rhythm({"basket_value": 5.0, **usual}, 10)
    some = [i for i, name in enumerate(periods.ORDERS, start=1) if made[name]]
    return some, [float(made[f"spend_period_{i}"] or 0.0) for i in some]


def test_the_typical_periods_have_the_typical_rhythm() -> None:
    assert told(orders=3.0, recency_days=12.0, gap_mean=15.0) == ([2, 3, 5], [5.0] * 3)
    assert told(orders=4.0, recency_days=1.0, gap_mean=4.0) == ([1, 2], [15.0, 5.0])
    assert told(orders=900.0, recency_days=0.0, gap_mean=80.0)[0] == [1, 8, 16, 24]


def test_who_typically_ordered_once_or_never_has_that() -> None:
    assert told(orders=1.0, recency_days=33.0, gap_mean=None) == ([4], [5.0])
    assert told(orders=2.0, recency_days=33.0, gap_mean=None) == ([4], [5.0])  # most ordered once
    assert told(orders=1.0, recency_days=1e6, gap_mean=None) == ([], [])
    assert told(orders=None, recency_days=None, gap_mean=None) == ([], [])


@pytest.mark.model
def test_the_typical_periods_agree_with_the_typical_windows(small_run: Any) -> None:
    usual, days = small_run.bundle.typical, small_run.bundle.spec.period_days
    for window in (90, 180):
        names = range(1, window // days + 1)
        for what in ("orders", "spend"):
            told = sum(usual[f"{what}_period_{i}"] for i in names)
            assert told == pytest.approx(usual[f"{what}_{window}d"], rel=0.25)


@pytest.mark.model
def test_a_bundle_knows_the_typical_buyer_of_today(small_run: Any) -> None:
    kept = small_run.bundle.typical
    assert list(kept) == [e["name"] for e in small_run.bundle.catalog]
    buyers = small_run.rows[small_run.rows["orders"] > 0]
    for name in ("recency_days", "orders_90d", "gap_mean", "category_share_grocery"):
        assert kept[name] == pytest.approx(statistics.median_low(buyers[name].dropna()))
    assert kept["stage"] == statistics.mode(buyers["stage"])
