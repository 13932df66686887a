"""From the experiment's URLs to the three canonical tables in one connection.

What makes a run meaningless raises SourceError. A row that cannot be used is listed in `rejects`
with its number and its reason, and the rest goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from features import engine
from features.errors import SourceError
from features.ingestion import aliases, attribute_values, coins, rates
from features.ingestion.cleaning import (
    Field,
    currency,
    identifier,
    literal,
    local,
    moment,
    number,
    quoted,
    text,
    times,
)
from features.ingestion.coins import Coin
from features.ingestion.intake import Ingested, Intake, tomorrow
from features.ingestion.staging import REJECT_COLUMNS, Staged, judge, stage
from features.schema import EVENTS, ORDERS, SCHEMAS
from features.settings.experiment import (
    AliasesSource,
    AttributesSource,
    EventsSource,
    Experiment,
    Format,
    OrdersSource,
)

_SQL_TYPES = {pa.string(): "VARCHAR", pa.float64(): "DOUBLE", pa.timestamp("us"): "TIMESTAMP"}


@dataclass(frozen=True)
class Sources:
    """The tables `orders`, `events` and `attributes` (see `features.schema`), and their origin.

    connection: the engine's Ibis backend (see `features.engine`) with the three tables, possibly
    empty ones.
    rejects: source (str; its URL where a line of a joined file is malformed), row (int, from 1
    after the header; of a database, in the order in which it gave them; of a folder, over all of
    its files), column (str), value (str, null where nothing is written), reason (str); of a folder
    file (str, relative to it) and row_in_file (Int64), else null.
    start, end: moments of the first and the last order, naive UTC.
    coins: the currencies of the order lines, where they are several.
    """

    connection: Any
    rejects: pd.DataFrame
    ingested: tuple[Ingested, ...]
    start: pd.Timestamp
    end: pd.Timestamp
    coins: tuple[Coin, ...] = ()

    def customers(self) -> int:
        """How many customers have an order line."""
        return int(self.connection.table("orders").customer_id.nunique().to_pyarrow().as_py())


def load(experiment: Experiment, as_of: pd.Timestamp | None = None) -> Sources:
    """Read all sources of an experiment.

    Nothing at or after `as_of` (UTC where it has no zone; None: the end of today) is kept: orders
    and events by their moment and the moment when they arrived, attributes and rates by valid_from;
    these rows are counted as `later`, not as rejects. Aliases say who a customer is and have no
    moment: all of them hold.

    Raises SourceError for a missing file, table or column, one without rows, a database that
    cannot be reached, a column of the wrong type throughout, more rejects than max_reject_share,
    amounts in a currency without rate, rates that cannot be used, aliases that contradict each
    other, and an `as_of` that leaves no order; ConfigError for an engine that cannot be had.
    """
    engine.require(experiment.engine)
    backend = engine.connect(experiment.memory, experiment.threads)
    con: duckdb.DuckDBPyConnection = backend.con
    for name, schema in SCHEMAS.items():
        con.execute(f"CREATE TABLE {name} ({_columns_of(schema)})")
    reader = _Reader(con, experiment, _naive_utc(as_of))
    if experiment.aliases is not None:
        reader.aliases(experiment.aliases)
    if experiment.rate_table is not None:
        rates.remember(con, experiment, experiment.rate_table, reader.intake)
    reader.orders(experiment.orders)
    for events in experiment.events:
        reader.events(events)
    for attributes in experiment.attributes:
        reader.attributes(attributes)
    con.execute("DROP TABLE judged_rows; DROP TABLE raw_rows")
    aliases.forget(con)
    rates.forget(con)
    orders = next(each for each in reader.intake.ingested if each.source == experiment.orders.name)
    start, end = orders.first, orders.last
    assert start is not None, "orders() raises where no order is left"
    assert end is not None
    rejects = pd.concat(reader.intake.rejects, ignore_index=True)
    rejects = rejects.astype(
        {"row": "int64"} | dict.fromkeys({*REJECT_COLUMNS, "file"} - {"row"}, "str")
    )
    connection = engine.connection_of(experiment.engine, backend)
    ingested = tuple(reader.intake.ingested)
    return Sources(connection, rejects, ingested, start, end, reader.coins)


class _Reader:
    """Fills the three tables, source by source."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, experiment: Experiment, as_of: pd.Timestamp | None
    ) -> None:
        self.con = con
        self.experiment = experiment
        self.intake = Intake(con, experiment.max_reject_share, as_of or tomorrow())
        self.asked = as_of is not None
        self.coins: tuple[Coin, ...] = ()

    def orders(self, source: OrdersSource) -> None:
        form, zone = source.format, self.experiment.time_zone
        named = {
            "order_id": source.order_id,
            "product_id": source.product_id,
            "category": source.category,
            "brand": source.brand,
            "store": source.store,
            "channel": source.channel,
            "line_id": source.line_id,
        }
        texts = {name: column for name, column in named.items() if column is not None}
        paid = {
            "amount": source.amount, "unit_price": source.unit_price, "quantity": source.quantity
        }  # fmt: skip
        numbers = {name: column for name, column in paid.items() if column is not None}
        numbers |= {f"discount {i}": column for i, column in enumerate(source.discount)}
        needed = [source.customer_id, source.moment, *texts.values(), *numbers.values()]
        needed += [c for c in (source.currency, source.arrived) if c is not None]
        staged = self._stage(source, needed)

        fields = self._who_and_when(staged, source)
        fields += _number_fields(staged, numbers, form)
        if source.currency:
            code = currency(quoted(source.currency), staged.columns[source.currency])
            fields.append(Field("currency", source.currency, code, "always", "a currency"))
        fields += [_text_field(staged, name, column) for name, column in texts.items()]
        judged = judge(self.con, staged, fields)

        rate, known_from = "1", "greatest(moment, arrived)" if source.arrived else "moment"
        if source.currency:
            later = self.intake.later(known_from)
            rate = rates.of_lines(self.con, self.experiment, later)
            self.coins = coins.measured(self.con, rate, later, staged.judged)
        iso = "strftime(moment, '%Y-%m-%dT%H:%M:%S')"
        micros = "if(microsecond(moment) % 1000000 > 0, strftime(moment, '.%f'), '')"
        at_once = f"{iso} || {micros}"  # as features.schema.order_id_of
        given = [f"coalesce(abs({quoted(n)}), 0)" for n in numbers if n.startswith("discount")]
        known = [quoted(n) for n in numbers if n.startswith("discount")]
        values = {
            "local": local("moment", zone),
            "amount": f"amount * {rate}",
            "order_id": f"coalesce(order_id, {at_once})" if source.order_id else at_once,
            "quantity": "quantity" if source.quantity else "NULL",
            "discount": "NULL",
            "arrived": "arrived" if source.arrived else "NULL",
        }
        if known:
            some = f"coalesce({', '.join(known)}) IS NOT NULL"
            values["discount"] = f"CASE WHEN {some} THEN ({' + '.join(given)}) * {rate} END"
        for name in ("product_id", "category", "brand", "store", "channel"):
            values[name] = name if name in texts else "NULL"
        self.intake.keep("orders", ORDERS, values, staged, judged, source.line_id)
        if self.intake.ingested[-1].rows_kept == 0:
            raise self._no_order(known_from)

    def _no_order(self, known: str) -> SourceError:
        found = self.con.execute(f"SELECT min({known}) FROM judged_rows WHERE problem IS NULL")
        first = found.fetchall()[0][0]
        if first is None:
            return SourceError(
                "orders: at least one row must be usable.", "none", "correct the rows, see rejects"
            )
        if not self.asked:
            return SourceError(
                "orders: at least one must have happened by today.",
                f"today until {self.intake.as_of}, first order {first}",
                "correct the moments (moment_format), or say with --as-of where to stand",
            )
        return SourceError(
            "as_of must be later than the first order.",
            f"as_of {self.intake.as_of}, first order {first}",
            "choose a later as_of",
        )

    def aliases(self, source: AliasesSource) -> None:
        """Note who became whom: all sources after this one are read by it."""
        folder, named = self.experiment.path.parent, {"old": source.old, "new": source.new}
        staged = stage(self.con, source.name, source.url, folder, source.format, [*named.values()])
        fields = [
            Field(name, column, identifier(quoted(column), staged.columns[column]), "always",
                  "a customer")
            for name, column in named.items()
        ]  # fmt: skip
        judged = judge(self.con, staged, fields)
        found = self.con.execute("SELECT old, new FROM judged_rows WHERE problem IS NULL")
        merged = aliases.survivors(found.fetchall())
        repeats = 'old = new OR row_number() OVER (PARTITION BY old, new ORDER BY "row") > 1'
        self.intake.count(staged, judged, "CAST(NULL AS TIMESTAMP)", repeats)
        self.con.execute("DROP VIEW kept_rows")
        aliases.remember(self.con, merged)
        self.intake.aliased = True

    def events(self, source: EventsSource) -> None:
        named = {
            "kind": source.kind_column,
            "channel": source.channel_column,
            "line_id": source.line_id,
        }
        texts = {name: column for name, column in named.items() if column is not None}
        needed = [source.customer_id, source.moment, *texts.values()]
        needed += [source.arrived] if source.arrived else []
        staged = self._stage(source, needed)
        fields = self._who_and_when(staged, source)
        fields += [
            _text_field(staged, name, column, "always" if name == "kind" else "free")
            for name, column in texts.items()
        ]
        judged = judge(self.con, staged, fields)
        values = {
            "kind": "kind" if source.kind is None else text(literal(source.kind), "VARCHAR"),
            "channel": "channel" if source.channel_column else "NULL",
            "arrived": "arrived" if source.arrived else "NULL",
        }
        if source.channel is not None:
            values["channel"] = literal(source.channel)
        self.intake.keep("events", EVENTS, values, staged, judged, source.line_id)

    def attributes(self, source: AttributesSource) -> None:
        form, zone = source.format, self.experiment.time_zone
        needed = [source.customer_id]
        needed += [c for a in source.columns for c in attribute_values.columns(a)]
        needed += [source.valid_from] if source.valid_from else []
        staged = self._stage(source, needed)
        types = staged.columns
        fields = self._who(staged, source.customer_id)
        since = "CAST(NULL AS TIMESTAMP)"
        if source.valid_from:
            sql = moment(quoted(source.valid_from), types[source.valid_from], form, zone)
            fields.append(Field("valid_from", source.valid_from, sql, "if given", "a moment"))
            since = "valid_from"
        for attribute in source.columns:
            fields += attribute_values.fields(attribute, types, form.decimal)
        judged = judge(self.con, staged, fields)
        # A second row of one customer and moment replaces the first; the row under the id that the
        # customer has today replaces those under merged ones.
        own = "own_id = customer_id DESC, " if self.intake.aliased else ""
        order = f'PARTITION BY customer_id, {since} ORDER BY {own}"row" DESC'
        repeats = f"row_number() OVER ({order}) > 1"
        self.intake.count(staged, judged, since, repeats)
        for attribute in source.columns:
            self.con.execute(
                f"INSERT INTO attributes SELECT customer_id, {literal(attribute.name)}, "
                f'{attribute_values.value(attribute)}, {since} FROM kept_rows ORDER BY "row"'
            )
        self.con.execute("DROP VIEW kept_rows")

    def _stage(
        self, source: OrdersSource | EventsSource | AttributesSource, needed: list[str]
    ) -> Staged:
        joins = () if isinstance(source, AttributesSource) else source.joins
        return stage(
            self.con, source.name, source.url, self.experiment.path.parent, source.format, needed,
            joins, source.customer_id, source.leave_out,
        )  # fmt: skip

    def _who(self, staged: Staged, column: str) -> list[Field]:
        own = identifier(quoted(column), staged.columns[column])
        if not self.intake.aliased:
            return [Field("customer_id", column, own, "always", "a customer")]
        return [
            Field("customer_id", column, aliases.today(own), "always", "a customer"),
            Field("own_id", column, own, "free", "a customer"),
        ]

    def _who_and_when(self, staged: Staged, source: OrdersSource | EventsSource) -> list[Field]:
        form, zone = source.format, self.experiment.time_zone
        moments = [("moment", source.moment, "always"), ("arrived", source.arrived, "if given")]
        return self._who(staged, source.customer_id) + [
            Field(name, column, moment(quoted(column), staged.columns[column], form, zone), use,
                  "a moment")
            for name, column, use in moments
            if column is not None
        ]  # fmt: skip


