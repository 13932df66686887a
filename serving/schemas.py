"""What `assign` takes in and gives out: types, units, limits and an example.

The same types validate a customer (`serving.history`) and describe the service in /docs.json.
May not import: bentoml.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    FailFast,
    Field,
    PlainValidator,
    Strict,
    StringConstraints,
    Tag,
    WithJsonSchema,
    with_config,
)
from pydantic_core import PydanticCustomError
from typing_extensions import NotRequired, TypedDict  # noqa: UP035 - pydantic asks for it below 3.12

MAX_CUSTOMERS = 1_000
MAX_ROWS = 250_000  # order lines, events and attributes of one request
MAX_ROWS_OF_ONE = 50_000  # order lines, or events, of one customer
MAX_ATTRIBUTES = 1_000  # values of one customer
MAX_TEXT = 200
MAX_NUMBER = 1e12
FIRST_YEAR, LAST_YEAR = 1900, 2199


def read_moment(value: Any) -> datetime:
    """ISO 8601 text -> a datetime in UTC if it names a zone, else a naive one as written.

    >>> read_moment("2024-05-09T17:30:00+02:00")
    datetime.datetime(2024, 5, 9, 15, 30, tzinfo=datetime.timezone.utc)
    >>> read_moment("2024-05-09")
    datetime.datetime(2024, 5, 9, 0, 0)
    """
    try:
        moment = datetime.fromisoformat(value.strip())
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC)
    except (AttributeError, ValueError, OverflowError):
        raise PydanticCustomError("moment", "must be a moment in ISO 8601") from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise PydanticCustomError("moment_range", "must be a moment of this age")
    return moment


def _no_fraction(value: Any) -> Any:
    if isinstance(value, float):
        raise PydanticCustomError("identifier", "must be text or a whole number")
    return value


def _composed(value: str) -> str:
    """NFC, as `ingestion.cleaning.identifier` reads ids; what is not UTF-8 is refused before."""
    return unicodedata.normalize("NFC", value)


def _switch(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


Moment = Annotated[
    datetime,
    PlainValidator(read_moment),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Arrived = Annotated[
    Moment | None,
    Field(description="when it became known, if later than its moment; default: at its moment"),
]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT)]
Identifier = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT),
    BeforeValidator(_no_fraction),
    AfterValidator(_composed),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
]
Number = Annotated[float, Strict(), Field(allow_inf_nan=False, ge=-MAX_NUMBER, le=MAX_NUMBER)]
NotNegative = Annotated[float, Strict(), Field(allow_inf_nan=False, ge=0, le=MAX_NUMBER)]
Value = Annotated[Text | None, BeforeValidator(_switch)]  # a number or a switch becomes text

_STRICT_KEYS = ConfigDict(extra="forbid", coerce_numbers_to_str=True)


@with_config(_STRICT_KEYS)
class OrderLine(TypedDict):
    """One order line. A moment without a zone is wall clock in the model's time zone."""

    moment: Annotated[Moment, Field(description="when it was bought, ISO 8601")]
    amount: Annotated[
        Number,
        Field(
            description="of the whole line, in the model's currency; negative, or 0 of a quantity "
            "below 0: a return"
        ),
    ]
    order_id: NotRequired[
        Annotated[
            Text | None, Field(description="lines of one order share it; default: the moment")
        ]
    ]
    product_id: NotRequired[Text | None]
    category: NotRequired[Text | None]
    brand: NotRequired[Text | None]
    store: NotRequired[Text | None]
    quantity: NotRequired[Annotated[Number | None, Field(description="pieces")]]
    discount: NotRequired[
        Annotated[NotNegative | None, Field(description="amount taken off, not below zero")]
    ]
    channel: NotRequired[Text | None]
    arrived: NotRequired[Arrived]


@with_config(_STRICT_KEYS)
class Event(TypedDict):
    """Anything else that the customer did or met. The moment as in an order line."""

    moment: Moment
    kind: Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1)]
    channel: NotRequired[Text | None]
    arrived: NotRequired[Arrived]


@with_config(_STRICT_KEYS)
class AttributeValue(TypedDict):
    """One value of one attribute, valid from a moment on; without `valid_from`: always."""

    name: Annotated[Text, StringConstraints(min_length=1)]
    value: NotRequired[Value]  # null and nothing at all: unknown
    valid_from: NotRequired[Moment | None]


def _form(value: Any) -> str:
    return "by name" if isinstance(value, Mapping) else "rows"


Attributes = Annotated[
    Annotated[dict[Text, Value], Field(max_length=MAX_ATTRIBUTES), Tag("by name")]
    | Annotated[list[AttributeValue], Field(max_length=MAX_ATTRIBUTES), Tag("rows")],
    Discriminator(_form),
]


