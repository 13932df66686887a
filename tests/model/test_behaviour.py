"""How a trained bundle behaves: direction, invariance, least quality, coherence."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats

from features import sources
from features.schema import ORDERS, order_id_of
from features.snapshot import snapshot
from features.spine import everyone
from training.cards.report_card import OURS
from training.fitting import fit
from training.prediction.bundle import Bundle

pytestmark = pytest.mark.model

Scored = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture(scope="module")
def after(small_run: Any) -> Scored:
    """Everyone's assignment had they bought what is given, through the feature path.

    It adds order lines to the customers' own real histories (customer_id, moment, amount).
    """
    read = sources.load(small_run.experiment)
    connection = read.connection
    connection.create_table("real", connection.table("orders").to_pyarrow())
    spine = everyone(connection, small_run.now)

    def scored(bought: pd.DataFrame) -> pd.DataFrame:
        lines = bought.assign(
            local=bought["moment"],
            order_id=[order_id_of(m) for m in bought["moment"]],
            category="GROCERY",
        )
        table = pa.Table.from_pylist(lines.to_dict("records"), schema=ORDERS)
        connection.create_table("orders", table, overwrite=True)
        connection.con.execute("INSERT INTO orders SELECT * FROM real")
        rows = snapshot(connection, small_run.bundle.spec, spine)
        made: pd.DataFrame = small_run.bundle.predict(fit.table(rows)).to_pandas()
        return made

    return scored


@pytest.fixture(scope="module")
def basket(small_run: Any) -> pd.DataFrame:
    """Each buyer's usual basket: customer_id, amount."""
    bought = small_run.rows[small_run.rows["orders"] > 0]
    return pd.DataFrame({"customer_id": bought["customer_id"], "amount": bought["basket_value"]})


def bought(basket: pd.DataFrame, now: pd.Timestamp, days_ago: list[float]) -> pd.DataFrame:
    return pd.concat([basket.assign(moment=now - pd.Timedelta(days=d)) for d in days_ago])


# ---------------------------------------------------------------------------------------- direction


def test_who_bought_yesterday_is_less_likely_to_leave(
    after: Scored, basket: pd.DataFrame, predicted: pd.DataFrame, small_run: Any
) -> None:
    recent = after(bought(basket, small_run.now, [1.2]))
    assert recent["churn_probability"].mean() < 0.9 * predicted["churn_probability"].mean()
    assert (recent["churn_probability"] < predicted["churn_probability"] + 0.02).mean() > 0.9


def test_who_buys_more_often_leaves_less_and_spends_more(
    after: Scored, basket: pd.DataFrame, predicted: pd.DataFrame, small_run: Any
) -> None:
    often = after(bought(basket, small_run.now, [2.2, 5.2, 9.2, 12.2, 16.2, 19.2, 23.2, 26.2]))
    assert often["churn_probability"].mean() < 0.6 * predicted["churn_probability"].mean()
    assert often["expected_spend"].mean() > 1.2 * predicted["expected_spend"].mean()
    assert often["expected_orders"].mean() > 1.2 * predicted["expected_orders"].mean()


def test_who_buys_more_at_a_time_spends_more(
    after: Scored, basket: pd.DataFrame, small_run: Any
) -> None:
    days = [3.2, 10.2, 17.2]
    usual = after(bought(basket, small_run.now, days))
    large = after(bought(basket.assign(amount=4 * basket["amount"]), small_run.now, days))
    assert large["expected_spend"].mean() > 1.15 * usual["expected_spend"].mean()


# --------------------------------------------------------------------------------------- invariance


def test_a_customers_id_does_not_matter(small_run: Any, predicted: pd.DataFrame) -> None:
    renamed = small_run.rows.assign(customer_id=[f"x{i}" for i in range(len(small_run.rows))])
    made = small_run.bundle.predict(fit.table(renamed)).to_pandas()
    pd.testing.assert_frame_equal(
        made.drop(columns="customer_id"), predicted.drop(columns="customer_id")
    )


def test_the_order_of_rows_and_columns_does_not_matter(
    small_run: Any, predicted: pd.DataFrame
) -> None:
    at = np.random.default_rng(7).permutation(len(small_run.rows))
    turned = small_run.rows.iloc[at][small_run.rows.columns[::-1]]
    made = small_run.bundle.predict(fit.table(turned)).to_pandas()
    expected = predicted.iloc[at].reset_index(drop=True)
    assert list(made["customer_id"]) == list(expected["customer_id"])
    assert (made["segment_id"] == expected["segment_id"]).all()
    for column in ("churn_probability", "membership", "expected_spend"):
        assert made[column].to_numpy() == pytest.approx(expected[column].to_numpy(), rel=1e-5)


