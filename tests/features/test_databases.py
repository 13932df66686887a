"""The same data through every kind of source, and what each kind refuses."""

import csv
import datetime as dt
import sqlite3
from decimal import Decimal

import duckdb
import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features import config, servers, sqlite
from features.errors import ConfigError
from features.locations import resolve, without_secret
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
         "wine", "true" if written is not as_csv else "True", "Köln", 2.0, None, None),
        # The clocks of Berlin are two hours ahead in May; so is the arrival, which has no zone.
        ("9", at(2024, 5, 3), at(2024, 5, 3, 2), -3.25, "2", "fruit", None, None, None, None,
         at(2024, 5, 9, 4)),
        ("9", at(2024, 5, 4), at(2024, 5, 4, 2), 0.1, None, None,
         "false" if written is not as_csv else "False", None, 0.5, None,
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


# --------------------------------------------------------------------------------- DuckDB files


def test_a_duckdb_file_is_let_go_and_views_and_schemas_are_read(loaded, tmp_path, rows):
    with duckdb.connect(tmp_path / "s.duckdb") as con:
        con.execute("CREATE SCHEMA sales; CREATE TABLE sales.lines (who TEXT, day DATE, paid INT)")
        con.execute("INSERT INTO sales.lines VALUES ('a', '2024-01-01', 4), ('b', NULL, 9)")
        con.execute(
            'CREATE VIEW dated AS SELECT who, day AS "when", paid FROM sales.lines '
            "WHERE day IS NOT NULL"
        )
        con.execute('CREATE VIEW sales.large AS SELECT who, current_date AS "when", paid '
                    "FROM sales.lines WHERE paid > 5")  # fmt: skip
    found = loaded(None, url="duckdb://s.duckdb?table=dated")
    assert rows(found, "orders", "customer_id", "amount") == [("a", 4.0)]
    found = loaded(None, url=f"duckdb://{tmp_path}/s.duckdb?table=sales.large")
    assert rows(found, "orders", "customer_id", "amount") == [("b", 9.0)]
    with duckdb.connect(tmp_path / "s.duckdb") as con:  # to write: nobody else has it open
        con.execute("DROP VIEW dated")


def test_a_decimal_is_an_identifier_with_all_its_digits(loaded, tmp_path, rows):
    with duckdb.connect(tmp_path / "s.duckdb") as con:
        con.execute(
            "CREATE TABLE t AS SELECT 90071992547409931234::DECIMAL(38, 4) AS who, "
            "1.5::DECIMAL(3, 2) AS paid, DATE '2024-01-01' AS \"when\""
        )
    found = loaded(None, url="duckdb://s.duckdb?table=t")
    assert rows(found, "orders", "customer_id", "amount") == [("90071992547409931234", 1.5)]


# ---------------------------------------------------------------------------------------- SQLite


@pytest.fixture
def lite(tmp_path):
    """Writes rows (who, when, paid) into the table `t` of a SQLite file."""

    def write(*rows, columns="who, 'when', paid"):
        with sqlite3.connect(tmp_path / "s.db") as con:
            con.execute(f"CREATE TABLE t ({columns})")
            con.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
        con.close()
        return "sqlite://s.db?table=t"

    return write


def test_a_sqlite_column_is_what_its_values_are(loaded, lite, rows, rejected):
    day = "2024-01-01"
    url = lite(
        (1, day, 1), (2.0, day, 2.5), ("x", day, "3"), (None, day, 4), ("y", 20240101, "free"),
        columns="who, 'when' DATE, paid REAL",
    )  # fmt: skip
    found = loaded(None, url=url, head="max_reject_share = 0.9")
    assert rows(found, "orders", "customer_id", "amount") == [("1", 1.0), ("2", 2.5), ("x", 3.0)]
    assert rejected(found) == [
        ("orders", 4, "who", None, "is empty"),
        ("orders", 5, "when", "20240101", "is not a moment"),
    ]


def test_rows_come_in_batches_and_keep_their_order(loaded, lite, rows, monkeypatch):
    monkeypatch.setattr(sqlite, "_ROWS", 2)
    url = lite(*((f"c{i}", "2024-01-01", i) for i in range(5)))
    found = loaded(None, url=url)
    assert rows(found, "orders", "customer_id") == [(f"c{i}",) for i in range(5)]


def test_text_of_sqlite_that_is_no_utf_8_is_windows_1252(loaded, tmp_path, rows):
    with sqlite3.connect(tmp_path / "s.db") as con:
        con.execute("CREATE TABLE t AS SELECT CAST(x'4DFC6C6C6572' AS TEXT) AS who, "
                    "'2024-01-01' AS \"when\", 1 AS paid")  # fmt: skip
    con.close()
    assert rows(loaded(None, url="sqlite://s.db?table=t"), "orders", "customer_id") == [("Müller",)]


def test_a_locked_sqlite_file_is_refused(loaded, lite, tmp_path, refusal, monkeypatch):
    monkeypatch.setattr(sqlite, "_PATIENCE", 0.05)
    url = lite(("a", "2024-01-01", 1))
    writer = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    try:
        assert refusal(loaded, None, url=url) == (
            f"A source must be readable. Seen: {url}: database is locked. "
            "Remedy: wait until the program that writes to it is done, or read a copy"
        )
    finally:
        writer.close()


# -------------------------------------------------------------------------------------- a server


@pytest.fixture
def shop(postgres):
    """A schema `shop` of the server, empty; its connection and the server."""
    with postgres.connect() as con:
        con.execute("DROP SCHEMA IF EXISTS shop CASCADE; CREATE SCHEMA shop")
        con.execute("GRANT USAGE ON SCHEMA shop TO wary")
        yield con, postgres


def test_many_rows_of_a_server_come_in_batches(loaded, shop, monkeypatch):
    con, server = shop
    monkeypatch.setattr(servers, "_ROWS", 1_000)
    con.execute(
        "CREATE VIEW shop.orders AS SELECT i % 7 AS who, timestamp '2024-01-01' AS \"when\", "
        "i AS paid, repeat('x', 100) AS unread FROM generate_series(1, 10000) i"
    )
    found = loaded(None, url=server.url("shop.orders"))
    orders = found.connection.table("orders")
    assert orders.aggregate(
        n=orders.count(), spend=orders.amount.sum()
    ).execute().values.tolist() == [[10_000, 10_000 * 10_001 / 2]]


def test_a_servers_own_types_are_read_as_text_or_numbers(loaded, shop, rows, rejected):
    con, server = shop
    con.execute("CREATE TYPE shop.mood AS ENUM ('glad', 'sad')")
    con.execute(
        'CREATE TABLE shop.orders (who uuid, "when" date, paid numeric, mood shop.mood, j json)'
    )
    who = "00000000-0000-0000-0000-00000000000"
    for row in (
        (f"{who}1", "1234567890123.4567890123456", "glad", '{"a": 1}'),
        (f"{who}2", "NaN", "sad", None),
    ):
        con.execute("INSERT INTO shop.orders VALUES (%s, '2024-01-01', %s, %s, %s)", row)
    columns = 'category = "mood"\nbrand = "j"'
    found = loaded(
        None, url=server.url("shop.orders"), columns=columns, head="max_reject_share = 0.5"
    )
    assert rows(found, "orders", "customer_id", "amount", "category", "brand") == [
        (f"{who}1", 1234567890123.4567890123456, "glad", '{"a": 1}')
    ]
    assert rejected(found) == [("orders", 2, "paid", None, "is empty")]


def test_a_password_comes_from_the_environment_and_is_never_shown(
    loaded, shop, rows, refusal, monkeypatch, tmp_path
):
    con, server = shop
    con.execute(
        "CREATE TABLE shop.orders AS SELECT 'a' AS who, DATE '2024-01-01' AS \"when\", 1 AS paid"
    )
    con.execute("GRANT SELECT ON shop.orders TO wary")
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "none"))
    url = server.url("shop.orders", "wary")
    rule, remedy = (
        "A source's database must be reachable. Seen: ",
        "Remedy: check the address and that the server runs; a password comes from PGPASSWORD or "
        "~/.pgpass",
    )
    for wrong, why in (
        ("", "fe_sendauth: no password supplied"),
        ("shut sesame", "FATAL:  password authentication failed"),
    ):
        monkeypatch.setenv("PGPASSWORD", wrong)
        seen = refusal(loaded, None, url=url)
        assert seen.startswith(f"{rule}{url}: connection failed: ")
        assert why in seen
        assert seen.endswith(remedy)
        assert "sesame" not in seen
    monkeypatch.setenv("PGPASSWORD", "open sesame")
    assert rows(loaded(None, url=url), "orders", "customer_id") == [("a",)]
    monkeypatch.delenv("PGPASSWORD")
    named = url.replace("wary@", "wary:${SHOP_PASSWORD}@")
    assert refusal(loaded, None, url=named) == (
        "A variable in a source's address must be set in the environment. "
        f"Seen: {named}: no SHOP_PASSWORD. Remedy: set SHOP_PASSWORD before the run"
    )
    monkeypatch.setenv("SHOP_PASSWORD", "open sesame")
    found = loaded(None, url=named)
    assert rows(found, "orders", "customer_id") == [("a",)]
    assert "sesame" not in repr(found.ingested)


