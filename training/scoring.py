"""Every customer of the sources, scored at one moment by a bundle: the batch way out."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa

from features.asof import KEYS
from features.schema import SPINE
from features.snapshot import customers_known, snapshot
from features.sources import Sources
from training.bundle import Bundle
from training.fit import table

COLUMNS = (
    "customer_id", "as_of", "segment_id", "segment_name", "membership", "churn_probability",
    "expected_orders", "expected_spend", "expected_spend_low", "expected_spend_high",
    "interval_level", "currency", "horizon_days", "model_version", "warnings",
)  # fmt: skip


def everyone(connection: Any, as_of: pd.Timestamp) -> pa.Table:
    """The spine of all customers to score: with a known order or event, or with any attribute
    (a prospect).
    """
    known = customers_known(connection, [as_of]).to_pandas()
    listed = (
        connection.table("attributes").select("customer_id").distinct().to_pyarrow().to_pandas()
    )
    new = listed[~listed.customer_id.isin(known.customer_id)].assign(as_of=as_of)
    both = pd.concat([known, new]).sort_values(list(KEYS))
    return pa.Table.from_pandas(both, schema=SPINE, preserve_index=False)


def features_at(sources: Sources, bundle: Bundle, as_of: pd.Timestamp) -> pd.DataFrame:
    """Feature rows of `everyone` at `as_of` as this bundle wants them."""
    return snapshot(sources.connection, bundle.spec, everyone(sources.connection, as_of))


def scores(bundle: Bundle, predicted: pa.Table) -> pd.DataFrame:
    """Predictions as they are handed out: one row a customer with the columns `COLUMNS`."""
    frame = predicted.to_pandas()
    frame["interval_level"] = bundle.manifest["interval_level"]
    frame["currency"] = bundle.manifest["currency"]
    frame["horizon_days"] = bundle.manifest["horizon_days"]
    frame["model_version"] = bundle.manifest["version"]
    frame["warnings"] = ["; ".join(said) for said in frame["warnings"]]
    return frame[list(COLUMNS)]


def score(bundle: Bundle, sources: Sources, as_of: pd.Timestamp) -> pd.DataFrame:
    """Score everyone at `as_of` (UTC); see `COLUMNS`. Raises BundleError where the bundle was
    trained with other features than this Coterie computes.
    """
    bundle.require_current()
    rows = features_at(sources, bundle, as_of)
    return scores(bundle, bundle.predict(table(rows)))
