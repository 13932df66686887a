from datetime import datetime
from typing import Any

import duckdb
import pytest

from features.ingestion import cleaning
from features.online import OnlineFeatures
from features.schema import ATTRIBUTES, EVENTS, ORDERS, SPINE
from features.settings.experiment import Format
from features.spec import Attribute, FeatureSpec
from serving import history
from serving.intake import Intake, Tables

AS_OF = datetime(2024, 6, 1)
TABLES = ("orders", "events", "attributes", "spine")
SPEC = FeatureSpec(
    event_kinds=("visit",),
    attributes=(
        Attribute("age", "demographic", "ordered", ("young", "old", "none", "N/A")),
        Attribute("income", "demographic", "number"),
        Attribute("town", "geographic", "category"),
        Attribute("home", "geographic", "region", levels=("country", "state")),
        Attribute("spot", "geographic", "location", columns=("lat", "lon")),
    ),
)


def taken_in(*customers: dict[str, Any], zone: str = "UTC") -> Tables:
    read = [history.read({"customer_id": f"C{i}", **c}) for i, c in enumerate(customers)]
    return Intake(SPEC, zone)({c["customer_id"]: c for c in read}, AS_OF)


def orders(*lines: dict[str, Any], zone: str = "UTC") -> list[dict[str, Any]]:
    full = [{"moment": "2024-05-09T17:30:00Z", "amount": 1.0, **line} for line in lines]
    rows: list[dict[str, Any]] = taken_in({"orders": full}, zone=zone).orders.to_pylist()
    return rows


def test_the_tables_have_the_canonical_schemas() -> None:
    made = taken_in({}, {"orders": [{"moment": "2024-05-09", "amount": 1}]})
    for table, schema in (
        (made.orders, ORDERS),
        (made.events, EVENTS),
        (made.attributes, ATTRIBUTES),
        (made.spine, SPINE),
    ):
        assert table.schema.names == schema.names
        assert table.schema.types == schema.types
    assert made.spine.to_pylist() == [
        {"customer_id": "C0", "as_of": AS_OF},
        {"customer_id": "C1", "as_of": AS_OF},
    ]


def test_of_many_unknown_names_ten_are_told_and_how_many_more() -> None:
    made = taken_in(
        {"attributes": {f"x{i}": 1 for i in range(30)}},
        {"attributes": {f"x{i}": 1 for i in range(11)}},
        {"events": [{"moment": "2024-05-09", "kind": f"k{i}"} for i in range(12)]},
        {"events": [{"moment": "2024-05-09", "kind": f"k{i}"} for i in range(10)]},
    )
    said = made.warnings["C0"]
    assert [len(made.warnings[f"C{i}"]) for i in range(4)] == [11, 11, 11, 10]
    assert said[9] == "attribute 'x9' is not known to this model: ignored"
    assert said[10] == "further attributes that are not known to this model: 20"
    assert made.warnings["C1"][10] == "further attributes that are not known to this model: 1"
    assert made.warnings["C2"][10] == "further kinds of events that are not known to this model: 2"


def test_an_event_that_is_ignored_is_not_called_counted() -> None:
    made = taken_in({"events": [{"moment": "2024-07-01", "kind": "vist"}]})
    assert made.warnings["C0"] == ["1 event at or after as_of ignored"]


def test_lines_without_an_order_id_are_one_order_at_their_moment() -> None:
    made = orders({}, {"order_id": 7}, {"order_id": " "}, {"order_id": "7.0"})
    moment = "2024-05-09T17:30:00"
    assert [row["order_id"] for row in made] == [moment, "7", moment, "7"]


def test_texts_are_read_as_in_training() -> None:
    made = orders({"category": " GROCERY "}, {"category": "NaN"}, {"category": 3.0}, {})
    assert [row["category"] for row in made] == ["GROCERY", None, "3", None]


@pytest.mark.parametrize(
    "sent",
    ["Zo\u00eb", "Zoe\u0308", "\u00a0Zoe\u0308\t", "\u3000Zo\u00eb\x85", " 1\u2028", "\u212b"],
    ids=ascii,
)
def test_ids_are_read_as_in_training(sent: str) -> None:
    sql = cleaning.identifier("id", "VARCHAR")
    trained = duckdb.execute(f"SELECT {sql} FROM (SELECT $1 AS id)", [sent]).fetchall()[0][0]
    line = {"moment": "2024-05-09", "amount": 1, "order_id": sent, "product_id": sent}
    made = taken_in({"customer_id": sent, "orders": [line]})
    (row,) = made.orders.to_pylist()
    assert {row[name] for name in ("customer_id", "order_id", "product_id")} == {trained}
    assert made.spine["customer_id"].to_pylist() == [trained]


