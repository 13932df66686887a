import gzip
import re
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features import config, schema
from features.errors import SourceError
from features.sources import load

ROOT = Path(__file__).resolve().parents[2]
T = pd.Timestamp

HEAD = """
[experiment]
name = "shop"
currency = "EUR"
horizon_days = 30
{head}
[orders]
url = "{url}"
{form}
[orders.columns]
customer_id = "who"
moment = "when"
amount = "paid"
{columns}
"""

GOOD = "who,when,paid\na,2024-01-01,10\nb,2024-01-02 10:30:00,2.5\n"


@pytest.fixture
def shop(tmp_path):
    """Write orders (text, or a table for Parquet) and load them as an experiment."""

    def run(orders=GOOD, *, url="orders.csv", form="", columns="", head="", as_of=None, **files):
        for name, content in {url: orders, **files}.items():
            path = tmp_path / name.replace("__", ".")
            if isinstance(content, pa.Table):
                path.parent.mkdir(exist_ok=True)
                pq.write_table(content, path)
            elif isinstance(content, bytes):
                path.write_bytes(content)
            elif content is not None:
                path.write_text(content, encoding="utf-8")
        text = HEAD.format(head=head, url=url, form=form, columns=columns)
        return load(config.parse(text, tmp_path / "shop.toml"), as_of)

    return run


def rows(sources, table, *columns):
    found = sources.connection.table(table).to_pyarrow().select(list(columns)).to_pylist()
    return [tuple(row.values()) for row in found]


def rejected(sources):
    plain = sources.rejects.astype(object).where(sources.rejects.notna(), None)
    return list(plain.itertuples(index=False, name=None))


def refusal(run, *args, **kwargs):
    with pytest.raises(SourceError) as caught:
        run(*args, **kwargs)
    return str(caught.value)


# ---------------------------------------------------------------- what comes out


def test_three_columns_make_the_canonical_tables(shop):
    sources = shop()
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
            "quantity": None,
            "discount": None,
            "channel": None,
        }
        for who, moment, amount, order_id in (
            ("a", one, 10.0, "2024-01-01T00:00:00"),
            ("b", two, 2.5, "2024-01-02T10:30:00"),
        )
    ]
    assert (sources.start, sources.end) == (one, two)
    assert list(sources.rejects.columns) == ["source", "row", "column", "value", "reason"]
    assert rejected(sources) == []
    (account,) = sources.ingested
    assert (account.source, account.url) == ("orders", "orders.csv")
    assert (account.rows_read, account.rows_kept, account.rows_rejected) == (2, 2, 0)
    assert (account.duplicates, account.repeats, account.later) == (0, 0, 0)
    assert (account.first, account.last) == (one, two)


def test_order_id_follows_the_moment_where_none_is_written(shop):
    text = "who,when,paid,basket\na,2024-01-01 10:00:00.5,1,\na,2024-01-01,2,17.0\n"
    sources = shop(text, columns='order_id = "basket"')
    assert rows(sources, "orders", "order_id") == [("2024-01-01T10:00:00.500000",), ("17",)]


def test_a_decimal_comma_and_a_day_first_date(shop):
    text = "who;when;paid\na;31.12.2023;1.234,50\nb;1.2.2024;-7\nc;1.2.2024 ;0,5\n"
    form = 'delimiter = ";"\ndecimal = ","\nmoment_format = "%d.%m.%Y"'
    assert rows(shop(text, form=form), "orders", "moment", "amount") == [
        (T("2023-12-31"), 1234.5),
        (T("2024-02-01"), -7.0),
        (T("2024-02-01"), 0.5),
    ]


@pytest.mark.parametrize(
    ("form", "written", "moment"),
    [
        ("%Y%m%d", "19970102", "1997-01-02"),
        ("%Y-%m", "1997-02", "1997-02-01"),
        ("%m/%d/%Y %H:%M", "2/1/1997 9:05", "1997-02-01 09:05"),
        ("%d/%m/%y", "1/2/97", "1997-02-01"),
        ("%Y-%m-%dT%H:%M:%S%z", "1997-02-01T01:00:00+0200", "1997-01-31 23:00"),
        ("unix_seconds", "854755200", "1997-02-01"),
        ("unix_milliseconds", "854755200500", "1997-02-01 00:00:00.5"),
    ],
)
def test_a_moment_is_read_by_its_format(shop, form, written, moment):
    sources = shop(f"who,when,paid\na,{written},1\n", form=f'moment_format = "{form}"')
    assert rows(sources, "orders", "moment") == [(T(moment),)]


