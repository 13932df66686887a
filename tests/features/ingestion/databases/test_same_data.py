"""The same data through every kind of source."""

import csv
import datetime as dt
import sqlite3
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.settings import config
from features.sources import load

CEST = dt.timezone(dt.timedelta(hours=2))
UTC = dt.UTC

ORDERS = pa.table(
    {
        "who": pa.array([7, None, 8, 9], pa.int32()),
        "when": pa.array(
            [
                dt.datetime(2024, 5, 1, 10, 30, 0, 250_000, CEST),
                dt.datetime(2024, 5, 2, 12, 0, 0, 0, UTC),
                dt.datetime(2024, 5, 3, 0, 0, 0, 0, UTC),
                dt.datetime(2024, 5, 4, 0, 0, 0, 0, UTC),
            ],
            pa.timestamp("us", "UTC"),
        ),
        "paid": pa.array([*map(Decimal, ("10.50", "1.00", "-3.25", "0.10"))], pa.decimal128(10, 2)),
        "sku": pa.array([1, 1, 2, None], pa.int64()),
        "pieces": pa.array([2.0, 1.0, None, 0.5]),
        "gift": pa.array([True, False, None, False]),
        "branch": pa.array(["Köln", "Bonn", "", "N/A"]),
        "loaded": pa.array(
            [None, None, dt.datetime(2024, 5, 9, 6), dt.datetime(2024, 5, 4, 0, 0, 1)],
            pa.timestamp("us"),
        ),
        "line": pa.array(["x1", "x2", "x3", "x4"]),
    }
)
PRODUCTS = pa.table({"id": pa.array([1, 2], pa.int64()), "kind": ["wine", "fruit"]})
VISITS = pa.table(
    {
        "who": ["7", "8"],
        "day": pa.array([dt.date(2024, 4, 30), dt.date(2024, 5, 2)]),
        "what": ["visit", "call"],
    }
)
PEOPLE = pa.table(
    {
        "who": pa.array([7, 9], pa.int64()),
        "since": pa.array([dt.date(2024, 1, 1), None]),
        "age": pa.array([41, None], pa.int16()),
        "town": ["Rome", None],
    }
)
MERGED = pa.table({"was": pa.array([8], pa.int32()), "became": ["9"]})
TABLES = {"o": ORDERS, "p": PRODUCTS, "v": VISITS, "m": PEOPLE, "a": MERGED}

TOML = """
[experiment]
name = "shop"
currency = "EUR"
horizon_days = 30
time_zone = "Europe/Berlin"
max_reject_share = 0.5
[aliases]
url = "{a}"
old = "was"
new = "became"
[orders]
url = "{o}"
line_id = "line"
[orders.columns]
customer_id = "who"
moment = "when"
amount = "paid"
product_id = "sku"
category = "kind"
brand = "gift"
store = "branch"
quantity = "pieces"
arrived = "loaded"
[[orders.join]]
url = "{p}"
on = {{ left = "sku", right = "id" }}
columns = ["kind"]
[[events]]
name = "visits"
url = "{v}"
[events.columns]
customer_id = "who"
moment = "day"
kind = "what"
[[attributes]]
name = "people"
url = "{m}"
customer_id = "who"
valid_from = "since"
[attributes.columns]
age = {{ lens = "demographic", kind = "number" }}
town = {{ lens = "geographic", kind = "category" }}
"""


def as_csv(folder, request):
    for name, table in TABLES.items():
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, table.column_names)
            writer.writeheader()
            writer.writerows(table.to_pylist())
    return "{}.csv"


def as_parquet(folder, request):
    for name, table in TABLES.items():
        (folder / name).mkdir()
        pq.write_table(table[:1], folder / name / "1.parquet")
        pq.write_table(table[1:], folder / name / "2.parquet")
    return "{}"


def as_duckdb(folder, request):
    with duckdb.connect(folder / "shop.duckdb") as con:
        for name, table in TABLES.items():
            con.register("given", table)
            con.execute(f"CREATE TABLE {name} AS FROM given")
    return "duckdb://shop.duckdb?table={}"


