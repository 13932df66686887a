"""Amounts in several currencies, converted by a table of rates: each line by a rate of its time."""

import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from features.ingestion import coins
from features.ingestion.coins import Coin
from features.sources import Sources

Load = Callable[..., Sources]
Rows = Callable[..., list[tuple[Any, ...]]]

DATED = """\
[rates]
url = "{url}"
{form}
[rates.columns]
currency = "code"
rate = "eur"
valid_from = "day"
"""
CONSTANT = DATED.replace('valid_from = "day"\n', "")
ORDERS = """\
who,when,paid,coin
a,2024-01-31,100,PLN
a,2024-02-01,100,pln
a,2024-02-01,100,EUR
a,2024-02-15 08:30:00,-100, PLN
a,2024-03-01,100,SEK
"""
RATES = "code,eur,day\nPLN,0.25,2024-02-01\nSEK,0.09,2024-01-01\npln,0.2,2024-01-01\n"


def section(url: str = "rates.csv", form: str = "", dated: bool = True) -> str:
    return 'currency = "coin"\n' + (DATED if dated else CONSTANT).format(url=url, form=form)


@pytest.fixture
def converted(loaded: Load, rows: Rows) -> Callable[..., list[float]]:
    """The amounts of the orders by a table of rates, in the order of their rows."""

    def run(
        rates: str | bytes | None = RATES,
        orders: str = ORDERS,
        *,
        columns: str = section(),
        **parts: Any,
    ) -> list[float]:
        files = {"rates.csv": rates} if rates is not None else {}
        sources = loaded(orders, columns=columns, files=files, **parts)
        return [amount for (amount,) in rows(sources, "orders", "amount")]

    return run


def test_a_line_takes_the_latest_rate_at_its_moment_or_before(
    converted: Callable[..., list[float]],
) -> None:
    assert converted() == [20.0, 25.0, 100.0, -25.0, 9.0]


def test_a_discount_is_converted_by_the_rate_of_its_line(loaded: Load, rows: Rows) -> None:
    orders = "who,when,paid,off,coin\na,2024-01-31,100,-8,PLN\na,2024-02-01,100,4,PLN\n"
    sources = loaded(orders, columns='discount = "off"\n' + section(), files={"rates.csv": RATES})
    assert rows(sources, "orders", "amount", "discount") == [(20.0, 1.6), (25.0, 1.0)]
    assert sources.connection.list_tables() == ["attributes", "events", "orders"]


def test_without_valid_from_a_rate_holds_ever(converted: Callable[..., list[float]]) -> None:
    rates = "code,eur\nPLN,0.25\nSEK,0.09\nEUR,1\n"
    amounts = converted(rates, columns=section(dated=False))
    assert amounts == [25.0, 25.0, 100.0, -25.0, 9.0]


def test_a_day_begins_by_the_clock_of_the_experiment(
    converted: Callable[..., list[float]],
) -> None:
    # Berlin's first of February begins at 23:00 UTC.
    orders = (
        "who,when,paid,coin\na,2024-01-31T22:59:59.999999Z,100,PLN\n"
        "a,2024-01-31T23:00:00Z,100,PLN\n"
    )
    berlin = 'time_zone = "Europe/Berlin"'
    assert converted(orders=orders, head=berlin) == [20.0, 25.0]
    assert converted(orders=orders) == [20.0, 20.0]


def test_a_table_with_decimal_commas_and_a_format_of_its_own(
    converted: Callable[..., list[float]],
) -> None:
    rates = "day;code;eur\n01.01.2024;PLN;0,2\n01.02.2024;PLN;0,25\n01.01.2024;SEK;0,09\n"
    form = 'moment_format = "%d.%m.%Y"\ndelimiter = ";"\ndecimal = ","'
    assert converted(rates, columns=section(form=form)) == [20.0, 25.0, 100.0, -25.0, 9.0]


def test_a_table_of_a_database(converted: Callable[..., list[float]], tmp_path: Any) -> None:
    table = [("PLN", 0.25, "2024-02-01"), ("PLN", 0.2, "2024-01-01"), ("SEK", 0.09, "2024-01-01")]
    with sqlite3.connect(tmp_path / "r.db") as lite:
        lite.execute("CREATE TABLE fx (code TEXT, eur REAL, day TEXT)")
        lite.executemany("INSERT INTO fx VALUES (?, ?, ?)", table)
    lite.close()
    with duckdb.connect(tmp_path / "r.duckdb") as duck:
        duck.execute("CREATE TABLE fx (code VARCHAR, eur DECIMAL(9, 4), day DATE)")
        duck.executemany("INSERT INTO fx VALUES (?, ?, ?)", table)
    for url in ("sqlite://r.db?table=fx", "duckdb://r.duckdb?table=fx"):
        assert converted(None, columns=section(url)) == [20.0, 25.0, 100.0, -25.0, 9.0]


