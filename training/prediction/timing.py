"""When the next order comes: a survival curve, a median and an interval for each customer.

The shape in time is MBG/NBD's (`prediction.structure`), the level that of the served model. With
F(t) the structural probability of an order within t days, c the served churn probability and h the
horizon,

    S(t) = P(no order within t days) = c ^ (ln(1 - F(t)) / ln(1 - F(h))),

proportional hazards (Cox 1972) with the one factor that takes the curve through the served point:
S(0) = 1, S(h) = c, falling, and level where the structural curve is, for those who never return.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from training.prediction.structure import Prior

DAYS = (7, 14, 30, 60, 90, 180, 365)  # of the curve that is handed out
COLUMNS = tuple(f"survival_{days}d" for days in DAYS)
LIMIT_DAYS = 730.0  # a moment later than that is not expected at all


@dataclasses.dataclass(frozen=True)
class Timing:
    """Curves of n customers: feature columns `known` (`Prior.columns` says which) and their served
    probabilities (n,) of no order within `horizon_days`. All is nan where there is no order yet.
    """

    prior: Prior
    known: Mapping[str, np.ndarray]
    churn_probability: np.ndarray
    horizon_days: float

    def survival(self, days: Sequence[float] | np.ndarray) -> np.ndarray:
        """(n, days) probability of no order within each number of days, in [0, 1]."""
        at_horizon = self._log_silent(self.horizon_days)
        curves = [self._log_silent(day) / at_horizon for day in days]
        return self.churn_probability[:, None] ** np.column_stack(curves)

    def days_until(self, share: float) -> np.ndarray:
        """(n,) days until a share of customers like this one has ordered, in (0, 1): .5 is the
        median. nan where that takes longer than `LIMIT_DAYS`, or for ever.
        """
        with np.errstate(over="ignore", divide="ignore"):  # a customer who is as good as lost
            factor = np.log1p(-share) / np.log(self.churn_probability)
        wanted = -np.expm1(factor * self._log_silent(self.horizon_days))
        days = self.prior.days_until(self.known, wanted)
        return np.where((days <= LIMIT_DAYS) & (self.churn_probability < 1), days, np.nan)

    def interval(self, level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(low, median, high), each (n,) in days; the next order lies between low and high for a
        share `level`. Each is nan on its own account, as in `days_until`.
        """
        tail = (1.0 - level) / 2.0
        return self.days_until(tail), self.days_until(0.5), self.days_until(1.0 - tail)

    def _log_silent(self, days: float) -> np.ndarray:
        return np.log1p(-self.prior.p_order(self.known, days))


def moments(as_of: np.ndarray, days: np.ndarray) -> np.ndarray:
    """(n,) moments to the second, `days` (n,) after `as_of` (n,); NaT where days is nan."""
    seconds = np.round(np.nan_to_num(days) * 86_400).astype("timedelta64[s]")
    made: np.ndarray = as_of.astype("datetime64[us]") + seconds
    return np.where(np.isnan(days), np.datetime64("NaT"), made)
