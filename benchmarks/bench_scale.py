"""Shops of many customers: the seconds and the memory that the commands take.

    python benchmarks/bench_scale.py --times 1 10 42

The public CD buyers (23,570 customers, 69,659 orders) are taken so many times, each time with ids
of their own, and `check`, `retrain`, `score` and `prove` run on them one after another, each a
process of its own. Its memory is the peak of its resident set, looked at five times a second.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import psutil
from public_data import cdnow_orders

HORIZON_DAYS = 90
COMMANDS = {
    "check": ["check", "shop.toml"],
    "retrain": ["retrain", "shop.toml"],
    "score": ["score", "shop.toml", "--out", "scores.parquet"],
    "prove": ["prove", "shop.toml"],
}
SHOP = """
[experiment]
name = "shop"
currency = "USD"
horizon_days = {days}
time_zone = "UTC"
memory = "{memory}"
[orders]
url = "orders.parquet"
[orders.columns]
customer_id = "customer"
moment = "date"
amount = "amount"
"""


def make(folder: Path, times: int, memory: str) -> int:
    """The shop's orders and experiment file; tells how many customers it has."""
    orders = cdnow_orders()
    with duckdb.connect() as con:
        con.register("orders", orders)
        con.execute(
            f"COPY (SELECT customer || '-' || n AS customer, date, amount FROM orders, "
            f"range({times}) r(n)) TO '{folder / 'orders.parquet'}' (FORMAT parquet)"
        )
    (folder / "shop.toml").write_text(SHOP.format(days=HORIZON_DAYS, memory=memory))
    return times * orders["customer"].nunique()


def run(words: list[str], folder: Path) -> tuple[float, float]:
    """Seconds and peak MiB of one command in `folder`. Exits where the command fails."""
    own = {
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}",
        "COTERIE_BUNDLE": str(folder / "champion"),
    }
    begun, most = time.perf_counter(), 0.0
    with (folder / f"{words[0]}.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "coterie", *words], cwd=folder, env=os.environ | own, stdout=log,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                most = max(most, watched.memory_info().rss / 2**20)
            except psutil.NoSuchProcess:
                break
            time.sleep(0.2)
    if process.wait():
        raise SystemExit(f"coterie {' '.join(words)}:\n{(folder / f'{words[0]}.log').read_text()}")
    return time.perf_counter() - begun, most


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, nargs="+", default=[1, 10, 42])
    parser.add_argument("--memory", default="4GB", help="the setting that bounds the database")
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    given = parser.parse_args()
    rows = []
    for times in given.times:
        with tempfile.TemporaryDirectory(prefix="coterie-bench-") as private:
            folder = Path(private)
            customers = make(folder, times, given.memory)
            row = {"customers": f"{customers:,}"}
            for name, words in COMMANDS.items():
                seconds, peak = run(words, folder)
                row |= {f"{name}: s": f"{seconds:,.0f}", f"{name}: MiB": f"{peak:,.0f}"}
                print(
                    f"{customers:,} customers, {name}: {seconds:,.0f} s, {peak:,.0f} MiB",
                    flush=True,
                )
            rows.append(row)
    lines = [f"| {' | '.join(rows[0])} |", "|" + "---:|" * len(rows[0])]
    lines += [f"| {' | '.join(row.values())} |" for row in rows]
    print("\n".join(lines))
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
