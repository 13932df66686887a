"""Where a proof looks: at which moments, and at whose rows.

A leak of a day shows at the midnight of a day on which rows became known, in customers whose next
row comes soon after it. `features.proof` compares what is told there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from features.errors import HistoryError
from features.lenses.attributes import UNDATED
from features.schema import SCHEMAS, SPINE

#: What is hardly anything beside a whole.
THIN_SHARE = 0.1


def order_days(connection: Any) -> tuple[pd.Timestamp, ...]:
    """The midnights (UTC) of the days on which orders came, in order of time."""
    orders = connection.table("orders")
    days = connection.to_pyarrow(orders.select(day=orders.moment.date()).distinct())
    return tuple(sorted(map(pd.Timestamp, days["day"].to_pylist())))


def choose_cutoffs(
    days: Sequence[pd.Timestamp], count: int = 4, seed: int = 7
) -> tuple[pd.Timestamp, ...]:
    """Of the days on which orders came (`order_days`), some midnights, in order of time.

    One is drawn from each of `count` equal parts of these days; fewer where there are fewer. Each
    has an order before it, and one at it or later. Not equal parts of the time: a single order of
    1900, a slip, would draw them to where nothing happened.

    Raises HistoryError where no midnight does.
    """
    if len(days) < 2:
        raise HistoryError(
            "A proof needs a cut-off with orders before it and after it.",
            f"orders on {', '.join(f'{day:%Y-%m-%d}' for day in days)} alone (UTC)",
            "bring orders of two days or more, or choose a later as_of",
        )
    rng = np.random.default_rng(seed)
    parts = np.array_split(np.arange(1, len(days)), min(count, len(days) - 1))
    return tuple(days[int(rng.choice(part))] for part in parts)


def add_cutoffs(connection: Any, cutoffs: Sequence[pd.Timestamp]) -> tuple[pd.Timestamp, ...]:
    """The cut-offs, and one more for each table that would not show a leak of a day at any of them.

    It shows at the midnight of a day on which rows of the table became known, where others were
    known before: more than a slip or two. Where none of the cut-offs is such, the one is added that
    divides the table's rows most evenly. A table of one day, or without dates, has none.
    """
    chosen = set(cutoffs)
    for name in SCHEMAS:
        rows = dated(connection, name)
        rows = rows.filter(rows.valid_from.notnull()) if name == "attributes" else rows
        days = rows.group_by(day=rows.since.date()).aggregate(n=rows.count())
        counts = connection.to_pyarrow(days).to_pandas().set_index("day")["n"].sort_index()
        before = counts.cumsum() - counts
        least = np.minimum(before, counts.sum() - before)[1:]
        least.index = pd.DatetimeIndex(least.index)
        fair = least.index[least >= THIN_SHARE * least.max()]
        if len(least) and chosen.isdisjoint(fair):
            chosen.add(least.idxmax())
    return tuple(sorted(chosen))


def instants(connection: Any, cutoffs: Sequence[pd.Timestamp]) -> tuple[pd.Timestamp, ...]:
    """The cut-offs, and for each table whose rows bear times of day two more, where a leak of less
    than a day shows: the moment that most of its rows between the first cut-off and the last bear,
    which at it are not to be seen, and the second before.
    """
    chosen = set(cutoffs)
    first, last = min(cutoffs), max(cutoffs) + pd.Timedelta(days=1)
    for name in SCHEMAS:
        rows = dated(connection, name)
        since = rows.since
        within = rows.filter(
            since > ibis.literal(first.to_pydatetime()),
            since < ibis.literal(last.to_pydatetime()),
            since != since.truncate("D"),
        )
        counted = within.group_by("since").aggregate(n=within.count())
        counted = counted.order_by(ibis.desc("n"), "since").limit(1)
        for moment in map(pd.Timestamp, connection.to_pyarrow(counted)["since"].to_pylist()):
            chosen |= {moment, moment - pd.Timedelta(seconds=1)}
    return tuple(sorted(chosen))


def samples_at(
    connection: Any, cutoffs: Sequence[pd.Timestamp], customers: int, seed: int
) -> list[pa.Table]:
    """A spine for each cut-off; customers whose history only begins after it are drawn too."""
    parts = []
    for name in SCHEMAS:
        rows = dated(connection, name)
        nexts = {
            f"{name} {i}": rows.since.min(where=rows.since >= at) for i, at in _literals(cutoffs)
        }
        found = rows.group_by("customer_id").aggregate(**nexts)
        parts.append(connection.to_pyarrow(found).to_pandas().set_index("customer_id"))
    seen = pd.concat(parts, axis=1).sort_index()
    made = []
    for i, as_of in enumerate(cutoffs):
        drawn = seen.sample(frac=1, random_state=np.random.default_rng([seed, i]))
        # By place in each table: what comes daily does not crowd out what comes once a month.
        places = drawn[[f"{name} {i}" for name in SCHEMAS]].rank(method="first").min(axis=1)
        first = places.dropna().sort_values(kind="stable").head(math.ceil(customers / 2))
        rest = drawn.drop(first.index).head(customers - len(first))
        ids = sorted([*first.index, *rest.index])
        spine = pd.DataFrame({"customer_id": ids, "as_of": as_of})
        made.append(pa.Table.from_pandas(spine, schema=SPINE, preserve_index=False))
    return made


def _literals(cutoffs: Sequence[pd.Timestamp]) -> Iterator[tuple[int, ir.Value]]:
    return enumerate(ibis.literal(as_of.to_pydatetime()) for as_of in cutoffs)


def dated(connection: Any, name: str) -> ir.Table:
    """A table with the time from which its rows are known as `since`, long ago where undated."""
    table = connection.table(name)
    if name == "attributes":
        return table.mutate(since=table.valid_from.fill_null(ibis.timestamp(UNDATED)))
    return table.mutate(since=ibis.greatest(table.moment, table.arrived.fill_null(table.moment)))
