"""Rows that the experiment file leaves out on purpose: test accounts, postage, guests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from features.errors import SourceError
from features.ingestion.cleaning import blank, literal, quoted, trimmed
from features.ingestion.joining import RAW
from features.settings.experiment import LeaveOut


@dataclass(frozen=True)
class LeftOut:
    """How many `rows`, and each (column, value) that is in none of them."""

    rows: int = 0
    unmatched: tuple[tuple[str, str], ...] = ()


def drop(
    con: duckdb.DuckDBPyConnection,
    name: str,
    url: str,
    types: Mapping[str, str],
    leave_out: LeaveOut,
) -> LeftOut:
    """Delete from `raw_rows` what has one of the values in one of the columns.

    A value is compared as it is written, white space around it apart; an empty one means that
    nothing is written there (`cleaning.blank`). SourceError where no row is left.
    """
    if not leave_out:
        return LeftOut()
    unmatched: list[tuple[str, str]] = []
    asked = []
    for column, values in leave_out:
        kind, reference = types[column], quoted(column)
        empty, written = blank(reference, kind), trimmed(reference, kind)
        named = ", ".join(literal(value.strip()) for value in values if value.strip())
        tests = [f"coalesce({written} IN ({named}), false)"] if named else []
        tests += [empty] if any(not value.strip() for value in values) else []
        asked.append(f"({' OR '.join(tests)})")
        found = con.execute(
            f"SELECT DISTINCT CASE WHEN {empty} THEN '' ELSE {written} END, {written} "
            f"FROM {RAW} WHERE {asked[-1]}"
        ).fetchall()
        there = {text for row in found for text in row}
        unmatched += [(column, value) for value in values if value.strip() not in there]
    (before,) = _one(con)
    con.execute(f"DELETE FROM {RAW} WHERE {' OR '.join(asked)}")
    (after,) = _one(con)
    if before and not after:
        raise SourceError(
            f"{name}: leave_out must leave a row.",
            f"all {before:,} rows of {url} left out",
            "name fewer values",
        )
    return LeftOut(before - after, tuple(unmatched))


def _one(con: duckdb.DuckDBPyConnection) -> tuple[int, ...]:
    return con.execute(f"SELECT count(*) FROM {RAW}").fetchall()[0]
