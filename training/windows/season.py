"""The season ahead: what the same days brought a year earlier, where the history holds them.

A model is calibrated on the window before the moment that it predicts from, which is another
season. A year earlier both windows are known: by how much each exceeded what the same model says of
the customers of then, and the ratio of the two is the season's. It carries predictions on as a
longer horizon does (`windows.stretch`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from features.errors import FitError
from features.snapshot import snapshot
from features.spec import FeatureSpec
from features.spine import customers_known
from training.btyd.bg_nbd import MbgNbd
from training.outliers import capped
from training.rivals import histories, recent_spend
from training.windows.exposure import Exposure
from training.windows.splits import YEAR, Splits
from training.windows.stretch import Stretch

#: Customers with an order in each window; of fewer a ratio is noise, as is one of silences where
#: fewer had none.
LEAST_CUSTOMERS = 100
#: Older years tell of another shop.
MOST_YEARS = 3
#: Of a year or more no season is left out.
YEAR_DAYS = YEAR.days
#: One season more or less than fivefold is something else: a shop that opened, a gap.
MOST = 5.0
#: The features that the customers' histories are made of.
HISTORY = ("recency_days", "T_days", "orders", "frequency", "spend")
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


@dataclasses.dataclass(frozen=True)
class Level:
    """What came in the days after a cut-off against what a model expected: the ratios of orders and
    spend, and the power of the probability of no order; each with the variance of its logarithm.
    `over_recent` is spend over what these customers had spent of late; None where that is nought,
    or was not asked.
    """

    orders: tuple[float, float]
    spend: tuple[float, float]
    churn_power: tuple[float, float]
    over_recent: float | None = None

    def carried(self, exposure: float) -> Level:
        """Of all of the days, of which the part `exposure` was seen."""
        (orders, noise), (spend, of_spend), (power, of_power) = (
            self.orders,
            self.spend,
            self.churn_power,
        )
        return Level(
            (orders / exposure, noise), (spend / exposure, of_spend), (power / exposure, of_power)
        )


#: The level in the window after a cut-off, of a model that was fitted later; in place of one that
#: cannot be told, why not.
Served = Callable[[pd.Timestamp], Level | str]


def cutoffs(plan: Splits) -> set[pd.Timestamp]:
    """The earlier years' cut-offs at which `measure` asks for levels, of the test and of now."""
    if max(plan.window_days, plan.horizon_days) >= YEAR_DAYS:
        return set()
    steps = (plan.calibration.as_of, plan.test.as_of, plan.now.floor("D"))
    return {
        at - i * YEAR
        for before, after in itertools.pairwise(steps)
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
    served : the levels of the model that is to be corrected, over windows of `window_days`
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

    def carried_on(measured: Level | str, when: pd.Timestamp, days: int) -> Level | str:
        if isinstance(measured, str):
            return measured
        return measured.carried(exposed.of(when, days) if exposed else 1.0)

    found, why = [], ""
    for i in range(1, years + 1):
        a, b = calibrated - i * YEAR, cutoff - i * YEAR
        before = carried_on(served(a), a, window_days)
        after = _longer(served(b), connection, b, window_days, horizon_days)
        if isinstance(before, Level) and isinstance(after, Level):
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
    part = level(connection, b, horizon_days)
    every = carried_on(level(connection, b, YEAR_DAYS), b, YEAR_DAYS)
    if isinstance(part, Level) and isinstance(every, Level):
        year = spend * _drawn([(part.spend, every.spend)])
    last = level(connection, cutoff - YEAR, horizon_days) if days_late else part
    return Season(
        factor,
        f"{ahead}: seasonal factor {orders:.2f} of orders and {spend:.2f} of spend, by the same "
        f"days a year earlier{'' if len(found) == 1 else f', {len(found)} years back'}, drawn "
        f"towards 1 by their noise and by {1 - REPEATS:.0%}, as no year is quite like another."
        f"{again}",
        year,
        of_churn=bool(told),
        of_spend=True,
        over_recent=last.over_recent if isinstance(last, Level) else None,
    )


def _longer(
    measured: Level | str,
    connection: Any,
    cutoff: pd.Timestamp,
    window_days: int,
    horizon_days: int,
) -> Level | str:
    """Of the whole horizon, where windows are shorter: by what MBG/NBD was off by more in it."""
    if window_days == horizon_days or isinstance(measured, str):
        return measured
    part, whole = (level(connection, cutoff, days) for days in (window_days, horizon_days))
    if isinstance(part, str) or isinstance(whole, str):
        return part if isinstance(part, str) else str(whole)
    orders, spend, churn = (
        (own[0] * more[0] / less[0], own[1] + more[1] + less[1])
        for own, more, less in (
            (measured.orders, whole.orders, part.orders),
            (measured.spend, whole.spend, part.spend),
            (measured.churn_power, whole.churn_power, part.churn_power),
        )
    )
    return Level(orders, spend, churn)


def level(connection: Any, cutoff: pd.Timestamp, days: int) -> Level | str:
    """Realised over expected in the `days` after `cutoff`, of the customers with an order before;
    the reason where too few of them ordered, nobody spent, or MBG/NBD is refused even under a weak
    prior.
    """
    spine = customers_known(connection, [cutoff])
    recent = recent_spend(days)
    rows = snapshot(connection, FeatureSpec(), spine, days, (*HISTORY, recent))
    rows = rows[rows.orders > 0]
    few = _few(rows, cutoff, days)
    if few:
        return few
    x, t_x, T = histories(rows)
    model = _expecting(x, t_x, T)
    if model is None:
        return f"MBG/NBD was refused at {cutoff:%Y-%m-%d}"
    expected = model.expected_orders(float(days), x, t_x, T)
    worth = expected * np.maximum(capped(rows.spend.to_numpy(np.float64)), 0.0) / (x + 1.0)
    silent = 1.0 - model.probability_of_order(float(days), x, t_x, T)
    found = against(rows, expected, worth, silent, cutoff, days)
    before = capped(rows[recent].to_numpy(np.float64)).sum()
    if isinstance(found, str) or before <= 0:
        return found
    spent = capped(rows.future_spend.to_numpy(np.float64)).sum()
    return dataclasses.replace(found, over_recent=float(spent / before))


def against(
    rows: pd.DataFrame,
    orders: np.ndarray,
    spend: np.ndarray,
    silent: np.ndarray,
    cutoff: pd.Timestamp,
    days: int,
) -> Level | str:
    """What came of `rows` (customers with an order before `cutoff`, with the outcomes of the `days`
    after it) against what a model says of them: expected `orders` and `spend` and the probability
    of staying `silent`, each (n,). The reason where too few ordered, or nobody spent.
    """
    few = _few(rows, cutoff, days)
    if few:
        return few
    when = _in(cutoff, days)
    ordered = (rows.future_orders > 0).to_numpy(np.float64)
    spent = capped(rows.future_spend.to_numpy(np.float64))
    power: tuple[float, float] | None = (1.0, np.inf)
    if len(rows) - ordered.sum() >= LEAST_CUSTOMERS:
        power = _power(ordered, silent)
    if not (spent.sum() > 0 and spend.sum() > 0):
        return f"nobody spent {when}, or before"
    if power is None:
        return f"another share came back {when} than the model could tell"
    return Level(_over(rows.future_orders.to_numpy(np.float64), orders), _over(spent, spend), power)


def _few(rows: pd.DataFrame, cutoff: pd.Timestamp, days: int) -> str:
    """Why these rows are too few to tell a level by; empty where they are not."""
    ordered = int((rows.future_orders > 0).sum())
    if ordered >= LEAST_CUSTOMERS:
        return ""
    return (
        f"{ordered} of {len(rows):,} customers with an order before ordered {_in(cutoff, days)}, "
        f"{LEAST_CUSTOMERS} needed"
    )


def _in(cutoff: pd.Timestamp, days: int) -> str:
    return f"in the {days} days from {cutoff:%Y-%m-%d}"


def _expecting(x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> MbgNbd | None:
    """MBG/NBD of these histories, under a weak prior where the likelihood has no maximum."""
    for weak in (False, True):
        with contextlib.suppress(FitError):
            return MbgNbd.fit(x, t_x, T, weak)
    return None


def _over(realised: np.ndarray, expected: np.ndarray) -> tuple[float, float]:
    """Total over total, and the variance of its logarithm (of a sum of independent customers)."""
    ratio = realised.sum() / expected.sum()
    return float(ratio), float(((realised - ratio * expected) ** 2).sum() / realised.sum() ** 2)


def _power(ordered: np.ndarray, silent: np.ndarray) -> tuple[float, float] | None:
    """The power of the probabilities of no order that makes their total the realised one, and the
    variance of its logarithm by the delta method; None where no power between e^-5 and e^5 does.
    """
    logs = np.log(np.clip(silent, 1e-6, 1 - 1e-6))

    def came(log_power: float) -> float:
        return float(-np.expm1(np.exp(log_power) * logs).sum() - ordered.sum())

    if came(-5.0) > 0 or came(5.0) < 0:
        return None
    found = float(brentq(came, -5.0, 5.0))
    power = np.exp(found)
    left = np.exp(power * logs)
    slope = float((left * power * -logs).sum())
    return float(power), float(((ordered - 1 + left) ** 2).sum() / slope**2)


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
