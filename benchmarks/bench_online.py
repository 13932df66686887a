"""Features of a request: the plan that is kept beside planning each time, one thread.

    python benchmarks/bench_online.py --out online.md

One customer with about 500 lines, and 200 customers in one call, at the demo's whole catalog: the
processor's milliseconds of the middle call of many (one thread: on an idle machine they are the
milliseconds of the clock). Python's collector is set as the service sets it.
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import ibis
import pandas as pd
import pyarrow as pa

from features import discovery, sources
from features.online import OnlineFeatures
from features.schema import ATTRIBUTES, EVENTS, ORDERS, SPINE
from features.settings import config
from features.snapshot import feature_table

AS_OF = pd.Timestamp("2017-12-01")
DEMO = Path(__file__).resolve().parent.parent / "mlflow" / "experiments" / "complete_journey.toml"


def request(con: duckdb.DuckDBPyConnection, customers: list[str]) -> list[pa.Table]:
    """Their own raw rows before `AS_OF`, and the spine."""
    con.register("asked", pa.table({"customer_id": customers}))
    made = []
    for name, schema in (("orders", ORDERS), ("events", EVENTS), ("attributes", ATTRIBUTES)):
        when = "" if name == "attributes" else f"WHERE moment < TIMESTAMP '{AS_OF}'"
        rows = con.execute(f"FROM {name} SEMI JOIN asked USING (customer_id) {when}")
        made.append(rows.to_arrow_table().select(schema.names).cast(schema))
    rows = [{"customer_id": who, "as_of": AS_OF} for who in customers]
    return [*made, pa.Table.from_pylist(rows, SPINE)]


def middle(call: Callable, times: int) -> float:
    """Milliseconds."""
    call()
    took = []
    for _ in range(times):
        begun = time.process_time()
        call()
        took.append(1000 * (time.process_time() - begun))
    return statistics.median(took)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=60, help="calls of each kind")
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    given = parser.parse_args()
    experiment = config.load(DEMO)
    read = sources.load(experiment)
    spec = discovery.everything(read, experiment)
    con = read.connection.con
    lines = con.execute(
        f"SELECT customer_id, count(*) AS n FROM orders WHERE moment < TIMESTAMP '{AS_OF}' "
        "GROUP BY ALL ORDER BY abs(n - 500), customer_id"
    ).fetchall()
    asked = {"one customer": [lines[0][0]]}
    asked["200 customers"] = random.Random(7).sample([who for who, _ in lines], 200)
    kept = OnlineFeatures(spec)
    fresh = duckdb.connect(config={"threads": 1})
    sql = ibis.to_sql(feature_table(spec), "duckdb")

    def planned_anew(tables: list[pa.Table]) -> pa.Table:
        for name, table in zip(("orders", "events", "attributes", "spine"), tables, strict=True):
            fresh.register(name, table)
        return fresh.execute(sql).to_arrow_table()

    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    rows = ["| | order lines | features | plan kept: ms | planned each time: ms |",
            "|---|---:|---:|---:|---:|"]  # fmt: skip
    for what, who in asked.items():
        tables = request(con, who)
        times = given.times if len(who) == 1 else max(5, given.times // 5)
        figures = [middle(lambda: call(tables), times)  # noqa: B023 - called at once
                   for call in (lambda t: kept(*t), planned_anew)]  # fmt: skip
        count = len(feature_table(spec).columns) - 2
        rows.append(
            f"| {what} | {len(tables[0]):,} | {count} | {figures[0]:.1f} | {figures[1]:.1f} |"
        )
    text = "\n".join(rows)
    print(text)
    if given.out:
        given.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