def test_what_a_driver_says_is_shown_without_the_password(loaded, refusal, monkeypatch):
    def connect(address):
        raise ValueError(f"Don't know how to connect to {address}\nmore")

    monkeypatch.setattr(ibis, "connect", connect)
    monkeypatch.setenv("SECRET", "p/ss w@rd")
    seen = refusal(loaded, None, url="trino://ann:${SECRET}@host/db?table=t")
    assert seen == (
        "A source's database must be reachable. Seen: trino://ann:${SECRET}@host/db?table=t: "
        "Don't know how to connect to trino://ann:***@host/db. Remedy: check the address and that "
        "the server runs; a password comes from ${NAME} in it"
    )


def test_a_moment_that_no_calendar_has_stops_the_reading(loaded, shop, refusal):
    con, server = shop
    con.execute(
        "CREATE TABLE shop.orders AS "
        "SELECT 'a' AS who, 'infinity'::timestamp AS \"when\", 1 AS paid"
    )
    url = server.url("shop.orders")
    assert refusal(loaded, None, url=url) == (
        f"A source must be readable. Seen: {url}: timestamp too large (after year 10K): "
        "'infinity'. Remedy: correct that in the database, or name a view that leaves it out"
    )


def test_a_servers_table_must_exist_and_hold_plain_values(loaded, shop, refusal):
    con, server = shop
    con.execute('CREATE TABLE shop.orders (who int[], "when" date, paid numeric)')
    for table, remedy in (
        ("shop.order", "did you mean table=shop.orders?"),
        ("shop.xyz", "name one of shop.orders"),
        ("nowhere.orders", "check which database it is"),
    ):
        url = server.url(table)
        assert refusal(loaded, None, url=url) == (
            f"A source's table must exist. Seen: {url}. Remedy: {remedy}"
        )
    assert refusal(loaded, None, url=server.url("shop.orders")) == (
        "orders: column 'who' must hold plain values. Seen: array<int32>. "
        "Remedy: bring the field of it that is meant as a column of its own, or as a view's"
    )


