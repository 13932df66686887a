"""Sources as DuckDB sees them: one relation with its column names and types.

CSV is read as text throughout (casting is `ingestion.cleaning`'s matter). Lines with a wrong number
of fields are set aside by DuckDB and come back from `malformed`; of stray quotation marks see
`ingestion.quotes`, of other encodings than UTF-8 `ingestion.encoding`.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from features.errors import SourceError
from features.ingestion import databases, encoding, quotes
from features.ingestion.cleaning import literal, quoted
from features.ingestion.locations import Location
from features.ingestion.relation import Relation, unreadable
from features.settings.experiment import Format

_ASIDE = "lines_set_aside"
_FILE = "#file"
#: What Hive and Spark write for null.
_NO_PARTITION = "__HIVE_DEFAULT_PARTITION__"
#: A line that is longer stops DuckDB where it stands in the head of a file.
_LONGEST_LINE = 2_000_000
#: DuckDB reads longer decimals as something else.
_MOST_DIGITS = 38


def read(
    con: duckdb.DuckDBPyConnection, location: Location, form: Format | None = None
) -> Relation:
    """Open files without reading them whole; SourceError where they are empty or unreadable.

    Tables of databases are opened too; see `ingestion.databases`. Of `form`, delimiter and encoding
    are asked.
    """
    form = form or Format()
    if location.format == "csv":
        text = encoding.decoded(location.paths[0], location.url, form.encoding)
        return _csv(con, location.url, text, form.delimiter)
    if form.encoding is not None:
        raise SourceError(
            "Only a CSV file has an encoding that can be named.",
            f"{location.url} with encoding = {form.encoding!r}",
            "remove encoding",
        )
    if location.format != "parquet":
        return databases.opened(con, location)
    sql = _parquet_sql(con, location)
    try:
        columns = _columns(con, sql)
        unusable, instants = _written(con, location, columns)
    except duckdb.Error as error:
        raise unreadable(location.url, error) from error
    if instants:
        zoned = ", ".join(f"{quoted(c)} AT TIME ZONE 'UTC' AS {quoted(c)}" for c in instants)
        sql = f"(SELECT * REPLACE ({zoned}) FROM {sql})"
        columns |= dict.fromkeys(instants, "TIMESTAMP WITH TIME ZONE")
    return Relation(sql, columns, unusable=unusable)


def _csv(
    con: duckdb.DuckDBPyConnection, url: str, text: encoding.Decoded, delimiter: str | None
) -> Relation:
    header = _header(text, url)
    if not header.strip():
        raise SourceError("A source has a header and rows.", f"{url} is empty", _FILL)
    if "\0" in header:
        raise SourceError(
            "The text of a source is in UTF-8, Windows-1252, or UTF-16 with its mark, unless its "
            "encoding is named.",
            f"NUL characters in the header of {url}",
            'save it as UTF-8, or write for instance encoding = "utf-16-le"',
        )
    try:
        mark = delimiter or guess_delimiter(header)
        names = next(csv.reader([header], delimiter=mark))
    except csv.Error as error:
        longest = f"{csv.field_size_limit():,}"
        raise SourceError(
            "The first line of a source names its columns.",
            f"{url}: a name there is longer than {longest} characters",
            _FILL,
        ) from error
    try:
        sql = _csv_sql(text, mark)
        columns = _columns(con, sql)
    except duckdb.Error as error:
        if "Maximum line size" in str(error):
            raise (_too_long(url, text) or unreadable(url, error)) from error
        # Lines that end now in one way and now in another, or marks in its head that DuckDB does
        # not understand. Less strict it would read both, cut rows with too many fields, and take
        # what lies between two stray marks for one value; told the columns it sets rows aside.
        text = encoding.lines_alike(text, url)
        columns = dict.fromkeys(_unlike(names), "VARCHAR")
        sql = _csv_sql(text, mark, columns)
    return Relation(sql, columns, text, mark, _repeated(names), assumed=text.assumed)


def _columns(con: duckdb.DuckDBPyConnection, sql: str) -> dict[str, str]:
    described = con.execute(f"DESCRIBE FROM {sql}").fetchall()
    return {name: dtype for name, dtype, *_ in described}


def _csv_sql(text: encoding.Decoded, mark: str, columns: Mapping[str, str] | None = None) -> str:
    """header and all_varchar leave nothing for DuckDB to guess but the ends of lines; with the
    `columns` told, nothing at all.
    """
    options = {
        "delim": literal(mark),
        "quote": literal('"'),
        "escape": literal('"'),
        "encoding": literal(text.encoding),
        "header": "true",
        "strict_mode": "true",
        "store_rejects": "true",
        "rejects_table": literal(_ASIDE),
        "rejects_scan": literal(f"{_ASIDE}_scan"),
    }
    if columns is None:
        options["all_varchar"] = "true"
    else:
        listed = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in columns.items())
        options |= {"auto_detect": "false", "columns": f"{{{listed}}}", "new_line": r"'\n'"}
    given = ", ".join(f"{key} = {value}" for key, value in options.items())
    return f"read_csv({literal(pattern(text.path))}, {given})"


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


def _written(
    con: duckdb.DuckDBPyConnection, location: Location, columns: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """Why columns of Parquet files cannot be read as they were written, and which of them hold
    moments of the type INT96, which Spark and Hive write in UTC and DuckDB takes for wall clocks.
    """
    files = ", ".join(literal(pattern(path)) for path in location.paths)
    found = con.execute(
        "SELECT name, bool_or(type = 'INT96') AS old, "
        "bool_or(type = 'INT96' OR logical_type LIKE 'TimestampType%UTC=1%') AS zoned, "
        "bool_or(logical_type LIKE 'TimestampType%UTC=0%') AS naive, max(precision) AS digits "
        f"FROM parquet_schema([{files}]) GROUP BY name"
    ).fetchall()
    unusable, instants = {}, []
    for name, old, zoned, naive, digits in found:
        if zoned and naive:
            unusable[name] = "moments in UTC in one file, without a zone in another"
        elif digits is not None and digits > _MOST_DIGITS:
            unusable[name] = f"decimal numbers of {digits} digits, and {_MOST_DIGITS} can be read"
        elif old and columns.get(name) == "TIMESTAMP":
            instants.append(name)
    return unusable, instants


def _partition(name: str, folder: Path | None) -> str:
    """SQL for what a file's path below the folder says of a partition, the last time; null where it
    says nothing.
    """
    above = re.escape(str(folder))
    told = literal(f"^{above}(?i).*[/\\\\]{re.escape(name)}=([^/\\\\]*)[/\\\\]")
    written = f"url_decode(regexp_extract({quoted(_FILE)}, {told}, 1))"
    return f"nullif(nullif({written}, ''), {literal(_NO_PARTITION)})"


def _stray(url: str, text: encoding.Decoded, mark: str) -> SourceError | None:
    """The error of a stray quotation mark, where that may be why a file is not understood."""
    with _lines(text) as lines:
        found = quotes.first_open(lines, mark)
    return quotes.stray(url, *found) if found else None


def _too_long(url: str, text: encoding.Decoded) -> SourceError | None:
    """The error of the first line that DuckDB finds too long."""
    with _lines(text) as lines:
        for row, line in enumerate(lines):
            if (size := len(line.encode())) > _LONGEST_LINE:
                return SourceError(
                    f"A row of a CSV file has at most {_LONGEST_LINE:,} bytes.",
                    f"{url}: row {row} has {size:,}" if row else f"{url}: the header has {size:,}",
                    "shorten the text in it, or leave that column out of the export",
                )
    return None


def _lines(text: encoding.Decoded) -> io.TextIOWrapper:
    return io.TextIOWrapper(encoding.opened(text.path), text.encoding, errors="replace")


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


def _header(text: encoding.Decoded, url: str) -> str:
    """The first line of a text file that is not empty, without its byte-order mark."""
    block = next(encoding.blocks(text.path, url), b"")
    first = block.decode(text.encoding, errors="replace")
    return next((line for line in first.removeprefix("\ufeff").splitlines() if line.strip()), "")


def _repeated(names: list[str]) -> frozenset[str]:
    """The names that stand for two columns; of A and a, which are one to DuckDB, the second."""
    found = [name for i, name in enumerate(names) if name.lower() in map(str.lower, names[:i])]
    return frozenset(found)


def _unlike(names: Sequence[str]) -> list[str]:
    """Names for columns, no two alike: what stands for two has a number, as DuckDB gives it.

    >>> _unlike(["a", "b", "A", ""])
    ['a', 'b', 'A_1', 'column3']
    """
    made: list[str] = []
    for place, name in enumerate(names):
        stem = name.strip() or f"column{place}"
        unlike, count = stem, 0
        while unlike.lower() in map(str.lower, made):
            count += 1
            unlike = f"{stem}_{count}"
        made.append(unlike)
    return made


def guess_delimiter(header: str) -> str:
    """The separator that cuts a header into the most columns; a comma where none does.

    >>> guess_delimiter('customer;"date, local";amount')
    ';'
    """
    cuts = {mark: len(next(csv.reader([header], delimiter=mark))) for mark in ",;\t|"}
    return max(cuts, key=lambda mark: cuts[mark])


def pattern(path: Path) -> str:
    """A path that DuckDB does not take for a pattern."""
    return "".join(f"[{mark}]" if mark in "*?[" else mark for mark in str(path))
