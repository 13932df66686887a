"""Sources as DuckDB sees them: one relation with its column names and types.

CSV is read as text throughout (casting is `features.cleaning`'s matter). Lines with a wrong number
of fields are set aside by DuckDB and come back from `malformed`; of stray quotation marks see
`features.quotes`.
"""

import codecs
import csv
import gzip
import io
import re
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import duckdb

from features import databases, quotes
from features.cleaning import literal, quoted
from features.errors import SourceError
from features.locations import Location
from features.relation import Relation, unreadable

__all__ = ["guess_delimiter", "header_of", "malformed", "pattern", "read"]

_BLOCK = 1 << 20
_ASIDE = "lines_set_aside"
_FILE = "#file"
#: What Hive and Spark write for null.
_NO_PARTITION = "__HIVE_DEFAULT_PARTITION__"
#: A line that is longer stops DuckDB where it stands in the head of a file.
_LONGEST_LINE = 2_000_000


def read(
    con: duckdb.DuckDBPyConnection, location: Location, delimiter: str | None = None
) -> Relation:
    """Open files without reading them whole; SourceError where they are empty or unreadable.

    Tables of databases are opened too; see `features.databases`.
    """
    if location.format not in ("csv", "parquet"):
        return databases.opened(con, location)
    copy, mark = None, None
    repeated: frozenset[str] = frozenset()
    if location.format == "csv":
        path = location.paths[0]
        try:
            encoding = encoding_of(path)
            header = header_of(path, encoding)
        except (OSError, EOFError, zlib.error) as error:  # a broken .gz
            raise unreadable(location.url, error) from error
        if not header.strip():
            raise SourceError("A source has a header and rows.", f"{location.url} is empty", _FILL)
        if "\0" in header:
            raise SourceError(
                "The text of a source is in UTF-8, Windows-1252, or UTF-16 with its mark.",
                f"NUL characters in the header of {location.url}",
                "save it as UTF-8",
            )
        try:
            mark = delimiter or guess_delimiter(header)
            repeated = _repeated(next(csv.reader([header], delimiter=mark)))
        except csv.Error as error:
            longest = f"{csv.field_size_limit():,}"
            raise SourceError(
                "The first line of a source names its columns.",
                f"{location.url}: a name there is longer than {longest} characters",
                _FILL,
            ) from error
        copy = _as_utf8(path) if encoding == "cp1252" else None
        coded = "utf-16" if encoding == "utf-16" else "utf-8"
        # Less strict, DuckDB also reads lines that end now in one way and now in another.
        ways = [_csv_sql(copy or path, mark, coded, strict) for strict in (True, False)]
    else:
        ways = [_parquet_sql(con, location)]
    for sql in ways:
        try:
            described = con.execute(f"DESCRIBE FROM {sql}").fetchall()
        except duckdb.Error as error:
            if sql == ways[-1]:
                problem = unreadable(location.url, error)
                if mark is not None and "sniffing" in str(error):
                    problem = _stray(location.url, copy or path, coded, mark) or problem
                elif mark is not None and "Maximum line size" in str(error):
                    problem = _too_long(location.url, copy or path, coded) or problem
                if copy is not None:
                    copy.unlink()
                raise problem from error
        else:
            break
    columns = {name: dtype for name, dtype, *_ in described}
    return Relation(sql, columns, copy, mark, repeated)


def _csv_sql(path: Path, mark: str, encoding: str, strict: bool) -> str:
    """header and all_varchar leave nothing for DuckDB to guess but the ends of lines."""
    options = {
        "delim": literal(mark),
        "quote": literal('"'),
        "escape": literal('"'),
        "encoding": literal(encoding),
        "header": "true",
        "all_varchar": "true",
        "strict_mode": str(strict).lower(),
        "store_rejects": "true",
        "rejects_table": literal(_ASIDE),
        "rejects_scan": literal(f"{_ASIDE}_scan"),
    }
    given = ", ".join(f"{key} = {value}" for key, value in options.items())
    return f"read_csv({literal(pattern(path))}, {given})"


def _parquet_sql(con: duckdb.DuckDBPyConnection, location: Location) -> str:
    """All files as one, with the partitions as text beside the columns, where these lack them.

    DuckDB's own hive_partitioning would hide a file's column of the same name, take names from
    above the folder, and refuse files that lie beside the partitions.
    """
    files = ", ".join(literal(pattern(path)) for path in location.paths)
    options = "union_by_name = true, hive_partitioning = false"
    plain = f"read_parquet([{files}], {options})"
    if not location.partitions:
        return plain
    try:
        described = con.execute(f"DESCRIBE FROM {plain}").fetchall()
    except duckdb.Error:
        return plain  # it is described once more, and refused
    own = {name.lower() for name, *_ in described}
    added = [
        f"{_partition(name, location.folder)} AS {quoted(name)}"
        for name in location.partitions
        if name.lower() not in own
    ]
    named = f"read_parquet([{files}], {options}, filename = {literal(_FILE)})"
    return f"(SELECT {', '.join([f'* EXCLUDE ({quoted(_FILE)})', *added])} FROM {named})"


