"""What is said beside a prediction where it should be taken with caution; numpy only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import compress
from typing import Any

import numpy as np

SHORT_HISTORY_DAYS = 30
MOST_SHOWN = 80  # characters of a value
MOST_NAMED = 3  # features outside the training range; of more the number is told


def cautions(
    columns: Mapping[str, np.ndarray],
    as_of: np.ndarray,
    manifest: Mapping[str, Any],
    outside: np.ndarray,
    features: Sequence[str],
    above: np.ndarray,
) -> list[list[str]]:
    """For each of n rows what to be told, empty where there is nothing.

    Parameters
    ----------
    columns : feature columns `orders`, `returns` and `T_days`, each (n,), and `events` where the
        model knows of any; as_of : (n,) moments, UTC
    manifest : the bundle's; of one without `trained_until` nothing is stale or known afterwards;
        what its data were `insufficient` for is said beside every row
    outside : (n, m) whether the value of each of m `features` lies outside the training range
    above : (n,) whether expected spend lies above its interval
    """
    no_orders = columns["orders"] == 0
    short = ~no_orders & (columns["T_days"] < SHORT_HISTORY_DAYS)
    wanting = manifest.get("insufficient", [])
    strangers = no_orders & (columns["returns"] == 0) & (columns.get("events", 0) == 0)
    beyond, old, seen = _named(outside, features), _stale(as_of, manifest), _seen(as_of, manifest)
    made = []
    for prospect, unknown, brief, far, late, known, high in zip(
        no_orders, strangers, short, beyond, old, seen, above, strict=True
    ):
        said = list(wanting)
        if known:
            said.append(
                f"hindsight: the model was trained until {manifest['trained_until'][:10]}, on what "
                "followed: no test of it"
            )
        if late:
            said.append(
                f"stale: the model was trained until {manifest['trained_until'][:10]}, "
                "more than a horizon ago: retrain"
            )
        if unknown:
            said.append("no orders yet, nor events: nobody alike was learned from, hardly a guess")
        elif prospect:
            said.append("no orders yet: predicted from what else is known, take with caution")
        if brief:
            said.append(f"short history: first order less than {SHORT_HISTORY_DAYS} days ago")
        if far:
            said.append(f"outside the training range: {far}")
        if high:
            said.append("the mean lies above the interval: most spend nothing, a few much")
        made.append(said)
    return made


def _named(outside: np.ndarray, features: Sequence[str]) -> list[str]:
    """For each row which features lie outside, the first of them by name; empty: none."""
    made = [""] * len(outside)
    for row in np.flatnonzero(outside.any(axis=1)):
        found = list(compress(features, outside[row]))
        more = len(found) - MOST_NAMED
        made[row] = ", ".join(found[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    return made


def _seen(as_of: np.ndarray, manifest: Mapping[str, Any]) -> np.ndarray:
    """(n,) whether a row stands a day or more before the end of what was trained on."""
    until = manifest.get("trained_until")
    if until is None:
        return np.zeros(len(as_of), dtype=bool)
    return as_of <= np.datetime64(until) - np.timedelta64(1, "D")


def _stale(as_of: np.ndarray, manifest: Mapping[str, Any]) -> np.ndarray:
    """(n,) whether a row stands more than a horizon after the end of what was trained on."""
    until = manifest.get("trained_until")
    if until is None:
        return np.zeros(len(as_of), dtype=bool)
    return as_of > np.datetime64(until) + np.timedelta64(manifest["horizon_days"], "D")


def unmet(
    columns: Mapping[str, np.ndarray],
    attributes: Mapping[str, Sequence[str]],
    vocabulary: Mapping[str, Sequence[str]],
) -> list[list[str]]:
    """For each of n rows what is to be told of values of attributes that nothing was learned of:
    that training never had, or too seldom.

    `columns` are feature columns, each (n,); `attributes` their names by the attribute they are of;
    `vocabulary` the values that training learned from, by feature.
    """
    told: list[list[str]] = [[] for _ in next(iter(columns.values()))]
    for attribute, names in attributes.items():
        for name in (name for name in names if name in vocabulary):
            known = {None, *vocabulary[name]}
            for said, value in zip(told, columns[name], strict=True):
                if value not in known:
                    shown = value if len(value) <= MOST_SHOWN else f"{value[: MOST_SHOWN - 3]}..."
                    said.append(
                        f"attribute {attribute!r} is {shown!r}, which training had never or too "
                        "seldom: predicted as one of the rare"
                    )
    return told
