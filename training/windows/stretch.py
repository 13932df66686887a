"""From a window to a longer horizon: what to multiply by when the history was too short to train
over the whole horizon.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from features.errors import FitError
from training.btyd.bg_nbd import BgNbd


@dataclasses.dataclass(frozen=True)
class Stretch:
    """`orders` and `spend` multiply; the churn probability is raised to `churn_power` (>= 1 from a
    window to a longer horizon, which fewer stay away for; < 1 where the season is a slack one).
    `source` says where the ratios come from.
    """

    orders: float = 1.0
    spend: float = 1.0
    churn_power: float = 1.0
    source: str = "none needed"


def observed(
    short: tuple[np.ndarray, np.ndarray],
    long: tuple[np.ndarray, np.ndarray],
    exposure: tuple[float, float] = (1.0, 1.0),
) -> Stretch:
    """Ratios seen at one cut-off: (orders, spend) of the same customers over window and horizon, of
    each of which the part `exposure` was seen (`windows.exposure`).
    """
    window, horizon = exposure
    orders = _ratio(long[0].sum() / horizon, short[0].sum() / window)
    spend = _ratio(long[1].sum() / horizon, short[1].sum() / window)
    silent = float((short[0] == 0).mean()), float((long[0] == 0).mean())
    power = _power(silent[0] ** (1.0 / window), silent[1] ** (1.0 / horizon))
    return Stretch(orders, spend, power, "observed at the latest cut-off with a whole horizon")


def modelled(
    x: np.ndarray, t_x: np.ndarray, T: np.ndarray, window_days: float, horizon_days: float
) -> Stretch | None:
    """Ratios by BG/NBD fitted on histories (x, t_x, T) in days; None where the fit is refused."""
    try:
        model = BgNbd.fit(x, t_x, T)
    except FitError:
        return None
    orders = _ratio(
        model.expected_orders(horizon_days, x, t_x, T).sum(),
        model.expected_orders(window_days, x, t_x, T).sum(),
    )
    short = 1.0 - model.probability_of_order(window_days, x, t_x, T).mean()
    long = 1.0 - model.probability_of_order(horizon_days, x, t_x, T).mean()
    return Stretch(orders, orders, _power(float(short), float(long)), "BG/NBD")


def constant(window_days: float, horizon_days: float) -> Stretch:
    """Ratios of customers who go on as they are: the last resort, and said to be that."""
    ratio = horizon_days / window_days
    return Stretch(ratio, ratio, ratio, "constant rates, for want of anything better")


def _ratio(long: float, short: float) -> float:
    return float(max(long / short, 1.0)) if short > 0 else 1.0


def _power(short: float, long: float) -> float:
    if not (0 < long < 1 and 0 < short < 1):
        return 1.0
    return float(max(np.log(long) / np.log(short), 1.0))
