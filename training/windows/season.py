"""The season ahead: what the same days brought a year earlier, where the history holds them.

A model is calibrated on the window before the moment that it predicts from, which is another
season. A year earlier both windows are known: by how much each exceeded what the same model says of
the customers of then, and the ratio of the two is the season's. It carries predictions on as a
longer horizon does (`windows.stretch`).
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from training.windows import deviation
from training.windows.deviation import Deviation
from training.windows.exposure import Exposure
from training.windows.splits import YEAR, Splits
from training.windows.stretch import Stretch

#: Older years tell of another shop.
MOST_YEARS = 3
#: Of a year or more no season is left out.
YEAR_DAYS = YEAR.days
#: One season more or less than fivefold is something else: a shop that opened, a gap.
MOST = 5.0
#: Of a season's logarithm so much comes again a year later.
REPEATS = 0.85
#: The variance of the logarithm by what a model misses, season or not, beside the noise.
MISFIT = 0.01


@dataclasses.dataclass(frozen=True)
class Season:
    """What to multiply by, and why, or why not: `said` is a sentence for the report card. `year` is
    the level of spend over a whole year over that of the days calibrated on: `factor`'s, times what
    a whole year brought over the same days a year earlier, of the same customers. It is what goes
    on beyond the horizon. `of_churn` and `of_spend` (and orders) tell
    whether the level of the days calibrated on is the one that `factor` is told against: an earlier
    year was found, be it without a difference, or there is no season to tell. `over_recent` is what
    the same days brought a year earlier over what the customers of then had spent of late
    (`rivals.recent_spend`); None where that is not known.
    """

    factor: Stretch
    said: str
    year: float = 1.0
    of_churn: bool = False
    of_spend: bool = False
    over_recent: float | None = None


#: Where nothing is asked of it.
UNTOLD = Season(Stretch(), "Nothing is told of the season.")

#: What a model that was fitted later is off by in the window after a cut-off; where that cannot be
#: told, why not.
Served = Callable[[pd.Timestamp], Deviation | str]


def steps(plan: Splits) -> tuple[pd.Timestamp, pd.Timestamp, pd.Timestamp]:
    """What is calibrated on, tested on and asked for begin here; each is another season's."""
    return plan.calibration.as_of, plan.test.as_of, plan.now.floor("D")


def cutoffs(plan: Splits) -> set[pd.Timestamp]:
    """The earlier years' cut-offs at which `measure` asks the served model, for test and now."""
    if max(plan.window_days, plan.horizon_days) >= YEAR_DAYS:
        return set()
    return {
        at - i * YEAR
        for before, after in itertools.pairwise(steps(plan))
        for i in range(1, _years(before, plan.start, plan.history_days) + 1)
        for at in (before, after)
    }


def _years(calibrated: pd.Timestamp, start: pd.Timestamp, history_days: int) -> int:
    """How many earlier years the history reaches."""
    years = (calibrated - pd.Timedelta(days=history_days) - start).days // YEAR.days
    return max(0, min(years, MOST_YEARS))