def test_who_else_is_asked_about_does_not_matter(small_run: Any, predicted: pd.DataFrame) -> None:
    for i in (0, 17, 399):
        alone = small_run.bundle.predict(fit.table(small_run.rows.iloc[[i]])).to_pandas()
        assert alone["segment_id"][0] == predicted["segment_id"][i]
        assert alone["churn_probability"][0] == pytest.approx(
            predicted["churn_probability"][i], abs=1e-6
        )
        assert alone["expected_spend"][0] == pytest.approx(predicted["expected_spend"][i], rel=1e-5)


# ------------------------------------------------------------------------------------ least quality


def test_the_evaluated_model_is_worth_its_while(small_run: Any) -> None:
    rows = {s["title"]: s["rows"] for s in small_run.card["sections"]}
    churn, spend, segments = rows["Churn"], rows["Spend"], rows["Segments"]
    assert churn[OURS]["AUC"] > 0.8
    assert churn[OURS]["AUC"] > churn["recency"]["AUC"]
    assert churn[OURS]["ECE"] < 0.08
    assert churn[OURS]["AUC"] < 0.97  # more would be a leak: .89 was measured on all households
    assert spend[OURS]["norm. Gini"] > 0.78
    assert spend[OURS]["norm. Gini"] > spend["recent spend"]["norm. Gini"]
    assert abs(spend[OURS]["bias"]) < 0.2
    assert segments[OURS]["η² log spend"] > 0.35
    assert segments[OURS]["min share"] >= 0.02


def test_segments_hold_still_when_retrained_28_days_later(small_run: Any) -> None:
    kept = {s["title"]: s["rows"] for s in small_run.card["sections"]}["Retrained 28 days later"]
    assert kept["Coterie, retrained from the model before"]["keep their segment"] > 0.75


# ---------------------------------------------------------------------------------------- coherence


def test_the_outputs_of_one_customer_agree(predicted: pd.DataFrame) -> None:
    p = predicted
    assert p["churn_probability"].between(0, 1).all()
    assert (p["expected_orders"] >= 1 - p["churn_probability"] - 1e-12).all()
    assert (p["expected_spend"] >= 0).all()
    assert (p["expected_spend_low"] >= 0).all()
    assert (p["expected_spend_low"] <= p["expected_spend_median"]).all()
    assert (p["expected_spend_median"] <= p["expected_spend_high"]).all()
    inside = p["expected_spend"].between(p["expected_spend_low"], p["expected_spend_high"])
    assert inside.mean() > 0.98


def test_the_curve_of_returning_passes_through_the_churn_probability(
    small_run: Any, predicted: pd.DataFrame
) -> None:
    horizon = small_run.bundle.manifest["horizon_days"]
    ordered = (small_run.rows["orders"] > 0).to_numpy()
    p = predicted[ordered]
    assert p[f"survival_{horizon}d"].to_numpy() == pytest.approx(
        p["churn_probability"].to_numpy(), rel=1e-12
    )
    curve = p[[f"survival_{days}d" for days in (7, 14, 30, 60, 90, 180, 365)]].to_numpy()
    assert ((curve > 0) & (curve < 1)).all()
    assert (np.diff(curve, axis=1) <= 0).all()
    assert (p["expected_orders"] >= 1 - p["churn_probability"]).all()  # each order is at least one


def test_the_median_lies_within_the_horizon_exactly_where_most_return(
    small_run: Any, predicted: pd.DataFrame
) -> None:
    days = [
        (predicted[f"next_order_{end}"] - predicted["as_of"]).dt.total_seconds() / 86_400
        for end in ("low", "median", "high")
    ]
    low, median, high = days
    horizon = small_run.bundle.manifest["horizon_days"]
    # moments are to the second
    assert (median.notna() & (median <= horizon)).equals(predicted["churn_probability"] <= 0.5)
    assert (low[low.notna()] >= 0).all()
    assert (low <= median)[median.notna()].all()
    assert (median <= high)[high.notna()].all()
    assert median.notna().mean() > 0.5
    assert (median.isna() <= high.isna()).all()


