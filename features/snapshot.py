"""The feature table of (customer, as_of) rows: the one code path for training and serving.

`feature_table` is an Ibis expression over four tables known by name (`orders`, `events`,
`attributes`, `spine`), so that the same expression runs on a database of millions of customers
and, compiled once (`features.online`), on the rows of a single request.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from features import catalog, outcomes
from features.asof import KEYS
from features.feature import Feature, aggregate
from features.lenses import (
    attributes,
    engagement,
    intent,
    journey,
    occasions,
    periods,
    purchases,
    varieties,
)  # fmt: skip
from features.pieces import known_pieces
from features.schema import SCHEMAS, SPINE
from features.spec import FeatureSpec


def tables() -> dict[str, ir.Table]:
    """The four source tables, unbound: known by name and schema only."""
    schemas = SCHEMAS | {"spine": SPINE}
    return {name: ibis.table(ibis.Schema.from_pyarrow(s), name=name) for name, s in schemas.items()}


def feature_table(
    spec: FeatureSpec, cutoffs: Sequence[datetime] = (), columns: Sequence[str] | None = None
) -> ir.Table:
    """The features of every row of `spine`: `customer_id`, `as_of`, then the catalog in order, or
    of it `columns` alone.

    `cutoffs` are all that the spine has, where they are known: see `lenses.varieties`. They
    change no value. Raises KeyError for a column that the catalog does not have.
    """
    t = tables()
    asked = catalog.features(spec)
    if columns is not None:
        unknown = set(columns).difference(feature.name for feature in asked)
        if unknown:
            raise KeyError(f"not in the catalog of this spec: {', '.join(sorted(unknown))}")
        asked = [feature for feature in asked if feature.name in set(columns)]
    names = {feature.name for feature in asked}
    of_journey = not names.isdisjoint(journey.NAMES)
    if of_journey:
        names |= journey.INPUTS

    def wanted(made: Sequence[Feature]) -> list[Feature]:
        return [feature for feature in made if feature.name in names]

    spine = t["spine"]
    # The widest comes last: a join costs by the columns that it carries on.
    lenses: list[ir.Table | None] = []
    if wanted(intent.features(spec)):
        lenses.append(intent.expression(t["events"], t["orders"], spine, spec))
    if wanted(attributes.features(spec)):
        lenses.append(attributes.expression(t["attributes"], spine, spec))
    if wanted(engagement.features(spec)):
        lenses.append(engagement.expression(t["events"], spine, spec))
    if wanted(varieties.features(spec)):
        lenses.append(varieties.expression(t["orders"], spine, spec, cutoffs))
    bought = wanted([*purchases.features(spec), *periods.features(spec), *occasions.features(spec)])
    if bought:
        pieces = periods.marked(known_pieces(t["orders"], spine, spec), spec)
        lenses.append(aggregate(occasions.marked(pieces, spec), bought))
    wide = spine
    for i, lens in enumerate(lens for lens in lenses if lens is not None):
        same = [spine[key] == lens[key] for key in KEYS]
        wide = wide.left_join(lens, same, rname=f"{{name}}_{i}")
    staged = journey.values(wide) if of_journey else {}
    made: dict[str, ir.Value] = {key: wide[key] for key in KEYS}
    for feature in asked:
        value = staged[feature.name] if feature.name in staged else wide[feature.name]
        if feature.dtype == "category":
            made[feature.name] = value.cast("string")
            continue
        value = value.cast("int64" if feature.dtype == "count" else "float64")
        made[feature.name] = value.fill_null(0) if feature.null == "never" else value
    return wide.select(**made)


def outcomes_of(connection: Any, spine: pa.Table, horizon_days: int) -> pd.DataFrame:
    """The outcomes of the spine's rows alone, columns as in `features.outcomes`, sorted by key."""
    connection.create_table("spine", spine, overwrite=True, temp=True)
    t = tables()
    after = outcomes.expression(t["orders"], t["spine"], horizon_days)
    frame: pd.DataFrame = connection.to_pyarrow(after).to_pandas()
    return frame.sort_values(list(KEYS)).reset_index(drop=True)


def snapshot(
    connection: Any,
    spec: FeatureSpec,
    spine: pa.Table,
    horizon_days: int | None = None,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Features (and outcomes, where a horizon is given) of the spine's rows, sorted by key.

    Parameters
    ----------
    connection : an Ibis backend with the tables `orders`, `events` and `attributes`
    spec : which features
    spine : (customer_id string, as_of timestamp[us] UTC), no row twice
    horizon_days : outcomes over [as_of, as_of + horizon_days); None for features alone
    columns : of the spec's features these alone, without the lenses that have none of them; None
        for all

    Returns
    -------
    One row a spine row, columns as in `feature_table` and `features.outcomes`.
    """
    connection.create_table("spine", spine, overwrite=True, temp=True)
    with _collector_paused():
        table = feature_table(spec, sorted(spine["as_of"].unique().to_pylist()), columns)
        if horizon_days is not None:
            t = tables()
            after = outcomes.expression(t["orders"], t["spine"], horizon_days)
            table = table.left_join(after, list(KEYS)).drop("customer_id_right", "as_of_right")
        made = connection.to_pyarrow(table)
    frame: pd.DataFrame = made.to_pandas()
    return frame.sort_values(list(KEYS)).reset_index(drop=True)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Without Python's cyclic collector, which goes through an expression's hundreds of thousands
    of small objects again and again while they are made: a quarter of the time of planning. The
    query that follows makes none.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
