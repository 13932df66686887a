"""Which features the sources give rise to: the columns of a model, chosen by what it may have seen.

What is largest or commonest is looked for before a moment, so that no column comes of the future.
"""

from collections.abc import Callable, Iterable
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from features.errors import SourceError, closest
from features.lenses import periods
from features.settings import calendar
from features.settings.experiment import Experiment
from features.sources import Sources
from features.spec import Attribute, FeatureSpec, Goal, Occasion, Place, Response

MAX_CATEGORIES = 10
MAX_KINDS = 12
MAX_CHANNELS = 6
_OPTIONAL = ("category", "brand", "store", "quantity", "discount", "channel")


def everything(read: Sources, experiment: Experiment) -> FeatureSpec:
    """The spec of every feature that the sources give rise to until the last order.

    For proofs and pages: a model learns its own spec from what lies before its first training
    cut-off.
    """
    return learned(read, experiment, read.end + pd.Timedelta(microseconds=1))


def learned(read: Sources, experiment: Experiment, before: pd.Timestamp) -> FeatureSpec:
    """The spec that the experiment names and the sources show before a moment.

    The days of public holidays are common knowledge: they reach from the year before the first
    order to some years after the last.
    """
    occasions = experiment.occasions
    if experiment.calendar is not None:
        occasions += calendar.occasions(
            experiment.calendar, read.start.year, read.end.year, _usual_years(read.connection)
        )
    return learn_spec(
        read.connection.table("orders"),
        read.connection.table("events"),
        [column for source in experiment.attributes for column in source.columns],
        occasions,
        before,
        responses=experiment.responses,
        goals=experiment.goals,
        places=experiment.places,
        period_days=periods.days_of(experiment.horizon_days),
    )


def _usual_years(connection: Any) -> tuple[int, int]:
    """The first and the last year of the middle nine tenths of the order lines."""
    orders = connection.table("orders")
    counted = orders.group_by(year=orders.moment.year()).aggregate(lines=orders.count())
    lines = connection.to_pyarrow(counted).to_pandas().set_index("year")["lines"].sort_index()
    by_then = lines.cumsum() / lines.sum()
    return int((by_then > 0.05).idxmax()), int((by_then >= 0.95).idxmax())


def learn_spec(
    orders: ir.Table,
    events: ir.Table,
    attributes: Iterable[Attribute],
    occasions: Iterable[Occasion],
    before: Any,
    *,
    responses: Iterable[Response] = (),
    goals: Iterable[Goal] = (),
    places: Iterable[Place] = (),
    period_days: int = 0,
) -> FeatureSpec:
    """The spec of tables that sit in a database, looking only at rows with a moment < `before`.

    `before` is the earliest training cut-off, so that the choice of columns (which categories
    are large, which kinds of event exist) is never made by the future. Kinds of event that
    first appear later are no features of this model, unless a response or a goal names them:
    those stay, however rare or late. SourceError where no event at all is of a kind so named.
    """
    responses, goals = tuple(responses), tuple(goals)
    named = [kind for response in responses for kind in (*response.of, *response.per)]
    named += [kind for goal in goals for kind in goal.events]
    _refuse_unseen(events, named)
    early, seen = (t.filter(t.moment < before, _arrived(t, before)) for t in (orders, events))
    counts = early.aggregate(n=early.count(), **{c: early[c].count() for c in _OPTIONAL}).execute()
    present = tuple(c for c in _OPTIONAL if counts[c].iloc[0] > 0)
    # Whether rows come late is a matter of the source, not of what it says.
    if orders.arrived.count().execute() > 0:
        present = (*present, "arrived")
    common = _largest(seen, "kind", ir.Table.count, MAX_KINDS)
    return FeatureSpec(
        present=present,
        categories=_largest(early, "category", lambda t: t.amount.abs().sum(), MAX_CATEGORIES),
        order_channels=_largest(early, "channel", ir.Table.count, MAX_CHANNELS),
        event_kinds=tuple(dict.fromkeys([*common, *named])),
        event_channels=_largest(seen, "channel", ir.Table.count, MAX_CHANNELS),
        attributes=tuple(attributes),
        occasions=tuple(occasions),
        responses=responses,
        goals=goals,
        places=tuple(places),
        period_days=period_days,
    )


def _arrived(table: ir.Table, before: Any) -> ir.BooleanValue:
    return table.arrived.isnull() | (table.arrived < before)


def _refuse_unseen(events: ir.Table, named: list[str]) -> None:
    if not named:
        return
    kinds = sorted(events.select("kind").distinct().to_pyarrow()["kind"].to_pylist())
    for kind in named:
        if kind not in kinds:
            near = closest(kind, kinds)
            raise SourceError(
                "A response or a goal names kinds of events that occur.",
                f"{kind!r} (kinds: {', '.join(kinds) or 'none'})",
                f"did you mean {near!r}?" if near else "correct the name, or remove it",
            )


def _largest(
    table: ir.Table, column: str, weigh: Callable[[ir.Table], ir.Value], limit: int
) -> tuple[str, ...]:
    """The commonest values of a column, largest first, ties by name."""
    table = table.filter(table[column].notnull())
    counted = table.group_by(column).aggregate(weight=weigh(table)).execute()
    counted = counted.sort_values(["weight", column], ascending=[False, True])
    return tuple(str(v) for v in counted[column].head(limit))
