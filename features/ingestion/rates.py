"""What one unit of another currency is worth in the experiment's: a constant, or a table by day.

A rate is a fact of its day. A line takes the latest rate of its currency that is valid at its
moment or before, so a rate that is written later changes no line before it; and a line before the
first rate of its currency is refused, since any rate for it would be a guess. The table is small
and all of it converts money, so a row that cannot be used is refused and not skipped, even if it is
of a day after `as_of`.
"""

import duckdb

from features.errors import SourceError
from features.ingestion.cleaning import Field, currency, literal, local, moment, number, quoted
from features.ingestion.intake import Intake
from features.ingestion.relation import unreadable
from features.ingestion.staging import Judged, judge, stage
from features.settings.experiment import MOST_WORTH, Experiment, RatesSource

# No column of a source is called so: "#" stands before names of ours beside theirs.
_TABLE, _RATE = map(quoted, ("#rates", "#rate"))
_EVER = "TIMESTAMP '-infinity'"
_CORRECT = "correct the row, or remove it from the table"


def remember(
    con: duckdb.DuckDBPyConnection, experiment: Experiment, source: RatesSource, intake: Intake
) -> None:
    """Read the table, and put its rates where `of_lines` finds them, until `forget`.

    Raises SourceError for a row without a currency, a rate above 0 or, where `valid_from` is named,
    a moment; for two rates of a currency at once; and for a rate other than 1 of the experiment's
    own currency.
    """
    form, zone = source.format, experiment.time_zone
    needed = [c for c in (source.currency, source.rate, source.valid_from) if c is not None]
    staged = stage(con, source.name, source.url, experiment.path.parent, form, needed)
    types = staged.columns
    code = currency(quoted(source.currency), types[source.currency])
    rate = number(quoted(source.rate), types[source.rate], form.decimal)
    fields = [
        Field("currency", source.currency, code, "always", "a currency"),
        Field("rate", source.rate, rate, "always", "a number"),
    ]
    since = _EVER
    if source.valid_from is not None:
        sql = moment(quoted(source.valid_from), types[source.valid_from], form, zone)
        fields.append(Field("valid_from", source.valid_from, sql, "always", "a moment"))
        since = "valid_from"
    judged = judge(con, staged, fields)
    _refuse_unusable(source, judged)
    _refuse_values(con, source, experiment.currency)
    _refuse_contradictions(con, source, since, zone)
    repeats = f'row_number() OVER (PARTITION BY currency, {since} ORDER BY "row") > 1'
    when = "valid_from" if source.valid_from else "CAST(NULL AS TIMESTAMP)"
    intake.count(staged, judged, when, repeats, of_customers=False)
    con.execute("DROP VIEW kept_rows")
    own = literal(experiment.currency)
    con.execute(
        f"CREATE TEMP TABLE {_TABLE} AS SELECT DISTINCT currency, rate, {since} AS valid_from "
        f"FROM judged_rows WHERE currency <> {own} UNION ALL SELECT {own}, 1.0, {_EVER}"
    )


def of_lines(con: duckdb.DuckDBPyConnection, experiment: Experiment, later: str) -> str:
    """SQL for the worth of a judged order line's currency in the experiment's.

    `later` is SQL for whether a line is left out as of `as_of`; nothing is asked of such lines.
    Raises SourceError for lines in a currency without a rate, or before its first one.
    """
    own, rates = experiment.currency, experiment.rates
    source = experiment.rate_table
    lines = f"judged_rows WHERE problem IS NULL AND NOT {later}"
    if source is None:
        remedy = "add rates = {{ {0} = ... }} to [experiment]: {1} for one {0}; or a table: [rates]"
        _refuse_without(con, lines, own, {*rates, own}, remedy)
        cases = " ".join(f"WHEN {literal(code)} THEN {rate!r}" for code, rate in rates.items())
        return f"(CASE currency {cases} ELSE 1 END)" if cases else "1"
    found = con.execute(f"SELECT DISTINCT currency FROM {_TABLE}").fetchall()
    remedy = f"add rates of {{0}} to {source.url}: {{1}} for one {{0}}"
    _refuse_without(con, lines, own, {code for (code,) in found}, remedy)
    try:
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE judged_rows AS SELECT line.*, held.rate AS {_RATE} "
            f"FROM judged_rows line ASOF LEFT JOIN {_TABLE} held "
            "ON line.currency = held.currency AND line.moment >= held.valid_from "
            'ORDER BY line."row"'
        )
    except duckdb.Error as error:  # no room for them
        raise unreadable(experiment.orders.url, error) from error
    _refuse_early(con, lines, experiment.time_zone)
    return _RATE


