"""The feature pipeline beside pandas, DuckDB SQL and Polars: the same 60 features, three sizes.

    python benchmarks/bench_features.py --sizes 1 10 100 --out features.md

The demo's order lines are multiplied (customers and orders get ids of their own). Every contestant
is a process of its own; its seconds are those after its imports, its memory is the peak of the
whole process (Linux tells it as VmHWM). A contestant that passes the memory limit is ended, and
that is its result. All values are compared with ours before a table is printed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

AS_OF = dt.datetime(2018, 1, 1)  # now: after the last line
MANY = tuple(AS_OF - dt.timedelta(days=28 * i) for i in range(9))
CATEGORIES = 5
THREADS = 2
#: How a contestant is called, and what is said of it.
CONTESTANTS = {
    "coterie": "Coterie, these 60",
    "coterie-whole": "Coterie, its whole catalog",
    "coterie-many": "Coterie, these 60 at 9 cut-offs",
    "coterie-file": "Coterie, these 60, reading and judging the file first",
    "duckdb": "DuckDB SQL by hand",
    "polars": "Polars by hand",
    "pandas": "pandas by hand",
}


# ------------------------------------------------------------------------------ the contestants


def _ours(path: str, categories: list[str], memory: str, how: str):
    import pandas as pd

    from features import catalog, engine
    from features.schema import ATTRIBUTES, EVENTS
    from features.snapshot import snapshot
    from features.spec import FeatureSpec
    from features.spine import customers_known

    backend = engine.connect(memory, THREADS)
    if how == "coterie-file":
        backend = _loaded(path, memory)
    else:
        backend.con.execute(f"CREATE VIEW orders AS FROM read_parquet('{path}')")
        for name, schema in (("events", EVENTS), ("attributes", ATTRIBUTES)):
            backend.con.register(name, schema.empty_table())
    spec = FeatureSpec(present=("category", "quantity", "discount"), categories=tuple(categories))
    cutoffs = [pd.Timestamp(at) for at in (MANY if how == "coterie-many" else (AS_OF,))]
    spine = customers_known(backend, cutoffs)
    if how == "coterie-whole":
        spec = FeatureSpec(**{**vars(spec), "present": (*spec.present, "brand")})
        return snapshot(backend, spec, spine)
    names = [feature.name for feature in catalog.features(spec)]
    left_out = _left_out(names)
    return snapshot(backend, spec, spine, columns=[name for name in names if name not in left_out])


def _left_out(columns) -> set[str]:
    """What the rivals do not compute: stages, loyalty, diversity, single weekdays and quarters."""
    extra = {"stage", "silence", "days_in_stage", "category_loyalty", "category_diversity"}
    calendar = {c for c in columns if c.endswith("day_share") or c.startswith("quarter")}
    return extra | calendar


def _loaded(path: str, memory: str):
    """The canonical tables by way of an experiment file: read, judged, counted."""
    from features import sources
    from features.settings import config

    text = f"""
