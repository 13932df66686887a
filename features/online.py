"""The feature expression compiled once to SQL and run on a request's own rows, in process."""

from __future__ import annotations

import duckdb
import ibis
import pyarrow as pa

from features.snapshot import feature_table
from features.spec import FeatureSpec


class OnlineFeatures:
    """Features of a few customers from their own raw rows, by the training's expression.

    Compiling takes a good second and happens once; a call costs milliseconds. One instance
    serves one thread at a time.
    """

    def __init__(self, spec: FeatureSpec) -> None:
        self.spec = spec
        expression = feature_table(spec)
        self.sql = ibis.to_sql(expression, dialect="duckdb")
        self._schema = expression.schema().to_pyarrow()
        self._connection = duckdb.connect(":memory:", config={"threads": 1})

    def __call__(
        self, orders: pa.Table, events: pa.Table, attributes: pa.Table, spine: pa.Table
    ) -> pa.Table:
        """Features of `spine`'s rows, in its order; schemas as in `features.schema`."""
        given = {"orders": orders, "events": events, "attributes": attributes}
        numbered = spine.append_column("row", pa.array(range(len(spine)), pa.int64()))
        for name, table in {**given, "spine": spine, "numbered": numbered}.items():
            self._connection.register(name, table)
        table = self._connection.execute(
            f"SELECT f.*, n.row FROM ({self.sql}) f "
            "JOIN numbered n USING (customer_id, as_of) ORDER BY n.row"
        ).to_arrow_table()
        # DuckDB's sums of whole numbers are wider than the catalog's int64.
        return table.drop_columns(["row"]).cast(self._schema)