def test_whole_numbers_in_parquet_are_moments_by_their_format(shop):
    table = pa.table({"who": [1, 2], "when": [19970101, 19970630], "paid": [1, 2]})
    sources = shop(table, url="o.parquet", form='moment_format = "%Y%m%d"')
    assert rows(sources, "orders", "moment") == [(T("1997-01-01"),), (T("1997-06-30"),)]


def test_moments_become_utc_and_keep_their_wall_clock(shop):
    text = (
        "who,when,paid\n"
        "naive winter,2024-01-10 12:00:00,1\n"
        "naive summer,2024-07-10 12:00:00,1\n"
        "zulu,2024-07-10T12:00:00Z,1\n"
        "offset,2024-07-10 12:00:00-05:00,1\n"
        "skipped hour,2024-03-31 02:30:00,1\n"
        "doubled hour,2024-10-27 02:30:00,1\n"
    )
    sources = shop(text, head='time_zone = "Europe/Berlin"')
    assert rows(sources, "orders", "moment", "local") == [
        (T("2024-01-10 11:00"), T("2024-01-10 12:00")),
        (T("2024-07-10 10:00"), T("2024-07-10 12:00")),
        (T("2024-07-10 12:00"), T("2024-07-10 14:00")),
        (T("2024-07-10 17:00"), T("2024-07-10 19:00")),
        (T("2024-03-31 01:30"), T("2024-03-31 03:30")),
        (T("2024-10-27 01:30"), T("2024-10-27 02:30")),
    ]


def test_typed_moments_of_parquet_become_utc(shop):
    day = pa.array([T("2024-07-10 12:00")], pa.timestamp("ns", "America/New_York"))
    zoned = pa.table({"who": ["a"], "when": day, "paid": [1.0]})
    naive = pa.table(
        {"who": ["a"], "when": pa.array([T("2024-07-10")], pa.date32()), "paid": [1.0]}
    )
    zone = 'time_zone = "Europe/Berlin"'
    moment = rows(shop(zoned, url="z.parquet", head=zone), "orders", "moment")
    assert moment == [(T("2024-07-10 12:00"),)]
    moment = rows(shop(naive, url="n.parquet", head=zone), "orders", "moment")
    assert moment == [(T("2024-07-09 22:00"),)]


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (pa.array([1, 20]), ["1", "20"]),
        (pa.array([1.0, 20.0]), ["1", "20"]),
        (pa.array(["1.0", " 20 "]), ["1", "20"]),
        (pa.array(["007", "x.0"]), ["007", "x.0"]),
        (pa.array([1.5, 2.0]), ["1.5", "2"]),
    ],
)
def test_customers_are_text_whatever_their_type(shop, ids, expected):
    table = pa.table({"who": ids, "when": ["2024-01-01"] * 2, "paid": [1.0, 2.0]})
    found = rows(shop(table, url="o.parquet"), "orders", "customer_id")
    assert [who for (who,) in found] == expected


def test_joined_columns_and_summed_discounts(shop):
    orders = (
        "who,when,paid,sku,n,rebate,coupon\n"
        "a,2024-01-01,5,1,2,-0.5,0.25\n"
        "b,2024-01-01,6,9,,,\n"
        "c,2024-01-01,7,,x,1,\n"
    )
    sources = shop(
        orders,
        columns='product_id = "sku"\ncategory = "kind"\nquantity = "n"\n'
        'discount = ["rebate", "coupon"]\n[[orders.join]]\nurl = "p.parquet"\n'
        'on = { left = "sku", right = "id" }\ncolumns = ["kind"]',
        **{"p.parquet": pa.table({"id": [1.0, 2.0], "kind": ["fruit", "NaN"]})},
    )
    names = ("customer_id", "product_id", "category", "quantity", "discount")
    assert rows(sources, "orders", *names) == [
        ("a", "1", "fruit", 2.0, 0.75),
        ("b", "9", None, None, None),
        ("c", None, None, None, 1.0),
    ]
    assert rejected(sources) == [
        ("orders", 3, "n", "x", "is not a number; the rest of the row is kept")
    ]
    assert sources.ingested[0].rows_rejected == 0


