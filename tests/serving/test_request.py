"""A request as a whole: what it may be, what is sent back of it, and when it is answered for."""

from datetime import UTC, datetime
from typing import Any

import pytest

from features.errors import RequestError
from serving.assign import Assigner, parse

AS_OF = "2024-06-01T00:00:00Z"

REFUSED: list[tuple[Any, str]] = [
    ([], "A request must be an object."),
    ({"customer": []}, "customer is not a known key."),
    ({}, "customers must be a list of 1 to 1,000 customers."),
    ({"customers": []}, "customers must be a list of 1 to 1,000 customers."),
    ({"customers": {"customer_id": 1}}, "customers must be a list of 1 to 1,000 customers."),
    ({"customers": [{}] * 1001}, "customers must be a list of 1 to 1,000 customers."),
    ({"customers": [{"orders": [0] * 250_001}]}, "A request has at most 250,000 order lines,"),
    ({"customers": [{}], "as_of": "soon"}, "as_of must be a moment in ISO 8601, in UTC where"),
    ({"customers": [{}], "as_of": 3}, "as_of must be a moment in ISO 8601, in UTC where"),
    ({"customers": [{}], "as_of": "9999-12-31"}, "as_of must lie between the years 1900 and 2199."),
]


@pytest.mark.parametrize(("request_", "rule"), REFUSED, ids=[rule[:50] for _, rule in REFUSED])
def test_a_request_that_cannot_be_answered_as_a_whole(
    assigner: Assigner, request_: Any, rule: str
) -> None:
    with pytest.raises(RequestError) as refused:
        assigner(request_)
    assert refused.value.rule.startswith(rule)


@pytest.mark.parametrize("given", [float("nan"), 1.5, True, ["a"], {"a": 1}, None])
def test_an_id_that_is_none_is_not_sent_back(assigner: Assigner, given: Any) -> None:
    (one,) = assigner({"customers": [{"customer_id": given}]})["assignments"]
    assert one["customer_id"] is None
    assert "customer_id must be" in one["error"]["rule"]


@pytest.mark.parametrize("given", [" 17 ", " " * 300 + "17", 10**199], ids=["17", "300", "10"])
def test_an_id_that_is_taken_is_sent_back(assigner: Assigner, given: Any) -> None:
    (one,) = assigner({"customers": [{"customer_id": given}]})["assignments"]
    assert "error" not in one
    assert str(one["customer_id"]).strip() == str(given).strip()


def test_what_is_too_long_is_not_sent_back_whole(assigner: Assigner) -> None:
    (one,) = assigner({"customers": [{"customer_id": "x" * 9000}]})["assignments"]
    assert one["customer_id"] == "x" * 200
    (one,) = assigner({"customers": [{"customer_id": 10**4000}]})["assignments"]
    assert one["customer_id"] is None
    with pytest.raises(RequestError, match=r"^x{40} is not a known key\."):
        assigner({"x" * 9000: 1})


def test_the_limits_of_a_request_are_allowed(
    assigner: Assigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.assign.MAX_CUSTOMERS", 2)
    monkeypatch.setattr("serving.assign.MAX_ROWS", 3)
    line = {"moment": "2024-05-01", "amount": 1}
    most = [{"customer_id": "a", "orders": [line] * 2}, {"customer_id": "b", "orders": [line]}]
    made = assigner({"as_of": AS_OF, "customers": most})["assignments"]
    assert ["error" in one for one in made] == [False, False]
    with pytest.raises(RequestError, match=r"at most 3 order lines.* Seen: 4\."):
        assigner({"customers": [{"customer_id": "a", "orders": [line] * 4}]})
    with pytest.raises(RequestError, match=r"1 to 2 customers.* Remedy: send several requests"):
        assigner({"customers": [{}] * 3})
    with pytest.raises(RequestError, match=r"Seen: a list of 0\. Remedy: send \{"):
        assigner({"customers": []})


def test_without_as_of_it_is_now(assigner: Assigner, customer: dict[str, Any]) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    told = assigner({"customers": [customer]})["as_of"]
    assert len(told) == len(AS_OF)
    assert told.endswith("Z")
    assert before <= datetime.fromisoformat(told) <= datetime.now(UTC)


def test_as_of_without_a_zone_is_utc(assigner: Assigner, customer: dict[str, Any]) -> None:
    zoned = assigner({"as_of": "2024-06-01T02:00:00+02:00", "customers": [customer]})
    assert zoned == assigner({"as_of": "2024-06-01", "customers": [customer]})


def test_bad_json_is_told_where_it_breaks() -> None:
    with pytest.raises(RequestError, match=r"A body must be JSON\. Seen: .* line 1 column 8"):
        parse(b'{"a": 1!}')


def test_the_mark_of_utf_8_before_a_body_is_no_part_of_it() -> None:
    assert parse(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}
    with pytest.raises(RequestError):
        parse(b'\xef\xbb\xbf\xef\xbb\xbf{"a": 1}')
