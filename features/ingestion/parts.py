"""Which file of a folder a row came from: a source's rows are numbered over all of its files."""

import itertools
from bisect import bisect_left
from collections.abc import Sequence

import duckdb

from features.ingestion.cleaning import literal
from features.ingestion.locations import Location
from features.ingestion.reading import pattern

PLACE_COLUMNS = ["file", "row_in_file"]


def places(
    con: duckdb.DuckDBPyConnection, location: Location, rows: Sequence[int]
) -> list[tuple[str | None, int | None]]:
    """Each row's file, relative to the folder, and its number there, from 1.

    None and None where the source is no folder.
    """
    if location.folder is None or not rows:
        return [(None, None)] * len(rows)
    files = ", ".join(literal(pattern(path)) for path in location.paths)
    sizes = dict(
        con.execute(f"SELECT file_name, num_rows FROM parquet_file_metadata([{files}])").fetchall()
    )
    ends = [*itertools.accumulate(sizes[str(path)] for path in location.paths)]
    found: list[tuple[str | None, int | None]] = []
    for row in rows:
        i = bisect_left(ends, row)
        name = location.paths[i].relative_to(location.folder).as_posix()
        found.append((name, row - (ends[i - 1] if i else 0)))
    return found
