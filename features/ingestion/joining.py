"""A source and the tables joined to it, brought into one: the raw rows, numbered.

Only what is asked for is read; a column that is missing or cannot be used is refused before that.
"""

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from features.errors import SourceError, closest
from features.ingestion.cleaning import identifier, quoted
from features.ingestion.databases import fetched, released
from features.ingestion.locations import resolve
from features.ingestion.quotes import SWALLOWED, stray, swallowed
from features.ingestion.reading import guess_delimiter, malformed, read
from features.ingestion.relation import Relation, unreadable
from features.settings.experiment import Format, Join

RAW = "raw_rows"
#: The remedy where a column holds more than one value.
UNNEST = "bring the field of it that is meant as a column of its own, or as a view's"
# As DuckDB and Ibis call types that hold more than one value.
_NESTED = re.compile(r"(struct|map|union|array|list)\b|.*\]$", re.IGNORECASE)


@dataclass(frozen=True)
class Added:
    """A joined CSV file with lines that were set aside: `malformed` as (row, text) of `read`."""

    url: str
    read: int
    malformed: list[tuple[int, str]]


@dataclass(frozen=True)
class Raw:
    """What `raw_rows` has beside "#row" and "#print": `columns` maps a name to its type.

    malformed: (row, text) of the source's own lines that were set aside.
    assumed: (url, a word of it) of each CSV file whose encoding was taken for granted.
    """

    columns: dict[str, str]
    malformed: list[tuple[int, str]]
    added: list[Added]
    assumed: tuple[tuple[str, str], ...]


def join(
    con: duckdb.DuckDBPyConnection,
    name: str,
    url: str,
    folder: Path,
    form: Format,
    needed: Sequence[str],
    joins: Sequence[Join],
) -> Raw:
    """Fill `raw_rows`: "#row" (from 1, in the order read), "#print" (of all columns read) and the
    `needed` columns. SourceError where that is not possible.
    """
    relations: list[Relation] = []
    added: list[Added] = []
    try:
        relations.append(read(con, resolve(url, folder), form))
        relations += [
            read(con, resolve(join.url, folder), Format(encoding=join.encoding)) for join in joins
        ]
        assumed = _assumed([url, *(join.url for join in joins)], relations)
        _check_names(name, url, relations, joins, needed)
        wanted = [{*needed, *(join.left for join in joins)}]
        wanted += [{join.right, *join.columns} for join in joins]
        for i, columns in enumerate(wanted):
            relation = fetched(con, relations[i], columns, f"fetched_{i}")
            if i > 0 and relation.delimiter is not None:
                relation, aside = _apart(
                    con, joins[i - 1].url, relation, columns, f"joined_{i - 1}"
                )
                added += [aside] if aside.malformed else []
            relations[i] = _plain(con, name, relation, columns)
        types = _copy(con, name, url, relations, joins, needed)
        lines = malformed(con, url, relations[0])
        _renumber(con, [row for row, _ in lines])
        _refuse_swallowed(con, url, RAW, quoted("#row"))
        return Raw(types, lines, added, assumed)
    finally:
        released(con, relations)
        for i in range(len(joins)):
            con.execute(f"DROP TABLE IF EXISTS joined_{i}")


def _assumed(urls: Sequence[str], relations: Sequence[Relation]) -> tuple[tuple[str, str], ...]:
    words = {url: each.assumed for url, each in zip(urls, relations, strict=True)}
    return tuple((url, word) for url, word in words.items() if word is not None)