def forget(con: duckdb.DuckDBPyConnection) -> None:
    """Drop what `remember` put there, if anything."""
    con.execute(f"DROP TABLE IF EXISTS {_TABLE}")


def _refuse_unusable(source: RatesSource, judged: Judged) -> None:
    if judged.rejects.empty:
        return
    first, others = judged.rejects.iloc[0], len(judged.rejects) - 1
    seen = f"row {first['row']} of {source.url}: {first['column']} {first['reason']}"
    seen += f": {first['value']!r}" if isinstance(first["value"], str) else ""
    raise SourceError(
        "rates: every row must be usable.",
        seen + (f"; {others} more" if others else ""),
        f"{_CORRECT}, or say how it is written: decimal, delimiter, moment_format",
    )


def _refuse_values(con: duckdb.DuckDBPyConnection, source: RatesSource, own: str) -> None:
    """Rates that would make money vanish or overflow, or convert what needs no conversion."""
    odd = f"currency = {literal(own)} AND rate <> 1"
    found = con.execute(
        f'SELECT "row", currency, rate FROM judged_rows WHERE rate <= 0 OR rate > {MOST_WORTH!r} '
        f'OR ({odd}) ORDER BY "row" LIMIT 1'
    ).fetchone()
    if found is None:
        return
    row, code, rate = found
    seen = f"row {row} of {source.url}: {code} = {rate:g}"
    if 0 < rate <= MOST_WORTH:
        raise SourceError(
            f"rates are the worth in {own} of one unit of another currency.",
            seen,
            f"remove {own} from the table, or correct experiment.currency",
        )
    raise SourceError(f"rates: a rate is above 0 and at most {MOST_WORTH:g}.", seen, _CORRECT)


def _refuse_contradictions(
    con: duckdb.DuckDBPyConnection, source: RatesSource, since: str, zone: str
) -> None:
    found = con.execute(
        f'SELECT currency, CAST({local(since, zone)} AS VARCHAR), list(rate ORDER BY "row"), '
        f'list("row" ORDER BY "row") FROM judged_rows GROUP BY currency, {since} '
        f"HAVING min(rate) <> max(rate) ORDER BY currency, {since} LIMIT 1"
    ).fetchone()
    if found is None:
        return
    code, when, rates, numbers = found
    other = next(i for i, rate in enumerate(rates) if rate != rates[0])
    dated = f" from {when}" if source.valid_from else ""
    seen = (
        f"{code}{dated}: {rates[0]:g} in row {numbers[0]} and {rates[other]:g} in row "
        f"{numbers[other]} of {source.url}"
    )
    if source.valid_from:
        rule, remedy = "rates: a currency has one rate at a moment.", "keep the row that holds"
    else:
        rule = "rates: without valid_from a currency has one rate."
        remedy = "keep the row that holds, or name the column of their day: valid_from"
    raise SourceError(rule, seen, remedy)


def _refuse_without(
    con: duckdb.DuckDBPyConnection, lines: str, own: str, known: set[str], remedy: str
) -> None:
    """Refuse currencies that are not `known`; `remedy` has places for the first of them and own."""
    found = con.execute(f"SELECT DISTINCT currency FROM {lines} ORDER BY currency").fetchall()
    without = [code for (code,) in found if code not in known]
    if without:
        raise SourceError(
            f"All amounts must be in {own}, or their currency must have a rate.",
            f"{', '.join(without)} without a rate",
            remedy.format(without[0], own),
        )


def _refuse_early(con: duckdb.DuckDBPyConnection, lines: str, zone: str) -> None:
    found = con.execute(
        f"SELECT currency, count(*), CAST({local('min(moment)', zone)} AS VARCHAR), "
        f"(SELECT CAST({local('min(valid_from)', zone)} AS VARCHAR) FROM {_TABLE} "
        f"WHERE {_TABLE}.currency = judged_rows.currency) FROM {lines} AND {_RATE} IS NULL "
        "GROUP BY currency ORDER BY currency"
    ).fetchall()
    if found:
        told = [
            f"{count:,} line{'s' if count > 1 else ''} in {code} from {first} on, whose first rate "
            f"is valid from {since}"
            for code, count, first, since in found
        ]
        raise SourceError(
            "rates: a line takes the latest rate of its currency valid at its moment or before.",
            "; ".join(told),
            f"add a rate of {found[0][0]} that is valid from {found[0][2]} or earlier",
        )