def as_sqlite(folder, request):
    declared = {"when": "TIMESTAMP", "paid": "DECIMAL(10, 2)", "gift": "BOOLEAN", "day": "DATE"}
    with sqlite3.connect(folder / "shop.db") as con:
        for name, table in TABLES.items():
            columns = ", ".join(f'"{c}" {declared.get(c, "")}' for c in table.column_names)
            con.execute(f"CREATE TABLE {name} ({columns})")
            marks = ", ".join("?" for _ in table.column_names)
            rows = [[*map(in_sqlite, row.values())] for row in table.to_pylist()]
            con.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
    con.close()
    return "sqlite://shop.db?table={}"


def in_sqlite(value):
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, dt.date) else value


def as_postgres(folder, request):
    server = request.getfixturevalue("postgres")
    types = {
        pa.int16(): "smallint", pa.int32(): "integer", pa.int64(): "bigint", pa.string(): "text",
        pa.float64(): "double precision", pa.bool_(): "boolean", pa.date32(): "date",
        pa.timestamp("us"): "timestamp", pa.timestamp("us", "UTC"): "timestamptz",
        pa.decimal128(10, 2): "numeric(10, 2)",
    }  # fmt: skip
    with server.connect() as con:
        con.execute("DROP SCHEMA IF EXISTS same CASCADE; CREATE SCHEMA same")
        for name, table in TABLES.items():
            columns = ", ".join(f'"{field.name}" {types[field.type]}' for field in table.schema)
            con.execute(f"CREATE TABLE same.{name} ({columns})")
            marks = ", ".join("%s" for _ in table.column_names)
            for row in table.to_pylist():
                con.execute(f"INSERT INTO same.{name} VALUES ({marks})", [*row.values()])
    return server.url("same.{}")


@pytest.mark.parametrize("written", [as_csv, as_parquet, as_duckdb, as_sqlite, as_postgres])
def test_the_same_data_give_the_same_tables_from_wherever_they_come(
    written, tmp_path, request, rows, rejected
):
    url = written(tmp_path, request)
    text = TOML.format(**{name: url.format(name) for name in TABLES})
    sources = load(config.parse(text, tmp_path / "shop.toml"))
    names = ("customer_id", "moment", "local", "amount", "product_id", "category", "brand",
             "store", "quantity", "channel", "arrived")  # fmt: skip
    at = dt.datetime
    assert rows(sources, "orders", *names) == [
        ("7", at(2024, 5, 1, 8, 30, 0, 250_000), at(2024, 5, 1, 10, 30, 0, 250_000), 10.5, "1",
         "wine", "true", "Köln", 2.0, None, None),
        # The clocks of Berlin are two hours ahead in May; so is the arrival, which has no zone.
        ("9", at(2024, 5, 3), at(2024, 5, 3, 2), -3.25, "2", "fruit", None, None, None, None,
         at(2024, 5, 9, 4)),
        ("9", at(2024, 5, 4), at(2024, 5, 4, 2), 0.1, None, None,
         "false", None, 0.5, None,
         at(2024, 5, 3, 22, 0, 1)),
    ]  # fmt: skip
    assert rows(sources, "events", "customer_id", "moment", "kind") == [
        ("7", at(2024, 4, 29, 22), "visit"),
        ("9", at(2024, 5, 1, 22), "call"),
    ]
    assert rows(sources, "attributes", "customer_id", "name", "value", "valid_from") == [
        ("7", "age", "41.0", at(2023, 12, 31, 23)),
        ("9", "age", None, None),
        ("7", "town", "Rome", at(2023, 12, 31, 23)),
        ("9", "town", None, None),
    ]
    assert rejected(sources) == [("orders", 2, "who", None, "is empty")]
    accounts = [(a.source, a.rows_read, a.rows_kept, a.merged) for a in sources.ingested]
    assert accounts == [
        ("aliases", 1, 1, 0),
        ("orders", 4, 3, 1),
        ("visits", 2, 2, 1),
        ("people", 2, 2, 0),
    ]
    assert sources.connection.list_tables() == ["attributes", "events", "orders"]
