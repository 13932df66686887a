"""The feature table of (customer, as_of) rows: the one code path for training and serving.

`feature_table` is an Ibis expression over four tables known by name (`orders`, `events`,
`attributes`, `spine`), so that the same expression runs on a database of millions of customers
and, compiled once (`features.online`), on the rows of a single request.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from features import (
    attributes,
    catalog,
    engagement,
    intent,
    journey,
    occasions,
    outcomes,
    periods,
    purchases,
    varieties,
)
from features.asof import KEYS
from features.feature import aggregate
from features.pieces import known_pieces
from features.schema import ATTRIBUTES, EVENTS, ORDERS, SPINE
from features.spec import FeatureSpec


def tables() -> dict[str, ir.Table]:
    """The four source tables, unbound: known by name and schema only."""
    schemas = {"orders": ORDERS, "events": EVENTS, "attributes": ATTRIBUTES, "spine": SPINE}
    return {name: ibis.table(ibis.Schema.from_pyarrow(s), name=name) for name, s in schemas.items()}


def feature_table(spec: FeatureSpec, cutoffs: Sequence[datetime] = ()) -> ir.Table:
    """The features of every row of `spine`: `customer_id`, `as_of`, then the catalog in order.

    `cutoffs` are all that the spine has, where they are known: see `features.varieties`. They
    change no value.
    """
    t = tables()
    spine = t["spine"]
    pieces = periods.marked(known_pieces(t["orders"], spine, spec), spec)
    bought = occasions.marked(pieces, spec)
    # The widest comes last: a join costs by the columns that it carries on.
    lenses = [
        intent.expression(t["events"], t["orders"], spine, spec),
        attributes.expression(t["attributes"], spine, spec),
        engagement.expression(t["events"], spine, spec),
        varieties.expression(t["orders"], spine, spec, cutoffs),
        aggregate(
            bought,
            [*purchases.features(spec), *periods.features(spec), *occasions.features(spec)],
        ),
    ]
    wide = spine
    for i, lens in enumerate(lens for lens in lenses if lens is not None):
        same = [spine[key] == lens[key] for key in KEYS]
        wide = wide.left_join(lens, same, rname=f"{{name}}_{i}")
    staged = journey.values(wide)
    columns: dict[str, ir.Value] = {key: wide[key] for key in KEYS}
    for feature in catalog.features(spec):
        value = staged[feature.name] if feature.name in staged else wide[feature.name]
        if feature.dtype == "category":
            columns[feature.name] = value.cast("string")
            continue
        value = value.cast("int64" if feature.dtype == "count" else "float64")
        columns[feature.name] = value.fill_null(0) if feature.null == "never" else value
    return wide.select(**columns)


def customers_known(connection: Any, cutoffs: Iterable[pd.Timestamp]) -> pa.Table:
    """The spine of every customer with an order line or an event known before each cut-off.

    An undated attribute alone puts nobody on the spine: that a customer is in an attribute file
    may itself be news from the future.
    """
    rows = [
        t.select("customer_id", moment=ibis.greatest(t.moment, t.arrived.fill_null(t.moment)))
        for t in (connection.table("orders"), connection.table("events"))
    ]
    seen = (
        ibis.union(*rows)
        .group_by("customer_id")
        .aggregate(first=lambda t: t.moment.min())
        .to_pyarrow()
        .to_pandas()
        .sort_values("customer_id")
    )
    parts = []
    for cutoff in sorted(cutoffs):
        ids = seen.customer_id[seen["first"] < cutoff]
        parts.append(pd.DataFrame({"customer_id": ids, "as_of": cutoff}))
    return pa.Table.from_pandas(pd.concat(parts), schema=SPINE, preserve_index=False)


def outcomes_of(connection: Any, spine: pa.Table, horizon_days: int) -> pd.DataFrame:
    """The outcomes of the spine's rows alone, columns as in `features.outcomes`, sorted by key."""
    connection.create_table("spine", spine, overwrite=True, temp=True)
    t = tables()
    after = outcomes.expression(t["orders"], t["spine"], horizon_days)
    frame: pd.DataFrame = connection.to_pyarrow(after).to_pandas()
    return frame.sort_values(list(KEYS)).reset_index(drop=True)


def snapshot(
    connection: Any, spec: FeatureSpec, spine: pa.Table, horizon_days: int | None = None
) -> pd.DataFrame:
    """Features (and outcomes, where a horizon is given) of the spine's rows, sorted by key.

    Parameters
    ----------
    connection : an Ibis backend with the tables `orders`, `events` and `attributes`
    spec : which features
    spine : (customer_id string, as_of timestamp[us] UTC), no row twice
    horizon_days : outcomes over [as_of, as_of + horizon_days); None for features alone

    Returns
    -------
    One row a spine row, columns as in `feature_table` and `features.outcomes`.
    """
    connection.create_table("spine", spine, overwrite=True, temp=True)
    table = feature_table(spec, sorted(spine["as_of"].unique().to_pylist()))
    if horizon_days is not None:
        t = tables()
        after = outcomes.expression(t["orders"], t["spine"], horizon_days)
        table = table.left_join(after, list(KEYS)).drop("customer_id_right", "as_of_right")
    frame: pd.DataFrame = connection.to_pyarrow(table).to_pandas()
    return frame.sort_values(list(KEYS)).reset_index(drop=True)
