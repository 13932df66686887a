"""Rows that the experiment file leaves out on purpose: test accounts, postage, guests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from features.errors import SourceError
from features.ingestion.cleaning import as_written, blank, has_fractions, identifier, quoted
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
    customer: str,
    leave_out: LeaveOut,
) -> LeftOut:
    """Delete from `raw_rows` what has one of the values in one of the columns.

    Numbers of a type with fractions are compared as such, all else as it is written, white space
    around it apart; an empty value means that nothing is written there, or in the column `customer`
    that nobody is named. SourceError where no row is left.
    """
    if not leave_out:
        return LeftOut()
    unmatched: list[tuple[str, str]] = []
    tests, values = [], {}
    for place, (column, named) in enumerate(leave_out):
        kind, reference, key = types[column], quoted(column), f"values_{place}"
        nothing = blank(reference, kind)
        if column == customer and kind == "VARCHAR":
            nothing = f"({identifier(reference, kind)} IS NULL)"
        if has_fractions(kind):
            said, asked = reference, f"try_cast(named AS {kind})"
        else:
            said, asked = as_written(reference, kind), as_written("named", "VARCHAR")
        values[key] = [value for value in named if value.strip()]
        listed = f"(SELECT {asked} FROM (SELECT unnest(CAST(${key} AS VARCHAR[])) AS named))"
        tests.append(f"coalesce({said} IN {listed}, false)")
        missing = con.execute(
            f"SELECT named FROM (SELECT unnest(CAST(${key} AS VARCHAR[])) AS named) "
            f"WHERE coalesce({asked} NOT IN (SELECT {said} FROM {RAW} WHERE {said} IS NOT NULL), "
            "true)",
            {key: values[key]},
        ).fetchall()
        gone = {value for (value,) in missing}
        if len(values[key]) < len(named):
            tests.append(nothing)
            found = con.execute(f"SELECT 1 FROM {RAW} WHERE {nothing} LIMIT 1").fetchone()
            gone |= set() if found else {value for value in named if not value.strip()}
        unmatched += [(column, value) for value in named if value in gone]
    before = _rows(con)
    con.execute(f"DELETE FROM {RAW} WHERE {' OR '.join(tests)}", values)
    after = _rows(con)
    if before and not after:
        raise SourceError(
            f"{name}: leave_out must leave a row.",
            f"all {before:,} rows of {url} left out",
            "name fewer values",
        )
    return LeftOut(before - after, tuple(unmatched))


def _rows(con: duckdb.DuckDBPyConnection) -> int:
    return int(con.execute(f"SELECT count(*) FROM {RAW}").fetchall()[0][0])
