"""A customer's own raw history, taken from source tables, as a request to the service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from features.schema import SCHEMAS


def question(connection: Any, customer_ids: Sequence[str], as_of: pd.Timestamp) -> dict[str, Any]:
    """The body of an `assign` request with everything known of these customers before `as_of`.

    `connection` is an Ibis backend with the tables of `features.schema`; moments are UTC.
    """
    customers: dict[str, dict[str, Any]] = {
        c: {"customer_id": c, "orders": [], "events": [], "attributes": []} for c in customer_ids
    }
    for name, schema in SCHEMAS.items():
        table = connection.table(name)
        rows = table.filter(table.customer_id.isin(list(customer_ids)))
        since = rows.valid_from if name == "attributes" else rows.moment
        rows = rows.filter(since.isnull() | (since < as_of))
        if name != "attributes":
            rows = rows.filter(rows.arrived.isnull() | (rows.arrived < as_of))
        rows = rows.select(*(column for column in schema.names if column != "local"))
        for row in rows.to_pyarrow().to_pylist():
            customer = customers[row.pop("customer_id")]
            customer[name].append({k: _plain(v) for k, v in row.items() if v is not None})
    return {"as_of": as_of.isoformat(), "customers": list(customers.values())}


def _plain(value: Any) -> Any:
    # With its zone: without one, the service reads a row's moment in the model's time zone.
    return f"{value.isoformat()}Z" if hasattr(value, "isoformat") else value