def test_currencies_with_rates_are_converted(shop):
    text = "who,when,paid,off,code\na,2024-01-01,10,1,EUR\nb,2024-01-01,10,1,usd\n"
    columns = 'discount = "off"\ncurrency = "code"'
    sources = shop(text, columns=columns, head="rates = { USD = 0.5 }")
    assert rows(sources, "orders", "amount", "discount") == [(10.0, 1.0), (5.0, 0.5)]


def test_duplicate_rows_are_counted_and_kept(shop):
    sources = shop("who,when,paid\n" + "a,2024-01-01,1\n" * 3 + "b,2024-01-01,1\n")
    account = sources.ingested[0]
    assert (account.rows_kept, account.duplicates, account.repeats) == (4, 2, 0)


def test_repeated_line_ids_are_dropped(shop):
    text = (
        "who,when,paid,id\na,2024-01-01,1,x\na,2024-01-01,2,x\na,2024-01-01,3,\na,2024-01-01,4,\n"
    )
    sources = shop(text, form='line_id = "id"')
    assert rows(sources, "orders", "amount") == [(1.0,), (3.0,), (4.0,)]
    account = sources.ingested[0]
    assert (account.rows_read, account.rows_kept, account.repeats) == (4, 3, 1)


EVENTS = """
[[events]]
name = "mail"
url = "mail.csv"
{literal}
[events.columns]
customer_id = "who"
moment = "at"
{column}
"""


def test_events_have_a_literal_or_a_column_for_their_kind(shop):
    mail = "who,at,what,via\n1,2024-01-01,open,phone\nprospect,2024-01-05,,web\n"
    literal = EVENTS.format(literal='kind = "mail"\nchannel = "post"', column="")
    sources = shop(columns=literal, mail__csv=mail)
    assert rows(sources, "events", "customer_id", "moment", "kind", "channel") == [
        ("1", T("2024-01-01"), "mail", "post"),
        ("prospect", T("2024-01-05"), "mail", "post"),
    ]
    column = EVENTS.format(literal="", column='kind = "what"\nchannel = "via"')
    sources = shop(columns=column, mail__csv=mail, head="max_reject_share = 0.5")
    assert rows(sources, "events", "kind", "channel") == [("open", "phone")]
    assert rejected(sources) == [("mail", 2, "what", None, "is empty")]


PEOPLE = """
[[attributes]]
name = "people"
url = "people.csv"
customer_id = "who"
{dated}
[attributes.columns]
town = { lens = "geographic", kind = "category" }
age = { lens = "demographic", kind = "number" }
size = { lens = "firmographic", kind = "ordered", order = ["none", "small", "big"] }
"""


def test_attributes_become_long(shop):
    people = "who,town,age,size\na,Rome,41.0,small\nb,NaN,old,huge\nc,N/A,,none\n"
    sources = shop(columns=PEOPLE.replace("{dated}", ""), people__csv=people)
    assert rows(sources, "attributes", "customer_id", "name", "value", "valid_from") == [
        ("a", "town", "Rome", None),
        ("b", "town", None, None),
        ("c", "town", None, None),
        ("a", "age", "41.0", None),
        ("b", "age", None, None),
        ("c", "age", None, None),
        ("a", "size", "small", None),
        ("b", "size", None, None),
        ("c", "size", "none", None),
    ]
    kept = "; the rest of the row is kept"
    assert rejected(sources) == [
        ("people", 2, "age", "old", f"is not a number{kept}"),
        ("people", 2, "size", "huge", f"is not one of none, small, big{kept}"),
    ]
    assert sources.ingested[1].rows_kept == 3


def test_a_later_row_of_one_customer_and_moment_replaces_the_earlier(shop):
    people = (
        "who,town,age,size,since\n"
        "a,Rome,1,,2024-01-01\na,Bari,1,,2024-01-01\na,Pisa,1,big,2024-06-01\na,Como,1,,\n"
    )
    dated = PEOPLE.replace("{dated}", 'valid_from = "since"')
    sources = shop(columns=dated, people__csv=people)
    found = rows(sources, "attributes", "name", "value", "valid_from")
    assert [row[1:] for row in found if row[0] == "town"] == [
        ("Bari", T("2024-01-01")),
        ("Pisa", T("2024-06-01")),
        ("Como", None),
    ]
    assert sources.ingested[1].repeats == 1
    assert sources.ingested[1].first == T("2024-01-01")


