"""Customer ids that were merged later, each followed to the customer it stands for today."""

from collections.abc import Iterable, Mapping

import duckdb
import pyarrow as pa

from features.errors import SourceError
from features.ingestion.cleaning import quoted

# No column of a source is called so: "#" stands before names of ours beside theirs.
_TABLE, _OLD, _NEW = map(quoted, ("#aliases", "#old", "#new"))
_PAIRS = pa.schema([("old", pa.string()), ("new", pa.string())])


def survivors(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Old ids and the one id that each has in the end, through all merges between.

    An id that becomes itself is no alias. Raises SourceError where an id becomes two others, and
    where ids become each other in a circle.

    >>> survivors([("a", "b"), ("b", "c"), ("c", "c")])
    {'a': 'c', 'b': 'c'}
    """
    merged: dict[str, str] = {}
    for old, new in pairs:
        if old == new:
            continue
        if merged.setdefault(old, new) != new:
            raise SourceError(
                "aliases: an id becomes one other id.",
                f"{old!r} becomes {merged[old]!r} and {new!r}",
                "keep the row that holds",
            )
    last: dict[str, str] = {}
    for start in merged:
        path: dict[str, None] = {}  # a set in order
        at = start
        while at in merged and at not in last:
            if at in path:
                circle = [*path][[*path].index(at) :]
                raise SourceError(
                    "aliases: ids must not become each other in a circle.",
                    " -> ".join(map(repr, [*circle, at])),
                    "remove the row that does not hold",
                )
            path[at] = None
            at = merged[at]
        last |= dict.fromkeys(path, last.get(at, at))
    return last


def remember(con: duckdb.DuckDBPyConnection, merged: Mapping[str, str]) -> None:
    """Put the survivors where `today` finds them, until `forget`."""
    con.register("pairs", pa.table({"old": [*merged], "new": [*merged.values()]}, _PAIRS))
    con.execute(f"CREATE TEMP TABLE {_TABLE} AS SELECT old AS {_OLD}, new AS {_NEW} FROM pairs")
    con.unregister("pairs")


def today(own: str) -> str:
    """SQL for the id that a customer has today; `own` is SQL for the id that a row has."""
    return f"coalesce((SELECT {_NEW} FROM {_TABLE} WHERE {_OLD} = {own}), {own})"


def forget(con: duckdb.DuckDBPyConnection) -> None:
    """Drop what `remember` put there, if anything."""
    con.execute(f"DROP TABLE IF EXISTS {_TABLE}")
