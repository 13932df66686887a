"""One customer as it was sent -> a validated history, or the error that says what to change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from pydantic import TypeAdapter, ValidationError

from features.errors import RequestError
from serving import schemas
from serving.errors import misspelt, shown

_CUSTOMER: TypeAdapter[Any] = TypeAdapter(schemas.Customer)
_FORMS = ("by name", "rows")  # tags of pydantic's, no part of a path
#: The keys that are known in a row of each part, and of a customer itself.
KEYS = {
    "orders": tuple(schemas.OrderLine.__annotations__),
    "events": tuple(schemas.Event.__annotations__),
    "attributes": tuple(schemas.AttributeValue.__annotations__),
    "": tuple(schemas.Customer.__annotations__),
}
_A_MOMENT = "such as 2024-05-09T17:30:00Z"


def read(customer: Any, zone: tzinfo = UTC) -> dict[str, Any]:
    """A customer of the request, validated as `schemas.Customer`; `zone` is that of moments which
    name none.

    Moments become datetimes (in UTC where they name a zone, else naive as written), identifiers
    and texts become strings, `attributes` a list of rows. Raises RequestError for the first thing
    that cannot be used, with its path: `orders[3].amount must be a number.`

    >>> read({"customer_id": 17, "orders": [{"moment": "2024-05-09", "amount": "12"}]})
    Traceback (most recent call last):
    features.errors.RequestError: orders[0].amount must be a number. Seen: '12'. Remedy: send a \
JSON number, without quotes or currency
    """
    try:
        read = _CUSTOMER.validate_python(customer)
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        raise _refusal(first["type"], first["loc"], first["input"], first.get("ctx", {})) from None
    except ValueError:  # a whole number of thousands of digits, where text is asked for
        raise RequestError(
            "A number has at most 300 digits.", "a longer one", "send it as text"
        ) from None
    given = read.get("attributes", [])
    if isinstance(given, Mapping):
        given = [{"name": name, "value": value} for name, value in given.items()]
    _refuse_two_values(given, zone)
    return {"orders": [], "events": [], **read, "attributes": given}


def rows(customer: Any) -> int:
    """How many rows a customer brings, valid or not."""
    if not isinstance(customer, Mapping):
        return 1
    parts = (customer.get(name) for name in ("orders", "events", "attributes"))
    return sum(len(part) for part in parts if isinstance(part, Sequence | Mapping))


def path_of(place: Iterable[str | int]) -> str:
    """Where a value stands.

    >>> path_of(("orders", 3, "amount"))
    'orders[3].amount'
    """
    path = ""
    for part in place:
        if part not in _FORMS:
            path += f"[{part}]" if isinstance(part, int) else f".{part[:40]}"
    return path.removeprefix(".") or "A customer"


def _refuse_two_values(attributes: list[dict[str, Any]], zone: tzinfo) -> None:
    seen = set()
    for i, row in enumerate(attributes):
        since: datetime | None = row.get("valid_from")
        if since is not None and since.tzinfo is None:
            since = since.replace(tzinfo=zone).astimezone(UTC)
        key = (row["name"], since)
        if key in seen:
            raise RequestError(
                "An attribute has one value at a moment.",
                f"attributes[{i}] is a second value of {shown(row['name'])}",
                "send the one that holds, or a valid_from for each",
            )
        seen.add(key)


def _refusal(
    kind: str, place: tuple[str | int, ...], value: Any, limits: Mapping[str, Any]
) -> RequestError:
    path = path_of(place)
    if kind == "extra_forbidden":
        within = str(place[0]) if len(place) > 1 else ""
        return misspelt(path, str(place[-1]), KEYS[within])
    if kind == "missing":
        remedy = _SEND.get(str(place[-1]), "send it")
        return RequestError(f"{path} is required.", "nothing there", remedy)
    must, remedy = _WORDS.get(kind, ("be usable", "see /docs.json for what is asked"))
    return RequestError(
        f"{path} must {must.format_map(_Limits(limits))}.",
        f"{len(value)} rows" if kind == "too_long" else shown(value),
        remedy,
    )


class _Limits(dict[str, Any]):
    """pydantic's limits as they are written."""

    def __getitem__(self, key: str) -> str:
        limit = super().__getitem__(key)
        return f"{limit:,.0f}"


#: What is meant, where a client may know it by another name.
_SEND = {"amount": "send what was paid for the whole line: a price of one piece times the pieces"}
_NUMBER = ("be a number", "send a JSON number, without quotes or currency")
_FINITE = ("be a finite number", "leave the row out, or correct it")
_ROWS = ("be a list of objects", "send a list, an empty one where there is nothing")
_OBJECT = ("be an object", "see /docs.json for its keys")
_WORDS = {
    "moment": ("be a moment in ISO 8601", f"write it {_A_MOMENT}"),
    "moment_range": (
        f"be a moment from {schemas.FIRST_YEAR} to {schemas.LAST_YEAR}",
        "correct the year",
    ),
    "identifier": ("be text or a whole number", "send it as text"),
    "string_type": ("be text or a number", "send text"),
    "string_unicode": ("be text in UTF-8", "correct the encoding"),
    "string_too_long": ("have at most {max_length} characters", "send less"),
    "string_too_short": ("not be empty", "send it"),
    "float_type": _NUMBER,
    "finite_number": _FINITE,
    "greater_than_equal": ("be at least {ge}", "correct it"),
    "less_than_equal": ("be at most {le}", "correct it"),
    "list_type": _ROWS,
    "too_long": ("have at most {max_length} rows", "send the latest ones, or fewer"),
    "dict_type": _OBJECT,
    "mapping_type": _OBJECT,
    "invalid_key": ("have names as keys", "send text"),
}
