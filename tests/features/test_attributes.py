import pytest

from features import attributes
from features.spec import Attribute, FeatureSpec

NAMES = ("attribute_home", "attribute_age", "attribute_score", "attribute_sector")


def test_every_feature_of_a_small_history_computed_by_hand(shop):
    known = shop.attribute
    rows = [known("home", "Köln"), known("age", "old"), known("score", "12.5"),
            known("shoe size", "43")]  # fmt: skip
    found = shop.features(attributes=rows)
    assert tuple(f.name for f in attributes.features(shop.spec)) == NAMES
    assert [found[name] for name in NAMES] == ["Köln", 2.0, 12.5, None]


def test_a_feature_belongs_to_the_lens_of_its_attribute(shop):
    assert [(f.lens, f.unit, f.dtype) for f in attributes.features(shop.spec)] == [
        ("geographic", "category", "category"),
        ("demographic", "code", "number"),
        ("psychographic", "as given", "number"),
        ("firmographic", "category", "category"),
    ]


@pytest.mark.parametrize(
    ("since", "home"),
    [("2024-05-31 23:59:59", "new"), ("2024-06-01", "old"), ("2024-06-02", "old"), (None, "old")],
)
def test_a_value_counts_from_after_its_day(shop, since, home):
    rows = [shop.attribute("home", "old", "2020-01-01"), shop.attribute("home", "new", since)]
    for given in (rows, rows[::-1]):
        assert shop.features(attributes=given)["attribute_home"] == home


def test_an_undated_value_holds_until_a_dated_one(shop):
    rows = [shop.attribute("home", "undated"), shop.attribute("home", "dated", "2024-05-01")]
    early, late = (shop.features(at=at, attributes=rows) for at in ("2024-05-01", "2024-05-02"))
    assert (early["attribute_home"], late["attribute_home"]) == ("undated", "dated")


def test_of_two_values_from_the_same_day_the_order_of_rows_decides_nothing(shop):
    rows = [shop.attribute("home", value, "2024-01-01") for value in ("Aachen", "Bonn")]
    for given in (rows, rows[::-1]):
        assert shop.features(attributes=given)["attribute_home"] == "Bonn"


def test_an_unknown_value_does_not_hide_a_known_one(shop):
    rows = [shop.attribute("home", "Bonn", "2024-01-01"), shop.attribute("home", None)]
    rows.append(shop.attribute("home", None, "2024-02-01"))
    assert shop.features(attributes=rows)["attribute_home"] == "Bonn"
    assert shop.features(attributes=rows[1:])["attribute_home"] is None


@pytest.mark.parametrize(
    ("value", "code"),
    [("young", 0.0), ("middle", 1.0), ("old", 2.0), ("ancient", None), ("Old", None)],
)
def test_an_ordered_value_is_its_place_and_an_unseen_band_unknown(shop, value, code):
    assert shop.features(attributes=[shop.attribute("age", value)])["attribute_age"] == code


@pytest.mark.parametrize(
    ("value", "number"),
    [("7", 7.0), ("-0.25", -0.25), ("1e3", 1000.0), ("many", None), ("12,5", None), ("", None),
     ("nan", None), ("inf", None), ("-inf", None)],
)  # fmt: skip
def test_a_number_is_read_from_its_text(shop, value, number):
    assert shop.features(attributes=[shop.attribute("score", value)])["attribute_score"] == number


def test_an_attribute_is_its_own_customers(shop):
    rows = [shop.attribute("home", "Bonn", who="b")]
    assert shop.features(attributes=rows)["attribute_home"] is None


def test_names_that_look_alike_stay_apart():
    spec = FeatureSpec(
        attributes=tuple(
            Attribute(name, "geographic", "category") for name in ("home town", "Home-Town")
        )
    )
    names = [feature.name for feature in attributes.features(spec)]
    assert names == ["attribute_home_town", "attribute_home_town_2"]


def test_without_attributes_the_lens_is_empty():
    assert attributes.features(FeatureSpec()) == []
    assert attributes.expression(None, None, FeatureSpec()) is None