def _text_field(staged: Staged, name: str, column: str, use: str = "free") -> Field:
    as_id = name in ("order_id", "product_id", "line_id")
    clean = identifier if as_id else text
    return Field(name, column, clean(quoted(column), staged.columns[column]), use, "a text")


def _number_fields(staged: Staged, numbers: Mapping[str, str], form: Format) -> list[Field]:
    """A field for each of `numbers`, which maps names to columns, and `amount` where it is not of
    them: the unit price times the quantity.
    """
    read = {
        name: number(quoted(column), staged.columns[column], form.decimal)
        for name, column in numbers.items()
    }
    needed = ["amount"] if "amount" in numbers else ["unit_price", "quantity"]
    made = [
        Field(name, column, read[name], "always" if name in needed else "cell", "a number")
        for name, column in numbers.items()
    ]
    if "amount" not in numbers:
        price, pieces = numbers["unit_price"], numbers["quantity"]
        sql = times(read["unit_price"], read["quantity"])
        what = f"a price that times {pieces!r} is an amount"
        made.append(Field("amount", price, sql, "always", what))
    return made


def _columns_of(schema: pa.Schema) -> str:
    return ", ".join(
        f"{field.name} {_SQL_TYPES[field.type]}{'' if field.nullable else ' NOT NULL'}"
        for field in schema
    )


def _naive_utc(as_of: pd.Timestamp | None) -> pd.Timestamp | None:
    if as_of is None:
        return None
    as_of = pd.Timestamp(as_of)
    return as_of if as_of.tz is None else as_of.tz_convert("UTC").tz_localize(None)
