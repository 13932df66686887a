"""Currencies in a column that the experiment file does not name: amounts added up as if of one."""

from __future__ import annotations

import re
from collections.abc import Collection

import duckdb

from features.ingestion.cleaning import currency, quoted
from features.ingestion.databases import fetched, released
from features.ingestion.joining import is_nested
from features.ingestion.locations import resolve
from features.ingestion.reading import read
from features.ingestion.relation import Relation
from features.settings.experiment import Experiment

#: ISO 4217: the currencies that are in use, and a few that ended lately.
_LISTED = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP "
    "BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP "
    "GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS "
    "KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR "
    "MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF "
    "SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD "
    "TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG"
)
CODES = frozenset(_LISTED.split())
_SAMPLE = 5_000
# Types of text as DuckDB, SQLite and Ibis call them; a column of SQLite may have none.
_TEXT = re.compile(r"char|clob|text|string|^$", re.IGNORECASE)


def unnamed(experiment: Experiment) -> dict[str, tuple[str, ...]]:
    """Columns of the orders that hold currencies, by name: the codes, the commonest first.

    On a sample of the rows, of SQLite and servers on the first of them; of a column that the
    experiment file names for nothing, and in which all that is written is of `CODES`, two or more
    of them. Nothing where the orders name the column of their currency.
    """
    orders = experiment.orders
    if orders.currency is not None:
        return {}
    named = {value for value in vars(orders).values() if isinstance(value, str)}
    named |= {*orders.discount, *(join.left for join in orders.joins)}
    with duckdb.connect() as con:
        relation = read(con, resolve(orders.url, experiment.path.parent), orders.format)
        try:
            return _found(con, relation, named)
        finally:
            released(con, [relation])


def _found(
    con: duckdb.DuckDBPyConnection, relation: Relation, named: Collection[str]
) -> dict[str, tuple[str, ...]]:
    wanted = [
        c for c, dtype in relation.columns.items()
        if c not in named and _TEXT.search(dtype) and not is_nested(dtype)
    ]  # fmt: skip
    if not wanted:
        return {}
    relation = fetched(con, relation, wanted, "fetched", _SAMPLE)
    free = [c for c in wanted if relation.columns[c] == "VARCHAR"]
    if not free:
        return {}
    codes = ", ".join(f"{currency(quoted(c), 'VARCHAR')} AS {quoted(c)}" for c in free)
    con.execute(
        f"CREATE TEMP TABLE sample AS SELECT {codes} FROM (SELECT {', '.join(map(quoted, free))} "
        f"FROM {relation.sql}) USING SAMPLE reservoir({_SAMPLE} ROWS) REPEATABLE (7)"
    )
    found = {}
    for column in free:
        rows = con.execute(
            f"SELECT {quoted(column)} AS code FROM sample WHERE code IS NOT NULL "
            "GROUP BY code ORDER BY count(*) DESC, code"
        ).fetchall()
        values = tuple(str(code) for (code,) in rows)
        if len(values) > 1 and CODES.issuperset(values):
            found[column] = values
    return found
