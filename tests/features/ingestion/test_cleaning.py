import pandas as pd
import pyarrow as pa
import pytest

T = pd.Timestamp


def test_a_decimal_comma_and_a_day_first_date(loaded, rows):
    text = "who;when;paid\na;31.12.2023;1.234,50\nb;1.2.2024;-7\nc;1.2.2024 ;0,5\n"
    form = 'delimiter = ";"\ndecimal = ","\nmoment_format = "%d.%m.%Y"'
    assert rows(loaded(text, form=form), "orders", "moment", "amount") == [
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
        ("unix_microseconds", "854755200500001", "1997-02-01 00:00:00.500001"),
        ("unix_nanoseconds", "854755200500001999", "1997-02-01 00:00:00.500001"),
    ],
)
def test_a_moment_is_read_by_its_format(loaded, form, written, moment, rows):
    sources = loaded(f"who,when,paid\na,{written},1\n", form=f'moment_format = "{form}"')
    assert rows(sources, "orders", "moment") == [(T(moment),)]


@pytest.mark.parametrize(
    ("written", "remedy"),
    [
        (1_700_000_000, 'set moment_format = "unix_seconds"'),
        (1_700_000_000_000, 'set moment_format = "unix_milliseconds"'),
        (1_700_000_000_000_000, 'set moment_format = "unix_microseconds"'),
        (1_700_000_000_000_000_000, 'set moment_format = "unix_nanoseconds"'),
        (20_240_101, 'set moment_format, for instance "%d.%m.%Y" or "%Y%m%d"'),
    ],
)
def test_numbers_that_count_since_1970_are_told_by_their_length(loaded, refusal, written, remedy):
    table = pa.table({"who": ["a"], "when": [written], "paid": [1]})
    assert refusal(loaded, table, url="o.parquet") == (
        "orders: column 'when' must hold a moment somewhere. "
        f"Seen: none in 1 rows, for instance '{written}' (bigint). "
        f"Remedy: {remedy}, or name another column"
    )


def test_whole_numbers_in_parquet_are_moments_by_their_format(loaded, rows):
    table = pa.table({"who": [1, 2], "when": [19970101, 19970630], "paid": [1, 2]})
    sources = loaded(table, url="o.parquet", form='moment_format = "%Y%m%d"')
    assert rows(sources, "orders", "moment") == [(T("1997-01-01"),), (T("1997-06-30"),)]


def test_moments_become_utc_and_keep_their_wall_clock(loaded, rows):
    text = (
        "who,when,paid\n"
        "naive winter,2024-01-10 12:00:00,1\n"
        "naive summer,2024-07-10 12:00:00,1\n"
        "zulu,2024-07-10T12:00:00Z,1\n"
        "offset,2024-07-10 12:00:00-05:00,1\n"
        "skipped hour,2024-03-31 02:30:00,1\n"
        "doubled hour,2024-10-27 02:30:00,1\n"
    )
    sources = loaded(text, head='time_zone = "Europe/Berlin"')
    assert rows(sources, "orders", "moment", "local") == [
        (T("2024-01-10 11:00"), T("2024-01-10 12:00")),
        (T("2024-07-10 10:00"), T("2024-07-10 12:00")),
        (T("2024-07-10 12:00"), T("2024-07-10 14:00")),
        (T("2024-07-10 17:00"), T("2024-07-10 19:00")),
        (T("2024-03-31 01:30"), T("2024-03-31 03:30")),
        (T("2024-10-27 01:30"), T("2024-10-27 02:30")),
    ]


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2024-07-10T12:00:00z", "2024-07-10 12:00"),
        ("2024-07-10 12:00:00 -0500", "2024-07-10 17:00"),
        ("2024-07-10 12:00:00.5 +05:30", "2024-07-10 06:30:00.5"),
        ("2024-07-10T12:00+02:00", "2024-07-10 10:00"),
        ("2024-07-10T12:00Z", "2024-07-10 12:00"),
        ("2024-07-10 12:00 -05", "2024-07-10 17:00"),
        ("2024-07-10 12:00:00 utc", "2024-07-10 12:00"),
        ("2024-07-10 12:00 UTC", "2024-07-10 12:00"),
    ],
)
def test_a_moment_with_a_zone_of_its_own_may_be_written_in_many_ways(loaded, rows, written, moment):
    sources = loaded(f"who,when,paid\na,{written},1\n", head='time_zone = "America/New_York"')
    assert rows(sources, "orders", "moment") == [(T(moment),)]


