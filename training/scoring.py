"""Every customer of the sources, scored at one moment by a bundle: the batch way out."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa

from features.snapshot import snapshot
from features.sources import Sources
from features.spine import everyone
from training import described
from training.fitting.fit import table
from training.prediction import timing, value
from training.prediction.bundle import Bundle
from training.screen import Told, quiet
from training.whole import replacing

#: Customers whose features lie in memory at once.
A_PART = 100_000

DESCRIPTIONS = {
    "customer_id": "the customer",
    "as_of": "the moment that all is told from, UTC; horizons begin here",
    "segment_id": "segment that fits best; ids outlive a retrain",
    "segment_name": "its name",
    "membership": "how well it fits, 0 to 1; over all segments 1",
    "churn_probability": "probability of no order within the horizon",
    "expected_orders": "orders to expect within the horizon",
    "expected_spend": "spend to expect within the horizon, net of returns",
    "expected_spend_low": "spend lies above with the interval's level",
    "expected_spend_median": "as likely more as less; never outside the interval",
    "expected_spend_high": "and below this",
    "next_order_low": "the next order comes after this moment (UTC) with the interval's level",
    "next_order_median": "as likely before as after it; empty: not expected within 2 years",
    "next_order_high": "and before this; empty: later than in 2 years, if ever",
    **{f"survival_{days}d": f"probability of no order within {days} days" for days in timing.DAYS},
    "interval_level": "share of cases in which an interval holds",
    "currency": "of every amount",
    "horizon_days": "days after as_of that churn, orders and spend are of",
    "model_version": "what made this row",
    "warnings": "what to be careful of, separated by semicolons",
}


def columns(bundle: Bundle) -> dict[str, str]:
    """The columns of a row that is handed out, in order, with what each means."""
    terms, manifest = bundle.terms, bundle.manifest
    said = " ".join(value.assumptions(terms, manifest["currency"], manifest["horizon_days"]))
    worth = {
        name: f"discounted value over the next {months} months. {said}"
        for name, months in zip(value.names(terms), terms.months, strict=True)
    }
    made: dict[str, str] = {}
    for name, meaning in DESCRIPTIONS.items():
        if name == "interval_level":
            made |= worth
        made[name] = meaning
    return made


def scores(bundle: Bundle, predicted: pa.Table) -> pd.DataFrame:
    """Predictions as they are handed out: one row a customer with the columns `columns`."""
    frame = predicted.to_pandas()
    frame["interval_level"] = bundle.manifest["interval_level"]
    frame["currency"] = bundle.manifest["currency"]
    frame["horizon_days"] = bundle.manifest["horizon_days"]
    frame["model_version"] = bundle.manifest["version"]
    frame["warnings"] = ["; ".join(said) for said in frame["warnings"]]
    return frame[list(columns(bundle))]


def score(
    bundle: Bundle, sources: Sources, as_of: pd.Timestamp, told: Told = quiet
) -> pd.DataFrame:
    """Score everyone at `as_of` (UTC), `A_PART` customers at a time; see `columns`. Raises
    BundleError where the bundle was trained with other features than this Coterie computes.
    """
    bundle.require_current()
    spine = everyone(sources.connection, as_of)
    made = []
    for start in range(0, max(len(spine), 1), A_PART):
        told("customers", start, len(spine))
        rows = snapshot(sources.connection, bundle.spec, spine.slice(start, A_PART))
        made.append(scores(bundle, bundle.predict(table(rows))))
    return pd.concat(made, ignore_index=True)


def write(bundle: Bundle, made: pd.DataFrame, file: Path) -> None:
    """Write scores as Parquet, where each column says what it means, or as CSV."""
    if file.suffix == ".csv":
        with replacing(file) as staging:
            made.to_csv(staging, index=False)
        return
    described.write(made, columns(bundle), file)
