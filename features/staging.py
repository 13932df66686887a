"""One source, read and judged: a DuckDB table of cleaned rows, each with its verdict.

`stage` reads the needed columns once, joins what is to be joined and numbers the rows; `judge`
cleans them field by field and finds the rows, and the cells, that cannot be used.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from features.cleaning import blank, identifier, quoted
from features.errors import SourceError, closest
from features.experiment import Format, Join
from features.locations import resolve
from features.reading import Relation, guess_delimiter, malformed, read, unreadable

__all__ = ["REJECT_COLUMNS", "Field", "Judged", "Staged", "judge", "stage"]

REJECT_COLUMNS = ["source", "row", "column", "value", "reason"]
_RAW, _JUDGED = "raw_rows", "judged_rows"
WHOLE_ROW = "(whole row)"
#: Uses that cost the row, and uses where null is no fault but something unusable is.
_FATAL, _FOUND = ("always", "if given"), ("if given", "cell")


@dataclass(frozen=True)
class Staged:
    """A source's raw rows in the temporary table `raw_rows`; `columns` maps a name to its type."""

    name: str
    url: str
    columns: dict[str, str]
    read: int
    duplicates: int
    malformed: list[tuple[int, str]]


@dataclass(frozen=True)
class Field:
    """One canonical field: `sql` cleans the raw `column`, giving null where it cannot be used.

    `use`: "always", the row needs it; "if given", the row is rejected when something unusable is
    written there; "cell", that value alone is lost; "free", anything goes. `what` ends the sentence
    "... is not".
    """

    name: str
    column: str
    sql: str
    use: str
    what: str


@dataclass(frozen=True)
class Judged:
    """Cleaned rows in `judged_rows`: "row", the fields, and `problem` (null: usable)."""

    rejects: pd.DataFrame
    rejected: int


def stage(
    con: duckdb.DuckDBPyConnection,
    name: str,
    url: str,
    folder: Path,
    form: Format,
    needed: Sequence[str],
    joins: Sequence[Join] = (),
) -> Staged:
    """Read the `needed` columns into `raw_rows`; SourceError where that is not possible."""
    base = read(con, resolve(url, folder), form.delimiter)
    types = {column: (f"base.{quoted(column)}", dtype) for column, dtype in base.columns.items()}
    clauses = []
    others = [read(con, resolve(join.url, folder)) for join in joins]
    for i, (join, other) in enumerate(zip(joins, others, strict=True)):
        _check_join(con, name, join, types, other)
        alias = f"joined_{i}"
        left = identifier(*types[join.left])
        right = identifier(f"{alias}.{quoted(join.right)}", other.columns[join.right])
        clauses.append(f"LEFT JOIN {other.sql} {alias} ON {left} = {right}")
        for column in join.columns:
            types[column] = (f"{alias}.{quoted(column)}", other.columns[column])
    for column in needed:
        if column not in types:
            raise _missing(name, column, url, list(types), form.delimiter)
    picked = "".join(f", {types[c][0]} AS {quoted(c)}" for c in dict.fromkeys(needed))
    every = ", ".join(map(quoted, base.columns))
    marks = f'row_number() OVER () AS "#row", hash({every}) AS "#print"'
    try:
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {_RAW} AS "
            f'SELECT base."#row", base."#print"{picked} '
            f"FROM (SELECT {marks}, * FROM {base.sql}) base {' '.join(clauses)}"
        )
    except duckdb.Error as error:
        raise unreadable(url, error) from error
    aside = malformed(con)
    rows, distinct = _one(con, f'SELECT count(*), count(DISTINCT "#print") FROM {_RAW}')
    if rows + len(aside) == 0:
        raise SourceError(
            "A source has a header and rows.",
            f"{url} has a header and no rows",
            "check the export that wrote it",
        )
    _renumber(con, [row for row, _ in aside])
    columns = {column: types[column][1] for column in needed}
    return Staged(name, url, columns, rows + len(aside), rows - distinct, aside)


def judge(con: duckdb.DuckDBPyConnection, staged: Staged, fields: Sequence[Field]) -> Judged:
    """Clean every row into `judged_rows` and list what cannot be used.

    SourceError where a column is unusable throughout.
    """
    clean = ", ".join(f"{f.sql} AS {quoted(f.name)}" for f in fields)
    found = [field for field in fields if field.use in _FOUND]
    given = "".join(f", NOT {_blank(staged, f)} AS {quoted('given ' + f.name)}" for f in found)
    verdict = " ".join(
        f"WHEN {_unusable(f)} THEN {i}" for i, f in enumerate(fields) if f.use in _FATAL
    )
    try:
        con.execute(
            f"CREATE OR REPLACE TEMP VIEW {_JUDGED} AS "
            f"SELECT *, CASE {verdict} END AS problem FROM "
            f'(SELECT "#row" AS "row", {clean}{given} FROM {_RAW})'
        )
    except duckdb.Error as error:  # a moment_format that is none
        raise unreadable(staged.url, error) from error
    usable = [f"count({quoted(f.name)})" for f in fields]
    lost = [f"count(*) FILTER ({_bad(f, i)})" for i, f in enumerate(fields)]
    counted = _one(con, f"SELECT {', '.join(usable + lost)} FROM {_JUDGED}")
    for field, count in zip(fields, counted[: len(fields)], strict=True):
        if count == 0 and staged.read > len(staged.malformed):
            _refuse_throughout(con, staged, field)
    places = [i for i, count in enumerate(counted[len(fields) :]) if count]
    lists = [_rejects_of(con, staged, fields[i], _bad(fields[i], i)) for i in places]
    lists.append(
        [(row, WHOLE_ROW, text, "the number of fields is wrong") for row, text in staged.malformed]
    )
    listed = [(staged.name, *entry) for entries in lists for entry in entries]
    rejects = pd.DataFrame(listed, columns=REJECT_COLUMNS)
    rejects = rejects.sort_values("row", kind="stable", ignore_index=True)
    rejected = sum(counted[len(fields) + i] for i in places if fields[i].use in _FATAL)
    return Judged(rejects, rejected + len(staged.malformed))