def test_value_goes_on_from_the_expected_spend(small_run: Any, predicted: pd.DataFrame) -> None:
    ordered = (small_run.rows["orders"] > 0).to_numpy()
    p = predicted[ordered]
    assert (p["value_12m"] >= 0).all()
    assert (p["value_24m"] >= p["value_12m"]).all()
    assert (p["value_12m"] >= p["expected_spend"] * 0.9).all()  # discounted at 10 % a year
    assert (p["value_12m"] <= p["expected_spend"] * 365.25 / 30).all()
    assert ((p["value_12m"] == 0) == (p["expected_spend"] == 0)).all()


def test_value_goes_on_at_the_level_of_the_year(small_run: Any) -> None:
    bundle = small_run.bundle
    assert bundle.manifest["season"]["year"] == 1.0  # one year of history tells no season
    rows = fit.table(small_run.rows[small_run.rows["orders"] > 0].head(50))
    slack = type(bundle)(
        {**bundle.manifest, "season": {**bundle.manifest["season"], "year": 0.5}}, bundle.files
    )
    usual, half = (b.predict(rows).to_pandas() for b in (bundle, slack))
    assert half["expected_spend"].equals(usual["expected_spend"])
    assert (half["value_12m"] < usual["value_12m"]).all()


def test_who_has_no_order_has_no_moment_and_no_value(small_run: Any) -> None:
    prospect = small_run.rows.head(1).assign(
        orders=0, frequency=0, spend=0.0, T_days=np.nan, recency_days=np.nan
    )
    (row,) = small_run.bundle.predict(fit.table(prospect)).to_pylist()
    unknown = [n for n in row if n.startswith(("next_order", "survival", "value"))]
    assert len(unknown) == 12
    assert {row[n] for n in unknown} == {None}


def test_without_structural_models_there_is_no_moment_and_no_value(small_run: Any) -> None:
    bundle = small_run.bundle
    model = json.loads(bundle.files["model.json"]) | {"prior": None}
    files = bundle.files | {"model.json": json.dumps(model).encode()}
    rows = fit.table(small_run.rows.head(5))
    columns = {n: np.zeros(5) for n in ("structural_return", "structural_orders")}
    with_prior = rows
    for name, values in {**columns, "structural_spend": np.zeros(5)}.items():
        with_prior = with_prior.append_column(name, [values])  # its networks still ask for them
    without, usual = Bundle(bundle.manifest, files).predict(with_prior), bundle.predict(rows)
    assert without.schema.equals(usual.schema)
    for name in ("next_order_median", "survival_30d", "value_24m"):
        assert without[name].null_count == 5
        assert usual[name].null_count < 5


def test_churn_orders_and_spend_rank_customers_alike(predicted: pd.DataFrame) -> None:
    ranks = predicted[["churn_probability", "expected_orders", "expected_spend"]]
    agreed = stats.spearmanr(ranks).statistic
    assert agreed[0, 1] < -0.7
    assert agreed[0, 2] < -0.5
    assert agreed[1, 2] > 0.5


def test_segments_with_more_value_have_less_churn(predicted: pd.DataFrame) -> None:
    means = predicted.groupby("segment_id")[["expected_spend", "churn_probability"]].mean()
    assert stats.spearmanr(means["expected_spend"], means["churn_probability"]).statistic < -0.8


def test_memberships_are_shares_and_ranked(small_run: Any, predicted: pd.DataFrame) -> None:
    k = len(small_run.bundle.segments)
    p = predicted
    assert p["membership"].between(1 / k, 1).all()
    assert (p["runner_up_membership"] <= p["membership"]).all()
    assert (p["membership"] + p["runner_up_membership"] <= 1 + 1e-9).all()
    assert (p["segment_id"] != p["runner_up_id"]).all()
    names = {s.id: s.name for s in small_run.bundle.segments}
    assert (p["segment_name"] == p["segment_id"].map(names)).all()
    assert (p["runner_up_name"] == p["runner_up_id"].map(names)).all()


def test_predicted_and_realised_totals_are_of_one_size(small_run: Any) -> None:
    bought = small_run.test[small_run.test["orders"] > 0]
    made = small_run.bundle.predict(fit.table(bought)).to_pandas()
    ratio = made["expected_spend"].sum() / bought["future_spend"].sum()
    assert 0.75 < ratio < 1.3
