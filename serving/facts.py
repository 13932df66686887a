"""What the served model says of itself, as plain values and as a small page."""

from __future__ import annotations

import dataclasses
import html
import json
from datetime import datetime, timedelta
from typing import Any

from features.lenses.attributes import names_of
from training.prediction.bundle import Bundle

_OF_MANIFEST = (
    "name", "version", "created", "trained_until", "horizon_days", "currency", "interval_level",
    "time_zone", "catalog_hash", "note", "value_assumptions", "left_out", "customers",
)  # fmt: skip
_OURS = "Coterie"  # our own row of each table, as cards.report_card calls it
_OF_COMPARISON = ("measure", "rival", "certain")


def facts(bundle: Bundle) -> dict[str, Any]:
    """The model's own facts; null where a figure is none.

    `features` is the catalog (lens, unit, dtype, meaning of null, definition); `segments` have id,
    name and portrait, of which customers, share and means of the predictions are of everyone, the
    rest of the customers drawn, where those are not all that were known (`customers`); `evaluated`
    is the short form of the report card.
    """
    return {
        **{name: bundle.manifest.get(name) for name in _OF_MANIFEST},
        "evaluated": _short(bundle.report_card),
        "segments": [dataclasses.asdict(segment) for segment in bundle.segments],
        "features": bundle.catalog,
    }


def _short(card: dict[str, Any]) -> dict[str, Any]:
    """What the card is about, our own figures by section, and where a naive rule wins."""
    sections = card.get("sections", [])
    worse = [(s["title"], c) for s in sections for c in s["comparisons"] if not c["better"]]
    ours = {s["title"]: s["rows"].get(_OURS) for s in sections}
    return {
        "about": card.get("heading", []),
        "figures": {title: figures for title, figures in ours.items() if figures},
        "naive_rule_wins": [
            {"section": title, **{key: c[key] for key in _OF_COMPARISON}, "by": _size(c)}
            for title, c in worse
        ],
    }


def _size(comparison: dict[str, Any]) -> float | None:
    """By how much the rival is better, whichever way better is."""
    return None if comparison["difference"] is None else abs(comparison["difference"])


def page(bundle: Bundle) -> str:
    """The page at `/`: HTML without anything from elsewhere."""
    told = facts(bundle)
    until = told["trained_until"]
    names = {
        "model": f"{told['name']}, version {told['version']}",
        "trained until": until and f"{until.replace('T', ' ')} UTC",
        "horizon": f"{told['horizon_days']} days",
        "currency": told["currency"],
        "time zone": told["time_zone"],
        "features": f"{len(told['features'])}, catalog {told['catalog_hash']}",
        "left out": "; ".join(
            f"{column} of {source}: {', '.join(values)}"
            for source, columns in (told["left_out"] or {}).items()
            for column, values in columns.items()
        ),
        "note": told["note"],
    }
    rows = "".join(
        f"<tr><th>{name}<td>{html.escape(str(value))}" for name, value in names.items() if value
    )
    segments = "".join(
        f"<tr><td>{html.escape(s['id'])}<td>{html.escape(s['name'])}" for s in told["segments"]
    )
    asked = html.escape(json.dumps(example(bundle), indent=2, ensure_ascii=False))
    return _PAGE.format(rows=rows, segments=segments, example=asked)


def example(bundle: Bundle) -> dict[str, Any]:
    """A request of one customer that holds nothing which this model does not know."""
    spec, manifest = bundle.spec, bundle.manifest
    as_of = datetime.fromisoformat(manifest.get("trained_until") or manifest["created"])
    amount = round(float(bundle.typical.get("basket_value") or 25.0), 2)

    def row(days: int, **known: Any) -> dict[str, Any]:
        return {"moment": _text(as_of - timedelta(days=days)), **known}

    what = {"category": spec.categories[0]} if spec.categories else {}
    customer: dict[str, Any] = {
        "customer_id": "17",
        "orders": [row(60, amount=amount, **what), row(20, amount=amount)],
    }
    if spec.event_kinds:
        customer["events"] = [row(10, kind=spec.event_kinds[0])]
    vocabulary, features = bundle.preprocessor.vocabulary, names_of(spec)
    values = {a.name: a.order or vocabulary.get(features[a.name][0]) for a in spec.attributes}
    if sent := {name: known[0] for name, known in values.items() if known}:
        customer["attributes"] = sent
    return {"as_of": _text(as_of), "customers": [customer]}


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Coterie</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto;
  padding: 0 1rem }}
th {{ text-align: left; padding-right: 2rem; font-weight: 600 }} td {{ padding-right: 1rem }}
td, th {{ vertical-align: top }}
pre {{ background: #f4f4f4; padding: 1rem; overflow-x: auto }}
</style>
<h1>Coterie</h1>
<p>The segment each customer belongs to and will behave like, the risk of leaving, the value to
come.</p>
<table>{rows}</table>
<h2>What can be asked</h2>
<table>
<tr><th>POST /assign<td>customers with their raw histories in, one assignment each out
<tr><th><a href="model">GET /model</a><td>what this model is: features, segments, portraits
<tr><th><a href="docs.json">GET /docs.json</a><td>this interface as OpenAPI
<tr><th>GET /readyz, /livez<td>health; <a href="metrics">/metrics</a> for Prometheus
</table>
<h2>Segments</h2>
<table>{segments}</table>
<h2>An example for POST /assign</h2>
<pre>{example}</pre>
"""
