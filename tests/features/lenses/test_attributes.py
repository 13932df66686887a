from math import acos, cos, radians

import pytest

from features.lenses import attributes
from features.spec import Attribute, FeatureSpec, Place

LEVELS = ("attribute_region_country", "attribute_region_state", "attribute_region_city")
NAMES = ("attribute_home", *LEVELS, "attribute_position_distance", "attribute_age",
         "attribute_score", "attribute_sector")  # fmt: skip


def test_every_feature_of_a_small_history_computed_by_hand(shop):
    known = shop.attribute
    rows = [known("home", "Köln"), known("age", "old"), known("score", "12.5"),
            known("region", "DE/BY"), known("position", "52.52,13.405"),
            known("shoe size", "43")]  # fmt: skip
    found = shop.features(attributes=rows)
    assert tuple(f.name for f in attributes.features(shop.spec)) == NAMES
    assert [found[name] for name in NAMES] == [
        "Köln", "DE", "DE/BY", None, 0.0, 2.0, 12.5, None
    ]  # fmt: skip


def test_a_feature_belongs_to_the_lens_of_its_attribute(shop):
    assert [(f.lens, f.unit, f.dtype) for f in attributes.features(shop.spec)] == [
        *[("geographic", "category", "category")] * 4,
        ("geographic", "km", "number"),
        ("demographic", "code", "number"),
        ("psychographic", "as given", "number"),
        ("firmographic", "category", "category"),
    ]


def test_the_features_of_an_attribute_are_told_by_its_name(shop):
    named = attributes.names_of(shop.spec)
    assert [name for names in named.values() for name in names] == list(NAMES)
    assert named["region"] == LEVELS
    assert attributes.names_of(shop.spec)["age"] == ("attribute_age",)


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


@pytest.mark.parametrize(
    ("value", "levels"),
    [
        ("US/IL/Springfield", ["US", "US/IL", "US/IL/Springfield"]),
        ("US/MA/Springfield", ["US", "US/MA", "US/MA/Springfield"]),  # another Springfield
        ("US / IL /Springfield", ["US", "US/IL", "US/IL/Springfield"]),
        ("US/IL/Springfield/Capitol", ["US", "US/IL", "US/IL/Springfield"]),
        ("US/IL", ["US", "US/IL", None]),
        ("US/IL/", ["US", "US/IL", None]),
        ("US//Springfield", ["US", None, None]),  # which one, nobody knows
        ("/IL/Springfield", [None, None, None]),
        ("New York", ["New York", None, None]),
        (None, [None, None, None]),
    ],
)
def test_a_region_is_a_path_at_each_of_its_levels(shop, value, levels):
    found = shop.features(attributes=[shop.attribute("region", value)])
    assert [found[name] for name in LEVELS] == levels


@pytest.mark.parametrize("separator", ["/", "|", ">", ",", ";", ":"])
def test_any_separator_parts_a_region(shop, separator):
    region = Attribute("r", "geographic", "region", levels=("a", "b"), separator=separator)
    log = shop.log(attributes=[shop.attribute("r", f"x y{separator}z.*")])
    (row,) = shop.rows(log, shop.spine(("a", shop.at)), FeatureSpec(attributes=(region,)))
    assert (row["attribute_r_a"], row["attribute_r_b"]) == ("x y", f"x y{separator}z.*")


def test_who_moves_takes_no_level_of_the_old_region_along(shop):
    rows = [shop.attribute("region", "US/IL/Springfield", "2024-01-01"),
            shop.attribute("region", "DE", "2024-05-01")]  # fmt: skip
    found = shop.features(attributes=rows)
    assert [found[name] for name in LEVELS] == ["DE", None, None]


@pytest.mark.parametrize(
    ("position", "km"),
    [
        # Berlin is at 52.52, 13.405 and Quito at 0, -78.5. On a sphere of radius 6371.0088 km a
        # degree of a great circle is 111.19508 km.
        ("53.52,13.405", 111.19508),
        ("0,-77.5", 111.19508),
        # To Berlin, by the law of cosines; to Quito it would be half the globe.
        ("0,101.5", 6371.0088 * acos(cos(radians(52.52)) * cos(radians(101.5 - 13.405)))),
        ("-90,0", 90 * 111.19508),  # from the pole to the equator
        ("0,180", 101.5 * 111.19508),
        ("0,-180", 101.5 * 111.19508),
        (" 52.52 , 13.405 ", 0.0),
    ],
)
def test_a_distance_is_that_to_the_nearest_place_along_a_great_circle(shop, position, km):
    found = shop.features(attributes=[shop.attribute("position", position)])
    assert found["attribute_position_distance"] == pytest.approx(km, rel=1e-6, abs=1e-6)


def test_a_distance_is_the_published_one(shop):
    # Nashville airport to Los Angeles airport, the example of Rosetta Code's "Haversine formula":
    # 2886.4444 km with a radius of 6371 km.
    spec = FeatureSpec(
        attributes=(Attribute("p", "geographic", "location", columns=("lat", "lon")),),
        places=(Place("LAX", 33.94, -118.40),),
    )
    log = shop.log(attributes=[shop.attribute("p", "36.12,-86.67")])
    (row,) = shop.rows(log, shop.spine(("a", shop.at)), spec)
    expected = 2886.4444 * 6371.0088 / 6371.0
    assert row["attribute_p_distance"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "position", ["90.1,0", "-91,0", "0,180.5", "0", "", "north,east", "nan,0", "0,inf", ",", None]
)
def test_what_is_no_position_is_unknown(shop, position):
    found = shop.features(attributes=[shop.attribute("position", position)])
    assert found["attribute_position_distance"] is None


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
