"""Who there is at a moment: the rows (customer, as_of) that features are computed of."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from features.schema import SPINE

__all__ = ["Draw", "customers_known", "draw", "everyone"]

_ALL = 2**64 - 1


@dataclasses.dataclass(frozen=True)
class Draw:
    """Some of the customers, the same at every cut-off: those the hash of whose id is at most
    `buyers` where an order line of theirs is known at the cut-off, at most `others` where none is.

    Whether a row is drawn hangs on the id and on what was known at its cut-off alone, never on what
    the customer did afterwards.
    """

    buyers: int
    others: int

    def takes(self, ids: pd.Series, bought: np.ndarray) -> np.ndarray:
        """(n,) bool: which are drawn, of ids and whether an order line of theirs was known."""
        return _hashes(ids) <= np.where(bought, np.uint64(self.buyers), np.uint64(self.others))


def customers_known(
    connection: Any, cutoffs: Iterable[pd.Timestamp], drawn: Draw | None = None
) -> pa.Table:
    """The spine of every customer with an order line or an event known before each cut-off; with
    `drawn`, of those that it takes.

    An undated attribute alone puts nobody on the spine: that a customer is in an attribute file
    may itself be news from the future.
    """
    seen = _seen(connection, drawn is not None)
    return _spine([_taken(_known(seen, cutoff), drawn) for cutoff in sorted(cutoffs)])


def everyone(connection: Any, as_of: pd.Timestamp, drawn: Draw | None = None) -> pa.Table:
    """The spine of all customers to score: with a known order or event, or with any attribute
    (a prospect); with `drawn`, of those that it takes.
    """
    known = _known(_seen(connection, drawn is not None), as_of)
    listed = (
        connection.table("attributes").select("customer_id").distinct().to_pyarrow().to_pandas()
    )
    new = listed[~listed.customer_id.isin(known.customer_id)].assign(as_of=as_of)
    both = pd.concat([known, new]).sort_values("customer_id")
    return _spine([_taken(both, drawn)])


def draw(connection: Any, cutoffs: Iterable[pd.Timestamp], most: int) -> Draw | None:
    """The draw that takes at most `most` customers with an order line and as many without at every
    one of `cutoffs`; None where nobody has to be left out.
    """
    seen = _seen(connection, True)
    if len(seen) <= most:
        return None
    places, limits = _hashes(seen.customer_id), [_ALL, _ALL]
    for cutoff in cutoffs:
        known, bought = (seen[column].lt(cutoff).to_numpy() for column in ("first", "bought"))
        for i, group in enumerate((known & bought, known & ~bought)):
            if group.sum() > most:
                limits[i] = min(limits[i], int(np.partition(places[group], most - 1)[most - 1]))
    return None if limits == [_ALL, _ALL] else Draw(*limits)


def _spine(parts: list[pd.DataFrame]) -> pa.Table:
    rows = pd.concat(parts)[["customer_id", "as_of"]]
    return pa.Table.from_pandas(rows, schema=SPINE, preserve_index=False)


def _known(seen: pd.DataFrame, cutoff: pd.Timestamp) -> pd.DataFrame:
    return seen[seen["first"] < cutoff].assign(as_of=cutoff)


def _taken(rows: pd.DataFrame, drawn: Draw | None) -> pd.DataFrame:
    if drawn is None:
        return rows
    return rows[drawn.takes(rows.customer_id, (rows.bought < rows.as_of).to_numpy())]


def _seen(connection: Any, told_apart: bool) -> pd.DataFrame:
    """Every customer of orders and events, by id, with the moment from which anything of theirs was
    known (`first`); `told_apart`, also from which an order line was (`bought`, NaT: none).
    """
    orders, events = (_since(connection.table(name)) for name in ("orders", "events"))
    seen = _first(ibis.union(orders, events)).sort_values("customer_id")
    if told_apart:
        bought = _first(orders).set_index("customer_id")["first"]
        seen["bought"] = seen.customer_id.map(bought)
    return seen


def _first(rows: ir.Table) -> pd.DataFrame:
    by_customer = rows.group_by("customer_id").aggregate(first=lambda t: t.moment.min())
    first: pd.DataFrame = by_customer.to_pyarrow().to_pandas()
    return first


def _since(table: ir.Table) -> ir.Table:
    """Customer and `moment` from which each row was known. Mostly none arrives late, and then half
    of the time goes without asking each.
    """
    moment = table.moment
    if table.arrived.notnull().any().to_pyarrow().as_py():
        moment = ibis.greatest(moment, table.arrived.fill_null(moment))
    return table.select("customer_id", moment=moment.cast(table.arrived.type()))


def _hashes(ids: pd.Series) -> np.ndarray:
    """(n,) uint64: a place for each id that is the same on every machine, in every run."""
    digests = b"".join(hashlib.blake2b(i.encode(), digest_size=8).digest() for i in ids)
    return np.frombuffer(digests, dtype="<u8")
