from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import RequestError
from serving import history


def line(**values: Any) -> dict[str, Any]:
    return {"customer_id": "17", "orders": [{"moment": "2024-05-09", "amount": 1, **values}]}


def test_a_history_is_read() -> None:
    read = history.read(
        {
            "customer_id": 17,
            "orders": [{"moment": "2024-05-09T17:30:00+02:00", "amount": 3, "product_id": 9}],
            "attributes": {"age": 35, "member": True, "town": None},
        }
    )
    assert read == {
        "customer_id": "17",
        "orders": [
            {
                "moment": datetime(2024, 5, 9, 15, 30, tzinfo=UTC),
                "amount": 3.0,
                "product_id": "9",
            }
        ],
        "events": [],
        "attributes": [
            {"name": "age", "value": "35"},
            {"name": "member", "value": "true"},
            {"name": "town", "value": None},
        ],
    }


REFUSED = [
    (line(amount="12"), "orders[0].amount must be a number. Seen: '12'."),
    (line(amount=True), "orders[0].amount must be a number. Seen: true."),
    (line(amount=None), "orders[0].amount must be a number. Seen: null."),
    (line(amount=[1]), "orders[0].amount must be a number. Seen: a list of 1."),
    (line(amount=float("nan")), "orders[0].amount must be a finite number. Seen: nan."),
    (line(amount=float("-inf")), "orders[0].amount must be a finite number. Seen: -inf."),
    (line(amount=2e12), "orders[0].amount must be at most 1,000,000,000,000. Seen: 2"),
    (line(amount=10**400), "orders[0].amount must be a number. Seen: a number of 1329 bits."),
    (line(amount=-2e12), "orders[0].amount must be at least -1,000,000,000,000. Seen: -2"),
    (line(discount=2e12), "orders[0].discount must be at most 1,000,000,000,000. Seen: 2"),
    (line(discount=float("nan")), "orders[0].discount must be a finite number. Seen: nan."),
    (line(discount=-1), "orders[0].discount must be at least 0. Seen: -1."),
    (line(quantity="two"), "orders[0].quantity must be a number. Seen: 'two'."),
    (line(moment="yesterday"), "orders[0].moment must be a moment in ISO 8601. Seen: 'yesterday'."),
    (line(moment=1715275800), "orders[0].moment must be a moment in ISO 8601. Seen: 1715275800."),
    (line(moment="2024-02-30"), "orders[0].moment must be a moment in ISO 8601."),
    (line(moment="0001-01-01T00:00:00+23:00"), "orders[0].moment must be a moment in ISO 8601."),
    (line(moment="1815-06-18"), "orders[0].moment must be a moment from 1900 to 2199."),
    (line(category=["A"]), "orders[0].category must be text or a number. Seen: a list of 1."),
    (line(category=True), "orders[0].category must be text or a number. Seen: true."),
    (line(category="x" * 201), "orders[0].category must have at most 200 characters."),
    (line(category="\ud800"), "orders[0].category must be text in UTF-8. Seen: '\\ud800'."),
    (line(category=10**5000), "A number has at most 300 digits."),
    (line(ammount=1), "orders[0].ammount is not a known key. Seen: 'ammount' (known keys: moment,"),
    ({"customer_id": "1", "orders": [{"amount": 1}]}, "orders[0].moment is required."),
    ({"customer_id": "1", "orders": [{"moment": "2024-05-09", "unit_price": 3, "quantity": 2}]},
     "orders[0].amount is required. Seen: nothing there. Remedy: send what was paid for the whole "
     "line: a price of one piece times the pieces"),
    ({"customer_id": "1", "orders": {"amount": 1}}, "orders must be a list of objects."),
    ({"customer_id": "1", "orders": None}, "orders must be a list of objects. Seen: null."),
    ({"customer_id": "1", "orders": [3]}, "orders[0] must be an object. Seen: 3."),
    ({"customer_id": "1", "orders": [[]]}, "orders[0] must be an object. Seen: a list of 0."),
    ({"customer_id": "1", "order": []}, "order is not a known key."),
    ({"customer_id": "1", "orders": line()["orders"] * 50_001},
     "orders must have at most 50,000 rows. Seen: 50001 rows."),
    ({"orders": []}, "customer_id is required."),
    ({"customer_id": 1.5}, "customer_id must be text or a whole number. Seen: 1.5."),
    ({"customer_id": True}, "customer_id must be text or a number. Seen: true."),
    ({"customer_id": None}, "customer_id must be text or a number. Seen: null."),
    ({"customer_id": "  "}, "customer_id must not be empty. Seen: '  '."),
    ({"customer_id": "x" * 201}, "customer_id must have at most 200 characters."),
    ("17", "A customer must be an object. Seen: '17'."),
    ({"customer_id": "1", "events": [{"moment": "2024-05-09"}]}, "events[0].kind is required."),
    ({"customer_id": "1", "events": [{"moment": "2024-05-09", "kind": " "}]},
     "events[0].kind must not be empty."),
    ({"customer_id": "1", "attributes": 3}, "attributes must be a list of objects. Seen: 3."),
    ({"customer_id": "1", "attributes": {"age": [1]}}, "attributes.age must be text or a number."),
    ({"customer_id": "1", "attributes": [{"value": 1}]}, "attributes[0].name is required."),
    ({"customer_id": "1", "attributes": [{"name": ""}]}, "attributes[0].name must not be empty."),
    ({"customer_id": "1", "attributes": [{"name": "age"}] * 1001},
     "attributes must have at most 1,000 rows. Seen: 1001 rows."),
    ({"customer_id": "1", "attributes": dict.fromkeys(map(str, range(1001)))},
     "attributes must have at most 1,000 rows. Seen: 1001 rows."),
    ({"customer_id": "1", "attributes": [{"name": "age", "value": 1}] * 2},
     "An attribute has one value at a moment. Seen: attributes[1] is a second value of 'age'."),
]  # fmt: skip


