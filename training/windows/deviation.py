"""What came after a cut-off against what a model expected of the customers known then."""

from __future__ import annotations

import contextlib
import dataclasses
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

#: Customers with an order in each window; of fewer a ratio is noise, as is one of silences where
#: fewer had none.
LEAST_CUSTOMERS = 100
#: The features that the customers' histories are made of.
HISTORY = ("recency_days", "T_days", "orders", "frequency", "spend")


@dataclasses.dataclass(frozen=True)
class Deviation:
    """What came in the days after a cut-off against what a model expected: the ratios of orders and
    spend, and the power of the probability of no order; each with the variance of its logarithm.
    `over_recent` is spend over what these customers had spent of late; None where that is nought,
    or was not asked.
    """

    orders: tuple[float, float]
    spend: tuple[float, float]
    churn_power: tuple[float, float]
    over_recent: float | None = None

    def carried(self, exposure: float) -> Deviation:
        """Of all of the days, of which the part `exposure` was seen."""
        told = (self.orders, self.spend, self.churn_power)
        orders, spend, power = ((ratio / exposure, noise) for ratio, noise in told)
        return Deviation(orders, spend, power)


def against(
    rows: pd.DataFrame,
    orders: np.ndarray,
    spend: np.ndarray,
    silent: np.ndarray,
    cutoff: pd.Timestamp,
    days: int,
) -> Deviation | str:
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
    came = rows.future_orders.to_numpy(np.float64)
    return Deviation(_over(came, orders), _over(spent, spend), power)


def by_mbg(connection: Any, cutoff: pd.Timestamp, days: int) -> Deviation | str:
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


def longer(
    measured: Deviation | str,
    connection: Any,
    cutoff: pd.Timestamp,
    window_days: int,
    horizon_days: int,
) -> Deviation | str:
    """Of the whole horizon, where windows are shorter: by what MBG/NBD was off by more in it."""
    if window_days == horizon_days or isinstance(measured, str):
        return measured
    part, whole = (by_mbg(connection, cutoff, days) for days in (window_days, horizon_days))
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
    return Deviation(orders, spend, churn)


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
