"""Raw outputs become predictions: by a calibration and bands of customers with an order, and by
others of those without one yet. numpy only: serving runs it; `fitting.prospects` fits both.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from training.prediction import blend
from training.prediction.blend import Calibration
from training.prediction.intervals import Bands

Fitted = tuple[Calibration, Bands]


@dataclasses.dataclass(frozen=True)
class Raw:
    """Uncalibrated outputs, drawn towards the simple model's where events were few
    (`prediction.shrinkage`), each (n,) but `experts` (n, `blend.EXPERTS`) of spend and `scores`
    (n, axes). `ordered` says who has an order: the others are calibrated apart.
    """

    churn_logit: np.ndarray
    experts: np.ndarray
    boosted_orders: np.ndarray
    scores: np.ndarray
    ordered: np.ndarray

    def of(self, rows: np.ndarray) -> Raw:
        """Those of some `rows`, as an index or (n,) bool."""
        return Raw(*(getattr(self, field.name)[rows] for field in dataclasses.fields(self)))


@dataclasses.dataclass(frozen=True)
class Calibrated:
    """Calibration and bands of customers with an order, and of `prospects`, those without one; None
    where there are too few of them to tell it from the others'.
    """

    ordered: Fitted
    prospects: Fitted | None = None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Calibrated:
        """What `to_dict` gives, among other values."""
        prospects = values["prospects"]
        return cls(_read(values), _read(prospects) if prospects else None)

    def to_dict(self) -> dict[str, Any]:
        """Plain values: `calibration`, `bands`, and the same of `prospects`."""
        return {**_plain(self.ordered), "prospects": self.prospects and _plain(self.prospects)}

    @property
    def of_prospects(self) -> Fitted:
        """What holds of them."""
        return self.prospects or self.ordered

    def estimates(self, raw: Raw) -> dict[str, np.ndarray]:
        """`churn_probability`, `expected_orders` and `expected_spend` (currency), each (n,)."""
        made = _estimates(raw, self.ordered[0])
        if self.prospects is None:
            return made
        first = _estimates(raw, self.prospects[0])
        return {name: np.where(raw.ordered, made[name], first[name]) for name in made}

    def interval(
        self, raw: Raw, estimates: Mapping[str, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Low end, median and high end of spend, each (n,) in currency, of its `estimates`."""
        made = _interval(self.ordered, estimates)
        if self.prospects is None:
            return made
        first = _interval(self.prospects, estimates)
        low, median, high = (np.where(raw.ordered, *ends) for ends in zip(made, first, strict=True))
        return low, median, high


def _estimates(raw: Raw, c: Calibration) -> dict[str, np.ndarray]:
    churned = blend.churn(raw.churn_logit, c)
    return {
        "churn_probability": churned,
        "expected_orders": blend.orders(raw.boosted_orders, churned, c),
        "expected_spend": blend.spend(raw.experts, churned, c),
    }


def _interval(
    fitted: Fitted, estimates: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    c, bands = fitted
    spend, churned = estimates["expected_spend"], estimates["churn_probability"]
    return bands.interval(spend, churned, c.spend_stretch)


def _read(values: Mapping[str, Any]) -> Fitted:
    return Calibration.from_dict(values["calibration"]), Bands.from_dict(values["bands"])


def _plain(fitted: Fitted) -> dict[str, Any]:
    calibration, bands = fitted
    return {"calibration": dataclasses.asdict(calibration), "bands": dataclasses.asdict(bands)}