def _blank(staged: Staged, field: Field) -> str:
    return blank(quoted(field.column), staged.columns[field.column])


def _unusable(field: Field) -> str:
    nothing = f"{quoted(field.name)} IS NULL"
    return f"({nothing} AND {quoted('given ' + field.name)})" if field.use in _FOUND else nothing


def _bad(field: Field, place: int) -> str:
    """Whether a judged row belongs into the list of rejects because of this field."""
    if field.use in _FATAL:
        return f"problem = {place}"
    return f"problem IS NULL AND {_unusable(field)}" if field.use == "cell" else "false"


def _refuse_throughout(con: duckdb.DuckDBPyConnection, staged: Staged, field: Field) -> None:
    empty = _blank(staged, field)
    given, example = _one(
        con,
        f'SELECT count(*), CAST(first({quoted(field.column)} ORDER BY "#row") AS VARCHAR) '
        f"FROM {_RAW} WHERE NOT {empty}",
    )
    column = f"{staged.name}: column {field.column!r}"
    if given:
        kind = staged.columns[field.column]
        raise SourceError(
            f"{column} must hold {field.what} somewhere.",
            f"none in {given} rows, for instance {example!r} ({_in_words(kind)})",
            _REMEDIES.get(field.what, "name another column"),
        )
    if field.use == "always":
        raise SourceError(f"{column} must not be empty.", "no value at all", "name another column")


def _rejects_of(
    con: duckdb.DuckDBPyConnection, staged: Staged, field: Field, bad: str
) -> list[tuple[int, str, str | None, str]]:
    ending = "; the rest of the row is kept" if field.use == "cell" else ""
    found = con.execute(
        f'SELECT "#row", CAST({quoted(field.column)} AS VARCHAR), {_blank(staged, field)} '
        f'FROM {_RAW} WHERE "#row" IN (SELECT "row" FROM {_JUDGED} WHERE {bad}) ORDER BY "#row"'
    ).fetchall()
    return [
        (row, field.column, value, "is empty" if nothing else f"is not {field.what}{ending}")
        for row, value, nothing in found
    ]


def _check_join(
    con: duckdb.DuckDBPyConnection,
    name: str,
    join: Join,
    types: dict[str, tuple[str, str]],
    other: Relation,
) -> None:
    if join.left not in types:
        raise _missing(name, join.left, "what is joined to", list(types))
    for column in (join.right, *join.columns):
        if column not in other.columns:
            raise _missing(name, column, join.url, list(other.columns))
    for column in join.columns:
        if column in types:
            raise SourceError(
                f"{name}: a joined table adds columns with names of their own.",
                f"{column!r} is already a column",
                f"leave {column!r} out of the join's columns, or rename it",
            )
    key = identifier(quoted(join.right), other.columns[join.right])
    repeated = con.execute(
        f"SELECT {key} AS k, count(*) FROM {other.sql} WHERE k IS NOT NULL "
        "GROUP BY k HAVING count(*) > 1 ORDER BY k LIMIT 1"
    ).fetchone()
    malformed(con)
    if repeated:
        raise SourceError(
            f"{name}: a joined table has one row for each {join.right}.",
            f"{join.right} {repeated[0]!r} {repeated[1]} times in {join.url}",
            "join a table without repeats",
        )


def _missing(
    name: str, column: str, url: str, known: list[str], delimiter: str | None = None
) -> SourceError:
    near = closest(column, known)
    remedy = f"did you mean {near!r}?" if near else "name one of these columns"
    seen = f"the columns {', '.join(known)}"
    if delimiter is not None and len(known) == 1:
        likely = guess_delimiter(known[0])
        if likely != delimiter and likely in known[0]:
            written = json.dumps(likely)  # a tab as \t, as TOML has it
            seen = f"one column, {known[0]!r}"
            remedy = f"the delimiter seems wrong: write delimiter = {written}"
    return SourceError(f"{name}: column {column!r} must exist in {url}.", seen, remedy)


def _renumber(con: duckdb.DuckDBPyConnection, aside: list[int]) -> None:
    """Rows after a line that was set aside move down by one, so that numbers fit the file."""
    for row in sorted(aside):
        con.execute(f'UPDATE {_RAW} SET "#row" = "#row" + 1 WHERE "#row" >= {row}')


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    row = con.execute(sql).fetchone()
    assert row is not None  # an aggregate without GROUP BY has one row
    return row


_REMEDIES = {
    "a moment": 'set moment_format, for instance "%d.%m.%Y" or "%Y%m%d", or name another column',
    "a number": 'set decimal = "," if it is a comma, remove currency signs, or name another column',
}


def _in_words(dtype: str) -> str:
    return "text" if dtype == "VARCHAR" else dtype.lower()