def _partition(name: str, folder: Path | None) -> str:
    """SQL for what a file's path below the folder says of a partition, the last time; null where it
    says nothing.
    """
    above = re.escape(str(folder))
    told = literal(f"^{above}(?i).*[/\\\\]{re.escape(name)}=([^/\\\\]*)[/\\\\]")
    written = f"url_decode(regexp_extract({quoted(_FILE)}, {told}, 1))"
    return f"nullif(nullif({written}, ''), {literal(_NO_PARTITION)})"


def _stray(url: str, path: Path, encoding: str, mark: str) -> SourceError | None:
    """The error of a stray quotation mark, where that may be why a file is not understood."""
    with _opened(path) as file, io.TextIOWrapper(file, encoding, errors="replace") as lines:
        found = quotes.first_open(lines, mark)
    return quotes.stray(url, *found) if found else None


def _too_long(url: str, path: Path, encoding: str) -> SourceError | None:
    """The error of the first line that DuckDB finds too long."""
    with _opened(path) as file, io.TextIOWrapper(file, encoding, errors="replace") as lines:
        for row, line in enumerate(lines):
            if (size := len(line.encode())) > _LONGEST_LINE:
                return SourceError(
                    f"A row of a CSV file has at most {_LONGEST_LINE:,} bytes.",
                    f"{url}: row {row} has {size:,}" if row else f"{url}: the header has {size:,}",
                    "shorten the text in it, or leave that column out of the export",
                )
    return None


_FILL = "check the export that wrote it"


def malformed(
    con: duckdb.DuckDBPyConnection, url: str, relation: Relation
) -> list[tuple[int, str]]:
    """(row, text) of the lines that the last read, of this CSV file, set aside, and forget them.

    Rows are counted from 1 after the header. SourceError where a stray quotation mark made one line
    of many.
    """
    known = con.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE table_name = ?", [_ASIDE]
    ).fetchone()
    if not known or not known[0] or relation.delimiter is None:
        return []
    told = "bool_or(CAST(error_type AS VARCHAR) IN ('UNQUOTED VALUE', 'LINE SIZE OVER MAXIMUM'))"
    odd = "len(string_split(text, '\"')) % 2 = 0"
    rows = quotes.swallows("text", relation.delimiter, len(relation.columns))
    aside = (
        f"SELECT line - 1 AS row_number, any_value(csv_line) AS whole, {told} AS told, "
        f"trim(whole, chr(10) || chr(13)) AS text FROM {_ASIDE} GROUP BY line"
    )
    many = con.execute(
        f"SELECT row_number, left(text, 100) FROM ({aside}) WHERE contains(text, chr(10)) "
        f"AND (told OR {odd} OR {rows}) ORDER BY row_number LIMIT 1"
    ).fetchone()
    if many:
        raise quotes.stray(url, *many)
    lines = con.execute(f"SELECT row_number, whole FROM ({aside}) ORDER BY row_number").fetchall()
    con.execute(f"DROP TABLE {_ASIDE}; DROP TABLE {_ASIDE}_scan")
    return [(int(row), str(text)) for row, text in lines]


def encoding_of(path: Path) -> str:
    """utf-8 where the whole file is, utf-16 where its mark says so, otherwise cp1252."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for i, block in enumerate(_blocks(path)):
        if i == 0 and block[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
        try:
            decoder.decode(block)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


def _as_utf8(path: Path) -> Path:
    """A private copy in UTF-8 of a file in Windows-1252, which DuckDB cannot read."""
    handle, name = tempfile.mkstemp(suffix=".csv")
    with open(handle, "wb") as copy:
        for block in _blocks(path):
            copy.write(block.decode("cp1252", errors="replace").encode())
    return Path(name)


def header_of(path: Path, encoding: str) -> str:
    """The first line of a text file that is not empty, without its byte-order mark."""
    first = next(_blocks(path), b"").decode(encoding, errors="replace")
    return next((line for line in first.removeprefix("\ufeff").splitlines() if line.strip()), "")


def _repeated(names: list[str]) -> frozenset[str]:
    """The names that stand for two columns; of A and a, which are one to DuckDB, the second."""
    found = [name for i, name in enumerate(names) if name.lower() in map(str.lower, names[:i])]
    return frozenset(found)


def guess_delimiter(header: str) -> str:
    """The separator that cuts a header into the most columns; a comma where none does.

    >>> guess_delimiter('customer;"date, local";amount')
    ';'
    """
    cuts = {mark: len(next(csv.reader([header], delimiter=mark))) for mark in ",;\t|"}
    return max(cuts, key=lambda mark: cuts[mark])


def _blocks(path: Path) -> Iterator[bytes]:
    with _opened(path) as file:
        while block := file.read(_BLOCK):
            yield block


def _opened(path: Path) -> IO[bytes]:
    zipped = path.suffix.lower() == ".gz"
    return cast(IO[bytes], gzip.open(path) if zipped else path.open("rb"))


def pattern(path: Path) -> str:
    """A path that DuckDB does not take for a pattern."""
    return "".join(f"[{mark}]" if mark in "*?[" else mark for mark in str(path))
