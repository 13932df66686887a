"""What the values of a file can be: its columns tried as moments and as numbers, on a sample."""

import functools
import re
from datetime import datetime
from pathlib import Path

import duckdb
import pandas as pd

from features.beginning import begin
from features.errors import SourceError
from features.guessing.hints import score
from features.ingestion.cleaning import (
    UNITS,
    blank,
    currency,
    identifier,
    literal,
    moment,
    number,
    quoted,
    times,
)
from features.ingestion.intake import tomorrow
from features.ingestion.locations import resolve
from features.ingestion.reading import read
from features.ingestion.relation import unreadable
from features.population import LEAST_ALIKE, is_rate
from features.settings.experiment import Format

_SAMPLE = 5_000
_ALMOST_ALL = 0.95
_FAR = 5  # times the shortest history, and a format makes too much of it

_DAYS = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d")
_SHORT_DAYS = (
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y"),
    *("%y-%m-%d", "%y.%m.%d", "%y/%m/%d"),
)
#: What a line is called that brought no money, or took it back.
_UNDONE = "cancel|storn|refund|return(s|ed)?\\b|void|annul|fail|declin|retour|erstatt"
_FEW_VALUES = 20
_NAMED_DAYS = ("%d %b %Y", "%d-%b-%Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%d-%b-%y")
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", "T%H:%M", ", %H:%M")
_FORMATS = (
    *(day + time for day in (*_DAYS, *_SHORT_DAYS, *_NAMED_DAYS) for time in _TIMES),
    *("%Y%m%d", "%Y%m%d%H%M%S", "%Y%m%d %H:%M:%S", "%Y-%m", "%m/%Y", "%Y%m"),
)


