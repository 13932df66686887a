"""Contracts read and judged, and who was under contract at a moment.

No orders and no events: of a contract only its attributes are known, taken as constant, and of a
dated one its start and end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features import engine
from features.errors import SourceError
from features.ingestion import attribute_values
from features.ingestion.cleaning import (
    SWITCHES,
    Field,
    identifier,
    moment,
    never,
    number,
    quoted,
    text,
)
from features.ingestion.intake import Ingested, Intake, tomorrow
from features.ingestion.staging import Staged, judge, stage
from features.settings.contracts import ContractExperiment, ContractsSource
from features.spec import Attribute

#: The column of inputs that says how long a contract has run; no attribute can have that name.
TENURE = "(tenure)"
DAY_SECONDS = 86_400
_FEW = 8  # values that an error names


@dataclass(frozen=True)
class Standing:
    """Contracts that stood at a moment, a row each, in the order of the source.

    customer_id : (n,) text
    inputs : (n, columns): `TENURE` (float64; days where contracts are dated, else the unit of the
        source; absent where nothing tells it), then the attributes: number (float64), category and
        ordered (object, text); null is unknown
    ended : (n,) float64, 1 where the contract ended (dated: within the window), else 0
    row : (n,) int64, the contract's row in the source, counted from 1 after the header
    """

    customer_id: np.ndarray
    inputs: pd.DataFrame
    ended: np.ndarray
    row: np.ndarray

    def taken(self, rows: np.ndarray) -> Standing:
        """The contracts at these places."""
        return Standing(
            self.customer_id[rows], self.inputs.iloc[rows], self.ended[rows], self.row[rows]
        )


@dataclass(frozen=True)
class Contracts:
    """The usable rows, in the order of the source.

    rows : `(row)` in the source, `(customer_id)`, and `(ended)` (bool) and `TENURE` (undated), or
        `(start)` and `(ended_on)` (dated; naive UTC, NaT: still running), then the attributes as
        in `Standing.inputs`, under names of the user's, hence the brackets
    rejects : as in `features.sources.Sources`
    as_of : naive UTC; nothing at or after it is in `rows`, nor anything after the day of the run
    scheduled : ends after the day of the run, which can only be planned; in `rows` they are NaT
    """

    rows: pd.DataFrame
    columns: tuple[Attribute, ...]
    dated: bool
    rejects: pd.DataFrame
    ingested: tuple[Ingested, ...]
    as_of: pd.Timestamp | None
    scheduled: int = 0

    def everything(self) -> Standing:
        """All contracts of an undated table with their label."""
        return _standing(self, self.rows, self.rows["(ended)"].to_numpy(np.float64))


def load(experiment: ContractExperiment, as_of: pd.Timestamp | None = None) -> Contracts:
    """Read the contracts of an experiment.

    Of dated ones nothing at or after `as_of` (UTC) is seen, nor anything after the day of the run,
    of which only plans can be known: a contract that starts later is left out, one that ends later
    is still running, and so is one that ends in the year 9999. A row without customer, label or
    start, with an end that is no moment, or with one before the start cannot be used.

    Raises SourceError as `features.sources.load` does, for an `as_of` where there are no dates, and
    where no contract, or every contract, has ended.
    """
    source = experiment.contracts
    if as_of is not None and not source.dated:
        raise SourceError(
            "as_of needs contracts with dates.",
            f"as_of {as_of:%Y-%m-%d}, and no contracts.ended_on",
            "leave --as-of out, or name the columns contracts.start and contracts.ended_on",
        )
    backend = engine.connect()
    con = backend.con
    needed = [source.customer_id, *(a.name for a in source.columns)]
    roles = (source.ended, source.tenure, source.start, source.ended_on)
    needed += [column for column in roles if column is not None]
    folder, form = experiment.path.parent, source.format
    staged = stage(
        con, source.name, source.url, folder, form, needed, customer=source.customer_id,
        leave_out=source.leave_out,
    )  # fmt: skip
    fields = _fields(experiment, staged)
    today_ends = tomorrow()
    seen_until = today_ends if as_of is None else min(as_of, today_ends)
    intake = Intake(con, experiment.max_reject_share, seen_until if source.dated else None)
    intake.count(
        staged, judge(con, staged, fields), "start" if source.dated else "CAST(NULL AS TIMESTAMP)",
        "false",
    )  # fmt: skip
    listed = ", ".join(
        f"{quoted(field.name)} AS {quoted(name)}"
        for field, name in zip(fields, _names(source), strict=True)
    )
    rows = con.execute(f'SELECT "row" AS "(row)", {listed} FROM kept_rows ORDER BY "row"').df()
    rows, scheduled = _shaped(rows, source), 0
    if source.dated:
        ends = rows["(ended_on)"]
        scheduled = int((ends >= today_ends).sum())
        rows["(ended_on)"] = ends.where(ends < seen_until)
    _refuse_one_outcome(rows, source)
    rejects, ingested = pd.concat(intake.rejects, ignore_index=True), tuple(intake.ingested)
    return Contracts(rows, source.columns, source.dated, rejects, ingested, as_of, scheduled)


def standing(contracts: Contracts, as_of: pd.Timestamp, end: pd.Timestamp) -> Standing:
    """Dated contracts that had started before `as_of` and had not ended by then.

    `ended`: whether the end lies within [`as_of`, `end`). Both are naive UTC.
    """
    rows = contracts.rows
    stood = (rows["(start)"] < as_of) & ~(rows["(ended_on)"] < as_of)
    rows = rows[stood]
    rows = rows.assign(**{TENURE: (as_of - rows["(start)"]).dt.total_seconds() / DAY_SECONDS})
    return _standing(contracts, rows, (rows["(ended_on)"] < end).to_numpy(np.float64))


def _standing(contracts: Contracts, rows: pd.DataFrame, ended: np.ndarray) -> Standing:
    names = [TENURE] if TENURE in rows else []
    inputs = rows[[*names, *(a.name for a in contracts.columns)]].reset_index(drop=True)
    row = rows["(row)"].to_numpy(np.int64)
    return Standing(rows["(customer_id)"].to_numpy(object), inputs, ended, row)


def _fields(experiment: ContractExperiment, staged: Staged) -> list[Field]:
    source, types = experiment.contracts, staged.columns
    form, zone = source.format, experiment.time_zone

    def when(name: str, column: str, use: str) -> Field:
        sql = moment(quoted(column), types[column], form, zone)
        return Field(name, column, sql, use, "a moment")

    own = source.customer_id
    fields = [
        Field("customer_id", own, identifier(quoted(own), types[own]), "always", "a customer")
    ]
    if source.ended is not None:
        label = text(quoted(source.ended), types[source.ended], keep=source.ended_values)
        fields.append(Field("ended", source.ended, label, "always", "a label"))
    if source.tenure is not None:
        sql = number(quoted(source.tenure), types[source.tenure], form.decimal)
        sql = f"CASE WHEN {sql} >= 0 THEN {sql} END"
        fields.append(Field("tenure", source.tenure, sql, "cell", "a number of at least 0"))
    if source.start is not None:
        fields.append(when("start", source.start, "always"))
    if source.start is not None and source.ended_on is not None:
        end = when("ended_on", source.ended_on, "if given")
        begun = when("start", source.start, "always").sql
        sql = f"CASE WHEN {end.sql} >= {begun} THEN {end.sql} END"
        what = "a moment at or after the start"
        forever = never(quoted(source.ended_on))
        fields.append(Field("ended_on", source.ended_on, sql, "if given", what, forever))
    for attribute in source.columns:
        fields += attribute_values.fields(attribute, types, form.decimal)
    return fields


def _names(source: ContractsSource) -> list[str]:
    """What the fields are called in `Contracts.rows`, in their order."""
    roles = {
        "(ended)": source.ended,
        TENURE: source.tenure,
        "(start)": source.start,
        "(ended_on)": source.ended_on,
    }
    named = [name for name, column in roles.items() if column is not None]
    return ["(customer_id)", *named, *(a.name for a in source.columns)]


def _shaped(rows: pd.DataFrame, source: ContractsSource) -> pd.DataFrame:
    for name in rows:
        if name in (TENURE, *(a.name for a in source.columns if a.kind == "number")):
            rows[name] = rows[name].astype(np.float64)
        elif name not in ("(row)", "(start)", "(ended_on)"):
            texts = rows[name].astype(object)
            rows[name] = texts.where(texts.notna(), None)
    if source.ended is not None:
        rows["(ended)"] = _ended(rows["(ended)"], source)
    return rows


def _ended(label: pd.Series, source: ContractsSource) -> pd.Series:
    """Whether each label is one of `ended_values`, which are read as the labels are.

    SourceError where one of them occurs nowhere, or another label differs from one in case alone.
    """
    listed = {_as_read(value): value for value in source.ended_values}
    known = label.unique().tolist()
    few = ", ".join(map(repr, sorted(known)[:_FEW])) + (", ..." if len(known) > _FEW else "")
    for read, value in listed.items():
        if read not in known:
            raise SourceError(
                "Each of contracts.ended_values must occur.",
                f"{value!r} is none of the values of {source.ended!r}: {few}",
                "correct contracts.ended_values",
            )
    small = {read.lower() for read in listed}
    if alike := sorted(v for v in known if v not in listed and v.lower() in small):
        raise SourceError(
            "A label that differs from one of contracts.ended_values in case alone must be listed "
            "too.",
            f"{alike[0]!r} in {source.ended!r}",
            "add it to contracts.ended_values, or correct the export",
        )
    return label.isin(listed)


def _as_read(value: str) -> str:
    """A value of the experiment file as `cleaning.text` reads it in a source.

    >>> [_as_read(value) for value in ("True", "1.0", " left ", "Left")]
    ['true', '1', 'left', 'Left']
    """
    bare = value.strip()
    if bare.lower() in SWITCHES:
        return bare.lower()
    return re.sub(r"^(-?[0-9]+)\.0$", r"\1", bare)


def _refuse_one_outcome(rows: pd.DataFrame, source: ContractsSource) -> None:
    ended = rows["(ended_on)"].notna() if source.dated else rows["(ended)"]
    if 0 < ended.sum() < len(rows):
        return
    if rows.empty:
        raise SourceError(
            "Some contracts must have started by as_of, or today.",
            "none",
            f"check the column {source.start!r}, and --as-of",
        )
    seen = f"{'all' if ended.all() else 'none'} of {len(rows):,} contracts"
    remedy = f"check the column {source.ended_on!r}, and --as-of"
    if source.ended is not None:
        seen += f" has {' or '.join(map(repr, source.ended_values))} in {source.ended!r}"
        remedy = "correct contracts.ended_values"
    raise SourceError("Some contracts must have ended, and some not.", seen, remedy)