def test_merged_customers_and_rates_go_together(loaded: Load, rows: Rows) -> None:
    aliases = '[aliases]\nurl = "merged.csv"\nold = "old"\nnew = "new"\n'
    sources = loaded(
        ORDERS,
        columns=section() + aliases,
        files={"rates.csv": RATES + "SEK,0.09,2024-01-01\n", "merged.csv": "old,new\na,b\n"},
    )
    assert rows(sources, "orders", "customer_id", "amount")[:2] == [("b", 20.0), ("b", 25.0)]
    accounts = [(i.source, i.rows_read, i.rows_kept, i.repeats) for i in sources.ingested]
    assert accounts == [("aliases", 1, 1, 0), ("rates", 4, 3, 1), ("orders", 5, 5, 0)]


def test_rates_of_days_to_come_are_counted_and_change_nothing(loaded: Load, rows: Rows) -> None:
    later = RATES + "PLN,9,2024-02-15\nUSD,0.9,2025-01-01\n"
    sources = loaded(
        ORDERS, columns=section(), files={"rates.csv": later}, as_of=datetime(2024, 2, 15)
    )
    assert rows(sources, "orders", "amount") == [(20.0,), (25.0,), (100.0,)]
    account = sources.ingested[0]
    assert (account.rows_read, account.rows_kept, account.later) == (5, 3, 2)
    assert (account.first, account.last) == (datetime(2024, 1, 1), datetime(2024, 2, 1))


def test_a_currency_that_comes_only_after_as_of_needs_no_rate_yet(
    converted: Callable[..., list[float]],
) -> None:
    orders = "who,when,paid,coin,at\na,2024-02-01,100,PLN,\na,2024-02-02,100,USD,2024-02-20\n"
    columns = 'arrived = "at"\n' + section()
    assert converted(orders=orders, columns=columns, as_of=datetime(2024, 2, 10)) == [25.0]
    constants = 'currency = "coin"\narrived = "at"'
    head = "rates = { PLN = 0.5 }"
    as_of = datetime(2024, 2, 10)
    assert converted(None, orders, columns=constants, head=head, as_of=as_of) == [50.0]


def test_what_a_line_is_worth_hangs_on_no_rate_after_it(
    converted: Callable[..., list[float]],
) -> None:
    rng = np.random.default_rng(7)
    start = pd.Timestamp("2024-01-01")
    since = [start, *(start + pd.to_timedelta(rng.integers(1, 90 * 24, 40), unit="h"))]
    rates = pd.DataFrame({"code": "PLN", "eur": rng.uniform(0.1, 0.4, 41), "day": since})
    rates = rates.drop_duplicates("day")
    hours = rng.integers(0, 90 * 24, 300)
    when = sorted([*(start + pd.to_timedelta(hours, unit="h")), *rates["day"]])
    orders = pd.DataFrame({"who": "a", "when": when, "paid": 100, "coin": "PLN"})
    held = [rates["eur"][rates["day"] <= at].loc[rates["day"][rates["day"] <= at].idxmax()]
            for at in when]  # fmt: skip
    text = orders.to_csv(index=False)
    whole = converted(rates.sample(frac=1, random_state=7).to_csv(index=False), text)
    assert whole == pytest.approx([100 * rate for rate in held], rel=1e-12)
    for cut in rates["day"].iloc[1::8]:
        before = rates[rates["day"] < cut]
        past = converted(before.to_csv(index=False), text)
        count = sum(at < cut for at in when)
        assert past[:count] == whole[:count]
        assert past[count:] != whole[count:]


GAP = "rates: a line takes the latest rate of its currency valid at its moment or before."
USABLE = "rates: every row must be usable."
WRITE = (
    "correct the row, or remove it from the table, or say how it is written: decimal, delimiter, "
    "moment_format"
)