def test_typed_moments_of_parquet_become_utc(loaded, rows):
    day = pa.array([T("2024-07-10 12:00")], pa.timestamp("ns", "America/New_York"))
    zoned = pa.table({"who": ["a"], "when": day, "paid": [1.0]})
    naive = pa.table(
        {"who": ["a"], "when": pa.array([T("2024-07-10")], pa.date32()), "paid": [1.0]}
    )
    zone = 'time_zone = "Europe/Berlin"'
    moment = rows(loaded(zoned, url="z.parquet", head=zone), "orders", "moment")
    assert moment == [(T("2024-07-10 12:00"),)]
    moment = rows(loaded(naive, url="n.parquet", head=zone), "orders", "moment")
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
def test_customers_are_text_whatever_their_type(loaded, ids, expected, rows):
    table = pa.table({"who": ids, "when": ["2024-01-01"] * 2, "paid": [1.0, 2.0]})
    found = rows(loaded(table, url="o.parquet"), "orders", "customer_id")
    assert [who for (who,) in found] == expected


@pytest.mark.parametrize(
    "switches", [pa.array([True, False]), ["True", "FALSE"], ["true", " false "]]
)
def test_a_switch_is_the_same_text_from_whatever_column(loaded, rows, switches):
    """As a request's JSON sends it (`serving.schemas`)."""
    who = {"who": ["a", "b"], "when": ["2024-01-01"] * 2, "paid": [1.0, 2.0]}
    made = loaded(pa.table({**who, "app": switches}), url="o.parquet", columns='channel = "app"')
    assert rows(made, "orders", "channel") == [("true",), ("false",)]


ZOE = "Zo\u00eb"
ALIKE = ("Zo\u00eb", "Zoe\u0308", "Zo\u00eb\t", "\u00a0Zoe\u0308 \u3000", "\r\n Zo\u00eb\v\x85")


def test_ids_that_look_alike_are_one(loaded, rows, rejected):
    n = len(ALIKE)
    table = pa.table({"who": ALIKE, "when": ["2024-01-01"] * n, "paid": [1] * n, "sku": ALIKE})
    columns = 'order_id = "sku"\nproduct_id = "sku"'
    found = rows(
        loaded(table, url="o.parquet", columns=columns),
        "orders", "customer_id", "order_id", "product_id",
    )  # fmt: skip
    assert found == [(ZOE, ZOE, ZOE)] * n
    inner = pa.table({"who": ["a b", "a\tb", "\t"], "when": ["2024-01-01"] * 3, "paid": [1] * 3})
    sources = loaded(inner, url="i.parquet", head="max_reject_share = 0.9")
    assert rows(sources, "orders", "customer_id") == [("a b",), ("a\tb",)]
    assert rejected(sources) == [("orders", 3, "who", "\t", "is not a customer")]


def test_ids_that_look_alike_are_one_in_every_source(loaded, rows):
    composed, apart, tabbed = ALIKE[:3]
    files = {
        "events.csv": f"who,at\n{apart},2024-01-01\n",
        "people.csv": f"who,age\n{tabbed},30\n",
        "merged.csv": f"old,new\n{apart},{composed}1\nb,{tabbed}\n",
        "tiers.csv": f"id,tier\n{tabbed},gold\n",
    }
    columns = """channel = "tier"
[[orders.join]]
url = "tiers.csv"
on = { left = "who", right = "id" }
columns = ["tier"]
[[events]]
name = "visits"
url = "events.csv"
kind = "visit"
[events.columns]
customer_id = "who"
moment = "at"
[[attributes]]
name = "people"
url = "people.csv"
customer_id = "who"
[attributes.columns]
age = { lens = "demographic", kind = "number" }
[aliases]
url = "merged.csv"
old = "old"
new = "new"
"""
    orders = f"who,when,paid\n{composed},2024-01-01,1\nb,2024-01-01,1\n"
    sources = loaded(orders, files=files, columns=columns)
    one = f"{ZOE}1"
    assert rows(sources, "orders", "customer_id", "channel") == [(one, "gold"), (one, None)]
    assert rows(sources, "events", "customer_id") == [(one,)]
    assert rows(sources, "attributes", "customer_id") == [(one,)]


def test_an_amount_beyond_all_measure_is_no_number(loaded, rows, rejected):
    # The square of 1e200 is no DOUBLE: a standard deviation of such amounts stops the database.
    text = "who,when,paid\na,2024-01-01,1e15\na,2024-01-02,1e200\na,2024-01-03,-1.1e15\n"
    sources = loaded(text, head="max_reject_share = 0.9")
    assert rows(sources, "orders", "amount") == [(1e15,)]
    assert rejected(sources) == [
        ("orders", 2, "paid", "1e200", "is not a number"),
        ("orders", 3, "paid", "-1.1e15", "is not a number"),
    ]