@pytest.mark.parametrize(
    ("url", "missing", "extra"),
    [
        ("postgres://h/db?table=t", "psycopg", "coterie[postgres]"),
        ("bigquery://project/data?table=t", "google", "coterie[bigquery]"),
        ("pyspark://?table=t", "pyspark", "coterie[spark]"),
        ("trino://h/db?table=t", "trino", "ibis-framework[trino]"),
    ],
)
def test_a_missing_driver_is_named_with_its_extra(
    loaded, refusal, monkeypatch, url, missing, extra
):
    def connect(address):
        raise ModuleNotFoundError(f"No module named {missing!r}")

    monkeypatch.setattr(ibis, "connect", connect)
    scheme = url.partition("://")[0]
    seen = refusal(loaded, None, url=url)
    assert seen == (
        f"Reading from {scheme}:// needs its driver. Seen: No module named {missing!r}. "
        f"Remedy: install it: pip install '{extra}'"
    )


# --------------------------------------------------------------------------- what stops the run


def test_what_is_no_table_is_refused(loaded, tmp_path, refusal, lite, good):
    with duckdb.connect(tmp_path / "s.duckdb") as con:
        con.execute("CREATE TABLE orders (who TEXT, \"when\" DATE, paid INT); CREATE SCHEMA x; "
                    "CREATE TABLE x.visits (who TEXT); CREATE TABLE gone (i INT); "
                    "CREATE VIEW broken AS FROM gone; DROP TABLE gone")  # fmt: skip
    lite(("a", "2024-01-01", 1))
    (tmp_path / "corrupt.duckdb").write_bytes(b"no database" * 1_000)
    exists, readable = "A source's table must exist.", "A source must be readable."
    one = "Of a database, a source is one table or view."
    name = "write its name at the end: ?table=NAME, or ?table=SCHEMA.NAME"
    for url, rule, seen, remedy in (
        ("duckdb://s.duckdb?table=order", exists, "", "did you mean table=orders?"),
        ("duckdb://s.duckdb?table=x.vists", exists, "", "did you mean table=x.visits?"),
        ("sqlite://s.db?table=q", exists, "", "name one of t"),
        ("sqlite://s.db?table=main.t", exists, "", "did you mean table=t?"),
        ("duckdb://s.duckdb", one, "", name),
        ("duckdb://s.duckdb?table=", one, "", name),
        ("sqlite://?table=t", one, "", name),
        ("s.duckdb", one, "",
         "write duckdb://s.duckdb?table=NAME, or sqlite://s.duckdb?table=NAME"),
        ("sqlite://s.db?table=t&mode=rw", "A sqlite:// address has no option but table.", "",
         "remove mode"),
        ("sqlite://t.db?table=t", "A source's file must exist.", f" ({tmp_path / 't.db'})",
         "did you mean s.db?"),
        ("sqlite://corrupt.duckdb?table=t", readable, ": file is not a database",
         "check that it is a SQLite file, whole and of the right name"),
        ("duckdb://corrupt.duckdb?table=t", readable,
         f': IO Error: The file "{tmp_path / "corrupt.duckdb"}" exists, but it is not a valid '
         "DuckDB database file",
         "check that it is a DuckDB file, whole and of a version that this one reads"),
        ("duckdb://s.duckdb?table=broken", readable, ": Catalog Error: Table with name gone does "
         "not exist", "correct the view, or name a table"),
        ("duckdb://s.duckdb?table=orders", "A source has rows.", " has none",
         "check what fills it"),
    ):  # fmt: skip
        assert refusal(loaded, None, url=url) == f"{rule} Seen: {url}{seen}. Remedy: {remedy}"