class Profile:
    """One file, and 5,000 of its rows by which its columns are judged."""

    def __init__(self, path: Path, encoding: str | None = None) -> None:
        self.path = path
        self.con = duckdb.connect()
        self.con.execute("SET TimeZone = 'UTC'")
        location = resolve(str(path), path.parent)
        self.relation = read(self.con, location, Format(encoding=encoding))
        self.delimiter = self.relation.delimiter
        self.types = self.relation.columns
        try:
            self.con.execute(
                f"CREATE TABLE sample AS SELECT * FROM {self.relation.sql} "
                f"USING SAMPLE reservoir({_SAMPLE} ROWS) REPEATABLE (7)"
            )
        except duckdb.Error as error:
            raise unreadable(location.url, error) from error
        if not self._one("SELECT count(*) FROM sample")[0]:
            raise SourceError(
                "A source has a header and rows.",
                f"{path.name} has a header and no rows",
                "check the export that wrote it",
            )

    def formats(self, column: str) -> list[str | None] | None:
        """The moment formats that almost all values have; None where there is none."""
        dtype = self.types[column]
        if dtype == "DATE" or dtype.startswith("TIMESTAMP"):
            return [None]
        if dtype == "VARCHAR":
            if self._share(self._moment(column, None), column):
                return [None]
            few = self._few(column)
            tried = [form for form in _FORMATS if any(_parses(value, form) for value in few)]
        elif "INT" in dtype:
            tried = ["%Y%m%d", "%Y%m"]
        else:
            return None
        named = score("moment", column) > 0
        if not named and "%Y%m" in tried:
            tried.remove("%Y%m")  # any six digits would do
        good: list[str | None] = [
            form for form in tried if self._share(self._moment(column, form), column)
        ]
        if len(good) > 1:
            good = self._likeliest(column, good)
        if not good and named:
            good = [unit for unit in UNITS if self._share(self._counted(column, unit), column)]
        return [*good] or None

    def _likeliest(self, column: str, forms: list[str | None]) -> list[str | None]:
        """Those of several formats in which most values are moments, fewest of them after today,
        and that do not make decades of what another takes for a few years.
        """
        found = {}
        for form in forms:
            at = self._moment(column, form)
            found[form] = self._one(
                f"SELECT -count({at}), count(*) FILTER ({at} >= TIMESTAMP '{tomorrow()}'), "
                f"date_diff('day', min({at}), max({at})) FROM sample"
            )
        best = min(found.values())
        as_good = {form: days for form, (*seen, days) in found.items() if tuple(seen) == best[:2]}
        most = _FAR * max(min(as_good.values()), 365)
        return [form for form, days in as_good.items() if days <= most]

    def names_moment(self, column: str) -> bool:
        """Whether a column's name is a moment as its values are, or some day."""
        forms = [None, *_DAYS, *_SHORT_DAYS, *(self.formats(column) or ())]
        read = ", ".join(moment("name", "VARCHAR", Format(form), "UTC") for form in forms)
        name = f"SELECT {literal(column)} AS name"
        return self._one(f"SELECT count(coalesce({read})) FROM ({name})")[0] > 0

    def _few(self, column: str) -> tuple[str, ...]:
        """Some values, with which Python drops most formats faster than a query would."""
        given = f"NOT {blank(quoted(column), self.types[column])}"
        found = self.con.execute(f"SELECT {quoted(column)} FROM sample WHERE {given} LIMIT 20")
        return tuple(str(value).strip() for (value,) in found.fetchall())

    def _counted(self, column: str, unit: str) -> str:
        low, at = UNITS[unit], self._moment(column, unit)
        whole = f"split_part(CAST({quoted(column)} AS VARCHAR), '.', 1)"
        digits = f"strlen({whole}) BETWEEN {low} AND {low + 2}"
        return f"CASE WHEN {digits} AND year({at}) >= 1990 THEN {at} END"

    def _moment(self, column: str, fmt: str | None) -> str:
        parsed = moment(quoted(column), self.types[column], Format(moment_format=fmt), "UTC")
        return f"CASE WHEN year({parsed}) BETWEEN 1950 AND 2100 THEN {parsed} END"

    def decimals(self, column: str) -> tuple[str, ...]:
        """The decimal mark with which most values are numbers, both where as many are; none where
        too few are.
        """
        read = {m: number(quoted(column), self.types[column], m) for m in ".,"}
        fitting = {m: self._read(sql) for m, sql in read.items() if self._share(sql, column)}
        return tuple(m for m, count in fitting.items() if count == max(fitting.values()))

    def grouped(self, column: str) -> bool:
        """Whether a value ends as 1,234 does: a thousand, or one and a bit, by the mark."""
        value = f"regexp_matches(CAST({quoted(column)} AS VARCHAR), '[.,][0-9]{{3}}$')"
        return self._one(f"SELECT count(*) FROM sample WHERE {value}")[0] > 0

    def _read(self, sql: str) -> int:
        return self._one(f"SELECT count({sql}) FROM sample")[0]

    def _share(self, sql: str, column: str) -> bool:
        given = f"NOT {blank(quoted(column), self.types[column])}"
        total, good = self._one(f"SELECT count(*), count({sql}) FROM sample WHERE {given}")
        return total > 0 and good >= _ALMOST_ALL * total

    def failing(self, role: str, column: str) -> str | None:
        """A value that is no moment or amount, whichever way it is read; None where all is blank.

        Where each value is one in some way, one that is so in the fewest ways.
        """
        dtype = self.types[column]
        if role == "moment":
            few = self._few(column)
            tried = [form for form in _FORMATS if any(_parses(value, form) for value in few)]
            ways = [self._moment(column, form) for form in (None, *tried)]
        else:
            ways = [number(quoted(column), dtype, mark) for mark in ".,"]
        read = " + ".join(f"CAST({way} IS NOT NULL AS INTEGER)" for way in ways)
        found = self.con.execute(
            f"SELECT CAST({quoted(column)} AS VARCHAR) AS value FROM sample "
            f"WHERE NOT {blank(quoted(column), dtype)} ORDER BY {read}, value LIMIT 1"
        ).fetchone()
        return None if found is None else str(found[0])

    def known(self, column: str) -> int:
        """How many different values there are, in the sample."""
        given = f"NOT {blank(quoted(column), self.types[column])}"
        return int(
            self._one(f"SELECT count(DISTINCT {quoted(column)}) FROM sample WHERE {given}")[0]
        )

    def has_digits(self, column: str) -> bool:
        """Whether most values hold a digit."""
        text = f"CAST({quoted(column)} AS VARCHAR)"
        share = f"avg(CAST(regexp_matches({text}, '[0-9]') AS INTEGER))"
        return self._one(f"SELECT {share} FROM sample WHERE {text} IS NOT NULL")[0] > 0.5

    def undone(self, column: str) -> str | None:
        """Of a column of a few words, one that says of some rows that nothing was bought."""
        if self.types[column] != "VARCHAR" or not 2 <= self.known(column) <= _FEW_VALUES:
            return None
        found = self.con.execute(
            f"SELECT {quoted(column)} FROM sample "
            f"WHERE regexp_matches({quoted(column)}, '(?i)\\b({_UNDONE})') LIMIT 1"
        ).fetchone()
        return None if found is None else str(found[0])

    def same_for_all_lines(self, amount: str, order: str, customer: str, form: Format) -> float:
        """Of the orders with several lines and an amount, a customer's by one id, the share of
        those whose lines all have the same; 0 where there are too few.
        """
        paid = number(quoted(amount), self.types[amount], form.decimal)
        orders, same = self._one(
            "SELECT count(*), count(*) FILTER (least = most) FROM "
            f"(SELECT min({paid}) AS least, max({paid}) AS most FROM {self.relation.sql} "
            f"WHERE {quoted(order)} IS NOT NULL GROUP BY {quoted(customer)}, {quoted(order)} "
            f"HAVING count(*) > 1 AND max({paid}) > 0)"
        )
        return same / orders if orders >= LEAST_ALIKE else 0.0

    def same_for_all_pieces(self, amount: str, quantity: str, product: str, form: Format) -> float:
        """Of the products of which one line has twice as many pieces as another, or more, the share
        of those whose amount does not grow with the pieces; 0 where there are too few.
        """
        paid = number(quoted(amount), self.types[amount], form.decimal)
        pieces = number(quoted(quantity), self.types[quantity], form.decimal)
        products, same = self._one(
            "SELECT count(*), count(*) FILTER (paid < sqrt(pieces)) FROM "
            "(SELECT max(pieces) / min(pieces) AS pieces, "
            "arg_max(paid, pieces) / arg_min(paid, pieces) AS paid FROM "
            f"(SELECT {quoted(product)} AS product, {pieces} AS pieces, median({paid}) AS paid "
            f"FROM {self.relation.sql} WHERE {quoted(product)} IS NOT NULL AND {pieces} > 0 "
            f"AND {paid} > 0 GROUP BY ALL) GROUP BY product HAVING max(pieces) >= 2 * min(pieces))"
        )
        return same / products if products >= LEAST_ALIKE else 0.0

    def distinct(self, column: str) -> float:
        """Different values for each row, 0 to 1."""
        rows, distinct = self._one(f"SELECT count(*), count(DISTINCT {quoted(column)}) FROM sample")
        return distinct / rows

    def over_days(self, order: str, customer: str, when: str, form: Format) -> float:
        """Of the orders with several lines, a customer's by one id, the share of those whose lines
        stand on several days; 0 where there are none.
        """
        day = f"CAST({moment(quoted(when), self.types[when], form, 'UTC')} AS DATE)"
        several, orders = self._one(
            "SELECT count(*) FILTER (days > 1), count(*) FROM "
            f"(SELECT count(DISTINCT {day}) AS days FROM {self.relation.sql} "
            f"WHERE {quoted(order)} IS NOT NULL "
            f"GROUP BY {quoted(customer)}, {quoted(order)} HAVING count(*) > 1)"
        )
        return several / max(orders, 1)

    def fractions(self, column: str, mark: str) -> bool:
        """Whether some values are not whole."""
        value = number(quoted(column), self.types[column], mark)
        return self._one(f"SELECT count(*) FROM sample WHERE {value} <> trunc({value})")[0] > 0

    def rate(self, column: str, mark: str, amount: str, form: Format) -> tuple[float, float] | None:
        """The least and the greatest value of a discount that is no amount but a share of the
        price (`features.population.is_rate`), in the whole file; None where it may be an amount.
        """
        value = number(quoted(column), self.types[column], mark)
        paid = number(quoted(amount), self.types[amount], form.decimal)
        low, high, p99 = self._one(
            f"SELECT min({value}), max({value}), quantile_cont({paid}, 0.99) "
            f"FROM {self.relation.sql}"
        )
        return (low, high) if is_rate(low, high, p99) else None

    def example(self, column: str, form: str) -> str:
        """A value that is a moment by `form`, as text."""
        read = f"{self._moment(column, form)} IS NOT NULL"
        sql = f"SELECT max(CAST({quoted(column)} AS VARCHAR)) FROM sample WHERE {read}"
        return str(self._one(sql)[0])

    def facts(
        self, who: str, when: str, paid: str, pieces: str | None, form: Format
    ) -> tuple[int, int, int, float, float | None]:
        """Rows, those of them that name no customer, customers, days from the first to the last row
        of the past, median days between days with an order.

        A return, an amount below 0 in `paid`, or in `paid` times `pieces`, is no order.
        """
        customer = identifier(quoted(who), self.types[who])
        at = moment(quoted(when), self.types[when], form, "UTC")
        amount = number(quoted(paid), self.types[paid], form.decimal)
        if pieces is not None:
            amount = times(amount, number(quoted(pieces), self.types[pieces], form.decimal))
        self.con.execute(
            f"CREATE TABLE visits AS SELECT {customer} AS customer, {at} AS moment, "
            f"coalesce({amount} >= 0, true) AS bought FROM {self.relation.sql}"
        )
        rows, nameless, customers = self._one(
            "SELECT count(*), count(*) - count(customer), count(DISTINCT customer) FROM visits"
        )
        days = self.con.execute(
            "SELECT CAST(moment AS DATE) AS day, max(moment) AS last, count(*) AS lines "
            f"FROM visits WHERE moment < TIMESTAMP '{tomorrow()}' GROUP BY day ORDER BY day"
        ).df()
        lines = days.set_index(pd.DatetimeIndex(days["day"]))["lines"]
        whole = days["last"].iloc[-1] - begin(lines) if len(days) else pd.Timedelta(0)
        span = whole / pd.Timedelta(days=1)
        gap = self._one(
            "SELECT median(gap) FROM (SELECT date_diff('day', lag(day) OVER "
            "(PARTITION BY customer ORDER BY day), day) AS gap FROM "
            "(SELECT DISTINCT customer, CAST(moment AS DATE) AS day FROM visits "
            "WHERE bought AND customer IS NOT NULL AND moment IS NOT NULL))"
        )[0]
        return int(rows), int(nameless), int(customers), span, gap

    def codes(self, column: str) -> tuple[str, ...]:
        """The three-letter codes in a column, the commonest first."""
        code = currency(quoted(column), self.types[column])
        found = self.con.execute(
            f"SELECT {code} AS code, count(*) AS n FROM {self.relation.sql} "
            f"WHERE regexp_full_match({code}, '[A-Z]{{3}}') GROUP BY code ORDER BY n DESC, code"
        ).fetchall()
        return tuple(str(code) for code, _ in found)

    def _one(self, sql: str) -> tuple[int, ...]:
        row = self.con.execute(sql).fetchone()
        assert row is not None  # an aggregate without GROUP BY has one row
        return row


def _parses(value: str, form: str) -> bool:
    if not _marks(form).issubset(value):  # nearly always, and much faster than to try
        return False
    try:
        datetime.strptime(value, form)
    except ValueError:
        return False
    return True


@functools.cache
def _marks(form: str) -> frozenset[str]:
    """The marks between the parts of a moment in a format.

    >>> sorted(_marks("%b %d, %Y %H:%M")), sorted(_marks("%Y%m%dT%H"))
    ([',', ':'], [])
    """
    return frozenset(re.sub(r"%.|\w|\s", "", form))
