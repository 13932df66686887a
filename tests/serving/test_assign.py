import copy
import math
from datetime import datetime
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pytest

from features.errors import BundleError
from features.schema import ATTRIBUTES, EVENTS, ORDERS, SPINE
from features.snapshot import snapshot
from serving import history
from serving.assign import Assigner
from serving.intake import Intake
from training.prediction.bundle import Bundle

AS_OF = "2024-06-01T00:00:00Z"


def many(bundle: Bundle, count: int) -> list[dict[str, Any]]:
    """Customers of very different kinds: prospects, one order, hundreds, returns, events."""
    rng = np.random.default_rng(7)
    spec = bundle.spec
    made = []
    for i in range(count):
        lines = []
        for _ in range(int(rng.choice([0, 1, 2, 5, 20, 120]))):
            at = np.datetime64("2024-06-01T00:00:00") - np.timedelta64(
                int(rng.exponential(90 * 86_400)), "s"
            )
            lines.append(
                {
                    "moment": f"{at}Z",
                    "amount": round(float(rng.lognormal(2, 1) * rng.choice([1, 1, 1, -0.5])), 2),
                    "category": str(rng.choice([*spec.categories, "other", ""])),
                    "quantity": int(rng.integers(1, 4)),
                    "discount": round(float(rng.exponential(1)), 2),
                }
            )
        events = [
            {"moment": f"2024-0{rng.integers(1, 6)}-11T00:00:00Z", "kind": kind}
            for kind in spec.event_kinds
            for _ in range(int(rng.integers(0, 4)))
        ]
        values = {a.name: a.order[i % len(a.order)] if a.order else str(i) for a in spec.attributes}
        made.append(
            {
                "customer_id": f"C{i}",
                "orders": lines,
                "events": events,
                "attributes": values if i % 3 else {},
            }
        )
    return made