@with_config(_STRICT_KEYS)
class Customer(TypedDict):
    """One customer's own history; who has no order is a prospect."""

    customer_id: Identifier
    orders: NotRequired[Annotated[list[OrderLine], Field(max_length=MAX_ROWS_OF_ONE), FailFast()]]
    events: NotRequired[Annotated[list[Event], Field(max_length=MAX_ROWS_OF_ONE), FailFast()]]
    attributes: NotRequired[Attributes]


EXAMPLE: dict[str, Any] = {
    "as_of": "2024-06-01T00:00:00Z",
    "customers": [
        {
            "customer_id": "17",
            "orders": [
                {"moment": "2024-04-02T18:20:00Z", "amount": 24.9, "category": "PRODUCE"},
                {"moment": "2024-05-09T17:30:00Z", "amount": 31.5, "discount": 2.0},
            ],
            "events": [{"moment": "2024-05-01", "kind": "campaign", "channel": "mail"}],
            "attributes": {"age": "35-44"},
        }
    ],
}


class AssignRequest(BaseModel):
    """Customers with their raw histories.

    Rows at or after `as_of`, or that arrived then, are ignored, and each customer's warnings say
    how many. One customer's bad rows fail that customer alone.
    """

    # For BentoML's eyes this is the whole request; it is `serving.assign` that reads the body, off
    # the event loop and customer by customer, and its errors say more than a 400 of BentoML's.
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": EXAMPLE})
    _body: bytes = b""

    as_of: Annotated[
        Moment | None,
        Field(description="the moment to stand at; UTC without a zone; default: now"),
    ] = None
    customers: Annotated[list[Customer], Field(min_length=1, max_length=MAX_CUSTOMERS)]

    @property
    def body(self) -> bytes:
        """The body as it came."""
        return self._body

    @classmethod
    def model_validate_json(
        cls, json_data: str | bytes | bytearray, **options: Any
    ) -> AssignRequest:
        """Keep the body unread; BentoML calls this on the event loop."""
        made = cls.model_construct()
        made._body = json_data.encode() if isinstance(json_data, str) else bytes(json_data)
        return made


class Error(TypedDict):
    """Why something could not be answered."""

    type: str
    rule: str
    seen: str
    remedy: str


class RunnerUp(TypedDict):
    """The segment that fits second best."""

    id: str
    name: str
    membership: float


class Segment(TypedDict):
    """The segment that fits best; memberships over all segments sum to 1."""

    id: str
    name: str
    membership: float
    runner_up: RunnerUp


class Spend(TypedDict):
    """Spend within the horizon, net of returns; in `level` of cases between low and high.

    The median never lies outside. The mean, `expected`, may lie above high, where most spend
    nothing and a few much: then the warnings say so.
    """

    expected: float
    low: float
    median: float
    high: float
    level: float
    currency: str


class NextOrder(TypedDict):
    """When the next order comes (ISO 8601, UTC): in `level` of cases between low and high.

    Null is later than in two years, if ever, or not known of this customer.
    """

    median: str | None
    low: str | None
    high: str | None
    level: float


class Worth(TypedDict):
    """Discounted value over the next `months`; /model tells what it takes for granted."""

    months: int
    expected: float
    currency: str


class Assignment(TypedDict):
    """One customer's answer: either `error`, or everything else."""

    customer_id: str | int | None
    error: NotRequired[Error]
    segment: NotRequired[Segment]
    churn_probability: NotRequired[
        Annotated[float, Field(description="probability of no order within the horizon")]
    ]
    horizon_days: NotRequired[int]
    expected_orders: NotRequired[Annotated[float, Field(description="orders within the horizon")]]
    expected_spend: NotRequired[Spend]
    next_order: NotRequired[NextOrder]
    value: NotRequired[
        Annotated[list[Worth], Field(description="empty where not known of this customer")]
    ]
    journey_stage: NotRequired[
        Literal["prospect", "new", "active", "loyal", "returned", "at_risk", "lapsed"]
    ]
    warnings: NotRequired[list[str]]


class ModelName(TypedDict):
    """What makes an answer replayable, beside `as_of`."""

    name: str
    version: str
    catalog_hash: str
    horizon_days: int
    currency: str
    interval_level: float


class AssignAnswer(BaseModel):
    """Assignments in the order of the request.

    Status 200 when at least one customer could be answered, 400 when none could; then `error`
    says so beside them.
    """

    model: ModelName
    as_of: Annotated[str, Field(description="ISO 8601, UTC")]
    assignments: list[Assignment]
    error: Error | None = None