def test_nothing_at_or_after_as_of_is_kept(shop):
    orders = "who,when,paid\na,2024-01-01,1\na,2024-02-01,2\na,2024-03-01,3\n"
    mail = "who,at\na,2024-01-31 23:59:59\na,2024-02-01\n"
    people = "who,town,age,size,since\na,Rome,1,big,2024-02-01\na,Bari,1,big,\n"
    dated = PEOPLE.replace("{dated}", 'valid_from = "since"')
    sources = shop(
        orders,
        columns=EVENTS.format(literal='kind = "mail"', column="") + dated,
        mail__csv=mail,
        people__csv=people,
        as_of=T("2024-02-01 01:00", tz="Europe/Berlin"),
    )
    assert rows(sources, "orders", "amount") == [(1.0,)]
    assert rows(sources, "events", "moment") == [(T("2024-01-31 23:59:59"),)]
    assert {value for (value,) in rows(sources, "attributes", "value")} == {"Bari", "1.0", "big"}
    assert [(a.rows_read, a.rows_kept, a.later) for a in sources.ingested] == [
        (3, 1, 2),
        (2, 1, 1),
        (2, 1, 1),
    ]
    assert (sources.start, sources.end) == (T("2024-01-01"), T("2024-01-01"))
    assert rejected(sources) == []


# ---------------------------------------------------------------- where it is read from


def test_files_may_be_zipped_foreign_or_many(shop, tmp_path):
    expected = [("a",), ("b",)]
    assert rows(shop(gzip.compress(GOOD.encode()), url="o.csv.gz"), "orders", "customer_id") == (
        expected
    )
    tabs = GOOD.replace(",", "\t")
    assert rows(shop(tabs, url="o.tsv"), "orders", "customer_id") == expected
    for encoding in ("utf-8-sig", "utf-16"):
        found = shop(GOOD.encode(encoding), url=f"{encoding}.txt")
        assert rows(found, "orders", "customer_id") == expected
    latin = GOOD.replace("\nb", "\nMüller").encode("latin-1")
    assert rows(shop(latin, url="l.csv"), "orders", "customer_id") == [("a",), ("Müller",)]
    table = pa.table({"who": ["a"], "when": ["2024-01-01"], "paid": [1]})
    sources = shop(table, url="many/1.parquet")
    pq.write_table(table, tmp_path / "many" / "2.parquet")
    assert shop(None, url="many").ingested[0].rows_kept == 2 * sources.ingested[0].rows_kept
    assert shop(None, url=f"file://{tmp_path}/many").ingested[0].rows_kept == 2
    mixed = GOOD.replace("10\n", "10\r\n").encode()
    assert rows(shop(mixed, url="m.csv"), "orders", "customer_id") == expected
    odd = shop(GOOD, url="we[i]rd *na?me.csv")
    assert rows(odd, "orders", "customer_id") == expected


def test_names_of_columns_are_quoted(tmp_path):
    (tmp_path / "o.csv").write_text('"the ""who""",when; then,"pa\'id",select\na,2024-01-01,1,2\n')
    text = HEAD.format(head="", url="o.csv", form="", columns='brand = "select"')
    text = text.replace('"who"', "'the \"who\"'").replace('"when"', '"when; then"')
    text = text.replace('"paid"', '"pa\'id"')
    sources = load(config.parse(text, tmp_path / "shop.toml"))
    assert rows(sources, "orders", "customer_id", "amount", "brand") == [("a", 1.0, "2")]


# ---------------------------------------------------------------- rows that cannot be used