def test_a_corrupt_duckdb_file_and_one_that_is_being_written_are_told_apart(
    loaded, tmp_path, refusal
):
    (tmp_path / "s.duckdb").write_bytes(b"DUCK" * 3_000)
    url = "duckdb://s.duckdb?table=orders"
    seen = refusal(loaded, None, url=url)
    assert seen.startswith(
        f"A source must be readable. Seen: {url}: IO Error: Corrupt database file: "
    )
    assert seen.endswith(
        "Remedy: check that it is a DuckDB file, whole and of a version that this one reads"
    )
    (tmp_path / "s.duckdb").unlink()
    with duckdb.connect(tmp_path / "s.duckdb") as con:
        con.execute("CREATE TABLE orders (who TEXT)")
        seen = refusal(loaded, None, url=url)
    assert seen.endswith("Remedy: end the program that has it open for writing, or read a copy")


def test_bytes_are_text_or_nothing(loaded, refusal, rows):
    day, paid = pa.array([dt.date(2024, 1, 1)]), [1]
    table = pa.table({"who": pa.array(["Zoë".encode()], pa.binary()), "when": day, "paid": paid})
    assert rows(loaded(table, url="o.parquet"), "orders", "customer_id") == [("Zoë",)]
    table = pa.table({"who": pa.array([b"\x93\xff\x00"], pa.binary()), "when": day, "paid": paid})
    assert refusal(loaded, table, url="o.parquet") == (
        "orders: column 'who' must hold text, numbers or moments. "
        "Seen: bytes that are no text, for instance \\x93\\xFF\\x00. Remedy: bring it as text, "
        "for instance in hexadecimal digits, or name another column"
    )