@pytest.mark.parametrize("kind", ["1.0", " mail ", "Add to cart", "None", "-2.0", "True"])
def test_kinds_are_read_as_in_training(kind: str) -> None:
    sql = cleaning.text("kind", "VARCHAR")
    trained = duckdb.execute(f"SELECT {sql} FROM (SELECT $1 AS kind)", [kind]).fetchall()[0][0]
    event: dict[str, Any] = {"moment": "2024-05-09T17:30:00Z", "kind": kind}
    sent = history.read({"customer_id": "a", "events": [event]})
    taken = Intake(FeatureSpec(event_kinds=(trained,)), "UTC")({"a": sent}, AS_OF)
    assert taken.events["kind"].to_pylist() == [trained]
    assert dict(taken.warnings) == {}


def test_an_event_of_no_kind_is_told_as_it_was_sent() -> None:
    made = taken_in({"events": [{"moment": "2024-05-09T17:30:00Z", "kind": "N/A"}]})
    assert made.events["kind"].to_pylist() == ["N/A"]
    assert made.warnings["C0"] == [
        "events of kind 'N/A' are not known to this model: counted among all alone"
    ]


def test_a_moment_without_a_zone_is_wall_clock_of_the_model() -> None:
    zone = "Europe/Berlin"
    naive, zoned = orders({"moment": "2024-05-09T17:30:00"}, {}, zone=zone)
    assert (naive["moment"], naive["local"]) == (
        datetime(2024, 5, 9, 15, 30),
        datetime(2024, 5, 9, 17, 30),
    )
    assert (zoned["moment"], zoned["local"]) == (
        datetime(2024, 5, 9, 17, 30),
        datetime(2024, 5, 9, 19, 30),
    )


@pytest.mark.parametrize("wall", ["2024-03-31T02:30:00", "2023-10-29T02:30:00"])
def test_the_hours_that_the_clock_skips_and_repeats_are_read_as_in_training(wall: str) -> None:
    zone = "Europe/Berlin"
    (row,) = orders({"moment": wall}, zone=zone)
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        sql = cleaning.moment("x", "VARCHAR", Format(), zone)
        expected = con.execute(f"SELECT {sql} FROM (SELECT '{wall}' AS x)").fetchone()
    assert expected is not None
    assert row["moment"] == expected[0]


def test_the_store_and_the_arrival_of_a_row_are_read_as_in_training() -> None:
    lines = [
        {"store": " Köln ", "arrived": "2024-05-10T08:00:00"},
        {"store": "n/a", "arrived": "2024-05-10T08:00:00Z"},
        {"arrived": None},
    ]
    made = orders(*lines, zone="Europe/Berlin")
    assert [(row["store"], row["arrived"]) for row in made] == [
        ("Köln", datetime(2024, 5, 10, 6)),
        (None, datetime(2024, 5, 10, 8)),
        (None, None),
    ]
    (event,) = taken_in(
        {"events": [{"moment": "2024-05-01", "kind": "visit", "arrived": "2024-05-02T01:00+01:00"}]}
    ).events.to_pylist()
    assert event["arrived"] == datetime(2024, 5, 2)


def test_what_arrives_at_as_of_or_later_is_told_as_ignored() -> None:
    made = taken_in(
        {
            "orders": [
                {"moment": "2024-05-01", "amount": 1, "arrived": "2024-05-31T23:59:59Z"},
                {"moment": "2024-05-01", "amount": 1, "arrived": "2024-06-01T00:00:00Z"},
            ],
            "events": [{"moment": "2024-05-01", "kind": "visit", "arrived": "2024-07-01"}],
        }
    )
    assert made.warnings == {
        "C0": ["1 order line at or after as_of ignored", "1 event at or after as_of ignored"]
    }


def test_what_is_told_as_ignored_is_left_out() -> None:
    made = taken_in(
        {
            "orders": [
                {"moment": "2024-05-01", "amount": 1, "arrived": "2024-05-31T23:59:59Z"},
                {"moment": "2024-05-02", "amount": 2, "arrived": "2024-06-01T00:00:00Z"},
                {"moment": "2024-06-01", "amount": 4, "arrived": "2024-05-01"},
                {"moment": "2024-05-31T23:59:59Z", "amount": 8},
            ],
            "events": [
                {"moment": "2024-05-01", "kind": "visit", "arrived": "2024-07-01"},
                {"moment": "2024-05-02", "kind": "visit"},
            ],
            "attributes": [
                {"name": "town", "value": "Bonn"},
                {"name": "town", "value": "Ulm", "valid_from": "2024-05-31"},
                {"name": "town", "value": "Jena", "valid_from": "2024-06-01"},
            ],
        }
    )
    assert made.orders["amount"].to_pylist() == [1.0, 8.0]
    assert made.events["moment"].to_pylist() == [datetime(2024, 5, 2)]
    assert made.attributes["value"].to_pylist() == ["Bonn", "Ulm"]


