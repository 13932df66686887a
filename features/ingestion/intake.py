"""Usable rows into the canonical tables, and the account of what became of all the others."""

import json
from collections import Counter
from dataclasses import dataclass, field

import duckdb
import pandas as pd
import pyarrow as pa

from features.errors import SourceError
from features.ingestion.cleaning import literal
from features.ingestion.staging import Judged, Staged

#: More repeats among usable lines than this are a `line_id` that names no line.
_REPEATED_SHARE = 0.5


@dataclass(frozen=True)
class Ingested:
    """What became of one source's rows: read = left_out + kept + rejected + repeats + later.

    duplicates: rows equal to an earlier one in every column that was read (of SQLite and servers
    those that are used); kept, as they are often genuine.
    repeats: dropped: a line_id seen before, or an attribute row replaced by a later one.
    later: dropped: at or after `as_of`, or arrived then; where none is given, after today.
    merged: ids, of the kept rows, that count as another customer's (see `ingestion.aliases`).
    assumed: (url, a word of it) of each CSV file whose encoding was taken for granted.
    left_out: by the file's `leave_out`; `unmatched`: each (column, value) of it that no row has;
    `customer`: the column whose values are customers' ids.
    first, last: moments of the kept rows (naive UTC), None where there is none.
    """

    source: str
    url: str
    rows_read: int
    rows_kept: int
    rows_rejected: int
    duplicates: int
    first: pd.Timestamp | None
    last: pd.Timestamp | None
    repeats: int = 0
    later: int = 0
    merged: int = 0
    assumed: tuple[tuple[str, str], ...] = ()
    left_out: int = 0
    unmatched: tuple[tuple[str, str], ...] = ()
    customer: str = ""

    @property
    def rows_judged(self) -> int:
        """How many were read but for those left out."""
        return self.rows_read - self.left_out


def tomorrow() -> pd.Timestamp:
    """The end of the day of the run, naive UTC: nothing after it can have happened."""
    return pd.Timestamp.now("UTC").tz_localize(None).normalize() + pd.Timedelta(days=1)


