"""Rolling origins: earlier tests, each of a model that knows nothing later."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from training import origins
from training.fitting import autoencoder, boosting
from training.origins import Judged
from training.snapshots import Snapshots
from training.windows import splits

START = pd.Timestamp("2023-01-01")


def plan(days: int, horizon: int) -> splits.Splits:
    return splits.plan(START, START + pd.Timedelta(days=days), horizon)


@pytest.mark.parametrize(("days", "horizon"), [(365, 30), (900, 90), (200, 20)])
def test_each_origin_trains_calibrates_and_tests_on_later_and_later_windows(
    days: int, horizon: int
) -> None:
    whole = plan(days, horizon)
    found = origins.earlier(whole, 2)
    assert len(found) == 2
    until = whole.test.as_of
    for origin in found:
        assert max(w.end for w in origin.train) <= origin.calibration.as_of
        assert origin.calibration.end <= origin.test.as_of
        assert origin.test.end <= until  # no day is tested on twice
        until = origin.test.as_of


def test_a_short_history_has_one_origin_alone() -> None:
    assert origins.earlier(plan(300, 90), 2) == []
    assert origins.earlier(plan(365, 30), 0) == []


def frame(left: list[int], spend: list[float]) -> pd.DataFrame:
    """Customers who differ in recency: 0, 10, 20, ... days; the later ones ordered once."""
    n = len(left)
    return pd.DataFrame({
        "as_of": pd.Timestamp("2023-06-01"), "recency_days": np.arange(n) * 10.0,
        "frequency": 0.0, "T_days": np.arange(n) * 10.0 + 1, "orders": 1, "orders_30d": 0.0,
        "orders_90d": 0.0, "spend": 10.0, "spend_30d": 0.0, "spend_90d": 0.0, "spend_180d": 0.0,
        "spend_365d": 10.0, "future_orders": 1 - np.array(left), "future_spend": spend,
    })  # fmt: skip


def test_ours_stands_beside_the_best_rule_of_each_measure() -> None:
    left, spend = [0, 0, 1, 1], [8.0, 4.0, 0.0, 0.0]
    rows = frame(left, spend)
    perfect = Judged(rows, rows, np.array([0.0, 0.0, 1.0, 1.0]), np.array(spend))
    made = origins.section([perfect], 30)
    assert list(made.rows) == ["2023-06-01 Coterie", "2023-06-01 best naive rule"]
    ours, best = made.rows.values()
    assert ours == {"AUC": 1.0, "Brier": 0.0, "norm. Gini": 1.0, "bias": 0.0}
    # Recency ranks these four perfectly and is calibrated on them; RFM cells, terciles of recency
    # here, hold the two who spent in one; what all spent, scaled to the total, has no bias.
    assert best == {"AUC": 1.0, "Brier": 0.0, "norm. Gini": pytest.approx(6 / 7), "bias": 0.0}
    assert "as good or better by AUC at 1, Brier at 1, norm. Gini at 1, bias" in made.notes[0]


def test_what_is_worse_than_a_rule_is_counted_as_that() -> None:
    left, spend = [0, 0, 1, 1], [8.0, 4.0, 0.0, 0.0]
    rows = frame(left, spend)
    upside_down = Judged(rows, rows, np.array([1.0, 1.0, 0.0, 0.0]), np.array(spend)[::-1] * 2)
    note = origins.section([upside_down], 30).notes[0]
    assert "by AUC at 0, Brier at 0, norm. Gini at 0, bias at 0" in note


@pytest.mark.parametrize(("customers", "spend"), [(99, 5.0), (200, 0.0)], ids=["few", "no spend"])
def test_an_origin_with_few_customers_or_no_spend_is_not_tested(
    customers: int, spend: float
) -> None:
    whole = plan(365, 30)
    (origin,) = origins.earlier(whole, 1)
    cuts = [w.as_of for w in (*origin.train, origin.calibration, origin.test)]
    past = pd.DataFrame(
        [(at, str(i), 1, i % 2, spend * (i % 2)) for at in cuts for i in range(customers)],
        columns=["as_of", "customer_id", "orders", "future_orders", "future_spend"],
    )
    nobody: Any = SimpleNamespace()
    shots = Snapshots(past, past, None, None, len(past))
    assert (
        origins.judge(shots, origin, nobody, 90, 0.8, autoencoder.Settings(), boosting.Settings())
        is None
    )


def test_the_small_run_is_measured_at_as_many_cut_offs_as_were_asked_for(small_run: Any) -> None:
    (section,) = [s for s in small_run.card["sections"] if s["title"] == "Rolling origins"]
    ours = {name[:10]: row for name, row in section["rows"].items() if name.endswith("Coterie")}
    assert len(ours) == small_run.experiment.model.origins == 2
    latest = max(ours)
    assert latest == small_run.bundle.manifest["splits"]["test"]["as_of"][:10]
    for title, measures in (("Churn", ("AUC", "Brier")), ("Spend", ("norm. Gini", "bias"))):
        (main,) = [s for s in small_run.card["sections"] if s["title"] == title]
        for measure in measures:
            assert ours[latest][measure] == main["rows"]["Coterie"][measure]
    assert all(row["AUC"] > 0.7 and row["norm. Gini"] > 0.6 for row in ours.values())
