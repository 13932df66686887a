import pandas as pd
import pytest

from features import catalog
from features.snapshot import feature_table, snapshot
from features.spec import Attribute, FeatureSpec

T = pd.Timestamp
JUNE, JULY = T("2024-06-01"), T("2024-07-01")


def test_a_snapshot_is_the_spine_with_features_and_outcomes_sorted_by_key(shop, met_and_bought):
    spec = FeatureSpec()
    spine = shop.spine(("b", JUNE), ("a", JULY), ("nobody", JUNE), ("a", JUNE))
    frame = snapshot(met_and_bought.connect(), spec, spine, horizon_days=30)
    future = ["future_orders", "future_spend", "future_refunded", "days_to_order", "churned"]
    expected = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b", "nobody"],
            "as_of": [JUNE, JULY, JUNE, JUNE],
            "orders": [1, 3, 0, 0],
            "spend": [10.0, 35.0, 0.0, 0.0],
            "recency_days": [10.0, 20.0, None, None],
            "stage": ["new", "active", "prospect", "prospect"],
            "future_orders": [2, 0, 1, 0],
            "future_spend": [25.0, 0.0, 8.0, 0.0],
            "days_to_order": [0.0, None, 20.0, None],
            "churned": [False, True, False, True],
        }
    ).astype({"customer_id": "str", "as_of": "datetime64[us]", "stage": "str"})
    assert list(frame) == [*feature_table(spec).columns, *future]
    pd.testing.assert_frame_equal(frame[list(expected)], expected)


def test_without_a_horizon_there_are_features_alone(shop, met_and_bought):
    frame = snapshot(met_and_bought.connect(), FeatureSpec(), shop.spine(("a", JUNE)))
    assert list(frame)[2:] == [feature.name for feature in catalog.features(FeatureSpec())]


def test_a_snapshot_leaves_the_sources_as_they_were(shop, met_and_bought):
    backend = met_and_bought.connect()
    spine = shop.spine(("a", JUNE), ("b", JUNE))
    snapshot(backend, FeatureSpec(), spine)
    for name, table in vars(met_and_bought).items():
        assert backend.table(name).to_pyarrow().equals(table.cast(table.schema))
    assert sorted(backend.list_tables()) == ["attributes", "events", "orders", "spine"]


def test_a_second_snapshot_has_its_own_spine(shop, met_and_bought):
    backend = met_and_bought.connect()
    snapshot(backend, FeatureSpec(), shop.spine(("a", JUNE), ("b", JUNE)))
    frame = snapshot(backend, FeatureSpec(), shop.spine(("a", JULY)))
    assert list(zip(frame.customer_id, frame.as_of, strict=True)) == [("a", JULY)]


@pytest.mark.parametrize(
    "columns",
    [["orders", "spend_90d"], ["days_in_stage", "spend"], ["stage", "attribute_home"], []],
)
@pytest.mark.slow
def test_of_the_features_some_alone_have_the_values_that_they_have_among_all(
    shop, met_and_bought, columns
):
    spec = FeatureSpec(attributes=(Attribute("home", "geographic", "category"),), period_days=8)
    asked = met_and_bought.connect(), spec, shop.spine(("a", JUNE), ("a", JULY), ("nobody", JUNE))
    whole, some = snapshot(*asked, 30), snapshot(*asked, 30, columns)
    names = [f.name for f in catalog.features(spec) if f.name in columns]
    future = ["future_orders", "future_spend", "future_refunded", "days_to_order", "churned"]
    expected = whole[["customer_id", "as_of", *names, *future]]
    assert len(names) == len(columns)
    with pytest.raises(KeyError, match="not in the catalog of this spec: recency_dayz"):
        snapshot(*asked, columns=["orders", "recency_dayz"])
    pd.testing.assert_frame_equal(some, expected)
