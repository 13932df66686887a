"""A table of a database server or a warehouse, through Ibis, in Arrow batches.

Ibis brings the connection and the types; each kind of server needs its driver, an extra of ours
or of Ibis's. A password comes from the environment and is never shown.
"""

import os
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.common.exceptions import TableNotFound

from features.errors import SourceError
from features.ingestion.locations import Location, no_table
from features.ingestion.relation import Batches

_ROWS = 50_000
_PATIENCE = 10  # seconds for a server that does not answer
#: Ibis's name of a backend, and the extra of ours that brings its driver.
EXTRAS = {
    "postgres": "postgres",
    "postgresql": "postgres",
    "pyspark": "spark",
    "snowflake": "snowflake",
    "bigquery": "bigquery",
}


class ServerRows:
    """One table or view. SourceError where the server, its driver or the table is missing."""

    def __init__(self, location: Location) -> None:
        self.location = location
        self._secrets: list[str] = []
        self._backend = self._connected()
        *inside, name = location.table
        database = tuple(inside) if len(inside) > 1 else (inside[0] if inside else None)
        try:
            self._table: ir.Table = self._backend.table(name, database=database)
        except Exception as error:  # each driver has exceptions of its own
            known = self._known(database)
            self.close()
            if isinstance(error, TableNotFound) or (known and name not in known):
                spelt = {".".join((*inside, table)) for table in known}
                raise no_table(location, spelt) from None
            raise self._unreadable(error) from None
        self.columns = {name: str(dtype) for name, dtype in self._table.schema().items()}

    def batches(self, columns: Sequence[str], most: int | None = None) -> Batches:
        """The rows, of these columns alone, in the order in which the server gives them."""
        picked: dict[str, ir.Value] = {}
        casts = {}
        for column in columns:
            value = self._table[column]
            dtype = value.type()
            if dtype.is_decimal():
                # As text on the way: a server's NaN, and digits beyond 38, are no Arrow decimals.
                precision, scale = dtype.precision or 39, dtype.scale or 0
                casts[column] = f"DECIMAL({precision}, {scale})" if precision <= 38 else _DECIMAL
                value = value.cast("string")
            elif not _is_plain(dtype):
                value = value.cast("string")
            picked[column] = value
        asked = self._table.select(**picked)
        if most is not None:
            asked = asked.limit(most)
        return Batches(asked.schema().to_pyarrow(), self._arriving(asked), casts)

    def close(self) -> None:
        """End the connection."""
        self._backend.disconnect()

    def _arriving(self, asked: ir.Table) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._backend.to_pyarrow_batches(asked, chunk_size=_ROWS)
        except Exception as error:
            raise self._unreadable(error) from None

    def _connected(self) -> Any:
        address = re.sub(r"\$\{(\w+)\}", self._variable, self.location.server)
        scheme = address.partition("://")[0]
        if scheme.startswith("postgres") and "connect_timeout=" not in address:
            address += f"{'&' if '?' in address else '?'}connect_timeout={_PATIENCE}"
        try:
            return ibis.connect(address)
        except ImportError as error:
            package = "coterie" if scheme in EXTRAS else "ibis-framework"
            raise SourceError(
                f"Reading from {scheme}:// needs its driver.",
                self._first_line(error),
                f"install it: pip install '{package}[{EXTRAS.get(scheme, scheme)}]'",
            ) from None
        except Exception as error:  # each driver has exceptions of its own
            own = "PGPASSWORD or ~/.pgpass" if scheme.startswith("postgres") else "${NAME} in it"
            raise SourceError(
                "A source's database must be reachable.",
                f"{self.location.url}: {self._first_line(error)}",
                f"check the address and that the server runs; a password comes from {own}",
            ) from None

    def _variable(self, found: re.Match[str]) -> str:
        value = os.environ.get(found[1])
        if not value:
            raise SourceError(
                "A variable in a source's address must be set in the environment.",
                f"{self.location.url}: no {found[1]}",
                f"set {found[1]} before the run",
            )
        self._secrets += [value, quote(value, safe="")]
        return quote(value, safe="")

    def _known(self, database: Any) -> set[str]:
        try:
            return set(self._backend.list_tables(database=database))
        except Exception:  # no such schema: nothing is known
            return set()

    def _unreadable(self, error: Exception) -> SourceError:
        return SourceError(
            "A source must be readable.",
            f"{self.location.url}: {self._first_line(error)}",
            "correct that in the database, or name a view that leaves it out",
        )

    def _first_line(self, error: Exception) -> str:
        lines = str(error).strip().splitlines()
        message = lines[0].rstrip(".") if lines else type(error).__name__
        for secret in self._secrets:
            message = message.replace(secret, "***")
        return message


#: For decimals without limits of their own: 28 digits before the point, 10 behind it.
_DECIMAL = "DECIMAL(38, 10)"


def _is_plain(dtype: Any) -> bool:
    return bool(
        dtype.is_string()
        or dtype.is_integer()
        or dtype.is_floating()
        or dtype.is_boolean()
        or dtype.is_date()
        or dtype.is_timestamp()
        or dtype.is_binary()
    )
