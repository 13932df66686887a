"""A source as DuckDB sees it before its rows are read: what stands after FROM, and the columns."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import duckdb
import pyarrow as pa

from features.errors import SourceError

_LONGEST = 300


@dataclass(frozen=True)
class Batches:
    """Rows of a database on their way: Arrow batches of one schema, in the order delivered.

    `casts` names the DuckDB types of columns that come as text but are none.
    """

    schema: pa.Schema
    arriving: Iterator[pa.RecordBatch]
    casts: dict[str, str] = field(default_factory=dict)


class Rows(Protocol):
    """A table of a database that DuckDB cannot open itself; its rows have to be fetched."""

    columns: dict[str, str]

    def batches(self, columns: Sequence[str], most: int | None = None) -> Batches:
        """The rows, or so many of them at most, of these columns alone."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


@dataclass(frozen=True)
class Relation:
    """What stands after FROM, and the columns that it has (name to type)."""

    sql: str
    columns: dict[str, str]
    # What is read in place of a file, and goes when the relation goes.
    copy: object = None
    # How a CSV file was cut into columns.
    delimiter: str | None = None
    # Names that a CSV file's header has more than once: DuckDB gives all but the first another.
    repeated: frozenset[str] = frozenset()
    # Columns whose values cannot be read as they were meant, and why.
    unusable: Mapping[str, str] = field(default_factory=dict)
    # What `ingestion.databases.fetched` has to fetch before `sql` can be read, and the temporary
    # table that it stands in then.
    rows: Rows | None = None
    fetched: str | None = None
    # The name by which a DuckDB file is attached.
    attached: str | None = None
    # A word, as it was read, of a CSV file whose encoding was taken for granted.
    assumed: str | None = None


def unreadable(url: str, error: Exception) -> SourceError:
    """The error of a file that DuckDB cannot read, with what its message says before advice.

    What does not fit into the memory is not the file's fault.
    """
    message = ". ".join(_told(str(error)))
    if isinstance(error, duckdb.OutOfMemoryException):
        return SourceError(
            "A source must fit through the memory that the database may take.",
            f"{url}: {message}",
            "raise experiment.memory or leave it out, or set experiment.threads = 1",
        )
    return SourceError(
        "A source must be readable.", f"{url}: {message}", "check the export that wrote it"
    )


def _told(message: str) -> list[str]:
    """The lines of DuckDB's message up to its lists and advice; the line of a CSV file that it
    repeats may be megabytes, and the number that it gives of it counts from anywhere.
    """
    lines = message.strip().splitlines()
    paragraph = list(itertools.takewhile(str.strip, lines))
    told = []
    for line in paragraph:
        if line.endswith(":") or line.startswith("Possible "):
            break
        if not line.startswith("Original Line"):
            told.append(line.strip().rstrip(".!")[:_LONGEST])
    return told[1:] if len(told) > 1 and "CSV Error on Line" in told[0] else told