def measure(
    connection: Any,
    start: pd.Timestamp,
    calibrated: pd.Timestamp,
    cutoff: pd.Timestamp,
    window_days: int,
    horizon_days: int,
    history_days: int,
    served: Served,
    exposed: Exposure | None = None,
    days_late: int = 0,
) -> Season:
    """The season of [cutoff, cutoff + horizon) against [calibrated, calibrated + window).

    Parameters
    ----------
    connection : an Ibis backend with the source tables
    start : the first order, UTC
    calibrated, cutoff : where the calibration window and the predictions begin, UTC
    history_days : the least history that a cut-off must have before it
    served : what the model that is to be corrected is off by, over windows of `window_days`
    exposed : how much was seen of the days; None where all was
    days_late : so long a window's rows take to arrive

    Where days were lost, what was calibrated on is carried on to all of its window
    (`fitting.fit.calibrate`), and so are the same days a year earlier; days lost a year before
    those asked for are taken for a closure that comes again.
    Averaged over the earlier years that the history reaches (geometric mean), and drawn towards
    1 by as much as it may be noise or the model's own error, and as no year is quite like the one
    before.
    """
    until = (calibrated + pd.Timedelta(days=window_days), cutoff + pd.Timedelta(days=horizon_days))
    ahead = (
        f"Calibrated on {calibrated:%Y-%m-%d} to {until[0]:%Y-%m-%d}, asked for "
        f"{cutoff:%Y-%m-%d} to {until[1]:%Y-%m-%d}"
    )
    if window_days >= YEAR_DAYS:
        said = f"{ahead}: a year or more, which holds every season."
        return Season(Stretch(), said, of_churn=True, of_spend=True)
    if horizon_days >= YEAR_DAYS:
        return Season(
            Stretch(),
            f"{ahead}: a year or more, which holds every season, while the {window_days} days "
            "calibrated on hold some more than others, and nothing corrects for it.",
        )
    years = _years(calibrated, start, history_days)
    lost = [
        f"{gap.first:%Y-%m-%d} to {gap.last:%Y-%m-%d}"
        for i in range(1, years + 1)
        for gap in (exposed.lost(cutoff - i * YEAR, horizon_days) if exposed else ())
    ]
    again = (
        f" Hardly anybody ordered {' and '.join(lost)}: taken for a closure that comes again."
        if lost
        else ""
    )
    if years < 1:
        return Season(
            Stretch(),
            f"{ahead}: another season, and nothing corrects for it, since the history (from "
            f"{start:%Y-%m-%d}) does not hold both a year earlier.",
        )

    def carried_on(measured: Deviation | str, when: pd.Timestamp, days: int) -> Deviation | str:
        if isinstance(measured, str):
            return measured
        return measured.carried(exposed.of(when, days) if exposed else 1.0)

    found, why = [], ""
    for i in range(1, years + 1):
        a, b = calibrated - i * YEAR, cutoff - i * YEAR
        before = carried_on(served(a), a, window_days)
        after = deviation.longer(served(b), connection, b, window_days, horizon_days)
        if isinstance(before, Deviation) and isinstance(after, Deviation):
            found.append((before, after))
        else:
            why = why or (before if isinstance(before, str) else str(after))
    if not found:
        return Season(
            Stretch(),
            f"{ahead}: another season, and nothing corrects for it, since a year earlier {why}.",
        )
    orders = _drawn([(before.orders, after.orders) for before, after in found])
    spend = _drawn([(before.spend, after.spend) for before, after in found])
    told = [(before.churn_power, after.churn_power) for before, after in found]
    told = [pair for pair in told if np.isfinite(pair[0][1] + pair[1][1])]
    power = _drawn(told) if told else 1.0
    factor = Stretch(orders, spend, power, "season")
    year, b = 1.0, cutoff - YEAR - pd.Timedelta(days=days_late)
    part = deviation.by_mbg(connection, b, horizon_days)
    every = carried_on(deviation.by_mbg(connection, b, YEAR_DAYS), b, YEAR_DAYS)
    if isinstance(part, Deviation) and isinstance(every, Deviation):
        year = spend * _drawn([(part.spend, every.spend)])
    last = deviation.by_mbg(connection, cutoff - YEAR, horizon_days) if days_late else part
    return Season(
        factor,
        f"{ahead}: seasonal factor {orders:.2f} of orders and {spend:.2f} of spend, by the same "
        f"days a year earlier{'' if len(found) == 1 else f', {len(found)} years back'}, drawn "
        f"towards 1 by their noise and by {1 - REPEATS:.0%}, as no year is quite like another."
        f"{again}",
        year,
        of_churn=bool(told),
        of_spend=True,
        over_recent=last.over_recent if isinstance(last, Deviation) else None,
    )


def _drawn(pairs: list[tuple[tuple[float, float], tuple[float, float]]]) -> float:
    """exp of the mean log ratio after / before, times the share of its square that is neither noise
    nor `MISFIT`, times `REPEATS`.
    """
    logs = np.array([np.log(after[0] / before[0]) for before, after in pairs])
    noise = sum(before[1] + after[1] + MISFIT for before, after in pairs) / len(pairs) ** 2
    mean = float(logs.mean())
    kept = max(0.0, 1.0 - noise / mean**2) if mean else 0.0
    return float(np.clip(np.exp(REPEATS * kept * mean), 1 / MOST, MOST))


def carried(first: Stretch, then: Stretch) -> Stretch:
    """Both, one after the other."""
    return dataclasses.replace(
        first,
        orders=first.orders * then.orders,
        spend=first.spend * then.spend,
        churn_power=first.churn_power * then.churn_power,
    )