def test_a_column_of_several_values_is_refused_where_it_is_used(loaded, refusal, rows):
    table = pa.table(
        {"who": [{"id": "a"}], "when": [dt.date(2024, 1, 1)], "paid": [1], "id": ["b"]}
    )
    assert refusal(loaded, table, url="o.parquet") == (
        "orders: column 'who' must hold plain values. Seen: struct(id varchar). "
        "Remedy: bring the field of it that is meant as a column of its own, or as a view's"
    )
    renamed = table.rename_columns(["nested", "when", "paid", "who"])
    assert rows(loaded(renamed, url="o.parquet"), "orders", "customer_id") == [("b",)]


# --------------------------------------------------------------------------------- no passwords


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgres://ann:geheim@host/shop?table=t", "postgres://ann:***@host/shop?table=t"),
        ("postgres://ann:g/h@e:1m?@host/shop?table=t", "postgres://ann:***@host/shop?table=t"),
        ("postgres://host/shop?table=t&password=geheim", "postgres://host/shop?table=t&password=***"),
        ("databricks://h?access_token=geheim&table=t", "databricks://h?access_token=***&table=t"),
        ("snowflake://:geheim@account?table=t", "snowflake://:***@account?table=t"),
    ],
)  # fmt: skip
def test_a_password_in_the_experiment_file_is_refused_and_not_shown(
    url, shown, experiment_text, tmp_path
):
    remedy = (
        "Remedy: leave it out and set PGPASSWORD or use ~/.pgpass (postgres), or write ${NAME}, an "
        "environment variable's, instead"
    )
    for key, text in (
        ("orders.url", experiment_text(url=url)),
        ("aliases.url", f'{experiment_text()}[aliases]\nurl = "{url}"\nold = "a"\nnew = "b"'),
        (
            "orders.join[1].url",
            f'{experiment_text()}[[orders.join]]\nurl = "{url}"\non = "a"\ncolumns = ["b"]',
        ),
    ):
        with pytest.raises(ConfigError) as refused:
            config.parse(text, tmp_path / "shop.toml")
        assert str(refused.value) == (
            f"{key} must not hold a password, since the experiment file is stored with every run. "
            f"Seen: {shown}. {remedy}"
        )


@pytest.mark.parametrize(
    "url",
    [
        "postgres://ann@host:5432/shop?sslmode=require&table=sales.orders",
        "postgres://ann:${PG_PASSWORD}@host/shop?table=orders",
        "databricks://host?access_token=${TOKEN}&table=orders",
        "orders@home.csv",
        "package://shop/data/a@b.csv",
    ],
)
def test_an_address_without_a_password_is_taken_as_it_is(url):
    assert without_secret("orders.url", url) == url


def test_a_servers_options_are_kept_and_its_table_is_not_one(tmp_path):
    url = "postgres://ann@host:5432/shop?sslmode=require&table=sales.orders&options=-c%20x"
    location = resolve(url, tmp_path)
    assert location.table == ("sales", "orders")
    assert location.server == "postgres://ann@host:5432/shop?sslmode=require&options=-c+x"
    assert (location.url, location.paths) == (url, ())
