"""The leakage law on a user's own data: what happens later changes no feature.

Features from the whole log, all cut-offs in one pass as training computes them, are compared with
features from a second database that holds nothing but what a sample of customers had done before
the cut-off. Judged are the tables of `features.sources`: what was known when, by event time, and
where rows have one by the time of their arrival too. Features made of a table that no cut-off
divides are not proved, and named. An undated attribute is taken as constant, and named; so are
merged ids.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa

from features import catalog
from features.cutoffs import THIN_SHARE, dated, samples_at
from features.lenses.attributes import names_of
from features.schema import SCHEMAS
from features.snapshot import snapshot
from features.sources import Sources
from features.spec import FeatureSpec

TOLERANCE = 1e-9
Row = Mapping[str, Any]
Told = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Difference:
    """A value that the future changed: `whole` from the whole log, `past` from the truncated one.

    Both are float, int, text, or None for null.
    """

    feature: str
    customer_id: str
    as_of: pd.Timestamp
    whole: Any
    past: Any


@dataclass(frozen=True)
class Rows:
    """Of the sample's rows of a table `known` lie before the cut-off (or are undated), and
    `hidden`, those at it or later or that had not arrived, were taken away. Of the known,
    `undated` have no moment.
    """

    known: int
    hidden: int
    undated: int = 0

    @property
    def least(self) -> int:
        """How many dated rows lie on the side that has fewer."""
        return min(self.known - self.undated, self.hidden)

    def __add__(self, other: Rows) -> Rows:
        return Rows(
            self.known + other.known, self.hidden + other.hidden, self.undated + other.undated
        )


@dataclass(frozen=True)
class Cutoff:
    """One comparison: the sample's rows, by table."""

    as_of: pd.Timestamp
    customers: int
    tables: Mapping[str, Rows]

    @property
    def rows(self) -> Rows:
        """Of all tables."""
        return sum(self.tables.values(), Rows(0, 0))

    @property
    def thin(self) -> bool:
        """Whether it compares hardly anything: before it, or at it and after, less than one dated
        row for ten customers.
        """
        return self.rows.least < THIN_SHARE * self.customers

    def divides(self, table: str) -> bool:
        """Whether it is not thin and has dated rows of the table on either side."""
        return not self.thin and self.tables[table].least > 0


@dataclass(frozen=True)
class Proof:
    """What was compared, and what was not equal.

    lenses: how many features of each lens. made_of: the features that are made of each table, but
    for those of attributes without any date. undated: how many values of each attribute have no
    `valid_from`, in all of the log: they are taken as constant, which no log can prove. arrived:
    how many order lines and events have a time of arrival; 0: compared by event time alone.
    """

    cutoffs: tuple[Cutoff, ...]
    lenses: Mapping[str, int]
    made_of: Mapping[str, tuple[str, ...]]
    undated: Mapping[str, int]
    differences: tuple[Difference, ...]
    arrived: int = 0

    @property
    def holds(self) -> bool:
        return not self.differences

    @property
    def proves(self) -> bool:
        """Whether it holds, and not for want of rows to compare."""
        return self.holds and self.proved > 0

    @property
    def unproved(self) -> dict[str, tuple[str, ...]]:
        """The features made of each table that no cut-off divides."""
        return {
            table: names
            for table, names in self.made_of.items()
            if names and not any(cutoff.divides(table) for cutoff in self.cutoffs)
        }

    @property
    def proved(self) -> int:
        """How many features are made of tables alone that some cut-off divides."""
        every, without = (
            {name for names in made.values() for name in names}
            for made in (self.made_of, self.unproved)
        )
        return len(every - without)

    @property
    def rows(self) -> int:
        """(customer, cut-off) pairs."""
        return sum(cutoff.customers for cutoff in self.cutoffs)