def test_a_late_order_is_in_no_feature_of_a_model_that_knows_no_arrivals() -> None:
    made = taken_in(
        {
            "orders": [
                {"moment": "2024-05-01", "amount": 10},
                {"moment": "2024-05-11", "amount": 50, "arrived": "2024-07-01"},
            ]
        }
    )
    (row,) = OnlineFeatures(FeatureSpec())(*(getattr(made, name) for name in TABLES)).to_pylist()
    assert (row["orders"], row["spend"], row["recency_days"]) == (1, 10.0, 31.0)


def test_attributes_are_read_by_their_kind() -> None:
    made = taken_in(
        {"attributes": {"age": "N/A", "income": "1,234.5", "town": "n/a"}},
        {"attributes": [{"name": "age", "value": "OLD", "valid_from": "2024-01-01"}]},
    )
    assert made.attributes.to_pylist() == [
        {"customer_id": "C0", "name": "age", "value": "N/A", "valid_from": None},
        {"customer_id": "C0", "name": "income", "value": "1234.5", "valid_from": None},
        {"customer_id": "C0", "name": "town", "value": None, "valid_from": None},
        {"customer_id": "C1", "name": "age", "value": None, "valid_from": datetime(2024, 1, 1)},
    ]
    assert made.warnings == {
        "C1": ["attribute 'age' is one of young, old, none, N/A: 'OLD' taken as unknown"]
    }


def test_regions_and_locations_are_sent_as_one_text() -> None:
    spots = ("52.52, 13.405", "91,0", "0,0,0", "0", "")
    made = taken_in(
        {"attributes": {"home": "DE / BY"}}, *({"attributes": {"spot": s}} for s in spots)
    )
    values = [row["value"] for row in made.attributes.to_pylist()]
    assert values == ["DE / BY", "52.52,13.405", None, None, None, None]
    assert made.warnings == {
        f"C{i}": [
            "attribute 'spot' is LATITUDE,LONGITUDE in decimal degrees: "
            f"{spots[i - 1]!r} taken as unknown"
        ]
        for i in (2, 3, 4)
    }


@pytest.mark.parametrize(
    ("levels", "sent", "value"),
    [
        (("city",), "Frankfurt/Oder", "Frankfurt Oder"),  # as of a column: a part is one part
        (("land", "city"), "DE/nan", "DE"),
        (("land", "city"), " NaN /Ulm", None),
        (("land", "city"), "DE/Nancy", "DE/Nancy"),
        (("land", "city"), "DE/ TRUE", "DE/ TRUE"),
    ],
)
def test_a_region_with_columns_of_its_own_is_sent_as_a_path(
    levels: tuple[str, ...], sent: str, value: str | None
) -> None:
    home = Attribute("home", "geographic", "region", levels=levels, columns=levels)
    read = history.read({"customer_id": "a", "attributes": {"home": sent}})
    made = Intake(FeatureSpec(attributes=(home,)), "UTC")({"a": read}, AS_OF)
    assert [row["value"] for row in made.attributes.to_pylist()] == [value]


def test_an_attribute_like_none_that_is_known_is_told_without_a_guess() -> None:
    made = taken_in({"attributes": {"zzzzzz": "x"}})
    assert made.warnings["C0"] == ["attribute 'zzzzzz' is not known to this model: ignored"]


def test_each_customer_is_told_what_was_ignored() -> None:
    made = taken_in(
        {
            "orders": [
                {"moment": "2024-05-31T23:59:59Z", "amount": 1},
                {"moment": "2024-06-01T00:00:00Z", "amount": 1},
                {"moment": "2024-07-01T00:00:00Z", "amount": 1},
            ],
            "events": [
                {"moment": "2025-01-01", "kind": "vist"},
                {"moment": "2024-05-01", "kind": "vist"},
            ],
            "attributes": [
                {"name": "twon", "value": "x"},
                {"name": "age", "value": "old", "valid_from": "2025-01-01"},
            ],
        },
        {"orders": [{"moment": "2024-05-31", "amount": 1}]},
    )
    assert made.warnings == {
        "C0": [
            "2 order lines at or after as_of ignored",
            "1 event at or after as_of ignored",
            "1 attribute at or after as_of ignored",
            "attribute 'twon' is not known to this model: ignored, did you mean 'town'?",
            "events of kind 'vist' are not known to this model: counted among all alone",
        ]
    }
