"""A customer's periods in order, as the recurrent network takes them in; numpy only: serving runs
it. `fitting.recurrent` fits what reads them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from features.lenses import periods
from training.prediction.preprocessing import CLIP, Columns

#: What is told of all of the history, beside the periods.
KNOWN = ("recency_days", "T_days", "orders", "spend", "basket_value")
#: The catalog's features that a course is made of.
INPUTS = (*KNOWN, *periods.ORDERS, *periods.SPEND)
#: Log orders, log spend, any order, and how much of the period the customer was one.
CHANNELS = 4
#: What hardly varies in training is told in its own units, not blown up.
LEAST_SPREAD = 1e-6
#: No channel is told as more: as a count or an amount in orders, 5e8.
LARGEST = 20.0
#: The log of spend that the network says, in units of `Course.spend`, is kept within these.
LEAST_LOG, MOST_LOG = -12.0, 6.0


@dataclasses.dataclass(frozen=True)
class Course:
    """Plain numbers that turn feature columns into a series a customer.

    As many of the latest `periods` are told, `days` long each, as the oldest customer in training
    had and a horizon more, by which customers are older when they are predicted. Amounts count in
    orders of the usual value, `order` (currency); `mean` and `scale` (`KNOWN`,) standardise what is
    known of the whole history; `spend` (currency) is the mean of the outcomes in training.
    """

    periods: int
    days: int
    order: float
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    spend: float

    @classmethod
    def of(cls, columns: Columns, days: int, spend: np.ndarray) -> Course:
        """Learned from training rows and what was spent after them, (n,) currency >= 0."""
        baskets = columns["basket_value"]
        some = baskets[np.isfinite(baskets) & (baskets > 0)]
        order = float(np.median(some)) if len(some) else 1.0
        oldest = float(np.nanmax(columns["T_days"], initial=0.0))
        told = int(np.clip(np.ceil(oldest / days) + periods.A_HORIZON, 1, periods.PERIODS))
        bare = cls(told, days, order, (0.0,) * len(KNOWN), (1.0,) * len(KNOWN), 1.0)
        whole = np.ma.masked_invalid(bare._logs(columns))
        spread = np.ma.filled(whole.std(axis=0), 0.0)
        return dataclasses.replace(
            bare,
            mean=tuple(np.ma.filled(whole.mean(axis=0), 0.0).tolist()),
            scale=tuple(np.where(spread > LEAST_SPREAD, spread, 1.0).tolist()),
            spend=max(float(spend.mean()), 1e-9),
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Course:
        """The course of a bundle."""
        return cls(**{**values, "mean": tuple(values["mean"]), "scale": tuple(values["scale"])})

    def series(self, columns: Columns) -> np.ndarray:
        """(n, periods, `CHANNELS`) float32, the latest period last."""
        orders, spend = (
            np.column_stack([columns[name] for name in names[: self.periods]]).astype(np.float64)
            for names in (periods.ORDERS, periods.SPEND)
        )
        age = np.nan_to_num(columns["T_days"].astype(np.float64)) / self.days
        been = np.clip(age[:, None] - np.arange(self.periods), 0.0, 1.0)
        told = [np.log1p(orders), np.log1p(np.maximum(spend, 0.0) / self.order), orders > 0, been]
        told = [np.minimum(np.nan_to_num(channel), LARGEST) for channel in told]
        return np.stack(told, axis=-1)[:, ::-1].astype(np.float32)

    def known(self, columns: Columns) -> np.ndarray:
        """(n, `KNOWN`) float32, without nulls."""
        values = (self._logs(columns) - np.array(self.mean)) / np.array(self.scale)
        return np.clip(np.nan_to_num(values), -CLIP, CLIP).astype(np.float32)

    def estimates(self, out: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logit of no order and expected spend (currency), (n,) each, of the network's (n, 2)."""
        out = out.astype(np.float64)
        return out[:, 0], np.exp(np.clip(out[:, 1], LEAST_LOG, MOST_LOG)) * self.spend

    def _logs(self, columns: Columns) -> np.ndarray:
        units = (self.days, self.days, 1.0, self.order, self.order)
        told = np.column_stack([columns[name] for name in KNOWN]).astype(np.float64)
        return np.log1p(np.maximum(told, 0.0) / np.array(units))