@pytest.mark.parametrize(("customer", "said"), REFUSED, ids=[said[:60] for _, said in REFUSED])
def test_what_cannot_be_used_is_refused_with_its_path(customer: Any, said: str) -> None:
    with pytest.raises(RequestError) as refused:
        history.read(customer)
    assert str(refused.value).startswith(said)
    assert refused.value.remedy


def test_a_thousand_attributes_are_read_and_a_name_may_be_one_letter() -> None:
    rows: list[dict[str, Any]] = [{"name": str(i), "value": i} for i in range(1000)]
    for sent in (rows, {row["name"]: row["value"] for row in rows}):
        found = history.read({"customer_id": "a", "attributes": sent})["attributes"]
        assert [row["value"] for row in found] == [str(i) for i in range(1000)]


def test_an_attribute_may_have_another_value_from_another_moment_on() -> None:
    first = {"name": "home", "value": "Köln"}
    later = {"name": "home", "value": "Bonn", "valid_from": "2024-05-01"}
    found = history.read({"customer_id": "a", "attributes": [first, later]})
    assert [row["value"] for row in found["attributes"]] == ["Köln", "Bonn"]


@pytest.mark.parametrize(("zone", "same"), [("Europe/Berlin", True), ("UTC", False)])
def test_a_moment_is_the_same_whichever_way_its_zone_is_told(zone: str, same: bool) -> None:
    rows = [
        {"name": "home", "value": "Köln", "valid_from": "2024-05-01T02:00:00"},
        {"name": "home", "value": "Bonn", "valid_from": "2024-05-01T00:00:00Z"},
    ]
    sent = {"customer_id": "a", "attributes": rows}
    if same:
        with pytest.raises(RequestError, match="An attribute has one value at a moment"):
            history.read(sent, ZoneInfo(zone))
    else:
        assert len(history.read(sent, ZoneInfo(zone))["attributes"]) == 2


def test_a_misspelt_key_is_told_the_closest() -> None:
    with pytest.raises(RequestError, match=r"did you mean 'amount'\?"):
        history.read(line(ammount=1))


@pytest.mark.parametrize("name", ["orders", "attributes", "x" * 9000])
def test_a_long_key_is_shown_short(name: str) -> None:
    sent = {"attributes": {"attributes": {"x" * 200: []}}, "orders": line(**{"x" * 9000: 1})}
    with pytest.raises(RequestError) as refused:
        history.read({"customer_id": "1", **sent.get(name, {name: 1})})
    assert "x" * 40 in refused.value.rule
    assert "x" * 41 not in refused.value.rule


def test_rows_are_counted_before_they_are_read() -> None:
    assert history.rows({"orders": [1, 2], "events": "abc", "attributes": {"a": 1}}) == 6
    assert history.rows("17") == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
KEYS = (
    "customer_id",
    "orders",
    "events",
    "attributes",
    "moment",
    "amount",
    "kind",
    "name",
    "value",
)
NEAR = st.recursive(
    JSON | st.sampled_from(["2024-05-09", "17", "9999-12-31T23:59:59-23:59"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=20,
)


@pytest.mark.slow
@settings(max_examples=500)
@given(NEAR)
def test_whatever_is_sent_is_read_or_refused(customer: Any) -> None:
    try:
        said = sorted(history.read(customer))
    except RequestError as error:
        said = [error.rule[-1], error.remedy]
        short = len(str(error)) < 600
    else:
        short = True
    assert said == ["attributes", "customer_id", "events", "orders"] or said[0] == "."
    assert short