def _check_names(
    name: str,
    url: str,
    relations: Sequence[Relation],
    joins: Sequence[Join],
    needed: Sequence[str],
) -> None:
    """Refuse missing and unusable columns, before any row is read."""
    base, others = relations[0], relations[1:]
    read = [(url, base, [*needed, *(join.left for join in joins)])]
    read += [
        (join.url, other, [join.right, *join.columns])
        for join, other in zip(joins, others, strict=True)
    ]
    for file, relation, columns in read:
        for column in columns:
            if column in relation.repeated:
                raise SourceError(
                    f"{name}: column {column!r} must stand once in the header of {file}.",
                    "another of this name, where case counts for nothing",
                    "rename one of them in the export",
                )
            if column in relation.unusable:
                raise SourceError(
                    f"{name}: column {column!r} of {file} must be readable as it was meant.",
                    relation.unusable[column],
                    "write the files anew, with one plain type",
                )
    types = dict(base.columns)
    for join, other in zip(joins, others, strict=True):
        if join.left not in types:
            raise _missing(name, join.left, "what is joined to", list(types), base)
        for column in (join.right, *join.columns):
            if column not in other.columns:
                raise _missing(name, column, join.url, list(other.columns), other)
        for column in join.columns:
            if column in types:
                raise SourceError(
                    f"{name}: a joined table adds columns with names of their own.",
                    f"{column!r} is already a column",
                    f"leave {column!r} out of the join's columns, or rename it",
                )
            types[column] = other.columns[column]
    for column in needed:
        if column not in types:
            raise _missing(name, column, url, list(types), base)
        if is_nested(types[column]):
            raise SourceError(
                f"{name}: column {column!r} must hold plain values.",
                in_words(types[column]),
                UNNEST,
            )


def _apart(
    con: duckdb.DuckDBPyConnection, url: str, csv: Relation, wanted: Collection[str], name: str
) -> tuple[Relation, Added]:
    """A joined CSV file in the temporary table `name`: DuckDB does not tell well whose line it set
    aside when it reads two files at once.
    """
    columns = {column: dtype for column, dtype in csv.columns.items() if column in wanted}
    assert csv.delimiter is not None, "a CSV file has one"
    picked = ", ".join(map(quoted, columns))
    picked += f", {swallowed([*csv.columns], csv.delimiter)} AS {quoted(SWALLOWED)}"
    try:
        con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {picked} FROM {csv.sql}")
    except duckdb.Error as error:
        raise unreadable(url, error) from error
    rows = con.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0]
    aside = malformed(con, url, csv)
    _refuse_swallowed(con, url, name, "rowid + 1")
    return replace(csv, sql=name, columns=columns), Added(url, rows + len(aside), aside)


def _plain(
    con: duckdb.DuckDBPyConnection, name: str, relation: Relation, wanted: Collection[str]
) -> Relation:
    """What is text under another type as text: enumerations, JSON, and bytes as the UTF-8 that some
    programs mean by them; refused where they are none.
    """
    bytes_ = [c for c in relation.columns if c in wanted and relation.columns[c] == "BLOB"]
    for column in bytes_:
        lost = con.execute(
            f"SELECT CAST({quoted(column)} AS VARCHAR) FROM {relation.sql} "
            f"WHERE {quoted(column)} IS NOT NULL AND try(decode({quoted(column)})) IS NULL LIMIT 1"
        ).fetchone()
        if lost:
            raise SourceError(
                f"{name}: column {column!r} must hold text, numbers or moments.",
                f"bytes that are no text, for instance {lost[0][:40]}",
                "bring it as text, for instance in hexadecimal digits, or name another column",
            )
    texts = {c: f"decode({quoted(c)})" for c in bytes_}
    for column, dtype in relation.columns.items():
        if column in wanted and dtype.startswith("ENUM("):
            texts[column] = f"CAST({quoted(column)} AS VARCHAR)"
        elif column in wanted and dtype == "JSON":
            texts[column] = f"({quoted(column)} ->> '$')"
    if not texts:
        return relation
    listed = ", ".join(f"{sql} AS {quoted(column)}" for column, sql in texts.items())
    sql = f"(SELECT * REPLACE ({listed}) FROM {relation.sql})"
    return replace(relation, sql=sql, columns=relation.columns | dict.fromkeys(texts, "VARCHAR"))