[experiment]
name = "benchmark"
currency = "USD"
horizon_days = 30
memory = "{memory}"
threads = {THREADS}
[orders]
url = "{path}"
[orders.columns]
customer_id = "customer_id"
moment = "moment"
amount = "amount"
order_id = "order_id"
category = "category"
quantity = "quantity"
discount = ["discount"]
"""
    return sources.load(config.parse(text, Path(path))).connection


def _contest(who: str, path: str, categories: list[str], memory: str, answer: str | None) -> None:
    """One contestant, in its own process: prints its seconds and peak MiB, keeps its values."""
    import numpy as np  # noqa: F401 - what everybody imports is not counted
    import pandas as pd  # noqa: F401
    import pyarrow as pa  # noqa: F401

    if who.startswith("coterie"):
        import ibis.backends.duckdb  # noqa: F401 - which Ibis would import when first asked
        import pyarrow.dataset  # noqa: F401 - as DuckDB would when first given a table

        from features.settings import config  # noqa: F401

        run: Callable = lambda: _ours(path, categories, memory, who)  # noqa: E731
    else:
        import hand_written

        __import__(who)
        method = getattr(hand_written, f"with_{who}")
        run = lambda: method(path, AS_OF, categories, THREADS)  # noqa: E731
    begun, worked = time.perf_counter(), time.process_time()
    frame = run()
    seconds, cpu = time.perf_counter() - begun, time.process_time() - worked
    status = Path("/proc/self/status").read_text().split()
    peak = int(status[status.index("VmHWM:") + 1]) / 1024
    if answer:
        frame.to_parquet(answer)
    print(json.dumps({
        "seconds": seconds, "cpu": cpu, "peak": peak, "rows": len(frame),
        "columns": frame.shape[1] - ("as_of" in frame) - 1,
    }))  # fmt: skip


# ------------------------------------------------------------------------------ the run


def make(folder: Path, size: int) -> Path:
    """The order lines, `size` times over, as one Parquet file; made once."""
    import duckdb

    path, one = folder / f"lines_x{size}.parquet", folder / "lines_x1.parquet"
    if path.exists():
        return path
    if size == 1:
        from features import sources
        from features.settings import config

        home = Path(__file__).resolve().parent.parent
        demo = config.load(home / "mlflow" / "experiments" / "complete_journey.toml")
        con = sources.load(demo).connection.con
        con.execute(f"COPY (FROM orders) TO '{one}.part' (FORMAT parquet)")
    else:
        make(folder, 1)
        with duckdb.connect(config={"threads": THREADS, "memory_limit": "4GB"}) as con:
            con.execute(f"SET temp_directory = '{folder / 'spill'}'")
            con.execute("SET preserve_insertion_order = false")
            con.execute(
                f"COPY (SELECT customer_id || '-' || n AS customer_id, order_id || '-' || n AS "
                f"order_id, * EXCLUDE (customer_id, order_id) FROM range({size}) r(n), "
                f"read_parquet('{one}')) TO '{path}.part' (FORMAT parquet)"
            )
    Path(f"{path}.part").rename(path)
    return path


def contest(who: str, path: Path, categories: list[str], memory: str, limit: float, answer: Path):
    """Its figures, or {'failed': why}."""
    import psutil

    home = Path(__file__).resolve().parent.parent
    words = [sys.executable, __file__, "--contestant", who, "--path", str(path), "--memory", memory,
             "--answer", str(answer), "--categories", *categories]  # fmt: skip
    threads = {"POLARS_MAX_THREADS": str(THREADS), "PYTHONPATH": str(home)}
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | threads
    )
    watched, most = psutil.Process(process.pid), 0.0
    while process.poll() is None:
        try:
            most = max(most, watched.memory_info().rss / 2**20)
        except psutil.NoSuchProcess:
            break
        if most > limit:
            process.kill()
            process.wait()
            return {"failed": f"out of memory: ended at {most:,.0f} MiB"}
        time.sleep(0.02)
    out, err = process.communicate()
    if process.returncode:
        return {"failed": (err.strip().splitlines() or ["no word"])[-1][:120]}
    return json.loads(out.splitlines()[-1])


def unequal(ours: Path, theirs: Path, slugs: dict[str, str]) -> list[str]:
    """The features in which two contestants differ by more than 1e-9 (deviations: 1e-6)."""
    import numpy as np
    import pandas as pd

    one, other = (pd.read_parquet(f).set_index("customer_id").sort_index() for f in (ours, theirs))
    other = other.rename(columns=slugs)
    return [
        c for c in one
        if c != "as_of" and not np.allclose(
            one[c].astype(float), other[c].astype(float), rtol=1e-9,
            atol=1e-6 if c.endswith("_sd") else 1e-9, equal_nan=True,
        )
    ]  # fmt: skip


def measure(
    folder: Path, size: int, memory: str, limit: float, runs: int, who_runs: list[str]
) -> list[dict]:
    """Every contestant at one size, in turns; the least seconds and the largest peak of `runs`."""
    import duckdb

    from features.spec import slugs

    path = make(folder, size)
    print(f"x{size}: {path} ({path.stat().st_size / 2**20:,.0f} MiB)", flush=True)
    found = duckdb.sql(
        f"SELECT category FROM '{path}' WHERE category IS NOT NULL GROUP BY 1 "
        f"ORDER BY sum(abs(amount)) DESC, 1 LIMIT {CATEGORIES}"
    ).fetchall()
    categories = [name for (name,) in found]
    named = {f"category_share_{i}": f"category_share_{s}" for i, s in enumerate(slugs(categories))}
    results: dict[str, list[dict]] = {who: [] for who in who_runs}
    for _ in range(runs):
        for who in who_runs:
            if results[who] and "failed" in results[who][-1]:
                continue
            answer = folder / f"{who}.parquet"
            figures = contest(who, path, categories, memory, limit, answer)
            results[who].append(figures)
            print(f"  {who}: {figures}", flush=True)
            if who in ("duckdb", "polars", "pandas") and "failed" not in figures:
                differ = unequal(folder / "coterie.parquet", answer, named)
                if differ:
                    raise SystemExit(f"{who} differs from ours in {', '.join(differ)}")
    rows = []
    for who, got in results.items():
        good = [g for g in got if "failed" not in g]
        rows.append({
            "who": who, "size": size, "failed": None if good else got[-1]["failed"],
            **({"seconds": min(g["seconds"] for g in good),
                "cpu": min(g["cpu"] for g in good), "peak": max(g["peak"] for g in good),
                "columns": good[0]["columns"], "rows": good[0]["rows"]} if good else {}),
        })  # fmt: skip
    return rows


def table(rows: list[dict]) -> str:
    """Markdown: a row a contestant; seconds, processor seconds over DuckDB's, peak memory.

    Processor seconds make the ratio, since they mind other work on the machine least.
    """
    sizes = sorted({row["size"] for row in rows})
    by = {(row["who"], row["size"]): row for row in rows}
    heads = [f"x{size}: s | processor s | of DuckDB's | peak MiB" for size in sizes]
    lines = [f"| | {' | '.join(heads)} |", "|---|" + "---:|---:|---:|---:|" * len(sizes)]
    for who in dict.fromkeys(row["who"] for row in rows):
        cells = [CONTESTANTS[who]]
        for size in sizes:
            row, sql = by[who, size], by["duckdb", size]
            if row["failed"]:
                cells += [row["failed"], "", "", ""]
                continue
            ratio = "" if sql["failed"] else f"{row['cpu'] / sql['cpu']:.2f}"
            figures = [f"{row['seconds']:.2f}", f"{row['cpu']:.2f}", ratio]
            cells += [*figures, f"{row['peak']:,.0f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 10], help="times the demo")
    parser.add_argument("--runs", type=int, default=3, help="turns of every contestant")
    parser.add_argument("--memory", default="3GB", help="the setting that bounds ours")
    parser.add_argument("--limit", type=float, default=18_000, help="MiB at which a rival is ended")
    parser.add_argument("--folder", type=Path, help="where the data is made, and kept")
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    parser.add_argument(
        "--contestants", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS),
        help="who takes part; `coterie` and `duckdb` always do",
    )  # fmt: skip
    parser.add_argument("--contestant", choices=CONTESTANTS, help=argparse.SUPPRESS)
    parser.add_argument("--path", help=argparse.SUPPRESS)
    parser.add_argument("--answer", help=argparse.SUPPRESS)
    parser.add_argument("--categories", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.contestants = list(dict.fromkeys(["coterie", "duckdb", *given.contestants]))
    if given.contestant:
        _contest(given.contestant, given.path, given.categories, given.memory, given.answer)
        return
    with tempfile.TemporaryDirectory(prefix="coterie-bench-") as private:
        folder = given.folder or Path(private)
        folder.mkdir(parents=True, exist_ok=True)
        rows = []
        for size in given.sizes:
            runs = given.runs if size < 50 else 1
            rows += measure(folder, size, given.memory, given.limit, runs, given.contestants)
    text = table(rows)
    print(text)
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
