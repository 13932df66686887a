"""A Parquet file whose columns say what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from training.whole import replacing


def write(frame: pd.DataFrame, meant: Mapping[str, str], file: Path) -> None:
    """Write `frame` without its index; each column's meaning is its field's `description`."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    fields = [f.with_metadata({"description": meant[f.name]}) for f in table.schema]
    with replacing(file) as staging:
        pq.write_table(table.cast(pa.schema(fields, metadata=table.schema.metadata)), staging)
