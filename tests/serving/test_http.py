"""The whole service over HTTP, in this process."""

import json
import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from serving.schemas import EXAMPLE, Error
from training.prediction.bundle import Bundle

AS_OF = "2024-06-01T00:00:00Z"
LINE = {"moment": "2024-05-09", "amount": 1}


def one(**values: Any) -> Any:
    return {"as_of": AS_OF, "customers": [{"customer_id": "17", **values}]}


def line(**values: Any) -> Any:
    return one(orders=[{**LINE, **values}])


DEEP = b'{"customers": ' + b"[" * 5000 + b"]" * 5000 + b"}"
RUBBISH: list[tuple[str, Any, int, str]] = [
    # name, body (bytes as they are, anything else as JSON), status, how the rule begins
    ("no JSON", b"{", 400, "A body must be JSON."),
    ("two values", b"{} {}", 400, "A body must be JSON."),
    ("not UTF-8", b'{"customers": "\xff"}', 400, "A body must be JSON."),
    ("UTF-16", '{"customers": []}'.encode("utf-16"), 400, "A body must be JSON."),
    ("binary", bytes(range(256)), 400, "A body must be JSON."),
    ("too deep", DEEP, 400, "A body must be JSON."),
    ("a lone surrogate", b'{"customers": "\\ud800"}', 400, "A body must be JSON."),
    ("a number of 5000 digits", b'{"as_of": ' + b"9" * 5000 + b"}", 400, "A body must be JSON."),
    ("nothing", b"", 400, "customers must be a list"),
    ("null", b"null", 400, "A request must be an object."),
    ("a list", b"[]", 400, "A request must be an object."),
    ("a text", b'"abc"', 400, "A request must be an object."),
    ("no customers", {}, 400, "customers must be a list"),
    ("customers is null", {"customers": None}, 400, "customers must be a list"),
    ("customers is an object", {"customers": {"1": []}}, 400, "customers must be a list"),
    ("no customer", {"customers": []}, 400, "customers must be a list"),
    ("too many customers", {"customers": [{}] * 1001}, 400, "customers must be a list"),
    ("an unknown key", {"customers": [{}], "asof": AS_OF}, 400, "asof is not a known key."),
    ("as_of is no moment", {"customers": [{}], "as_of": "now"}, 400, "as_of must be a moment"),
    ("as_of is a number", {"customers": [{}], "as_of": 1.5}, 400, "as_of must be a moment"),
    ("as_of is far", {"customers": [{}], "as_of": "9999-12-31"}, 400, "as_of must lie between"),
    ("a customer is null", {"customers": [None]}, 400, "At least one customer"),
    ("a customer is a list", {"customers": [[]]}, 400, "At least one customer"),
    ("no customer_id", {"customers": [{}]}, 400, "At least one customer"),
    ("customer_id is a list", one(customer_id=["a"]), 400, "At least one customer"),
    ("customer_id is null", one(customer_id=None), 400, "At least one customer"),
    ("an unknown key of a customer", one(oders=[]), 400, "At least one customer"),
    ("orders is a text", one(orders="abc"), 400, "At least one customer"),
    ("an order is a number", one(orders=[1]), 400, "At least one customer"),
    ("no amount", one(orders=[{"moment": AS_OF}]), 400, "At least one customer"),
    ("amount is text", line(amount="1,50"), 400, "At least one customer"),
    ("amount is true", line(amount=True), 400, "At least one customer"),
    ("amount is NaN", b'{"customers": [{"customer_id": 1, "orders": [{"moment": "2024-05-09",'
     b' "amount": NaN}]}]}', 400, "At least one customer"),
    ("amount is too large for a float", b'{"customers": [{"customer_id": 1, "orders": '
     b'[{"moment": "2024-05-09", "amount": 1e999}]}]}', 400, "At least one customer"),
    ("amount is nested", line(amount=[[1]]), 400, "At least one customer"),
    ("a negative discount", line(discount=-0.01), 400, "At least one customer"),
    ("a moment of the year 0", line(moment="0000-01-01"), 400, "At least one customer"),
    ("a moment that is none", line(moment="2024-13-01"), 400, "At least one customer"),
    ("a long text", line(brand="x" * 100_000), 400, "At least one customer"),
    ("an event without kind", one(events=[{"moment": AS_OF}]), 400, "At least one customer"),
    ("attributes is a text", one(attributes="age"), 400, "At least one customer"),
    ("an attribute is nested", one(attributes={"a": {"b": 1}}), 400, "At least one customer"),
    ("50,001 events", one(events=[{"moment": AS_OF, "kind": "x"}] * 50_001), 400, "At least one"),
    # Odd, and yet to be answered.
    ("a NUL in a text", line(brand="a\0b", order_id="\0"), 200, ""),
    ("SQL in a text", line(category="'; DROP TABLE orders; --"), 200, ""),
    ("SQL as an id", one(customer_id="'; DROP TABLE spine; --"), 200, ""),
    ("an id of other letters", one(customer_id="客户 №1 😀"), 200, ""),
    ("the same line a thousand times", one(orders=[LINE] * 1000), 200, ""),
    ("a customer before the first moment", one(orders=[{**LINE, "moment": "1900-01-01"}]), 200, ""),
    ("all in the future", one(orders=[{**LINE, "moment": "2199-12-31T23:59:59.999999Z"}]), 200, ""),
    ("amounts of 1e12", one(orders=[{**LINE, "amount": 1e12}] * 50), 200, ""),
    ("unknown kinds and attributes", one(events=[{"moment": "2024-05-01", "kind": "?"}],
                                         attributes={"?": "?"}), 200, ""),
    ("a key twice", b'{"customers": [], "customers": [{"customer_id": 1}]}', 200, ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "status", "rule"), [row[1:] for row in RUBBISH], ids=[row[0] for row in RUBBISH]
)
def test_rubbish_is_answered_in_one_shape(
    client: TestClient, body: Any, status: int, rule: str
) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = client.post("/assign", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == status, answer.text
    if status == 200:
        assert "error" not in answer.json()["assignments"][0]
    else:
        error = answer.json()["error"]
        assert set(error) == set(Error.__annotations__)
        assert error["type"] == "RequestError"
        assert error["rule"].startswith(rule)
        assert error["seen"]
        assert error["remedy"]
        for one in answer.json().get("assignments", []):
            assert set(one["error"]) == set(error)
            assert len(str(one)) < 1000


@pytest.mark.parametrize(
    ("method", "path", "status", "rule"),
    [
        ("GET", "/assign", 405, "/assign answers POST."),
        ("DELETE", "/model", 405, "/model answers GET or POST."),
        ("POST", "/", 405, "/ answers GET."),
        ("FOO", "/assign", 405, "/assign answers POST."),
        ("POST", "/docs.json", 405, "/docs.json answers GET."),
        ("POST", "/schema.json", 405, "/schema.json answers GET."),
        ("GET", "/asign", 404, "This service answers at /, /assign, /model,"),
        ("POST", "/assign/", 404, "This service answers at /, /assign, /model,"),
        ("GET", "/static_content/index.html", 404, "This service answers at"),
        ("GET", "/../etc/passwd", 404, "This service answers at"),
        ("GET", "/%ff%00", 404, "This service answers at"),
    ],
)
def test_wrong_doors(client: TestClient, method: str, path: str, status: int, rule: str) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert (error["type"], set(error)) == ("RequestError", set(Error.__annotations__))
    assert error["rule"].startswith(rule)


def test_a_door_that_is_nearly_right_is_named(client: TestClient) -> None:
    assert client.get("/redyz").json()["error"]["remedy"] == "did you mean /readyz?"


def test_a_good_request(client: TestClient, bundle: Bundle) -> None:
    answer = client.post("/assign", json=EXAMPLE)
    assert answer.status_code == 200
    told = answer.json()
    assert told["model"]["catalog_hash"] == bundle.manifest["catalog_hash"]
    assert told["as_of"] == AS_OF
    assert [a["customer_id"] for a in told["assignments"]] == ["17"]


def test_one_good_customer_makes_it_200(client: TestClient) -> None:
    answer = client.post("/assign", json={"customers": [{}, {"customer_id": 1}]})
    assert answer.status_code == 200
    bad, good = answer.json()["assignments"]
    assert bad["error"]["rule"] == "customer_id is required."
    assert "segment" in good


def test_the_model_tells_its_facts(client: TestClient, bundle: Bundle) -> None:
    told = client.get("/model").json()
    assert client.post("/model", json={}).json() == told
    assert told["features"] == bundle.catalog
    assert [s["id"] for s in told["segments"]] == [s.id for s in bundle.segments]
    named = ("name", "version", "created", "trained_until", "horizon_days", "currency", "left_out")
    assert all(told[key] == bundle.manifest[key] for key in named)
    assert told["left_out"] == {"orders": {"store_id": ["0"]}}


def test_the_page_takes_nothing_from_elsewhere(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert "POST /assign" in answer.text
    assert "<tr><th>left out<td>store_id of orders: 0" in answer.text
    assert re.findall(r"https?://|//\w|<script", answer.text) == []
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_the_docs_describe_request_answer_and_error(client: TestClient) -> None:
    docs = client.get("/docs.json")
    schemas = docs.json()["components"]["schemas"]
    assert set(schemas["OrderLine"]["required"]) == {"moment", "amount"}
    assert schemas["OrderLine"]["properties"]["amount"]["description"] == (
        "of the whole line, in the model's currency; negative, or 0 of a quantity below 0: a return"
    )
    assert schemas["NotFound"]["properties"]["error"] == {"$ref": "#/components/schemas/Error"}
    example = next(s["example"] for s in schemas.values() if "example" in s)
    assert client.post("/assign", json=example).status_code == 200
    assert "http" not in docs.json()["info"]["description"]


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/healthz", "/schema.json"])
def test_health_and_schema_answer(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 200
