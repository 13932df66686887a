"""A typical customer from a handful of rows."""

import statistics
from typing import Any

import numpy as np
import pytest

from training.typical import typical


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


@pytest.mark.model
def test_a_bundle_knows_the_typical_buyer_of_today(small_run: Any) -> None:
    kept = small_run.bundle.typical
    assert list(kept) == [e["name"] for e in small_run.bundle.catalog]
    buyers = small_run.rows[small_run.rows["orders"] > 0]
    for name in ("recency_days", "orders_90d", "gap_mean", "category_share_grocery"):
        assert kept[name] == pytest.approx(statistics.median_low(buyers[name].dropna()))
    assert kept["stage"] == statistics.mode(buyers["stage"])
