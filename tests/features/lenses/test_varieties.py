from dataclasses import replace
from datetime import datetime

import pandas as pd
import pytest

from features.lenses import varieties
from features.snapshot import feature_table, snapshot, tables
from features.spec import FeatureSpec


def test_every_feature_of_a_small_history_computed_by_hand(shop):
    line = shop.line
    found = shop.features(orders=[
        line("2024-04-02", 10, category="fruit", brand="own"),
        line("2024-04-02", 30, category="wine", brand="other"),
        line("2023-05-02", 20, category="fruit", brand="own"),
        line("2024-05-12", -5, category="bread", brand="back"),
        line("2024-05-22", 0),
    ])  # fmt: skip
    expected = {
        "categories": 2,
        "category_loyalty": 0.5,  # 30 of 60
        "category_diversity": 2.0,  # 60 squared over 30 squared, twice
        "brands": 2,
        "brand_loyalty": 0.5,
        "brand_diversity": 2.0,
        "categories_90d": 2,
        "categories_new_90d": 1,
        "category_share_fruit": 0.5,
        "category_share_wine": 0.5,
    }
    assert [f.name for f in varieties.features(shop.spec)] == list(expected)
    assert {name: found[name] for name in expected} == expected


def test_category_shares_are_of_what_was_paid_whatever_went_back(shop):
    line = shop.line
    rows = [
        line("2024-05-01", 60, category="fruit"),
        line("2024-05-02", 20, category="wine"),
        line("2024-05-03", 20),  # no category
        line("2024-05-04", 20, category="bread"),  # none of the spec's
        line("2024-05-05", -60, category="fruit"),
    ]
    found = shop.features(orders=rows)
    assert (found["category_share_fruit"], found["category_share_wine"]) == (0.5, 1 / 6)
    assert (found["categories"], found["categories_90d"]) == (3, 3)


def test_a_category_is_new_while_its_first_purchase_is_in_the_window(shop):
    line = shop.line
    rows = [
        line("2024-03-02", 1, category="fruit"),  # 91 days ago
        line("2024-05-02", 1, category="fruit"),
        line("2024-03-03", 1, category="wine"),  # 90 days ago
        line("2023-05-02", 1, category="bread"),
        line("2024-05-02", -1, category="fish"),  # returned, never bought
    ]
    found = shop.features(orders=rows)
    names = ("categories", "categories_90d", "categories_new_90d")
    assert [found[name] for name in names] == [3, 2, 1]


def test_one_brand_alone_is_all_loyalty_and_no_diversity(shop):
    rows = [shop.line("2024-05-01", 30, brand="own"), shop.line("2024-05-02", 99)]
    found = shop.features(orders=rows)
    assert (found["brands"], found["brand_loyalty"], found["brand_diversity"]) == (1, 1.0, 1.0)


def test_unequal_parts_count_as_fewer(shop):
    rows = [shop.line("2024-05-01", amount, brand=f"{i}") for i, amount in enumerate((80, 10, 10))]
    found = shop.features(orders=rows)
    assert (found["brands"], found["brand_loyalty"]) == (3, 0.8)
    assert found["brand_diversity"] == 100**2 / (80**2 + 2 * 10**2)


def test_a_return_is_of_no_brand(shop):
    rows = [shop.line("2024-05-01", 5), shop.line("2024-05-02", -5, brand="own")]
    found = shop.features(orders=rows)
    assert (found["brands"], found["brand_loyalty"], found["brand_diversity"]) == (0, None, None)


@pytest.mark.slow
def test_lines_added_up_between_cut_offs_give_the_same_values(shop, many):
    backend = many.connect()
    spine = shop.spine_at(many, shop.at, shop.at.replace(month=4), shop.at.replace(month=2))
    added_up = snapshot(backend, shop.spec, spine)
    plain = backend.to_pyarrow(feature_table(shop.spec)).to_pandas()
    plain = plain.sort_values(["customer_id", "as_of"], ignore_index=True)
    pd.testing.assert_frame_equal(added_up, plain, rtol=1e-9, atol=0)


def test_lines_added_up_are_known_no_sooner_than_each_of_them(shop):
    line = shop.line
    log = shop.log([
        line("2024-05-02", 7, category="wine"),
        line("2024-05-01", 10, category="fruit", arrived=datetime(2024, 7, 1)),
        line("2024-06-20", 30, category="fruit", arrived=datetime(2024, 5, 5)),  # before it was
    ])  # fmt: skip
    spec = replace(shop.spec, present=("category", "arrived"))
    spine = shop.spine(("a", "2024-06-01"), ("a", "2024-07-02"))
    seen = snapshot(log.connect(), spec, spine)
    assert seen.categories.tolist() == [1, 2]
    assert seen.category_share_wine.tolist() == [1.0, 7 / 47]
    assert seen.category_share_fruit.tolist() == [0.0, 40 / 47]


def test_lines_that_say_nothing_make_no_variety():
    t = tables()
    assert varieties.expression(t["orders"], t["spine"], FeatureSpec()) is None
