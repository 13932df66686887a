"""A typical customer: what reasons are told against. Medians and commonest values, nobody's row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from features.lenses import periods

Value = float | str | None


def typical(columns: Mapping[str, np.ndarray], names: Iterable[str]) -> dict[str, Value]:
    """Each feature's typical value over the rows of `columns`, (n,) each with n > 0; of periods see
    `rhythm`.

    Of numbers the lower median of the known, None where more than half are unknown; of categories
    the commonest value, which may be None (unknown), of equally common ones the first in order.

    >>> typical({"orders": np.array([1.0, 9.0, 4.0, np.nan])}, ["orders"])
    {'orders': 4.0}
    """
    return {
        name: _commonest(columns[name]) if columns[name].dtype == object else _median(columns[name])
        for name in names
    }


def rhythm(usual: Mapping[str, Value], days: int) -> dict[str, Value]:
    """The periods, of so many `days` each, of a customer with typical figures: as many orders as
    are typical, of the typical value, the last as long ago and one as long after the other.

    Medians of period by period contradict those of the windows: few order in one and the same.

    >>> usual = {"orders": 3.0, "recency_days": 5.0, "gap_mean": 9.0, "basket_value": 20.0}
    >>> made = rhythm(usual, 7)
    >>> [made[f"orders_period_{i}"] for i in (1, 2, 3, 4, 5)], made["spend_period_4"]
    ([1.0, 1.0, 0.0, 1.0, 0.0], 20.0)
    """
    known = {name: usual.get(name) for name in ("orders", "recency_days", "gap_mean")}
    count, last, gap = (float(value or 0.0) for value in known.values())
    ages = last + gap * np.arange(min(count, periods.PERIODS * days) if gap else min(count, 1.0))
    told = np.maximum(np.ceil(ages / days), 1).astype(np.int64)
    orders = np.bincount(told[told <= periods.PERIODS], minlength=periods.PERIODS + 1)[1:]
    value = float(usual.get("basket_value") or 0.0)
    return dict(zip(periods.ORDERS, orders.astype(float).tolist(), strict=True)) | dict(
        zip(periods.SPEND, (orders * value).tolist(), strict=True)
    )


def _median(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    if 2 * len(known) < len(values):
        return None
    return float(np.quantile(known, 0.5, method="inverted_cdf"))


def _commonest(values: np.ndarray) -> str | None:
    counted = Counter(values.tolist())
    value = min(counted, key=lambda v: (-counted[v], v is None, str(v)))
    return None if value is None else str(value)