def test_unusable_rows_are_listed_and_the_rest_goes_on(shop):
    text = (
        "who,when,paid\n"
        "a,2024-01-01,1\n"
        ",2024-01-02,2\n"
        "NULL,2024-01-03,3\n"
        "b,yesterday,4\n"
        "b,2024-02-30,5\n"
        "b,9999-12-31,5\n"
        "c,2024-01-04\n"
        "c,2024-01-04,6,7\n"
        "d,,7\n"
        "d,2024-01-05,free\n"
        'd,2024-01-05,"1,5"\n'
        "d,2024-01-05,\n"
        "e,2024-01-05,inf\n"
        "e,2024-01-06,NaN\n"
        "f,2024-01-07,-1e1\n"
        'f,2024-01-08,"1,234.50"\n'
    )
    sources = shop(text, head="max_reject_share = 0.9")
    assert rows(sources, "orders", "customer_id", "amount") == [
        ("a", 1.0),
        ("f", -10.0),
        ("f", 1234.5),
    ]
    assert rejected(sources) == [
        ("orders", 2, "who", None, "is empty"),
        ("orders", 3, "who", "NULL", "is empty"),
        ("orders", 4, "when", "yesterday", "is not a moment"),
        ("orders", 5, "when", "2024-02-30", "is not a moment"),
        ("orders", 6, "when", "9999-12-31", "is not a moment"),
        ("orders", 7, "(whole row)", "c,2024-01-04", "the number of fields is wrong"),
        ("orders", 8, "(whole row)", "c,2024-01-04,6,7", "the number of fields is wrong"),
        ("orders", 9, "when", None, "is empty"),
        ("orders", 10, "paid", "free", "is not a number"),
        ("orders", 11, "paid", "1,5", "is not a number"),
        ("orders", 12, "paid", None, "is empty"),
        ("orders", 13, "paid", "inf", "is not a number"),
        ("orders", 14, "paid", "NaN", "is empty"),
    ]
    account = sources.ingested[0]
    assert (account.rows_read, account.rows_kept, account.rows_rejected) == (16, 3, 13)


def test_an_amount_beyond_all_measure_is_no_number(shop):
    # The square of 1e200 is no DOUBLE: a standard deviation of such amounts stops the database.
    text = "who,when,paid\na,2024-01-01,1e15\na,2024-01-02,1e200\na,2024-01-03,-1.1e15\n"
    sources = shop(text, head="max_reject_share = 0.9")
    assert rows(sources, "orders", "amount") == [(1e15,)]
    assert rejected(sources) == [
        ("orders", 2, "paid", "1e200", "is not a number"),
        ("orders", 3, "paid", "-1.1e15", "is not a number"),
    ]


def test_missing_and_endless_values_of_parquet_are_rejected(shop):
    table = pa.table(
        {
            "who": pa.array([1.0, None, float("nan"), 4.0, 5.0]),
            "when": pa.array([T("2024-01-01")] * 4 + [None], pa.timestamp("us")),
            "paid": [1.0, 1.0, 1.0, float("inf"), 1.0],
        }
    )
    sources = shop(table, url="o.parquet", head="max_reject_share = 0.9")
    assert rows(sources, "orders", "customer_id") == [("1",)]
    assert rejected(sources) == [
        ("orders", 2, "who", None, "is empty"),
        ("orders", 3, "who", "nan", "is empty"),
        ("orders", 4, "paid", "inf", "is not a number"),
        ("orders", 5, "when", None, "is empty"),
    ]


# ---------------------------------------------------------------- bad files

