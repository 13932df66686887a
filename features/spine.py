"""Who there is at a moment: the rows (customer, as_of) that features are computed of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from features.asof import KEYS
from features.schema import SPINE


def customers_known(
    connection: Any, cutoffs: Iterable[pd.Timestamp], most: int | None = None
) -> pa.Table:
    """The spine of every customer with an order line or an event known before each cut-off.

    With `most`, at each cut-off of those with an order line known by then so many at most, and as
    many of the others: the ones with the least hashes of their ids. Who is drawn hangs on ids and
    on what was known at that cut-off, never on what anybody did afterwards; who is drawn with an
    order line is drawn at every earlier cut-off with one, too.

    An undated attribute alone puts nobody on the spine: that a customer is in an attribute file
    may itself be news from the future.
    """
    seen = _seen(connection, most is not None)
    return of(pd.concat([_drawn(_known(seen, cutoff), most) for cutoff in sorted(cutoffs)]))


def everyone(connection: Any, as_of: pd.Timestamp, most: int | None = None) -> pa.Table:
    """The spine of all customers to score: with a known order or event, or with any attribute
    (a prospect); `most` as in `customers_known`.
    """
    known = _known(_seen(connection, most is not None), as_of)
    listed = (
        connection.table("attributes").select("customer_id").distinct().to_pyarrow().to_pandas()
    )
    new = listed[~listed.customer_id.isin(known.customer_id)].assign(as_of=as_of)
    return of(_drawn(pd.concat([known, new]).sort_values("customer_id"), most))


def of(rows: pd.DataFrame) -> pa.Table:
    """The spine of rows that have `customer_id` and `as_of`, in their order."""
    return pa.Table.from_pandas(rows[list(KEYS)], schema=SPINE, preserve_index=False)


def _known(seen: pd.DataFrame, cutoff: pd.Timestamp) -> pd.DataFrame:
    return seen[seen["first"] < cutoff].assign(as_of=cutoff)


def _drawn(rows: pd.DataFrame, most: int | None) -> pd.DataFrame:
    """Of the rows of one cut-off those that are drawn."""
    if most is None or len(rows) <= most:
        return rows
    bought = (rows.bought < rows.as_of).to_numpy()
    places, kept = _hashes(rows.customer_id), np.ones(len(rows), dtype=bool)
    for group in (bought, ~bought):
        if group.sum() > most:
            kept[group] = places[group] <= np.partition(places[group], most - 1)[most - 1]
    return rows[kept]


def _seen(connection: Any, told_apart: bool) -> pd.DataFrame:
    """Every customer of orders and events, by id, with the moment from which anything of theirs was
    known (`first`); `told_apart`, also from which an order line was (`bought`, NaT: none).
    """
    orders, events = (_since(connection.table(name)) for name in ("orders", "events"))
    if told_apart:
        orders = orders.mutate(bought=orders.first)
        events = events.mutate(bought=ibis.null(orders.first.type()))
    rows = ibis.union(orders, events)
    moments = {name: rows[name].min() for name in rows.columns[1:]}
    seen: pd.DataFrame = rows.group_by("customer_id").aggregate(**moments).to_pyarrow().to_pandas()
    return seen.sort_values("customer_id")


def _since(table: ir.Table) -> ir.Table:
    """Customer and the moment from which each row was known. Mostly none arrives late, and then
    half of the time goes without asking each.
    """
    moment = table.moment
    if table.arrived.notnull().any().to_pyarrow().as_py():
        moment = ibis.greatest(moment, table.arrived.fill_null(moment))
    return table.select("customer_id", first=moment.cast(table.arrived.type()))


def _hashes(ids: pd.Series) -> np.ndarray:
    """(n,) uint64: a place for each id that is the same on every machine, in every run."""
    digests = b"".join(hashlib.blake2b(i.encode(), digest_size=8).digest() for i in ids)
    return np.frombuffer(digests, dtype="<u8")
