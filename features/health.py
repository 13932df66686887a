"""The health of an experiment's sources as plain values, before any training.

Each measure stands in a file of its own: what the columns hold (`coverage`), when things happen
(`rhythm`), who the customers are and what they pay (`population`). Nothing here judges.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from features.coverage import Column, Dating, columns, dating
from features.ingestion.coins import Coin
from features.ingestion.intake import Ingested
from features.ingestion.staging import REJECT_COLUMNS
from features.population import Amounts, Population, amounts, population
from features.rhythm import Hours, Series, hours, series
from features.settings.experiment import Experiment
from features.sources import Sources


@dataclass(frozen=True)
class Reason:
    """Why values of a source's column were rejected: how many, and the first one's row and text.

    `row` counts from 1 after the header; `value` is null (None) where nothing is written. The
    value is one customer's own: for a terminal and the file of rejects, not for a page.
    """

    source: str
    column: str
    reason: str
    count: int
    row: int
    value: str | None


@dataclass(frozen=True)
class Health:
    """What came in, and what it is like; the moments are naive UTC."""

    ingested: tuple[Ingested, ...]
    reasons: tuple[Reason, ...]
    columns: tuple[Column, ...]
    dating: tuple[Dating, ...]
    series: tuple[Series, ...]
    hours: Hours
    population: Population
    amounts: Amounts
    start: pd.Timestamp
    end: pd.Timestamp
    coins: tuple[Coin, ...] = ()


def measure(read: Sources, experiment: Experiment) -> Health:
    """Measure the sources."""
    connection = read.connection
    return Health(
        ingested=read.ingested,
        reasons=reasons(read.rejects),
        columns=columns(connection, experiment),
        dating=dating(connection),
        series=series(connection),
        hours=hours(connection),
        population=population(connection),
        amounts=amounts(connection),
        start=read.start,
        end=read.end,
        coins=read.coins,
    )


def reasons(rejects: pd.DataFrame) -> tuple[Reason, ...]:
    """The rejects counted by source, column and reason, the commonest first."""
    if rejects.empty:
        return ()
    # Listed by row, so that the first of each is the one nearest to the head of its file.
    made = []
    for _, listed in rejects.groupby(["source", "column", "reason"]):
        source, row, column, value, reason = listed.iloc[0][REJECT_COLUMNS]
        given = None if pd.isna(value) else str(value)
        made.append(Reason(source, column, reason, len(listed), int(row), given))
    return tuple(sorted(made, key=lambda r: -r.count))