def prove(
    sources: Sources,
    spec: FeatureSpec,
    cutoffs: Sequence[pd.Timestamp],
    customers: int = 500,
    seed: int = 7,
    told: Told = lambda what, done, total: None,
) -> Proof:
    """Compare the features of `spec` from the whole log with those from the log before a cut-off.

    Parameters
    ----------
    sources : the tables; their connection gets a temporary table `spine` more
    spec : the features
    cutoffs : moments (naive UTC), none twice
    customers : how many at each cut-off: half of them those whose next row after it, of one
        table or another, comes soonest, since a small leak shows in them, the rest drawn from all
    seed : of that draw
    told : is told of progress: what, done, total

    Floats are equal within 1e-9 (see `differences`); integers, texts and nulls exactly.
    """
    connection = sources.connection
    told("choosing customers", 0, len(cutoffs) + 1)
    samples = samples_at(connection, cutoffs, customers, seed)
    told("the whole log", 0, len(cutoffs) + 1)
    spine = pa.concat_tables(samples)
    whole = snapshot(connection, spec, spine)
    compared: list[Cutoff] = []
    found: list[Difference] = []
    for i, (as_of, sample) in enumerate(zip(cutoffs, samples, strict=True)):
        told("the log before a cut-off", i + 1, len(cutoffs) + 1)
        past, cutoff = _past(connection, as_of, sample)
        before = _rows(snapshot(past, spec, sample))
        past.disconnect()
        compared.append(cutoff)
        found += differences(_rows(whole[whole["as_of"] == as_of]), before)
    undated = _undated(connection, spec)
    return Proof(
        tuple(compared),
        Counter(feature.lens for feature in catalog.features(spec)),
        _made_of(connection, spec, undated),
        undated,
        tuple(found),
        sum(connection.execute(connection.table(n).arrived.count()) for n in ("orders", "events")),
    )


def differences(rows: Iterable[Row], others: Iterable[Row]) -> Iterator[Difference]:
    """Where two feature tables of the same keys in the same order differ, row by row.

    A row maps `customer_id`, `as_of` and every feature to its value, null being None. Integers,
    texts and nulls must be equal exactly; floats within 1e-9 relative, or within 1e-9 of a unit,
    since sums that cancel leave a rest of the floats' rounding.

    >>> key = {"customer_id": "a", "as_of": pd.Timestamp("2024-06-01")}
    >>> one, other = key | {"orders": 2, "spend": 0.1 + 0.2}, key | {"orders": 1, "spend": 0.3}
    >>> [(d.feature, d.whole, d.past) for d in differences([one], [other])]
    [('orders', 2, 1)]
    """
    for row, other in zip(rows, others, strict=True):
        for name in row:
            if not _equal(row[name], other[name]):
                yield Difference(name, row["customer_id"], row["as_of"], row[name], other[name])


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return type(one) is type(other) and bool(one == other)


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a snapshot as plain values, null being None."""
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(k): v for k, v in row.items()} for row in plain.to_dict("records")]


def _past(connection: Any, as_of: pd.Timestamp, sample: pa.Table) -> tuple[Any, Cutoff]:
    """A database of its own with the sample's rows from before the cut-off, and what it lacks."""
    past, counted = ibis.duckdb.connect(), {}
    wanted = ibis.memtable(sample.select(["customer_id"]))
    for name, schema in SCHEMAS.items():
        mine = dated(connection, name).semi_join(wanted, "customer_id")
        rows = connection.to_pyarrow(mine.filter(mine.since < as_of.to_pydatetime()))
        past.create_table(name, rows.select(schema.names).cast(schema))
        undated = rows["valid_from"].null_count if name == "attributes" else 0
        hidden = connection.execute(mine.count()) - len(rows)
        counted[name] = Rows(len(rows), hidden, undated)
    return past, Cutoff(as_of, len(sample), counted)


def _made_of(
    connection: Any, spec: FeatureSpec, undated: Mapping[str, int]
) -> dict[str, tuple[str, ...]]:
    """The features made of each table, without those of attributes that are undated throughout."""
    attributes = connection.table("attributes")
    dated = connection.to_pyarrow(
        attributes.filter(attributes.valid_from.notnull()).select("name").distinct()
    )
    constant = undated.keys() - set(dated["name"].to_pylist())
    left_out = {feature for name in constant for feature in names_of(spec)[name]}
    return {
        table: tuple(feature.name for feature in made if feature.name not in left_out)
        for table, made in catalog.by_table(spec).items()
    }


def _undated(connection: Any, spec: FeatureSpec) -> dict[str, int]:
    """How many values of each of the spec's attributes are undated, of those that have any."""
    attributes = connection.table("attributes")
    given = attributes.filter(attributes.valid_from.isnull() & attributes.value.notnull())
    counted = connection.to_pyarrow(given.group_by("name").aggregate(n=given.count()))
    counts = {row["name"]: row["n"] for row in counted.to_pylist()}
    return {a.name: counts[a.name] for a in spec.attributes if a.name in counts}
