"""Splits by time, never by row: which cut-offs train, calibrate, test, and train the final model.

The ladder, where the history is short:

1. `full`: training, calibration and test windows of the whole horizon, each later than the one
   before and none overlapping.
2. `short windows`: the three windows are shortened until they fit; what is predicted over the
   window is stretched to the horizon (`windows.stretch`), and the run says so.
3. Below windows of a week, or a horizon longer than the history: refused.

What is estimated where events are few has a ladder of its own: `prediction.shrinkage`.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import pandas as pd

from features import beginning
from features.errors import HistoryError
from features.settings.experiment import Experiment
from features.sources import Sources
from training.windows.lateness import days_late, last_arrival

PREFERRED_HISTORY_DAYS = 90
LEAST_WINDOW_DAYS = 7
YEAR = pd.Timedelta(days=365)  # after which a season comes round again
#: Cut-offs stand a window apart, at most so many; where the history holds fewer than a few, closer:
#: as many as make enough rows of the customers, within bounds.
MOST_CUTOFFS = 8
FEW_CUTOFFS, MANY_CUTOFFS = 4, 12
ENOUGH_ROWS = 30_000


@dataclasses.dataclass(frozen=True)
class Window:
    """A cut-off and the end of its outcomes, [as_of, end) in UTC, known `days_late` after it."""

    as_of: pd.Timestamp
    end: pd.Timestamp
    days_late: int = 0

    @property
    def known(self) -> pd.Timestamp:
        """When its outcomes have arrived."""
        return self.end + pd.Timedelta(days=self.days_late)


@dataclasses.dataclass(frozen=True)
class Splits:
    """Every window of a run. `window_days` is what models are trained over; it equals
    `horizon_days` on the rung `full` and is shorter on `short windows`. `min_history_days` is what
    was asked for (`plan`), `history_days` what came of it. `start` is the day of the first order
    (`features.beginning`).
    """

    rung: str
    horizon_days: int
    window_days: int
    history_days: int
    min_history_days: int
    start: pd.Timestamp
    now: pd.Timestamp
    train: tuple[Window, ...]
    calibration: Window
    test: Window
    final: tuple[Window, ...]

    def __post_init__(self) -> None:
        last = max(w.known for w in self.train)
        if not last <= self.calibration.as_of:
            raise AssertionError(
                f"training ends {last}, after calibration's {self.calibration.as_of}"
            )
        if not self.calibration.known <= self.test.as_of:
            raise AssertionError(
                f"calibration ends {self.calibration.known}, after test's {self.test.as_of}"
            )
        if not max(w.known for w in (self.test, *self.final)) <= self.now:
            raise AssertionError(f"a window ends after now, {self.now}")

    @property
    def seasons_since(self) -> pd.Timestamp:
        """The latest first order with which the history holds, a year earlier, the season that is
        predicted and the one that is calibrated on.
        """
        return self.test.as_of - YEAR - pd.Timedelta(days=self.history_days)

    def rows(self) -> list[tuple[str, str, str, str]]:
        """(what, first cut-off, last cut-off, end of outcomes) in words, for the screen."""
        made = []
        for name, windows in (
            ("train", self.train), ("calibrate", (self.calibration,)),
            ("test", (self.test,)), ("final fit", self.final),
        ):  # fmt: skip
            first, last = windows[0], windows[-1]
            made.append(
                (name, f"{first.as_of:%Y-%m-%d}", f"{last.as_of:%Y-%m-%d}", f"{last.end:%Y-%m-%d}")
            )
        return made

    def to_dict(self) -> dict[str, Any]:
        def plain(w: Window) -> dict[str, str]:
            return {"as_of": w.as_of.isoformat(), "end": w.end.isoformat()}

        return {
            "rung": self.rung, "horizon_days": self.horizon_days, "window_days": self.window_days,
            "days_late": self.test.days_late,
            "now": self.now.isoformat(), "train": [plain(w) for w in self.train],
            "calibration": plain(self.calibration), "test": plain(self.test),
            "final": [plain(w) for w in self.final],
        }  # fmt: skip


def now_after(last: pd.Timestamp) -> pd.Timestamp:
    """The moment a history that ends with `last` is known until: the next full hour, or the next
    midnight where the last moment is a bare date.

    >>> now_after(pd.Timestamp("2024-05-09 17:20")), now_after(pd.Timestamp("2024-05-09"))
    (Timestamp('2024-05-09 18:00:00'), Timestamp('2024-05-10 00:00:00'))
    """
    if last == last.normalize():
        return last + pd.Timedelta(days=1)
    return last.floor("h") + pd.Timedelta(hours=1)


def now_of(read: Sources) -> pd.Timestamp:
    """The moment that all of what was read is known until."""
    return now_after(_known_until(read, days_late(read.connection)))


def _known_until(read: Sources, late: int) -> pd.Timestamp:
    """The last order's moment, or when the last of them arrived where that was later: no later than
    orders usually do.
    """
    arrived = last_arrival(read.connection)
    if arrived is None:
        return read.end
    return max(read.end, min(arrived, read.end + pd.Timedelta(days=late)))


def now_at(as_of: pd.Timestamp, last: pd.Timestamp, horizon_days: int) -> pd.Timestamp:
    """`as_of` as the moment that a history which ends with `last` is known until.

    Raises HistoryError where more than a quarter of the horizon (and a week) lies between them:
    nobody's orders are known of that time, and all would be taken to have left.
    """
    if (as_of - last).days > max(LEAST_WINDOW_DAYS, horizon_days // 4):
        raise HistoryError(
            "as_of must not be long after the last order: everyone's silence since would count as "
            "leaving.",
            f"as_of {as_of:%Y-%m-%d}, last order {last:%Y-%m-%d}",
            f"bring the orders since, or set as_of to {now_after(last):%Y-%m-%d %H:%M}",
        )
    return as_of


def planned(experiment: Experiment, read: Sources, as_of: pd.Timestamp | None) -> Splits:
    """The windows of a run on `read`, which was cut at `as_of` (None: known until its end)."""
    days, late = experiment.horizon_days, days_late(read.connection)
    until = _known_until(read, late)
    now = now_after(until) if as_of is None else now_at(as_of, until, days)
    customers = min(read.customers(), experiment.model.most_customers)
    start = beginning.of(read.connection)
    return plan(start, now, days, experiment.min_history_days, customers, late)


def plan(
    start: pd.Timestamp,
    now: pd.Timestamp,
    horizon_days: int,
    min_history_days: int = 0,
    customers: int = ENOUGH_ROWS,
    late: int = 0,
) -> Splits:
    """Windows for a history from `start` (first order) to `now` (UTC).

    `min_history_days` is the least history before a training cut-off; 0 chooses 90 days, or as
    much as there is down to a horizon or 30 days. Cut-offs stand at midnight. Few `customers` are
    looked at more often. Outcomes are known so many days `late`: whatever learns from them stands
    that much later, and a window that is not complete yet counts for nothing.

    Raises HistoryError where the horizon is longer than the history or no rung fits.
    """
    wait = pd.Timedelta(days=late)
    first, last = start.floor("D"), now.floor("D") - wait
    span = (last - first).days
    lately = f", known {late} days late" if late else ""
    waits = 2 * late  # of training for calibration, and of that for the test

    def enough(horizon: int) -> int:
        """Days of orders of which three windows are had."""
        return late + next(
            days
            for days in itertools.count()
            if days_wanted(horizon, min_history_days) <= days - waits
            or _short(days, waits, min_history_days)[1] >= LEAST_WINDOW_DAYS
        )

    if horizon_days > span:
        shorter = max(span // 5, 1)
        remedy = f"set horizon_days to {shorter} or less, or bring a longer history"
        if span + late < enough(shorter):
            remedy = f"bring at least {enough(shorter)} days of orders"
        if span <= 0:
            remedy = "see whether `arrived` is when a row reached the warehouse, or bring more days"
        raise HistoryError(
            "The horizon must be shorter than the history.",
            f"a horizon of {horizon_days} days and a history of {span} days "
            f"({first:%Y-%m-%d} to {last:%Y-%m-%d}){lately}",
            remedy,
        )
    if days_wanted(horizon_days, min_history_days) <= span - waits:
        rung, window = "full", horizon_days
        history = min_history_days or min(PREFERRED_HISTORY_DAYS, span - waits - 3 * window)
    else:
        history, room = _short(span, waits, min_history_days)
        window = min(room, horizon_days)
        rung = "full" if window == horizon_days else "short windows"
        if room < LEAST_WINDOW_DAYS:
            raise HistoryError(
                "Training, calibration and test need three windows of at least a week each after "
                f"{history} days of history.",
                f"a history of {span} days ({first:%Y-%m-%d} to {last:%Y-%m-%d}){lately}",
                f"bring at least {enough(horizon_days)} days of orders",
            )
    step = pd.Timedelta(days=window)

    def made(cutoff: pd.Timestamp) -> Window:
        return Window(cutoff, cutoff + step, late)

    earliest = first + pd.Timedelta(days=history)
    test = last - step
    calibration = test - wait - step
    latest_trained = calibration - wait - step
    # The served model sees its customers as densely as the one that is measured.
    closer = (latest_trained - earliest).days // window + 1 < FEW_CUTOFFS

    def cutoffs(latest: pd.Timestamp) -> tuple[Window, ...]:
        return tuple(made(c) for c in _cutoffs(earliest, latest, window, customers, closer))

    return Splits(
        rung, horizon_days, window, history, min_history_days, first, now,
        cutoffs(latest_trained), made(calibration), made(test), cutoffs(test),
    )  # fmt: skip


def days_more(short: Splits, wanted: Callable[[Splits], bool]) -> int:
    """The fewest days of orders, from before those there are, with which the windows would be what
    is `wanted`: more of them may lengthen the windows too, and what comes before these.
    """

    def longer(days: int) -> Splits:
        start, late = short.start - pd.Timedelta(days=days), short.test.days_late
        return plan(start, short.now, short.horizon_days, short.min_history_days, late=late)

    return next(days for days in itertools.count(1) if wanted(longer(days)))


def days_wanted(horizon_days: int, min_history_days: int = 0) -> int:
    """The days of three whole horizons and of the least history before them.

    >>> days_wanted(30), days_wanted(7), days_wanted(30, 90)
    (120, 35, 180)
    """
    return 3 * horizon_days + (min_history_days or max(14, min(30, horizon_days)))


def longest_horizon(span_days: int, min_history_days: int = 0) -> int:
    """The longest horizon that three whole windows have room for, 0 where none is.

    >>> longest_horizon(120), longest_horizon(119), longest_horizon(120, 90), longest_horizon(16)
    (30, 29, 10, 0)
    """
    longer = range(span_days // 3, 0, -1)
    return next((days for days in longer if days_wanted(days, min_history_days) <= span_days), 0)


def _short(span: int, waits: int, min_history_days: int) -> tuple[int, int]:
    """Days of history, and of each of three windows after it, where whole horizons do not fit."""
    history = min_history_days or min(60, span // 4)
    return history, (span - waits - history) // 3


def _cutoffs(
    earliest: pd.Timestamp, latest: pd.Timestamp, window: int, customers: int, closer: bool
) -> list[pd.Timestamp]:
    """Rolling cut-offs back from `latest`, a window apart, or closer."""
    span, step = (latest - earliest).days, window
    most = min(span // window + 1, MOST_CUTOFFS)
    if closer:
        enough = min(max(ENOUGH_ROWS // max(customers, 1), FEW_CUTOFFS), MANY_CUTOFFS)
        most = max(most, enough)
        step = min(window, max(7, span // (most - 1)))
    count = min(span // step + 1, most)
    return sorted(latest - pd.Timedelta(days=step * i) for i in range(count))