@dataclass
class Intake:
    """Takes judged sources in, one after the other; nothing at or after `as_of` (naive UTC; None:
    the source has no moments).

    With `aliased`, judged rows have `own_id` beside `customer_id`: the id before it was merged.
    """

    con: duckdb.DuckDBPyConnection
    max_reject_share: float
    as_of: pd.Timestamp | None
    aliased: bool = False
    ingested: list[Ingested] = field(default_factory=list)
    rejects: list[pd.DataFrame] = field(default_factory=list)

    def keep(
        self,
        table: str,
        schema: pa.Schema,
        values: dict[str, str],
        staged: Staged,
        judged: Judged,
        line_id: str | None,
    ) -> None:
        """Insert the usable rows; `values` is SQL for the fields not judged under their name.

        A line is known from its moment on, or from when it arrived if that was later. Of those
        with one `line_id` the one known first is kept, so that a load with an earlier `as_of`
        keeps the same.
        """
        arrived = values.get("arrived", "arrived")
        known = "moment" if arrived == "NULL" else f"greatest(moment, {arrived})"
        order = f'PARTITION BY line_id ORDER BY {known}, moment, "row"'
        repeats = f"line_id IS NOT NULL AND row_number() OVER ({order}) > 1"
        self.count(staged, judged, "moment", repeats if line_id else "false", known)
        if line_id:
            self._refuse_too_many_repeats(self.ingested[-1], judged, line_id)
        listed = ", ".join(values.get(name, name) for name in schema.names)
        # Only looking for repeats takes the rows out of the order of the source.
        order = 'ORDER BY "row"' if line_id else ""
        self.con.execute(f"INSERT INTO {table} SELECT {listed} FROM kept_rows {order}")
        self.con.execute("DROP VIEW kept_rows")

    def later(self, known: str) -> str:
        """SQL for whether a row that is `known` from a moment on is left out as of `as_of`."""
        if self.as_of is None:
            return "false"
        return f"coalesce({known} >= TIMESTAMP {literal(str(self.as_of))}, false)"

    def count(
        self,
        staged: Staged,
        judged: Judged,
        when: str,
        repeats: str,
        known: str | None = None,
        *,
        of_customers: bool = True,
    ) -> None:
        """Put the usable rows into `kept_rows`, and note what became of the others.

        SQL: `when` a row happened, from when it is `known` (None: just then), whether it `repeats`.
        With `of_customers` false the rows name none.
        """
        self._refuse_too_many(staged, judged)
        cut = self.later(known or when)
        self.con.execute(
            f"CREATE TEMP VIEW kept_rows AS SELECT * EXCLUDE (is_later, is_repeat) FROM "
            f"(SELECT *, {repeats} AS is_repeat FROM "
            f"(SELECT *, {cut} AS is_later FROM judged_rows WHERE problem IS NULL) "
            "WHERE NOT is_later) WHERE NOT is_repeat"
        )
        named = self.aliased and of_customers
        merged = "count(DISTINCT own_id) FILTER (own_id <> customer_id)" if named else "0"
        kept, first, last, others = self.con.execute(
            f"SELECT count(*), min({when}), max({when}), {merged} FROM kept_rows"
        ).fetchall()[0]
        later = 0
        if self.as_of is not None:
            later = self.con.execute(
                f"SELECT count(*) FROM judged_rows WHERE problem IS NULL AND {cut}"
            ).fetchall()[0][0]
        self.rejects.append(judged.rejects)
        self.ingested.append(
            Ingested(
                source=staged.name,
                url=staged.url,
                rows_read=staged.read,
                rows_kept=kept,
                rows_rejected=judged.rejected,
                duplicates=staged.duplicates,
                first=None if first is None else pd.Timestamp(first),
                last=None if last is None else pd.Timestamp(last),
                repeats=staged.judged - kept - judged.rejected - later,
                later=later,
                merged=others,
                assumed=staged.assumed,
                left_out=staged.left_out.rows,
                unmatched=staged.left_out.unmatched,
                customer=staged.customer,
            )
        )

    def _refuse_too_many_repeats(self, account: Ingested, judged: Judged, line_id: str) -> None:
        usable = account.rows_kept + account.repeats
        limit = max(_REPEATED_SHARE, self.max_reject_share)
        if account.repeats > limit * usable:
            problem = SourceError(
                f"{account.source}: at most {limit:.0%} of the lines may repeat the line_id of "
                "another.",
                f"{account.repeats:,} of {usable:,} lines by {line_id!r} "
                f"({account.repeats / usable:.1%})",
                "name as line_id the column whose value differs from line to line, or leave it "
                "out; if these lines are delivered more than once, raise "
                "experiment.max_reject_share",
            )
            problem.rejects = judged.rejects
            raise problem

    def _refuse_too_many(self, staged: Staged, judged: Judged) -> None:
        """Of the source itself, and of each file joined to it."""
        limit = self.max_reject_share
        accounts = [(staged.name, judged.rejected, staged.judged)]
        accounts += [(each.url, len(each.malformed), each.read) for each in staged.added]
        for name, rejected, read in accounts:
            if rejected / read <= limit:
                continue
            whole = judged.rejects[judged.rejects["source"] == name]
            whole = whole[~whole["reason"].str.endswith("row is kept")]
            reasons = Counter(zip(whole["column"], whole["reason"], strict=True))
            counted = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))[:3]
            (column, _), _ = counted[0]
            remedy = "correct the rows or the column names, "
            if column == staged.customer:
                remedy += (
                    "leave those that name nobody out, if they are guests (the section leave_out: "
                    f'{json.dumps(column, ensure_ascii=False)} = [""]), '
                )
            problem = SourceError(
                f"{name}: at most {limit:.2%} of the rows may be unusable.",
                f"{rejected:,} of {read:,} rows ({rejected / read:.2%}): "
                + "; ".join(f"{' '.join(why)} ({count:,})" for why, count in counted),
                f"{remedy}or raise experiment.max_reject_share",
            )
            problem.rejects = judged.rejects
            raise problem
