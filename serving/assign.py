"""A request -> its answer: read the customers, compute their features, predict, say it."""

from __future__ import annotations

import codecs
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic_core import PydanticCustomError, from_json

from features.errors import RequestError
from features.online import OnlineFeatures
from serving import errors, history
from serving.intake import Intake
from serving.schemas import FIRST_YEAR, LAST_YEAR, MAX_CUSTOMERS, MAX_ROWS, MAX_TEXT, read_moment
from training.prediction import value
from training.prediction.bundle import Bundle

_KEYS = ("as_of", "customers")
_NUMBERS = (
    "membership", "runner_up_membership", "churn_probability", "expected_orders",
    "expected_spend", "expected_spend_low", "expected_spend_median", "expected_spend_high",
)  # fmt: skip


def now() -> datetime:
    """The present moment, naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def parse(body: bytes) -> Any:
    """The JSON of a request's body, with or without the mark of UTF-8 before it; RequestError where
    it is none.

    >>> parse(b'{"customers": ')
    Traceback (most recent call last):
    features.errors.RequestError: A body must be JSON. Seen: EOF while parsing a value at line 1 \
column 14. Remedy: correct it there
    """
    try:
        return from_json(body.removeprefix(codecs.BOM_UTF8))
    except ValueError as problem:
        raise RequestError("A body must be JSON.", str(problem), "correct it there") from None


class Assigner:
    """Answers `assign` with one bundle; serves one thread at a time. Making it takes seconds."""

    def __init__(self, bundle: Bundle, clock: Callable[[], datetime] = now) -> None:
        manifest = bundle.manifest
        self.bundle = bundle
        self.model = {
            "name": manifest["name"],
            "version": manifest["version"],
            "catalog_hash": manifest["catalog_hash"],
            "horizon_days": manifest["horizon_days"],
            "currency": manifest["currency"],
            "interval_level": manifest["interval_level"],
        }
        self._values = dict(zip(bundle.terms.months, value.names(bundle.terms), strict=True))
        self._clock = clock
        bundle.require_current()
        self._features = OnlineFeatures(bundle.spec)
        self._intake = Intake(bundle.spec, manifest["time_zone"])
        self._zone = ZoneInfo(manifest["time_zone"])

    def __call__(self, request: Any) -> dict[str, Any]:
        """The answer to a request, both as in `serving.schemas`, as plain values.

        Raises RequestError where the request as a whole cannot be answered. One customer that
        cannot be read has an `error` in its place; where none could be read, the answer itself
        bears an `error` too.
        """
        as_of, customers = self._read(request)
        answers: list[dict[str, Any]] = []
        histories: dict[str, dict[str, Any]] = {}
        for customer in customers:
            given = customer.get("customer_id") if isinstance(customer, Mapping) else None
            answer: dict[str, Any] = {"customer_id": _echo(given)}
            try:
                found = history.read(customer, self._zone)
                who = found["customer_id"]
                if who in histories:
                    raise RequestError(
                        "A customer stands once in a request.",
                        f"customer_id {errors.shown(given)} a second time",
                        "send all rows of one customer together",
                    )
                histories[who] = found
                answer["who"] = who
            except RequestError as error:
                answer["error"] = errors.as_dict(error)
            answers.append(answer)
        told = self._predict(histories, as_of) if histories else {}
        for answer in answers:
            if "error" not in answer:
                answer.update(told[answer.pop("who")])
        made = {"model": self.model, "as_of": f"{as_of.isoformat()}Z", "assignments": answers}
        return made if any("error" not in answer for answer in answers) else _none(made)

    def _read(self, request: Any) -> tuple[datetime, list[Any]]:
        """`as_of` (naive UTC) and the customers of a request."""
        if not isinstance(request, Mapping):
            raise RequestError(
                "A request must be an object.", errors.shown(request), 'send {"customers": [...]}'
            )
        for key in request:
            if key not in _KEYS:
                raise errors.misspelt(str(key)[:40], str(key), _KEYS)
        customers = request.get("customers")
        if not isinstance(customers, list) or not 1 <= len(customers) <= MAX_CUSTOMERS:
            raise RequestError(
                f"customers must be a list of 1 to {MAX_CUSTOMERS:,} customers.",
                errors.shown(customers),
                "send several requests" if isinstance(customers, list) and customers
                else 'send {"customers": [{"customer_id": ..., "orders": [...]}]}',
            )  # fmt: skip
        total = sum(map(history.rows, customers))
        if total > MAX_ROWS:
            raise RequestError(
                f"A request has at most {MAX_ROWS:,} order lines, events and attributes.",
                f"{total:,}",
                "send several requests",
            )
        return self._as_of(request.get("as_of")), customers

    def _as_of(self, given: Any) -> datetime:
        if given is None:
            return self._clock()
        try:
            return read_moment(given).replace(tzinfo=None)
        except PydanticCustomError as problem:
            rule = "as_of must be a moment in ISO 8601, in UTC where it names no zone."
            if problem.type == "moment_range":
                rule = f"as_of must lie between the years {FIRST_YEAR} and {LAST_YEAR}."
            raise RequestError(
                rule,
                errors.shown(given),
                "write it such as 2024-06-01T00:00:00Z, or leave it out for the present",
            ) from problem

    def _predict(
        self, histories: Mapping[str, Mapping[str, Any]], as_of: datetime
    ) -> dict[str, dict[str, Any]]:
        """What is said of each customer, by customer id."""
        tables = self._intake(histories, as_of)
        features = self._features(tables.orders, tables.events, tables.attributes, tables.spine)
        return {
            row["customer_id"]: self._assignment(row, tables.warnings.get(row["customer_id"], []))
            for row in self.bundle.predict(features).to_pylist()
        }

    def _assignment(self, row: Mapping[str, Any], told: Sequence[str]) -> dict[str, Any]:
        if not all(math.isfinite(row[name]) for name in _NUMBERS):
            error = RequestError(
                "A history must lead to finite figures.",
                "figures beyond what this model can count",
                "look for amounts or quantities of an impossible size",
            )
            return {"error": errors.as_dict(error)}
        return {
            "segment": {
                "id": row["segment_id"],
                "name": row["segment_name"],
                "membership": row["membership"],
                "runner_up": {
                    "id": row["runner_up_id"],
                    "name": row["runner_up_name"],
                    "membership": row["runner_up_membership"],
                },
            },
            "churn_probability": row["churn_probability"],
            "horizon_days": self.model["horizon_days"],
            "expected_orders": row["expected_orders"],
            "expected_spend": {
                "expected": row["expected_spend"],
                "low": row["expected_spend_low"],
                "median": row["expected_spend_median"],
                "high": row["expected_spend_high"],
                "level": self.model["interval_level"],
                "currency": self.model["currency"],
            },
            "next_order": {
                "median": _moment(row["next_order_median"]),
                "low": _moment(row["next_order_low"]),
                "high": _moment(row["next_order_high"]),
                "level": self.model["interval_level"],
            },
            "value": [
                {"months": months, "expected": row[name], "currency": self.model["currency"]}
                for months, name in self._values.items()
                if row[name] is not None
            ],
            "journey_stage": row["stage"],
            "warnings": [*row["warnings"], *told],
        }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else f"{at.isoformat()}Z"


def _echo(given: Any) -> Any:
    """A customer id as it was sent, where it can be one and is not too long to send back."""
    if isinstance(given, str):
        short = given if len(given) <= MAX_TEXT else given.strip()[:MAX_TEXT]
        return short.encode("utf-8", "replace").decode()
    whole = isinstance(given, int) and not isinstance(given, bool)
    return given if whole and abs(given) < 10**MAX_TEXT else None


def _none(answer: dict[str, Any]) -> dict[str, Any]:
    first = answer["assignments"][0]
    error = RequestError(
        "At least one customer of a request must be answerable.",
        f"none of {len(answer['assignments'])}; customer {errors.shown(first['customer_id'])}: "
        f"{first['error']['rule']} Seen: {first['error']['seen']}",
        first["error"]["remedy"],
    )
    return {**answer, "error": errors.as_dict(error)}
