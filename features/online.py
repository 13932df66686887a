"""The feature expression planned once and run on a request's own rows, in process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import ibis
import pyarrow as pa

from features.asof import KEYS
from features.schema import SCHEMAS, SPINE
from features.snapshot import feature_table
from features.spec import FeatureSpec

#: Rules of DuckDB's optimizer that plan for the rows at hand. Of a plan that is kept they would
#: make a wrong one: values of the first request's range, or no rows at all, for ever after.
FOR_THESE_ROWS_ONLY = (
    "statistics_propagation",
    "compressed_materialization",
    "empty_result_pullup",
)
#: Rules that set up more than they save where rows are few.
FOR_MANY_ROWS = ("common_subexpressions", "build_side_probe_side", "join_filter_pushdown")


class _Slot:
    """A table that DuckDB scans by name, and that another takes the place of."""

    def __init__(self, schema: pa.Schema) -> None:
        self.table = schema.empty_table()

    def __arrow_c_schema__(self) -> Any:
        return self.table.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.table.__arrow_c_stream__(requested_schema)


class OnlineFeatures:
    """Features of a few customers from their own raw rows, by the training's expression.

    Planning takes a good second and happens once; a call costs milliseconds. One instance
    serves one thread at a time.
    """

    def __init__(self, spec: FeatureSpec) -> None:
        self.spec = spec
        expression = feature_table(spec)
        self._schema = expression.schema().to_pyarrow()
        self._slots = {name: _Slot(schema) for name, schema in (SCHEMAS | {"spine": SPINE}).items()}
        self._connection = duckdb.connect(":memory:", config={"threads": 1})
        for name, slot in self._slots.items():
            self._connection.register(f"given_{name}", slot)
        without = ",".join((*FOR_THESE_ROWS_ONLY, *FOR_MANY_ROWS))
        self._connection.execute(f"SET disabled_optimizers = '{without}'")
        # Every scan of an Arrow stream starts a reader of its own: so each table is read once.
        once = ", ".join(f"{name} AS MATERIALIZED (FROM given_{name})" for name in self._slots)
        sql = f"WITH {once} FROM ({ibis.to_sql(expression, 'duckdb')})"
        self._connection.execute(f"PREPARE features AS {sql}")

    def __call__(
        self, orders: pa.Table, events: pa.Table, attributes: pa.Table, spine: pa.Table
    ) -> pa.Table:
        """Features of `spine`'s rows, in its order; schemas as in `features.schema`."""
        given = {"orders": orders, "events": events, "attributes": attributes, "spine": spine}
        for name, table in given.items():
            slot = self._slots[name]
            # By name: a stream that is kept has its columns in the order of the first.
            slot.table = table.select(slot.table.schema.names).cast(slot.table.schema)
        made = self._connection.execute("EXECUTE features").to_arrow_reader().read_all()
        # DuckDB's sums of whole numbers are wider than the catalog's int64.
        columns = [
            column if column.type == field.type else column.cast(field.type)
            for column, field in zip(made.columns, self._schema, strict=True)
        ]
        table = pa.Table.from_arrays(columns, schema=self._schema)
        found, asked = list(_keys(table)), list(_keys(spine))
        if found == asked:
            return table
        place = {key: i for i, key in enumerate(found)}
        return table.take(pa.array([place[key] for key in asked], pa.int64()))


def _keys(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    return zip(*(table[key].to_pylist() for key in KEYS), strict=True)
