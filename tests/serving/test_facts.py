import html
import json
from typing import Any

import pytest

from features.spec import Attribute, FeatureSpec
from serving.assign import Assigner
from serving.facts import example, facts, page
from training.prediction.bundle import Bundle

CARD = {
    "heading": ["About it."],
    "sections": [
        {
            "title": "Churn",
            "rows": {"A rule": {"AUC": 0.6}, "Coterie": {"AUC": 0.7, "ECE": None}},
            "comparisons": [
                {"measure": "AUC", "rival": "A rule", "difference": 0.1, "low": 0.0, "high": 0.2,
                 "better": True, "certain": False},
                {"measure": "ECE", "rival": "A rule", "difference": 0.3, "low": None,
                 "high": None, "better": False, "certain": True},
            ],
        }
    ],
}  # fmt: skip


def with_(bundle: Bundle, note: str = "", card: Any = CARD) -> Bundle:
    files = {**bundle.files, "report_card.json": json.dumps(card).encode()}
    return Bundle({**bundle.manifest, "note": note}, files)


def test_the_report_card_is_told_short(bundle: Bundle) -> None:
    assert facts(with_(bundle))["evaluated"] == {
        "about": ["About it."],
        "figures": {"Churn": {"AUC": 0.7, "ECE": None}},
        "naive_rule_wins": [
            {"section": "Churn", "measure": "ECE", "rival": "A rule", "certain": True, "by": 0.3}
        ],
    }
    assert facts(with_(bundle, card={}))["evaluated"]["figures"] == {}


def test_a_rule_wins_by_so_much_whichever_way_better_is(bundle: Bundle) -> None:
    compared = {"measure": "AUC", "rival": "A rule", "better": False, "certain": True}
    both = [{**compared, "difference": difference} for difference in (-0.3, None)]
    section = {"title": "Churn", "rows": {"A rule": {"AUC": 0.6}}, "comparisons": both}
    told = facts(with_(bundle, card={"sections": [section]}))["evaluated"]
    assert [worse["by"] for worse in told["naive_rule_wins"]] == [0.3, None]
    assert told["figures"] == {}


def test_the_facts_are_json(bundle: Bundle) -> None:
    assert json.loads(json.dumps(facts(bundle), allow_nan=False)) == facts(bundle)


def test_the_page_shows_text_as_text(bundle: Bundle) -> None:
    shown = page(with_(bundle, note="<script>alert(1)</script>"))
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


def test_the_page_leaves_out_what_nobody_noted(bundle: Bundle) -> None:
    assert "<th>note" in page(with_(bundle, note="A trial."))
    assert "<th>note" not in page(with_(bundle))


def test_a_model_of_orders_alone_has_an_example_too(bundle: Bundle) -> None:
    bare = Bundle(bundle.manifest, bundle.files)
    bare.spec = FeatureSpec(attributes=(Attribute("unheard_of", "demographic", "number"),))
    bare.typical = {"basket_value": 12.345}
    (customer,) = example(bare)["customers"]
    assert set(customer) == {"customer_id", "orders"}
    assert [set(row) for row in customer["orders"]] == [{"moment", "amount"}] * 2
    assert customer["orders"][0]["amount"] == pytest.approx(12.345, abs=0.006)
    bare.typical = {"basket_value": None}
    assert example(bare)["customers"][0]["orders"][0]["amount"] > 0


def test_the_page_names_the_zone_of_its_moment(bundle: Bundle) -> None:
    manifest = {**bundle.manifest, "trained_until": "2018-01-01T05:00:00"}
    assert "<th>trained until<td>2018-01-01 05:00:00 UTC" in page(Bundle(manifest, bundle.files))


def test_the_example_of_the_page_is_known_to_the_model(bundle: Bundle, assigner: Assigner) -> None:
    asked = example(bundle)
    (answer,) = assigner(asked)["assignments"]
    assert "error" not in answer
    assert [said for said in answer["warnings"] if "outside the training range" not in said] == []
    (customer,) = asked["customers"]
    assert customer["orders"][0]["category"] in bundle.spec.categories
    assert set(customer) == {"customer_id", "orders", "events", "attributes"}
    assert html.escape(json.dumps(asked, indent=2, ensure_ascii=False)) in page(bundle)
