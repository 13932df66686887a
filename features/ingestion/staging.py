"""One source, read and judged: a DuckDB table of cleaned rows, each with its verdict.

`stage` reads the needed columns once, joins what is to be joined and numbers the rows; `judge`
cleans them field by field and finds the rows, and the cells, that cannot be used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from features.errors import SourceError
from features.ingestion.cleaning import UNITS, Field, blank, quoted
from features.ingestion.joining import RAW, Added, in_words, join
from features.ingestion.left_out import LeftOut, drop
from features.ingestion.locations import resolve
from features.ingestion.parts import PLACE_COLUMNS, places
from features.ingestion.relation import unreadable
from features.settings.experiment import Format, Join, LeaveOut

REJECT_COLUMNS = ["source", "row", "column", "value", "reason"]
_JUDGED = "judged_rows"
WHOLE_ROW = "(whole row)"
#: Uses that cost the row, and uses where null is no fault but something unusable is.
_FATAL, _FOUND = ("always", "if given"), ("if given", "cell")


@dataclass(frozen=True)
class Staged:
    """A source's raw rows in the temporary table `raw_rows`; `columns` maps a name to its type.

    read: all rows, those that were `left_out` and set aside among them.
    malformed: (row, text) of its lines that were set aside; `added`: the same of joined files.
    assumed: as in `ingestion.joining.Raw`.
    folder: what its URL is relative to. customer: the column that names one, "" where rows cannot
    be left out.
    """

    name: str
    url: str
    columns: dict[str, str]
    read: int
    duplicates: int
    malformed: list[tuple[int, str]]
    added: list[Added]
    folder: Path
    assumed: tuple[tuple[str, str], ...]
    left_out: LeftOut
    customer: str

    @property
    def judged(self) -> int:
        """How many rows there are but for those left out."""
        return self.read - self.left_out.rows


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
    customer: str = "",
    leave_out: LeaveOut = (),
) -> Staged:
    """Read the `needed` columns into `raw_rows`, but for what is to be left out; SourceError where
    that is not possible. `customer` is the column that names one; "": nothing can be left out.
    """
    asked = [*needed, *(column for column, _ in leave_out)]
    raw = join(con, name, url, folder, form, asked, joins)
    aside, left_out = raw.malformed, drop(con, name, url, raw.columns, customer, leave_out)
    rows, distinct = _one(con, f'SELECT count(*), count(DISTINCT "#print") FROM {RAW}')
    if rows + len(aside) == 0:
        if resolve(url, folder).table:
            raise SourceError("A source has rows.", f"{url} has none", "check what fills it")
        raise SourceError(
            "A source has a header and rows.",
            f"{url} has a header and no rows",
            "check the export that wrote it",
        )
    return Staged(
        name, url, raw.columns, rows + len(aside) + left_out.rows, rows - distinct, aside,
        raw.added, folder, raw.assumed, left_out, customer,
    )  # fmt: skip


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
            f"CREATE OR REPLACE TEMP TABLE {_JUDGED} AS "
            f"SELECT *, CASE {verdict} END AS problem FROM "
            f'(SELECT "#row" AS "row", {clean}{given} FROM {RAW})'
        )
    except duckdb.Error as error:  # no room for them
        raise unreadable(staged.url, error) from error
    usable = [f"count({quoted(f.name)})" for f in fields]
    lost = [f"count(*) FILTER ({_bad(f, i)})" for i, f in enumerate(fields)]
    counted = _one(con, f"SELECT {', '.join(usable + lost)} FROM {_JUDGED}")
    for field, count in zip(fields, counted[: len(fields)], strict=True):
        if count == 0 and staged.judged > len(staged.malformed):
            _refuse_throughout(con, staged, field)
    faulty = [i for i, count in enumerate(counted[len(fields) :]) if count]
    lists = [_rejects_of(con, staged, fields[i], _bad(fields[i], i)) for i in faulty]
    lists.append(_whole(staged.malformed))
    listed = [(staged.name, *entry) for entries in lists for entry in entries]
    listed.sort(key=lambda entry: entry[1])
    where = places(con, resolve(staged.url, staged.folder), [row for _, row, *_ in listed])
    others = [(each.url, *entry) for each in staged.added for entry in _whole(each.malformed)]
    where += [(None, None)] * len(others)
    rejects = pd.DataFrame(listed + others, columns=REJECT_COLUMNS)
    placed = pd.DataFrame(where, columns=PLACE_COLUMNS)
    rejects = rejects.join(placed.astype({"file": object, "row_in_file": "Int64"}))
    rejected = sum(counted[len(fields) + i] for i in faulty if fields[i].use in _FATAL)
    return Judged(rejects, rejected + len(staged.malformed))


def _blank(staged: Staged, field: Field) -> str:
    empty = blank(quoted(field.column), staged.columns[field.column])
    return f"({empty} OR {field.nothing})"


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
        f"FROM {RAW} WHERE NOT {empty}",
    )
    column = f"{staged.name}: column {field.column!r}"
    if given:
        kind = staged.columns[field.column]
        raise SourceError(
            f"{column} must hold {field.what} somewhere.",
            f"none in {given} rows, for instance {example!r} ({in_words(kind)})",
            _remedy(field.what, str(example)),
        )
    if field.use == "always":
        raise SourceError(f"{column} must not be empty.", "no value at all", "name another column")


def _rejects_of(
    con: duckdb.DuckDBPyConnection, staged: Staged, field: Field, bad: str
) -> list[tuple[int, str, str | None, str]]:
    ending = "; the rest of the row is kept" if field.use == "cell" else ""
    found = con.execute(
        f'SELECT "#row", CAST({quoted(field.column)} AS VARCHAR), {_blank(staged, field)} '
        f'FROM {RAW} WHERE "#row" IN (SELECT "row" FROM {_JUDGED} WHERE {bad}) ORDER BY "#row"'
    ).fetchall()
    return [
        (row, field.column, value, "is empty" if nothing else f"is not {field.what}{ending}")
        for row, value, nothing in found
    ]


def _whole(malformed: list[tuple[int, str]]) -> list[tuple[int, str, str | None, str]]:
    return [(row, WHOLE_ROW, text, "the number of fields is wrong") for row, text in malformed]


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    row = con.execute(sql).fetchone()
    assert row is not None  # an aggregate without GROUP BY has one row
    return row


def _remedy(what: str, example: str) -> str:
    """What helps where a column holds something else throughout, for instance `example`."""
    units = [u for u, low in UNITS.items() if example.isdigit() and low <= len(example) <= low + 2]
    if what == "a moment" and units:
        return f'set moment_format = "{units[0]}", or name another column'
    return _REMEDIES.get(what, "name another column")


_REMEDIES = {
    "a moment": 'set moment_format, for instance "%d.%m.%Y" or "%Y%m%d", or name another column',
    "a number": 'set decimal to the mark that is used, "." or ",", remove currency signs, or name '
    "another column",
}
