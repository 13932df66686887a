"""Histories as they were sent -> the canonical tables, cleaned by the training's own SQL.

Blank texts, trimmed texts, identifiers and wall clocks are read as `features.sources` reads a
source, so that a value means the same on both sides.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from features.errors import closest
from features.ingestion import attribute_values, cleaning
from features.schema import ATTRIBUTES, EVENTS, ORDERS, SPINE, order_id_of
from features.settings.experiment import Format
from features.spec import Attribute, FeatureSpec
from serving.errors import shown

MOST_TOLD = 10  # unknown names of one kind that a customer's warnings tell, beside how many more
ZONED = "zoned_"  # before a moment's name: whether it named a zone and is UTC already


@dataclasses.dataclass(frozen=True)
class Tables:
    """The four tables of `features.schema`, and what each customer is to be told."""

    orders: pa.Table
    events: pa.Table
    attributes: pa.Table
    spine: pa.Table
    warnings: Mapping[str, Sequence[str]]


class Intake:
    """Takes histories in for one model; one instance serves one thread at a time.

    `zone` is the model's time zone: the one that moments without a zone are read in.
    """

    def __init__(self, spec: FeatureSpec, zone: str) -> None:
        self.spec = spec
        self._connection = duckdb.connect(":memory:", config={"threads": 1})
        self._connection.execute("SET TimeZone = 'UTC'; SET autoinstall_known_extensions = false")
        # Mere projections: optimising them took three quarters of a small request's intake.
        self._connection.execute("PRAGMA disable_optimizer")
        when, arrived, since = (_utc(name, zone) for name in ("moment", "arrived", "valid_from"))
        as_id = {name: cleaning.identifier(name, "VARCHAR") for name in ("order_id", "product_id")}
        texts = ("category", "brand", "store", "channel", "kind")
        free = {name: cleaning.text(name, "VARCHAR") for name in texts}
        self._sql = {
            "orders": _select(
                ORDERS,
                {**as_id, **free, "local": cleaning.local("moment", zone)},
                f"(SELECT * REPLACE ({when} AS moment, {arrived} AS arrived) FROM raw)",
            ),
            "events": _select(
                EVENTS,
                # an event of no kind is rejected in training, and told as unknown here
                {
                    **free,
                    "moment": when,
                    "kind": f"coalesce({free['kind']}, kind)",
                    "arrived": arrived,
                },
                "raw",
            ),
            "attributes": _select(
                ATTRIBUTES, {"value": _values(spec.attributes), "valid_from": since}, "raw"
            ),
        }

    def __call__(self, histories: Mapping[str, Mapping[str, Any]], as_of: datetime) -> Tables:
        """Tables of histories as `serving.history.read` gives them, by customer id.

        `as_of` is naive UTC. Rows at or after it, or that arrived then, are told and left out: of a
        model whose sources never said when a row arrived, the features do not ask for it.
        """
        orders = self._clean("orders", _raw(ORDERS, histories, "orders", "local"))
        events = self._clean("events", _raw(EVENTS, histories, "events"))
        sent = _raw(ATTRIBUTES, histories, "attributes")
        attributes = self._clean("attributes", sent)
        spine = pa.table({"customer_id": list(histories), "as_of": [as_of] * len(histories)}, SPINE)
        told: dict[str, list[str]] = defaultdict(list)
        before = [
            _before(told, as_of, *part)
            for part in (
                (orders, "moment", "order line", "order lines"),
                (events, "moment", "event", "events"),
                (attributes, "valid_from", "attribute", "attributes"),
            )
        ]
        _tell_unknown_attributes(told, sent, attributes, self.spec.attributes)
        orders, events, attributes = before
        _tell_unknown_kinds(told, events, self.spec.event_kinds)
        return Tables(_with_order_ids(orders), events, attributes, spine, told)

    def _clean(self, name: str, raw: pa.Table) -> pa.Table:
        self._connection.register("raw", raw)
        return self._connection.execute(self._sql[name]).to_arrow_table()


def _utc(moment: str, zone: str) -> str:
    read = cleaning.moment(moment, "TIMESTAMP", Format(), zone)
    return f"CASE WHEN {ZONED}{moment} THEN {moment} ELSE {read} END"


def _select(schema: pa.Schema, expressions: Mapping[str, str], table: str) -> str:
    columns = ", ".join(f"{expressions.get(n, n)} AS {n}" for n in schema.names)
    return f"SELECT {columns} FROM {table}"


def _values(attributes: Iterable[Attribute]) -> str:
    """SQL for an attribute's value as `features.sources` reads it, by the attribute's name."""
    cases = [f"WHEN {cleaning.literal(a.name)} THEN {attribute_values.sent(a)}" for a in attributes]
    return f"CASE name {' '.join(cases)} END" if cases else "NULL::VARCHAR"


def _raw(
    schema: pa.Schema, histories: Mapping[str, Mapping[str, Any]], part: str, *later: str
) -> pa.Table:
    """The rows of one part of all histories, a column a field but those that come `later`."""
    fields = [pa.field(f.name, f.type) for f in schema if f.name not in later]
    moments = [field.name for field in fields if pa.types.is_timestamp(field.type)]
    columns: dict[str, list[Any]] = {field.name: [] for field in fields}
    for who, history in histories.items():  # one after the other, while its rows are in the cache
        rows = history[part]
        columns["customer_id"] += [who] * len(rows)
        for field in fields[1:]:
            columns[field.name] += [row.get(field.name) for row in rows]
    for name in moments:
        sent = columns[name]
        columns[ZONED + name] = [
            moment is not None and moment.tzinfo is not None for moment in sent
        ]
        columns[name] = [moment and moment.replace(tzinfo=None) for moment in sent]
    zoned = [pa.field(ZONED + name, pa.bool_()) for name in moments]
    return pa.table(columns, pa.schema([*fields, *zoned]))


def _with_order_ids(orders: pa.Table) -> pa.Table:
    if not orders["order_id"].null_count:
        return orders
    pairs = zip(orders["order_id"].to_pylist(), orders["moment"].to_pylist(), strict=True)
    ids = pa.array([given or order_id_of(moment) for given, moment in pairs], pa.string())
    return orders.set_column(orders.schema.get_field_index("order_id"), "order_id", ids)


def _before(
    told: dict[str, list[str]], as_of: datetime, table: pa.Table, when: str, one: str, many: str
) -> pa.Table:
    """The rows of before `as_of`; how many others there were is told."""
    known = table[when]
    if "arrived" in table.column_names:
        known = pc.max_element_wise(known, table["arrived"])  # skips nulls
    later = pc.greater_equal(known, pa.scalar(as_of, pa.timestamp("us"))).fill_null(False)
    if not pc.any(later).as_py():
        return table
    for found in table.filter(later)["customer_id"].value_counts().to_pylist():
        count = found["counts"]
        what = f"{count} {one if count == 1 else many}"
        told[found["values"]].append(f"{what} at or after as_of ignored")
    return table.filter(pc.invert(later))


def _tell_unknown_kinds(told: dict[str, list[str]], events: pa.Table, known: Sequence[str]) -> None:
    for who, kinds in _unknown(events, "kind", known).items():
        told[who] += [
            f"events of kind {shown(kind)} are not known to this model: counted among all alone"
            for kind in kinds[:MOST_TOLD]
        ]
        more = len(kinds) - MOST_TOLD
        if more > 0:
            told[who].append(f"further kinds of events that are not known to this model: {more:,}")


def _tell_unknown_attributes(
    told: dict[str, list[str]], sent: pa.Table, read: pa.Table, attributes: Sequence[Attribute]
) -> None:
    known = {a.name: a for a in attributes}

    @functools.cache  # a request asks the same of each of its customers
    def ignored(name: str) -> str:
        near = closest(name, known)
        hint = f", did you mean {near!r}?" if near else ""
        return f"attribute {shown(name)} is not known to this model: ignored{hint}"

    for who, names in _unknown(sent, "name", known).items():
        told[who] += [ignored(name) for name in names[:MOST_TOLD]]
        more = len(names) - MOST_TOLD
        if more > 0:
            told[who].append(f"further attributes that are not known to this model: {more:,}")
    lost = pc.and_(pc.is_valid(sent["value"]), pc.is_null(read["value"]))
    for row in sent.filter(lost).to_pylist():
        attribute = known.get(row["name"])
        blank = row["value"].strip().lower() in cleaning.NULLS
        if attribute is not None and not blank:
            asked = attribute_values.asked(attribute)
            lost_value = f"{shown(row['value'])} taken as unknown"
            told[row["customer_id"]].append(
                f"attribute {attribute.name!r} is {asked}: {lost_value}"
            )


def _unknown(table: pa.Table, column: str, known: Collection[str]) -> dict[str, list[str]]:
    """By customer id the different values of a column that are not known, as they come."""
    pairs = zip(table["customer_id"].to_pylist(), table[column].to_pylist(), strict=True)
    found: dict[str, list[str]] = defaultdict(list)
    for who, value in dict.fromkeys(pairs):
        if value not in known:
            found[who].append(value)
    return found