@pytest.mark.parametrize(
    ("rates", "dated", "rule", "seen", "remedy"),
    [
        ("PLN,0.25,2024-02-01\nSEK,0.09,2024-03-02\n", True, GAP,
         "1 line in PLN from 2024-01-31 00:00:00 on, whose first rate is valid from 2024-02-01 "
         "00:00:00; 1 line in SEK from 2024-03-01 00:00:00 on, whose first rate is valid from "
         "2024-03-02 00:00:00",
         "add a rate of PLN that is valid from 2024-01-31 00:00:00 or earlier"),
        ("SEK,0.09,2024-01-01\nPLN,0.25,2024-02-15 08:30:01\n", True, GAP,
         "3 lines in PLN from 2024-01-31 00:00:00 on, whose first rate is valid from 2024-02-15 "
         "08:30:01",
         "add a rate of PLN that is valid from 2024-01-31 00:00:00 or earlier"),
        ("PLN,0.25,2024-01-01\nUSD,0.9,2024-01-01\n", True,
         "All amounts must be in EUR, or their currency must have a rate.", "SEK without a rate",
         "add rates of SEK to rates.csv: EUR for one SEK"),
        ("PLN,0.25,2024-01-01\npln ,0.26,2024-01-01\n", True,
         "rates: a currency has one rate at a moment.",
         "PLN from 2024-01-01 00:00:00: 0.25 in row 1 and 0.26 in row 2 of rates.csv",
         "keep the row that holds"),
        ("PLN,0.25,2024-01-01\nPLN,0.25,2024-01-02\nPLN,0.26,2024-01-03\n", False,
         "rates: without valid_from a currency has one rate.",
         "PLN: 0.25 in row 1 and 0.26 in row 3 of rates.csv",
         "keep the row that holds, or name the column of their day: valid_from"),
        ("PLN,0.25,2024-01-01\nPLN,x,2024-01-02\nPLN,inf,2024-01-03\n", True, USABLE,
         "row 2 of rates.csv: eur is not a number: 'x'; 1 more", WRITE),
        ("PLN,0.25,2024-01-01\n,0.3,2024-01-02\n", True, USABLE,
         "row 2 of rates.csv: code is empty", WRITE),
        ("PLN,0.25,2024-01-01\nPLN,0.3,\n", True, USABLE,
         "row 2 of rates.csv: day is empty", WRITE),
        ("PLN,0.25,2024-01-01\nPLN,0.3,soon\n", True, USABLE,
         "row 2 of rates.csv: day is not a moment: 'soon'", WRITE),
        ("PLN,0.25,2024-01-01\nPLN,0,3,2024-01-02\n", True, USABLE,
         "row 2 of rates.csv: (whole row) the number of fields is wrong: 'PLN,0,3,2024-01-02'",
         WRITE),
        ("PLN,0.25,2024-01-01\nPLN,0,2024-01-02\n", True,
         "rates: a rate is above 0 and at most 1e+12.", "row 2 of rates.csv: PLN = 0",
         "correct the row, or remove it from the table"),
        ("PLN,2e12,2024-01-01\n", True,
         "rates: a rate is above 0 and at most 1e+12.", "row 1 of rates.csv: PLN = 2e+12",
         "correct the row, or remove it from the table"),
        ("PLN,0.25,2024-01-01\neur,1.01,2024-01-01\n", True,
         "rates are the worth in EUR of one unit of another currency.",
         "row 2 of rates.csv: EUR = 1.01",
         "remove EUR from the table, or correct experiment.currency"),
    ],
)  # fmt: skip
def test_what_cannot_convert_is_refused(
    converted: Callable[..., list[float]],
    refusal: Callable[..., str],
    rates: str,
    dated: bool,
    rule: str,
    seen: str,
    remedy: str,
) -> None:
    words = refusal(converted, "code,eur,day\n" + rates, columns=section(dated=dated))
    assert words == f"{rule} Seen: {seen}. Remedy: {remedy}"


def test_lines_before_the_first_rate_are_told_by_the_local_clock(
    converted: Callable[..., list[float]], refusal: Callable[..., str]
) -> None:
    orders = "who,when,paid,coin\na,2024-01-31T22:30:00Z,1,PLN\n"
    rates = "code,eur,day\nPLN,0.25,2024-02-01\n"
    words = refusal(converted, rates, orders, head='time_zone = "Europe/Berlin"')
    assert "from 2024-01-31 23:30:00 on, whose first rate is valid from 2024-02-01 00:0" in words


def test_the_currencies_are_measured_after_conversion_where_they_are_several(
    loaded: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    head, columns = "rates = { USD = 0.5 }", 'currency = "coin"'
    lines = "a,2024-01-01,10,EUR\na,2024-01-02,30,usd\na,2024-01-02,50,USD\na,2024-01-03,-9,USD\n"
    orders = "who,when,paid,coin\n" + lines
    found = loaded(orders, head=head, columns=columns).coins
    assert found == (Coin("EUR", 1, 10.0), Coin("USD", 2, 20.0))
    first = datetime(2024, 1, 2)
    assert loaded(orders, head=head, columns=columns, as_of=first).coins == ()
    assert loaded(orders).coins == ()

    monkeypatch.setattr(coins, "_MOST", 1_000)
    many = "who,when,paid,coin\n" + lines[:40] * 2_000
    few = loaded(many, head=head, columns=columns).coins
    assert [coin.median for coin in few] == [10.0, 15.0]
    assert 700 < sum(coin.lines for coin in few) < 1_300
