"""A table of a SQLite file, read-only, in Arrow batches.

SQLite keeps a type with each value, not with a column. So a column is what its values are: whole
numbers, numbers, or else text; declared BOOLEAN, zeros and ones are false and true.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from features.errors import SourceError
from features.ingestion.cleaning import quoted
from features.ingestion.locations import Location, no_table
from features.ingestion.relation import Batches

_ROWS = 50_000
_PATIENCE = 5  # seconds for whoever is writing
_EXACT = 2**53
_KINDS = ("integer", "real", "text", "blob")


class SqliteRows:
    """One table or view. SourceError where the file is no database, locked, or lacks the table."""

    def __init__(self, location: Location) -> None:
        self.location = location
        address = f"{location.paths[0].absolute().as_uri()}?mode=ro"
        try:
            self._con = sqlite3.connect(address, uri=True, timeout=_PATIENCE, isolation_level=None)
            self._con.text_factory = bytes  # decoded by Arrow, a column at a time
            self._con.execute("BEGIN")  # types and rows are of one state of the file
            found = self._con.execute(
                "SELECT name, type FROM pragma_table_info(?)", [location.table[-1]]
            ).fetchall()
            tables = self._con.execute(
                "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
            ).fetchall()
        except sqlite3.Error as error:
            self.close()
            raise self._unreadable(error) from error
        if not found or len(location.table) > 1:
            self.close()
            raise no_table(location, {_text(name) for (name,) in tables})
        self.columns = {_text(name): _text(declared) for name, declared in found}

    def batches(self, columns: Sequence[str], most: int | None = None) -> Batches:
        """The rows, of these columns alone; a column that is null throughout is text."""
        table, names = quoted(self.location.table[-1]), [quoted(column) for column in columns]
        if most is not None:
            table = f"(SELECT * FROM {table} LIMIT {most})"
        kinds = [f"max(typeof({name}) = '{kind}')" for name in names for kind in _KINDS]
        switches = [f"max({name} NOT IN (0, 1))" for name in names]
        large = [f"max(typeof({n}) = 'integer' AND abs({n}) > {_EXACT})" for n in names]
        asked = ", ".join(kinds + switches + large)
        try:
            (found,) = self._con.execute(f"SELECT {asked} FROM {table}")
            rows = self._con.execute(f"SELECT {', '.join(names)} FROM {table}")
        except sqlite3.Error as error:
            raise self._unreadable(error) from error
        fields = []
        for i, column in enumerate(columns):
            seen = found[i * len(_KINDS) : (i + 1) * len(_KINDS)]
            kind = {name for name, there in zip(_KINDS, seen, strict=True) if there}
            declared = self.columns[column].upper().startswith("BOOL")
            switch = declared and not found[len(kinds) + i]
            exact = not found[len(kinds) + len(names) + i]
            fields.append(pa.field(column, _type_of(kind, switch, exact)))
        schema = pa.schema(fields)
        return Batches(schema, self._arriving(rows, schema))

    def close(self) -> None:
        """End the connection, if there is one."""
        if hasattr(self, "_con"):
            self._con.close()

    def _arriving(self, rows: sqlite3.Cursor, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        try:
            while some := rows.fetchmany(_ROWS):
                columns = zip(*some, strict=True)
                yield pa.record_batch(
                    [_array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema
                )
        except sqlite3.Error as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: sqlite3.Error) -> SourceError:
        remedy = "check that it is a SQLite file, whole and of the right name"
        if "locked" in str(error):
            remedy = "wait until the program that writes to it is done, or read a copy"
        return SourceError("A source must be readable.", f"{self.location.url}: {error}", remedy)


def _type_of(kinds: set[str], switch: bool, exact: bool) -> pa.DataType:
    """`exact`: whether every whole number is itself as a float, too."""
    if "blob" in kinds:
        return pa.binary()
    if kinds == {"integer"}:
        return pa.bool_() if switch else pa.int64()
    numbers = exact and kinds and kinds <= {"integer", "real"}
    return pa.float64() if numbers else pa.string()


def _array(values: Sequence[Any], dtype: pa.DataType) -> pa.Array:
    if dtype == pa.bool_():
        return pa.array([None if v is None else v == 1 for v in values], dtype)
    if dtype in (pa.string(), pa.binary()):  # among texts, a number is what it looks like
        plain = [v if v is None or isinstance(v, bytes) else repr(v).encode() for v in values]
        try:
            return pa.array(plain, dtype)
        except pa.ArrowInvalid:
            return pa.array([None if v is None else _text(v) for v in plain], dtype)
    return pa.array(values, dtype)


def _text(raw: bytes) -> str:
    """Text as files are read: UTF-8, or Windows-1252 where it is not."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")
