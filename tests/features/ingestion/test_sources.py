"""The experiment's sources, loaded as a whole."""

import sys
from pathlib import Path

import pandas as pd
import pytest

from features import schema
from features.errors import ConfigError
from features.settings import config
from features.sources import load

ROOT = Path(__file__).resolve().parents[3]
T = pd.Timestamp


def test_three_columns_make_the_canonical_tables(loaded, rejected):
    sources = loaded()
    assert sources.connection.list_tables() == ["attributes", "events", "orders"]
    for name, expected in (
        ("orders", schema.ORDERS),
        ("events", schema.EVENTS),
        ("attributes", schema.ATTRIBUTES),
    ):
        assert sources.connection.table(name).to_pyarrow().schema.equals(expected)
    one, two = T("2024-01-01"), T("2024-01-02 10:30")
    assert sources.connection.table("orders").to_pyarrow().to_pylist() == [
        {
            "customer_id": who,
            "moment": moment,
            "local": moment,
            "amount": amount,
            "order_id": order_id,
            "product_id": None,
            "category": None,
            "brand": None,
            "store": None,
            "quantity": None,
            "discount": None,
            "channel": None,
            "arrived": None,
        }
        for who, moment, amount, order_id in (
            ("a", one, 10.0, "2024-01-01T00:00:00"),
            ("b", two, 2.5, "2024-01-02T10:30:00"),
        )
    ]
    assert (sources.start, sources.end) == (one, two)
    assert list(sources.rejects.columns) == [
        "source", "row", "column", "value", "reason", "file", "row_in_file"
    ]  # fmt: skip
    assert rejected(sources) == []
    (account,) = sources.ingested
    assert (account.source, account.url) == ("orders", "orders.csv")
    assert (account.rows_read, account.rows_kept, account.rows_rejected) == (2, 2, 0)
    assert (account.duplicates, account.repeats, account.later) == (0, 0, 0)
    assert (account.first, account.last) == (one, two)


def test_order_id_follows_the_moment_where_none_is_written(loaded, rows):
    text = "who,when,paid,basket\na,2024-01-01 10:00:00.5,1,\na,2024-01-01,2,17.0\n"
    sources = loaded(text, columns='order_id = "basket"')
    assert rows(sources, "orders", "order_id") == [("2024-01-01T10:00:00.500000",), ("17",)]


def test_currencies_with_rates_are_converted(loaded, rows):
    text = "who,when,paid,off,code\na,2024-01-01,10,1,EUR\nb,2024-01-01,10,1,usd\n"
    columns = 'discount = "off"\ncurrency = "code"'
    sources = loaded(text, columns=columns, head="rates = { USD = 0.5 }")
    assert rows(sources, "orders", "amount", "discount") == [(10.0, 1.0), (5.0, 0.5)]


@pytest.mark.slow
def test_the_demo_data_are_read_whole():
    experiment = config.load(ROOT / "mlflow" / "experiments" / "complete_journey.toml")
    sources = load(experiment)
    assert [(a.source, a.rows_kept) for a in sources.ingested] == [
        ("orders", 1_469_307),
        ("campaigns", 6_589),
        ("redemptions", 2_102),
        ("demographics", 801),
    ]
    assert len(sources.rejects) == 0
    orders = sources.connection.table("orders")
    counted = orders.aggregate(
        customers=orders.customer_id.nunique(),
        uncategorised=orders.category.isnull().sum(),
        spend=orders.amount.sum(),
    ).execute()
    assert counted.customers[0] == 2_469
    assert counted.uncategorised[0] == 4_836
    assert (sources.start, sources.end) == (T("2017-01-01 11:53:26"), T("2018-01-01 04:01:20"))
    assert sources.connection.table("attributes").count().execute() == 7 * 801


# ------------------------------------------------------------------------------- what stops the run

