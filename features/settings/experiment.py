"""What an experiment is: frozen values, read from a file by `settings.config`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from features.spec import Attribute, Goal, Occasion, Place, Response

#: All that is fitted takes it, LightGBM as a signed number of 32 bits; some add to it.
MAX_SEED = 2_000_000_000
#: Of a unit of any currency in any other; more would let amounts overflow.
MOST_WORTH = 1e12
#: Of a source's rows so many may be unusable, unless the file says otherwise.
MOST_REJECTS = 0.01
#: The lenses that an attribute may belong to.
LENSES = ("demographic", "geographic", "psychographic", "firmographic")
#: How an attribute's values are to be understood.
KINDS = ("category", "ordered", "number", "region", "location")


@dataclass(frozen=True)
class Format:
    """How the text of a source is written; None means: found out from the file.

    `moment_format` is a strptime format, or "unix_seconds", or so with milliseconds, microseconds
    and nanoseconds.
    `delimiter`, `decimal` (a point or a comma) and `encoding` (a codec of Python's) concern CSV
    only.
    """

    moment_format: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None


@dataclass(frozen=True)
class Join:
    """A table whose `columns` are added by left join where its `right` equals our `left`.

    `encoding` as in `Format`.
    """

    url: str
    left: str
    right: str
    columns: tuple[str, ...]
    encoding: str | None = None


#: Columns, each with the values whose rows are left out; an empty value: where nothing is written.
LeaveOut = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class OrdersSource:
    """Order lines. Each field of the first fourteen is a column's name; None: the source has none.

    Exactly one of `amount` (of the line) and `unit_price` (of one piece, times `quantity`) is set.
    `arrived`: when a row reached the warehouse. `discount` names the columns that are summed;
    empty: the source has none.
    `line_id` names the column that identifies a line: a repeated one is a repeated delivery.
    """

    url: str
    customer_id: str
    moment: str
    amount: str | None
    unit_price: str | None = None
    order_id: str | None = None
    product_id: str | None = None
    category: str | None = None
    brand: str | None = None
    store: str | None = None
    quantity: str | None = None
    channel: str | None = None
    arrived: str | None = None
    currency: str | None = None
    discount: tuple[str, ...] = ()
    line_id: str | None = None
    joins: tuple[Join, ...] = ()
    leave_out: LeaveOut = ()
    format: Format = Format()
    name: str = "orders"


@dataclass(frozen=True)
class EventsSource:
    """Events. `kind` and `channel` are literal; `kind_column`, `channel_column` name columns.

    So does `arrived`: when a row reached the warehouse. Exactly one of `kind` and `kind_column` is
    set, and at most one of the other two.
    """

    name: str
    url: str
    customer_id: str
    moment: str
    kind: str | None = None
    kind_column: str | None = None
    channel: str | None = None
    channel_column: str | None = None
    arrived: str | None = None
    line_id: str | None = None
    joins: tuple[Join, ...] = ()
    leave_out: LeaveOut = ()
    format: Format = Format()


@dataclass(frozen=True)
class AttributesSource:
    """Attributes, a row a customer, or with `valid_from` a row a customer and moment."""

    name: str
    url: str
    customer_id: str
    columns: tuple[Attribute, ...]
    valid_from: str | None = None
    leave_out: LeaveOut = ()
    format: Format = Format()


@dataclass(frozen=True)
class AliasesSource:
    """Customer ids that were merged later: what stands in column `old` is the customer in `new`."""

    url: str
    old: str
    new: str
    format: Format = Format()
    name: str = "aliases"


@dataclass(frozen=True)
class RatesSource:
    """What one unit of a `currency` is worth in the experiment's; each field names a column.

    A row a currency, or with `valid_from` a row a currency and moment.
    """

    url: str
    currency: str
    rate: str
    valid_from: str | None = None
    format: Format = Format()
    name: str = "rates"


@dataclass(frozen=True)
class Calendar:
    """Public holidays of a country, or of its `subdivision`, as occasions.

    `holidays` are chosen by name; empty: all that come round in most years.
    """

    country: str
    subdivision: str | None = None
    holidays: tuple[str, ...] = ()
    days_before: int = 7
    days_after: int = 0


@dataclass(frozen=True)
class ModelSettings:
    """`segments` is "auto" or 2 to 20; `seeds` autoencoders of `latent` dimensions; the
    boosters' settings are tuned by `tune` trials (0: the defaults); the report card is measured at
    `origins` test cut-offs, where the history has room, and across groups of the attributes
    `protected`; at most `most_customers` with an order, and as many without, are learned from.
    """

    segments: int | str = "auto"
    seeds: int = 5
    latent: int = 8
    tune: int = 0
    origins: int = 3
    protected: tuple[str, ...] = ()
    most_customers: int = 50_000


@dataclass(frozen=True)
class ValueSettings:
    """The longer view: `months` ahead (ascending), the `margin` that is earned of spend, the yearly
    `discount_rate`, and the share of `returns` beyond those that the amounts hold.
    """

    margin: float = 1.0
    discount_rate: float = 0.1
    returns: float = 0.0
    months: tuple[int, ...] = (12, 24)


@dataclass(frozen=True)
class Experiment:
    """One experiment, whole. See `mlflow/experiments/` for a commented file.

    time_zone_named: whether the file names `time_zone`, or UTC was taken for want of it.
    Currencies have constant `rates` or a `rate_table`, never both.
    """

    name: str
    currency: str
    horizon_days: int
    orders: OrdersSource
    description: str
    note: str
    time_zone: str
    interval_level: float
    max_reject_share: float
    min_history_days: int
    seed: int
    engine: str
    memory: str | None
    threads: int | None
    rates: Mapping[str, float]
    events: tuple[EventsSource, ...]
    attributes: tuple[AttributesSource, ...]
    occasions: tuple[Occasion, ...]
    calendar: Calendar | None
    responses: tuple[Response, ...]
    goals: tuple[Goal, ...]
    places: tuple[Place, ...]
    model: ModelSettings
    path: Path
    digest: str
    aliases: AliasesSource | None = None
    rate_table: RatesSource | None = None
    time_zone_named: bool = True
    value: ValueSettings = ValueSettings()

    def left_out(self) -> dict[str, dict[str, list[str]]]:
        """What rows that are left out say, by source and column: whoever asks the model is to leave
        them out too. The customers' own ids are not told.
        """
        told: dict[str, dict[str, list[str]]] = {}
        sources: list[OrdersSource | EventsSource | AttributesSource]
        sources = [self.orders, *self.events, *self.attributes]
        for source in sources:
            for column, values in source.leave_out:
                if column != source.customer_id:
                    told.setdefault(source.name, {})[column] = [*values]
        return told