def without_warnings(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [{k: v for k, v in a.items() if k != "warnings"} for a in answer["assignments"]]


def test_serving_is_the_snapshot_and_the_bundle(bundle: Bundle, assigner: Assigner) -> None:
    customers = many(bundle, 60)
    answer = assigner({"as_of": AS_OF, "customers": customers})
    tables = Intake(bundle.spec, bundle.manifest["time_zone"])(
        {c["customer_id"]: history.read(c) for c in customers}, datetime(2024, 6, 1)
    )
    connection = ibis.duckdb.connect()
    for name, schema in (("orders", ORDERS), ("events", EVENTS), ("attributes", ATTRIBUTES)):
        connection.create_table(name, getattr(tables, name).cast(schema))
    rows = snapshot(connection, bundle.spec, tables.spine.cast(SPINE))
    expected = bundle.predict(pa.Table.from_pandas(rows, preserve_index=False)).to_pylist()
    by_id = {row["customer_id"]: row for row in expected}
    assert len(by_id) == len(customers)
    for got in answer["assignments"]:
        row = by_id[got["customer_id"]]
        assert got["churn_probability"] == pytest.approx(row["churn_probability"], abs=1e-6)
        assert got["expected_orders"] == pytest.approx(row["expected_orders"], rel=1e-5)
        for ours, theirs in (
            ("expected", ""),
            ("low", "_low"),
            ("median", "_median"),
            ("high", "_high"),
        ):
            expected_value = row["expected_spend" + theirs]
            assert got["expected_spend"][ours] == pytest.approx(expected_value, rel=1e-5)
        if row["membership"] - row["runner_up_membership"] > 1e-5:
            assert got["segment"]["id"] == row["segment_id"]
        for end in ("low", "median", "high"):
            moment = row[f"next_order_{end}"]
            said = None if moment is None else f"{moment.isoformat()}Z"
            if moment is None or got["next_order"][end] is None:
                assert got["next_order"][end] == said
            else:
                gap = datetime.fromisoformat(got["next_order"][end]) - datetime.fromisoformat(said)
                assert abs(gap.total_seconds()) <= 1e-4 * (moment - row["as_of"]).total_seconds()
        assert got["next_order"]["level"] == bundle.manifest["interval_level"]
        known = [months for months in (12, 24) if row[f"value_{months}m"] is not None]
        assert [worth["months"] for worth in got["value"]] == known
        for worth in got["value"]:
            theirs = row[f"value_{worth['months']}m"]
            assert worth["expected"] == pytest.approx(theirs, rel=1e-5)
        assert got["journey_stage"] == row["stage"]
        assert got["warnings"][: len(row["warnings"])] == row["warnings"]


def test_an_answer_can_be_replayed(bundle: Bundle, customer: dict[str, Any]) -> None:
    assigner = Assigner(bundle, clock=lambda: datetime(2024, 6, 1))
    answer = assigner({"customers": [customer]})
    assert answer["as_of"] == "2024-06-01T00:00:00Z"
    keys = {"name", "version", "catalog_hash", "horizon_days", "currency", "interval_level"}
    assert answer["model"] == {key: bundle.manifest[key] for key in keys}
    assert assigner({"as_of": answer["as_of"], "customers": [customer]}) == answer
    (one,) = answer["assignments"]
    assert one["customer_id"] == "17"
    assert one["horizon_days"] == bundle.manifest["horizon_days"]
    assert 0 <= one["churn_probability"] <= 1
    spend = one["expected_spend"]
    assert spend["low"] <= spend["median"] <= spend["high"]
    assert one["segment"]["membership"] >= one["segment"]["runner_up"]["membership"]


def test_a_customers_answer_does_not_depend_on_the_others(
    bundle: Bundle, assigner: Assigner
) -> None:
    customers = many(bundle, 12)
    together = assigner({"as_of": AS_OF, "customers": customers})
    backwards = assigner({"as_of": AS_OF, "customers": customers[::-1]})
    for one, other in zip(together["assignments"], backwards["assignments"][::-1], strict=True):
        assert one["customer_id"] == other["customer_id"]
        assert one["churn_probability"] == pytest.approx(other["churn_probability"], abs=1e-6)
        spends = (one["expected_spend"]["expected"], other["expected_spend"]["expected"])
        assert spends[0] == pytest.approx(spends[1], rel=1e-5)
        alone = assigner({"as_of": AS_OF, "customers": [_named(customers, one["customer_id"])]})
        (lonely,) = alone["assignments"]
        assert one["churn_probability"] == pytest.approx(lonely["churn_probability"], abs=1e-6)


def _named(customers: list[dict[str, Any]], who: str) -> dict[str, Any]:
    return next(c for c in customers if c["customer_id"] == who)


def test_the_future_changes_nothing_but_the_warning(
    assigner: Assigner, customer: dict[str, Any]
) -> None:
    before = assigner({"as_of": AS_OF, "customers": [customer]})
    later = copy.deepcopy(customer)
    later["orders"].append({"moment": AS_OF, "amount": 1e9})
    after = assigner({"as_of": AS_OF, "customers": [later]})
    assert without_warnings(before) == without_warnings(after)
    assert "1 order line at or after as_of ignored" in after["assignments"][0]["warnings"]


def test_a_request_is_not_changed(assigner: Assigner, customer: dict[str, Any]) -> None:
    request = {"as_of": AS_OF, "customers": [customer]}
    kept = copy.deepcopy(request)
    assigner(request)
    assert request == kept


def test_one_customers_bad_rows_fail_that_customer_alone(
    assigner: Assigner, customer: dict[str, Any]
) -> None:
    bad = {"customer_id": 18, "orders": [{"moment": "2024-05-09", "amount": "12"}]}
    again = {"customer_id": 17}
    answer = assigner({"as_of": AS_OF, "customers": [bad, customer, again, 3]})
    first, good, second, none = answer["assignments"]
    assert first == {
        "customer_id": 18,
        "error": {
            "type": "RequestError",
            "rule": "orders[0].amount must be a number.",
            "seen": "'12'",
            "remedy": "send a JSON number, without quotes or currency",
        },
    }
    assert good == assigner({"as_of": AS_OF, "customers": [customer]})["assignments"][0]
    assert second["error"]["rule"] == "A customer stands once in a request."
    assert (none["customer_id"], none["error"]["seen"]) == (None, "3")
    assert "error" not in answer


def test_where_no_customer_can_be_read_the_answer_says_so(assigner: Assigner) -> None:
    answer = assigner({"customers": [{"customer_id": "a", "orders": 1}, {}]})
    assert answer["error"] == {
        "type": "RequestError",
        "rule": "At least one customer of a request must be answerable.",
        "seen": "none of 2; customer 'a': orders must be a list of objects. Seen: 1",
        "remedy": "send a list, an empty one where there is nothing",
    }
    assert [a["error"]["rule"] for a in answer["assignments"]] == [
        "orders must be a list of objects.",
        "customer_id is required.",
    ]


def test_a_prospect_is_no_error(assigner: Assigner) -> None:
    (one,) = assigner({"as_of": AS_OF, "customers": [{"customer_id": 1}]})["assignments"]
    assert one["customer_id"] == 1
    assert one["journey_stage"] == "prospect"
    assert any("no orders yet" in warning for warning in one["warnings"])
    assert one["next_order"]["median"] is None
    assert one["value"] == []


@pytest.mark.parametrize("amount", [1e12, -1e12, 0.0, 5e-324])
def test_extreme_amounts_lead_to_finite_figures(assigner: Assigner, amount: float) -> None:
    lines = [
        {"moment": f"2024-05-{day:02}", "amount": amount, "quantity": 1e12, "discount": 1e12}
        for day in range(1, 29)
    ]
    request = {"as_of": AS_OF, "customers": [{"customer_id": "1", "orders": lines}]}
    (one,) = assigner(request)["assignments"]
    assert "error" in one or all(
        math.isfinite(one["expected_spend"][name]) for name in ("expected", "low", "median", "high")
    )


def test_a_model_of_other_features_is_refused(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bundle, "current", False)
    with pytest.raises(BundleError, match="the features that it was trained with"):
        Assigner(bundle)


def test_figures_that_are_not_finite_are_an_error_of_that_customer(
    bundle: Bundle, customer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    predict = Bundle.predict

    def predicted(self: Bundle, features: pa.Table) -> pa.Table:
        rows = predict(self, features).to_pylist()
        rows[0]["expected_spend_high"] = math.inf
        return pa.Table.from_pylist(rows)

    monkeypatch.setattr(Bundle, "predict", predicted)
    asked = {"as_of": AS_OF, "customers": [customer, {**customer, "customer_id": "18"}]}
    bad, good = Assigner(bundle)(asked)["assignments"]
    assert bad["error"]["rule"] == "A history must lead to finite figures."
    assert set(bad) == {"customer_id", "error"}
    assert "segment" in good


def test_a_moment_without_a_zone_is_that_of_the_model(
    bundle: Bundle, customer: dict[str, Any]
) -> None:
    rows = [
        {"name": "age", "value": "25-34", "valid_from": f"2024-05-01T{hour}"}
        for hour in ("02:00", "00:00Z")
    ]
    sent = {"customers": [{**customer, "attributes": rows}]}
    berlin = copy.copy(bundle)
    berlin.manifest = {**bundle.manifest, "time_zone": "Europe/Berlin"}
    (answer,) = Assigner(berlin)(sent)["assignments"]
    assert answer["error"]["seen"] == "attributes[1] is a second value of 'age'"
    assert "error" not in Assigner(bundle)(sent)["assignments"][0]


def test_a_value_that_training_never_had_is_told_by_its_attribute(assigner: Assigner) -> None:
    asked = {"customers": [{"customer_id": "17", "attributes": {"household_comp": "Martians"}}]}
    (answer,) = assigner(asked)["assignments"]
    assert (
        "attribute 'household_comp' is 'Martians', which training had never or too seldom: "
        "predicted as one of the rare"
    ) in answer["warnings"]
