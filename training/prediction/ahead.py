"""What lies ahead of a customer: the next order, the curve of returning, discounted value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from features.settings.experiment import ValueSettings
from training.prediction import timing, value
from training.prediction.structure import Prior

NEXT_ORDER = ("next_order_low", "next_order_median", "next_order_high")


def outlook(
    prior: Prior | None,
    terms: ValueSettings,
    manifest: Mapping[str, Any],
    as_of: pa.ChunkedArray,
    columns: Mapping[str, np.ndarray],
    estimates: Mapping[str, np.ndarray],
) -> dict[str, pa.Array]:
    """`next_order_low`, `next_order_median`, `next_order_high` (moments, UTC, at the model's
    interval level; null: not expected within two years), `survival_7d` and so on (probability
    of no order within so many days), `value_12m` and so on (currency, discounted).

    `prior`, `terms` and `manifest` are a bundle's; `columns` are the customers' features and
    `estimates` what the bundle says of them within its horizon. All is null where the customer has
    no order yet, or MBG/NBD was refused.
    """
    numbers = (*timing.COLUMNS, *value.names(terms))
    if prior is None:
        count = len(as_of)
        return {name: pa.nulls(count, pa.timestamp("us")) for name in NEXT_ORDER} | {
            name: pa.nulls(count, pa.float64()) for name in numbers
        }
    horizon, season = manifest["horizon_days"], manifest["season"]
    curve = timing.Timing(prior, columns, estimates["churn_probability"], horizon)
    found = curve.interval(manifest["interval_level"])
    survival = curve.survival(timing.DAYS)
    worth = value.discounted(
        terms, prior, columns, estimates["expected_spend"], horizon,
        season["factor"]["spend"], season["year"],
    )  # fmt: skip
    moments = [timing.moments(as_of.to_numpy(), days) for days in found]
    made = {
        name: pa.array(m, pa.timestamp("us")) for name, m in zip(NEXT_ORDER, moments, strict=True)
    }
    figures = [*survival.T, *worth.values()]
    return made | {
        name: pa.array(figure, pa.float64(), from_pandas=True)
        for name, figure in zip(numbers, figures, strict=True)
    }