def _copy(
    con: duckdb.DuckDBPyConnection,
    name: str,
    url: str,
    relations: Sequence[Relation],
    joins: Sequence[Join],
    needed: Sequence[str],
) -> dict[str, str]:
    """Fill `raw_rows`; the `needed` columns and their types there."""
    base, others = relations[0], relations[1:]
    types = {column: (f"base.{quoted(column)}", dtype) for column, dtype in base.columns.items()}
    clauses = []
    for i, (join, other) in enumerate(zip(joins, others, strict=True)):
        _check_repeats(con, name, join, other)
        alias = f"joined_{i}"
        left = identifier(*types[join.left])
        right = identifier(f"{alias}.{quoted(join.right)}", other.columns[join.right])
        clauses.append(f"LEFT JOIN {other.sql} {alias} ON {left} = {right}")
        for column in join.columns:
            types[column] = (f"{alias}.{quoted(column)}", other.columns[column])
    needed = list(dict.fromkeys(needed))
    picked = "".join(f", {types[c][0]} AS {quoted(c)}" for c in needed)
    every = ", ".join(map(quoted, base.columns))
    marks = f'row_number() OVER () AS "#row", hash({every}) AS "#print"'
    lost = swallowed([*base.columns], base.delimiter) if base.delimiter else "NULL"
    marks += f", {lost} AS {quoted(SWALLOWED)}"
    try:
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {RAW} AS "
            f'SELECT base."#row", base."#print", base.{quoted(SWALLOWED)}{picked} '
            f"FROM (SELECT {marks}, * FROM {base.sql}) base {' '.join(clauses)}"
            + (' ORDER BY base."#row"' if clauses else "")  # else they come as they were numbered
        )
    except duckdb.Error as error:
        raise unreadable(url, error) from error
    return {column: types[column][1] for column in needed}


def _renumber(con: duckdb.DuckDBPyConnection, aside: list[int]) -> None:
    """Rows after a line that was set aside move down by one, so that numbers fit the file.

    All at once: a statement a line would pass over the table as often as there are such lines.
    """
    if not aside:
        return
    # Before the i-th such line, in row a, stand a - i rows; those after it move by i at least.
    con.execute(
        f'UPDATE {RAW} SET "#row" = "#row" + moved.lines FROM (SELECT "#row" AS "row", lines '
        f"FROM {RAW} ASOF JOIN (SELECT a - i AS before, max(i) AS lines FROM "
        "(SELECT unnest(list_sort($aside)) AS a, generate_subscripts($aside, 1) AS i) "
        f'GROUP BY before) ON "#row" > before) moved WHERE {RAW}."#row" = moved."row"',
        {"aside": aside},
    )


def _refuse_swallowed(con: duckdb.DuckDBPyConnection, url: str, table: str, row: str) -> None:
    text = quoted(SWALLOWED)
    found = con.execute(
        f"SELECT {row}, {text} FROM {table} WHERE {text} IS NOT NULL ORDER BY {row} LIMIT 1"
    ).fetchone()
    if found:
        raise stray(url, *found)


def _check_repeats(con: duckdb.DuckDBPyConnection, name: str, join: Join, other: Relation) -> None:
    key = identifier(quoted(join.right), other.columns[join.right])
    repeated = con.execute(
        f"SELECT {key} AS k, count(*) FROM {other.sql} WHERE k IS NOT NULL "
        "GROUP BY k HAVING count(*) > 1 ORDER BY k LIMIT 1"
    ).fetchone()
    if repeated:
        raise SourceError(
            f"{name}: a joined table has one row for each {join.right}.",
            f"{join.right} {repeated[0]!r} {repeated[1]} times in {join.url}",
            "join a table without repeats",
        )


def _missing(name: str, column: str, url: str, known: list[str], relation: Relation) -> SourceError:
    """The error of a column that is not `known`; that it is all one column may be why."""
    near = closest(column, known)
    remedy = f"did you mean {near!r}?" if near else "name one of these columns"
    seen = f"the columns {', '.join(known)}"
    if relation.delimiter is not None and len(relation.columns) == 1:
        (header,) = relation.columns
        likely = guess_delimiter(header)
        if likely != relation.delimiter and likely in header:
            written = json.dumps(likely)  # a tab as \t, as TOML has it
            seen = f"one column, {header!r}"
            remedy = f"the delimiter seems wrong: write delimiter = {written}"
    return SourceError(f"{name}: column {column!r} must exist in {url}.", seen, remedy)


def in_words(dtype: str) -> str:
    """A column's type as users call it."""
    return "text" if dtype == "VARCHAR" else dtype.lower()


def is_nested(dtype: str) -> bool:
    """Whether a value of such a column is several.

    >>> is_nested("STRUCT(a INTEGER)"), is_nested("VARCHAR[]"), is_nested("VARCHAR")
    (True, True, False)
    """
    return _NESTED.match(dtype) is not None
