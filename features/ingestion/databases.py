"""Tables of databases: a DuckDB file attached, SQLite and servers fetched in Arrow batches.

A table or a view is named; whoever wants a query names a view. Nothing is written. A database has
no order of rows: row numbers count in the order delivered.
"""

import hashlib
from collections.abc import Collection, Iterable

import duckdb
import pyarrow as pa

from features.errors import SourceError
from features.ingestion.cleaning import literal, quoted
from features.ingestion.locations import Location, no_table
from features.ingestion.relation import Relation, Rows
from features.ingestion.servers import ServerRows
from features.ingestion.sqlite import SqliteRows

_BATCH = "one_batch"


def opened(con: duckdb.DuckDBPyConnection, location: Location) -> Relation:
    """A table's columns, no row read yet.

    SourceError where the database cannot be reached or has no such table.
    """
    if location.format == "duckdb":
        return _attached(con, location)
    rows: Rows = SqliteRows(location) if location.format == "sqlite" else ServerRows(location)
    return Relation("", rows.columns, rows=rows)


def fetched(
    con: duckdb.DuckDBPyConnection,
    relation: Relation,
    wanted: Collection[str],
    name: str,
    most: int | None = None,
) -> Relation:
    """The relation, readable: rows that have to be fetched now stand in a temporary table `name`.

    Of these only the `wanted` columns are, and the first `most` rows. Whatever DuckDB reads itself
    is left as it is.
    """
    if relation.rows is None:
        return relation
    columns = [column for column in relation.columns if column in wanted]
    batches = relation.rows.batches(columns, most)
    picked = ", ".join(
        f"try_cast({quoted(c)} AS {batches.casts[c]}) AS {quoted(c)}"
        if c in batches.casts
        else quoted(c)
        for c in batches.schema.names
    )
    con.register(_BATCH, batches.schema.empty_table())
    con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {picked} FROM {_BATCH}")
    for batch in batches.arriving:
        con.register(_BATCH, pa.Table.from_batches([batch]))
        for column, dtype in batches.casts.items():
            _refuse_lost(con, column, dtype)
        con.execute(f"INSERT INTO {name} SELECT {picked} FROM {_BATCH}")
    con.unregister(_BATCH)
    types = {column: dtype for column, dtype, *_ in con.execute(f"DESCRIBE {name}").fetchall()}
    return Relation(name, types, rows=relation.rows, fetched=name)


def _refuse_lost(con: duckdb.DuckDBPyConnection, column: str, dtype: str) -> None:
    """SourceError where a text of the batch, but NaN and infinity, is none of `dtype`."""
    text = quoted(column)
    lost = con.execute(
        f"SELECT left({text}, 40) FROM {_BATCH} WHERE try_cast({text} AS {dtype}) IS NULL "
        f"AND NOT regexp_matches({text}, '(?i)^[-+]?(nan|inf(inity)?)$') LIMIT 1"
    ).fetchone()
    if lost:
        raise SourceError(
            "A column of numbers in a database must hold numbers of at most 28 digits before the "
            "point.",
            f"{lost[0]!r} in {column!r}",
            "name a view that casts it, for instance to numeric(18, 2)",
        )


def released(con: duckdb.DuckDBPyConnection, relations: Iterable[Relation]) -> None:
    """Let go of databases, and drop what was fetched from them."""
    for relation in relations:
        if relation.rows is not None:
            relation.rows.close()
            if relation.fetched:
                con.execute(f"DROP TABLE IF EXISTS {relation.fetched}")
        if relation.attached is not None:
            con.execute(f"DETACH DATABASE IF EXISTS {relation.attached}")


def _attached(con: duckdb.DuckDBPyConnection, location: Location) -> Relation:
    path = str(location.paths[0])
    # The same file may be asked twice in a query, and can be attached only once.
    alias = f"attached_{hashlib.sha256(path.encode()).hexdigest()[:12]}"
    try:
        con.execute(f"ATTACH IF NOT EXISTS {literal(path)} AS {alias} (READ_ONLY, TYPE duckdb)")
    except duckdb.Error as error:
        raise _unreadable(location, error) from error
    sql = ".".join(map(quoted, (alias, *location.table)))
    found = con.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = $1 UNION ALL "
        "SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = $1 "
        "AND NOT internal ORDER BY ALL",
        [alias],
    ).fetchall()
    known = {table if schema == "main" else f"{schema}.{table}" for schema, table in found}
    try:
        described = con.execute(f"DESCRIBE FROM {sql}").fetchall()
    except duckdb.Error as error:
        con.execute(f"DETACH DATABASE IF EXISTS {alias}")
        if ".".join(location.table).removeprefix("main.").lower() not in map(str.lower, known):
            raise no_table(location, known) from error
        raise _unreadable(location, error, "correct the view, or name a table") from error
    return Relation(sql, {name: dtype for name, dtype, *_ in described}, attached=alias)


def _unreadable(
    location: Location,
    error: duckdb.Error,
    remedy: str = "check that it is a DuckDB file, whole and of a version that this one reads",
) -> SourceError:
    message = str(error).strip().splitlines()[0].rstrip(".!")
    if "set lock" in message or "handle conflict" in message:
        remedy = "end the program that has it open for writing, or read a copy"
    return SourceError("A source must be readable.", f"{location.url}: {message}", remedy)
