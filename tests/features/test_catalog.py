import dataclasses

import ibis.expr.operations as ops
import pytest

from features import catalog
from features.asof import KEYS
from features.lenses import periods
from features.snapshot import feature_table
from features.spec import Attribute, FeatureSpec, Goal, Occasion, Place, Response

#: Names that would be the same column to a careless eye, or to a database.
AWKWARD = ("return", "Return!", "90d", "recency", "count", "events", "!", "?", "käse")
AWKWARD_SPEC = FeatureSpec(
    present=("category", "quantity", "discount", "channel"),
    categories=AWKWARD,
    order_channels=AWKWARD,
    event_kinds=AWKWARD,
    event_channels=AWKWARD,
    attributes=(
        *(Attribute(name, "geographic", "category") for name in (*AWKWARD, "home_return")),
        Attribute("home", "geographic", "region", levels=AWKWARD),
        Attribute("return_distance", "geographic", "number"),
        Attribute("return ", "geographic", "location", columns=("lat", "lon")),
    ),
    occasions=tuple(Occasion(name, ("2024-01-01",)) for name in AWKWARD),
    responses=tuple(Response(name, AWKWARD[:1], AWKWARD[1:2]) for name in (*AWKWARD, "return_90d")),
    goals=tuple(
        Goal(name, AWKWARD[:1], ("order",), 1) for name in (*AWKWARD, "return count", "count_90d")
    ),
    places=(Place("?", 0.0, 0.0),),
)


@pytest.fixture(params=["full", "smallest", "awkward"])
def spec(request, shop):
    return {"full": shop.spec, "smallest": FeatureSpec(), "awkward": AWKWARD_SPEC}[request.param]


def test_the_columns_of_the_table_are_the_catalog_in_its_order(spec):
    names = [entry["name"] for entry in catalog.entries(spec)]
    table = feature_table(spec)
    assert list(table.columns) == [*KEYS, *names]
    kinds = {"number": "float64", "count": "int64", "category": "string"}
    for feature in catalog.features(spec):
        dtype = str(table.schema()[feature.name]).lstrip("!")
        assert (feature.name, dtype) == (feature.name, kinds[feature.dtype])


@pytest.mark.slow
def test_what_is_not_made_of_a_table_does_not_ask_it(spec):
    every = [feature.name for feature in catalog.features(spec)]
    made_of = {table: [f.name for f in made] for table, made in catalog.by_table(spec).items()}
    assert {name for names in made_of.values() for name in names} == set(every)
    for table, names in made_of.items():
        others = [name for name in every if name not in names]
        assert table not in asked(feature_table(spec, columns=others))
        assert table in asked(feature_table(spec, columns=names)) or not names


def asked(table):
    return {node.name for node in table.op().find(ops.UnboundTable)}


def test_each_entry_stands_once_whatever_the_case_of_letters(spec):
    names = [entry["name"].lower() for entry in catalog.entries(spec)]
    assert sorted(names) == sorted(set(names))


def test_every_entry_says_what_it_is(spec):
    for entry in catalog.entries(spec):
        assert entry["definition"].endswith("."), entry
        assert entry["lens"], entry
        assert entry["unit"], entry
        assert entry["null"], entry
        assert entry["window"] >= 0, entry
        if entry["dtype"] == "count":
            assert entry["null"] == "never", entry
        if entry["unit"] == "ratio":
            assert entry["null"] != "never", "a ratio of nothing is not 0"


def test_every_feature_has_an_expression_beside_it_but_the_journeys(spec):
    without = {feature.lens for feature in catalog.features(spec) if feature.build is None}
    assert without == {"journey"}  # a stage is decided from the purchase lens's features


@pytest.mark.parametrize("field", ["name", "lens", "unit", "dtype", "null", "definition", "window"])
def test_the_hash_changes_with_any_field_of_any_entry(shop, monkeypatch, field):
    made = catalog.features(shop.spec)
    hashes = {catalog.catalog_hash(shop.spec)}
    for i, feature in enumerate(made):
        other = getattr(feature, field) * 2 + (1 if field == "window" else "x")
        changed = [*made[:i], dataclasses.replace(feature, **{field: other}), *made[i + 1 :]]
        monkeypatch.setattr(catalog, "features", lambda spec, changed=changed: changed)
        hashes.add(catalog.catalog_hash(shop.spec))
    assert len(hashes) == len(made) + 1


def test_the_hash_changes_with_the_order_of_entries_and_with_any_part_of_the_spec(shop):
    spec = shop.spec
    hashes = {catalog.catalog_hash(spec)}
    for field in dataclasses.fields(spec):
        values = getattr(spec, field.name)
        others = (values + 1,) if isinstance(values, int) else (values[:-1], values[::-1])
        for other in others:
            if other != values:
                hashes.add(catalog.catalog_hash(dataclasses.replace(spec, **{field.name: other})))
    fields = [getattr(spec, f.name) for f in dataclasses.fields(spec)]
    changes = sum(1 if isinstance(v, int) else 1 + (len(v) > 1) for v in fields)
    assert len(hashes) == changes + 1


def test_periods_are_the_features_that_say_nothing_alone(shop):
    every, alone = catalog.features(shop.spec), catalog.tabular(shop.spec)
    assert {f.name for f in every} - {f.name for f in alone} == periods.NAMES
    assert alone == [f for f in every if f in alone]


def test_the_hash_is_the_same_for_an_equal_spec(shop):
    again = FeatureSpec.from_dict(shop.spec.to_dict())
    assert catalog.catalog_hash(again) == catalog.catalog_hash(shop.spec)
