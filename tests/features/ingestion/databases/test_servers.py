import ibis
import pytest

from features.ingestion import servers
from features.ingestion.currencies import unnamed
from features.settings import config


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


def test_currencies_of_a_server_are_found_among_its_first_rows(
    shop, experiment_text, tmp_path, monkeypatch
):
    con, server = shop
    con.execute(
        "CREATE TABLE shop.orders AS SELECT 'a' AS who, DATE '2024-01-01' AS \"when\", i AS paid, "
        "CASE WHEN i < 4 THEN 'usd' WHEN i < 6 THEN 'JPY' ELSE 'cash' END::char(4) AS coin "
        "FROM generate_series(1, 10) i"
    )
    experiment = config.parse(experiment_text(url=server.url("shop.orders")), tmp_path / "x.toml")
    assert unnamed(experiment) == {}
    monkeypatch.setattr("features.ingestion.currencies._SAMPLE", 5)
    assert unnamed(experiment) == {"coin": ("USD", "JPY")}


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


def test_money_of_a_server_is_refused_and_not_lost(loaded, shop, refusal):
    con, server = shop
    con.execute(
        "CREATE TABLE shop.orders AS SELECT 'a' AS who, DATE '2024-01-01' AS \"when\", 1 AS paid, "
        "1234.5::money AS less"
    )
    found = refusal(loaded, None, url=server.url("shop.orders"), columns='discount = "less"')
    assert found == (
        "A column of numbers in a database must hold numbers of at most 28 digits before the "
        "point. Seen: '$1,234.50' in 'less'. "
        "Remedy: name a view that casts it, for instance to numeric(18, 2)"
    )


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