JOIN = '\n[[orders.join]]\nurl = "p.csv"\non = "sku"\ncolumns = ["kind"]'


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            {"orders": "who,wehn,paid\na,2024-01-01,1\n"},
            "orders: column 'when' must exist in orders.csv. Seen: the columns who, wehn, paid. "
            "Remedy: did you mean 'wehn'?",
        ),
        (
            {"orders": "a,b,c\n1,2,3\n"},
            "orders: column 'who' must exist in orders.csv. Seen: the columns a, b, c. "
            "Remedy: name one of these columns",
        ),
        (
            {"orders": "who;when;paid\na;2024-01-01;1\n", "form": 'delimiter = ","'},
            "orders: column 'who' must exist in orders.csv. Seen: one column, 'who;when;paid'. "
            'Remedy: the delimiter seems wrong: write delimiter = ";"',
        ),
        (
            {"orders": "who\twhen\tpaid\na\t2024-01-01\t1\n", "form": 'delimiter = "|"'},
            "orders: column 'who' must exist in orders.csv. "
            "Seen: one column, 'who\\twhen\\tpaid'. "
            'Remedy: the delimiter seems wrong: write delimiter = "\\t"',
        ),
        (
            {
                "orders": "who;when;paid;sku\na;2024-01-01;1;x\n",
                "form": 'delimiter = ","',
                "columns": JOIN,
                "files": {"p.csv": "sku,kind\nx,tea\n"},
            },
            "orders: column 'sku' must exist in what is joined to. "
            "Seen: one column, 'who;when;paid;sku'. "
            'Remedy: the delimiter seems wrong: write delimiter = ";"',
        ),
        (
            {
                "orders": "sku\nx\n",
                "form": 'delimiter = ","',
                "columns": JOIN,
                "files": {"p.csv": "sku,kind\nx,tea\n"},
            },
            "orders: column 'who' must exist in orders.csv. Seen: the columns sku, kind. "
            "Remedy: name one of these columns",
        ),
        (
            {
                "orders": (
                    "who,when,paid\na,2024-01-01,10\nb,2024-01-02 10:30:00,2.5\n"
                ).encode("utf-16-le")
            },
            "The text of a source is in UTF-8, Windows-1252, or UTF-16 with its mark, unless its "
            "encoding is named. Seen: NUL characters in the header of orders.csv. "
            'Remedy: save it as UTF-8, or write for instance encoding = "utf-16-le"',
        ),
        (
            {"orders": "who,when,paid\na,31.12.2023,1\nb,30.12.2023,1\n"},
            "orders: column 'when' must hold a moment somewhere. "
            "Seen: none in 2 rows, for instance '31.12.2023' (text). Remedy: set moment_format, "
            'for instance "%d.%m.%Y" or "%Y%m%d", or name another column',
        ),
        (
            {"orders": "who,when,paid\na,2024-01-01,€ 5\nb,2024-01-01,\n"},
            "orders: column 'paid' must hold a number somewhere. "
            "Seen: none in 1 rows, for instance '€ 5' (text). "
            'Remedy: set decimal to the mark that is used, "." or ",", remove currency signs, or '
            "name another column",
        ),
        (
            {"orders": "who,when,paid\n,2024-01-01,1\n,2024-01-01,1\n"},
            "orders: column 'who' must not be empty. Seen: no value at all. "
            "Remedy: name another column",
        ),
        (
            {"orders": "who,when,paid,paid\na,2024-01-01,1,2\n"},
            "orders: column 'paid' must stand once in the header of orders.csv. Seen: another of "
            "this name, where case counts for nothing. Remedy: rename one of them in the export",
        ),
        (
            {"orders": "who,when,Paid,paid\na,2024-01-01,1,2\n"},
            "orders: column 'paid' must stand once in the header of orders.csv. Seen: another of "
            "this name, where case counts for nothing. Remedy: rename one of them in the export",
        ),
        ({"orders": ""}, "A source has a header and rows. Seen: orders.csv is empty. "
            "Remedy: check the export that wrote it"),
        (
            {"orders": "who,when,paid\n"},
            "A source has a header and rows. Seen: orders.csv has a header and no rows. "
            "Remedy: check the export that wrote it",
        ),
        (
            {
                "orders": "who,when,paid,c\na,2024-01-01,1,EUR\nb,2024-01-01,1,GBP\n",
                "columns": 'currency = "c"',
            },
            "All amounts must be in EUR, or their currency must have a rate. "
            "Seen: GBP without a rate. "
            "Remedy: add rates = { GBP = ... } to [experiment]: EUR for one GBP; "
            "or a table: [rates]",
        ),
        (
            {"orders": None, "url": "s3://bucket/orders.csv"},
            "A source cannot be read from s3:// addresses. Seen: s3://bucket/orders.csv. "
            "Remedy: use package://NAME/path, file://path or a plain path, to .csv, .tsv, .txt "
            "(each also with .gz), .parquet, or a folder of .parquet; or duckdb://path, "
            "sqlite://path, postgres://user@host/db, each with ?table=NAME",
        ),
        (
            {"orders": "x", "url": "orders.xlsx"},
            "A source's format is told by its ending. Seen: orders.xlsx. "
            "Remedy: convert it; use package://NAME/path, file://path or a plain path, to .csv, "
            ".tsv, .txt (each also with .gz), .parquet, or a folder of .parquet; or duckdb://path, "
            "sqlite://path, postgres://user@host/db, each with ?table=NAME",
        ),
        (
            {"orders": None, "url": "package://no_such_package/x.csv"},
            "The package of a source must be installed. Seen: package://no_such_package/x.csv. "
            "Remedy: install no_such_package, or correct it",
        ),
        (
            {"orders": None, "url": "package://features/../x.csv"},
            "A package address stays in its package. Seen: package://features/../x.csv. "
            "Remedy: remove the ..",
        ),
        (
            {"orders": "who,when,paid\na,2024-01-01,10\nb,2024-01-02 10:30:00,2.5\n"
             + "a,2024-01-01,1\n" * 5 + "a,x,1\na,y,1\na,2024-01-01,z\n"},
            "orders: at most 1.00% of the rows may be unusable. Seen: 3 of 10 rows (30.00%): "
            "when is not a moment (2); paid is not a number (1). "
            "Remedy: correct the rows or the column names, or raise experiment.max_reject_share",
        ),
        (
            {"as_of": T("2024-01-01")},
            "as_of must be later than the first order. "
            "Seen: as_of 2024-01-01 00:00:00, first order 2024-01-01 00:00:00. "
            "Remedy: choose a later as_of",
        ),
        (
            {"orders": "who,when,paid,sku\na,2024-01-01,1,7\n", "columns": JOIN,
             "files": {"p.csv": "sku,kind\n7,fruit\n7,nut\n"}},
            "orders: a joined table has one row for each sku. Seen: sku '7' 2 times in p.csv. "
            "Remedy: join a table without repeats",
        ),
        (
            {"orders": "who,when,paid,sku\na,2024-01-01,1,7\n", "columns": JOIN,
             "files": {"p.csv": "sku,kinds\n7,fruit\n"}},
            "orders: column 'kind' must exist in p.csv. Seen: the columns sku, kinds. "
            "Remedy: did you mean 'kinds'?",
        ),
        (
            {"orders": "who,when,paid,sku,kind\na,2024-01-01,1,7,x\n", "columns": JOIN,
             "files": {"p.csv": "sku,kind\n7,fruit\n"}},
            "orders: a joined table adds columns with names of their own. "
            "Seen: 'kind' is already a column. "
            "Remedy: leave 'kind' out of the join's columns, or rename it",
        ),
    ],
)  # fmt: skip
def test_a_meaningless_source_stops_the_run(loaded, settings, expected, refusal):
    assert refusal(loaded, **settings) == expected


def test_spark_without_pyspark_is_refused_before_anything_is_read(loaded, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(ConfigError) as refused:
        loaded(None, head='engine = "spark"')  # no file of orders either
    assert str(refused.value) == (
        'engine = "spark" needs the package pyspark. Seen: it is not installed. Remedy: run pip '
        "install -c constraints.txt -e '.[spark]' in Coterie's folder, or leave the key engine out"
    )