JOIN = '\n[[orders.join]]\nurl = "p.csv"\non = "sku"\ncolumns = ["kind"]'
FILL = "Remedy: check the export that wrote it"


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
            {"orders": GOOD.encode("utf-16-le")},
            "The text of a source is in UTF-8, Windows-1252, or UTF-16 with its mark. "
            "Seen: NUL characters in the header of orders.csv. Remedy: save it as UTF-8",
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
            'Remedy: set decimal = "," if it is a comma, remove currency signs, '
            "or name another column",
        ),
        (
            {"orders": "who,when,paid\n,2024-01-01,1\n,2024-01-01,1\n"},
            "orders: column 'who' must not be empty. Seen: no value at all. "
            "Remedy: name another column",
        ),
        ({"orders": ""}, f"A source has a header and rows. Seen: orders.csv is empty. {FILL}"),
        (
            {"orders": "who,when,paid\n"},
            f"A source has a header and rows. Seen: orders.csv has a header and no rows. {FILL}",
        ),
        (
            {
                "orders": "who,when,paid,c\na,2024-01-01,1,EUR\nb,2024-01-01,1,GBP\n",
                "columns": 'currency = "c"',
            },
            "All amounts must be in EUR, or their currency must have a rate. "
            "Seen: GBP without a rate. "
            "Remedy: add rates = { GBP = ... } to [experiment]: EUR for one GBP",
        ),
        (
            {"orders": None, "url": "s3://bucket/orders.csv"},
            "A source cannot be read from s3:// addresses. Seen: s3://bucket/orders.csv. "
            "Remedy: use package://NAME/path, file://path or a plain path, to .csv, .tsv, .txt "
            "(each also with .gz), .parquet, or a folder of .parquet",
        ),
        (
            {"orders": "x", "url": "orders.xlsx"},
            "A source's format is told by its ending. Seen: orders.xlsx. "
            "Remedy: convert it; use package://NAME/path, file://path or a plain path, to .csv, "
            ".tsv, .txt (each also with .gz), .parquet, or a folder of .parquet",
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
            {"orders": GOOD + "a,2024-01-01,1\n" * 5 + "a,x,1\na,y,1\na,2024-01-01,z\n"},
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
             "p__csv": "sku,kind\n7,fruit\n7,nut\n"},
            "orders: a joined table has one row for each sku. Seen: sku '7' 2 times in p.csv. "
            "Remedy: join a table without repeats",
        ),
        (
            {"orders": "who,when,paid,sku\na,2024-01-01,1,7\n", "columns": JOIN,
             "p__csv": "sku,kinds\n7,fruit\n"},
            "orders: column 'kind' must exist in p.csv. Seen: the columns sku, kinds. "
            "Remedy: did you mean 'kinds'?",
        ),
        (
            {"orders": "who,when,paid,sku,kind\na,2024-01-01,1,7,x\n", "columns": JOIN,
             "p__csv": "sku,kind\n7,fruit\n"},
            "orders: a joined table adds columns with names of their own. "
            "Seen: 'kind' is already a column. "
            "Remedy: leave 'kind' out of the join's columns, or rename it",
        ),
    ],
)  # fmt: skip
def test_a_meaningless_source_stops_the_run(shop, settings, expected):
    assert refusal(shop, **settings) == expected


def test_a_missing_file_names_its_nearest(shop, tmp_path):
    (tmp_path / "orders.csv").write_text(GOOD)
    assert refusal(shop, None, url="order.csv") == (
        f"A source's file must exist. Seen: order.csv ({tmp_path / 'order.csv'}). "
        "Remedy: did you mean orders.csv?"
    )


def test_a_broken_parquet_file_is_unreadable(shop):
    assert re.fullmatch(
        rf"A source must be readable\. Seen: o\.parquet: .*o\.parquet.*\. {FILL}",
        refusal(shop, b"no parquet at all", url="o.parquet"),
    )


def test_a_broken_zip_is_unreadable(shop):
    assert refusal(shop, GOOD, url="o.csv.gz") == (
        f"A source must be readable. Seen: o.csv.gz: Not a gzipped file (b'wh'). {FILL}"
    )


def test_a_folder_without_parquet_is_refused(shop, tmp_path):
    (tmp_path / "many").mkdir()
    assert refusal(shop, None, url="many") == (
        "A folder as a source holds Parquet files. Seen: none in many. Remedy: name a file instead"
    )


# ---------------------------------------------------------------- the demo's data


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


def test_columns_may_bear_our_own_names(tmp_path):
    text = "problem,amount,moment,row,customer_id\na,2024-01-01,5,x,77\nb,2024-01-02,6,y,88\n"
    (tmp_path / "o.csv").write_text(text)
    toml = HEAD.format(head="", url="o.csv", form='line_id = "row"', columns='brand = "row"')
    toml = toml.replace('"who"', '"problem"').replace('"when"', '"amount"')
    toml = toml.replace('"paid"', '"moment"') + 'category = "customer_id"'
    sources = load(config.parse(toml, tmp_path / "shop.toml"))
    assert rows(sources, "orders", "customer_id", "moment", "amount", "brand", "category") == [
        ("a", T("2024-01-01"), 5.0, "x", "77"),
        ("b", T("2024-01-02"), 6.0, "y", "88"),
    ]
