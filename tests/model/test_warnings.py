"""What a trained bundle says beside a prediction that is to be taken with caution."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features import sources
from training import scoring
from training.fitting import fit
from training.prediction.bundle import Bundle

pytestmark = pytest.mark.model


def test_a_prospect_is_answered_and_warned_of(small_run: Any) -> None:
    known = small_run.rows.select_dtypes("number").columns
    nothing = small_run.rows.head(1).assign(
        **{c: 0 if small_run.rows[c].dtype.kind == "i" else np.nan for c in known}
    )
    made = small_run.bundle.predict(fit.table(nothing)).to_pandas().iloc[0]
    assert made["warnings"][0] == (
        "no orders yet, nor events: nobody alike was learned from, hardly a guess"
    )
    met = small_run.bundle.predict(fit.table(nothing.assign(events=1))).to_pandas().iloc[0]
    assert met["warnings"][0] == (
        "no orders yet: predicted from what else is known, take with caution"
    )
    assert np.isfinite(made["expected_spend"])
    assert 0 <= made["churn_probability"] <= 1


def test_a_mean_above_its_interval_is_warned_of(small_run: Any) -> None:
    bundle = small_run.bundle
    model = json.loads(bundle.files["model.json"])
    model["bands"]["ratio"] = [[0.0] * 100 + [1.0] for _ in model["bands"]["centre"]]
    files = bundle.files | {"model.json": json.dumps(model).encode()}
    made = Bundle(bundle.manifest, files).predict(fit.table(small_run.rows.head(5))).to_pandas()
    assert (made["expected_spend_high"] == 0).all()  # one in a hundred brings it all
    wanted = "the mean lies above the interval: most spend nothing, a few much"
    assert all(wanted in warnings for warnings in made["warnings"])
    usual = bundle.predict(fit.table(small_run.rows)).to_pandas()
    above = usual["expected_spend"] > usual["expected_spend_high"]
    assert [wanted in warnings for warnings in usual["warnings"]] == list(above)


@pytest.mark.slow
def test_prospects_come_through_the_feature_path(small_run: Any) -> None:
    read = sources.load(small_run.experiment)
    read.connection.con.execute(
        "INSERT INTO attributes SELECT 'new', name, value, valid_from FROM attributes "
        "WHERE customer_id = (SELECT min(customer_id) FROM attributes)"
    )
    made = scoring.score(small_run.bundle, read, small_run.now)
    (row,) = made[made["customer_id"] == "new"].to_dict("records")
    assert row["warnings"].startswith("no orders yet, nor events: nobody alike was learned from")
    assert len(made) == 401
    assert np.isfinite(row["expected_spend"])


def test_a_short_history_is_warned_of(small_run: Any) -> None:
    def said(days: float) -> list[str]:
        young = small_run.rows[small_run.rows["orders"] > 0].head(1).assign(T_days=days)
        return list(small_run.bundle.predict(fit.table(young)).to_pandas()["warnings"][0])

    wanted = "short history: first order less than 30 days ago"
    assert wanted in said(29.9)
    assert wanted not in said(30.0)


def test_what_lies_outside_the_training_range_is_named(small_run: Any) -> None:
    usual = small_run.rows[small_run.rows["orders"] > 50].head(1)
    odd = usual.assign(spend=1e15, orders=10**9)
    (said,) = small_run.bundle.predict(fit.table(odd)).to_pandas()["warnings"]
    (told,) = [w for w in said if w.startswith("outside the training range: ")]
    assert "orders" in told


def test_most_customers_need_no_warning(predicted: pd.DataFrame) -> None:
    assert np.mean([len(said) == 0 for said in predicted["warnings"]]) > 0.75


def test_a_model_says_when_it_is_stale(small_run: Any) -> None:
    horizon = pd.Timedelta(days=small_run.bundle.manifest["horizon_days"])
    rows = small_run.rows.head(20)
    for late, said in ((horizon, False), (horizon + pd.Timedelta(days=1), True)):
        then = rows.assign(as_of=rows["as_of"].astype("datetime64[us]") + late)
        told = small_run.bundle.predict(fit.table(then))["warnings"].to_pylist()
        assert [any(w.startswith("stale: ") for w in one) for one in told] == [said] * len(rows)


def test_a_model_says_when_it_has_seen_what_followed(small_run: Any) -> None:
    rows = small_run.rows.head(20)
    for hours, said in ((0, False), (12, False), (24, True), (24 * 90, True)):
        then = rows["as_of"].astype("datetime64[us]") - pd.Timedelta(hours=hours)
        told = small_run.bundle.predict(fit.table(rows.assign(as_of=then)))["warnings"].to_pylist()
        seen = [any(w.startswith("hindsight: ") for w in one) for one in told]
        assert seen == [said] * len(rows)
