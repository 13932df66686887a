"""A typical customer: what reasons are told against. Medians and commonest values, nobody's row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

Value = float | str | None


def typical(columns: Mapping[str, np.ndarray], names: Iterable[str]) -> dict[str, Value]:
    """Each feature's typical value over the rows of `columns`, (n,) each with n > 0.

    Of numbers the lower median of the known, None where more than half are unknown; of categories
    the commonest value, which may be None (unknown), of equally common ones the first in order.

    >>> typical({"orders": np.array([1.0, 9.0, 4.0, np.nan])}, ["orders"])
    {'orders': 4.0}
    """
    return {
        name: _commonest(columns[name]) if columns[name].dtype == object else _median(columns[name])
        for name in names
    }


def _median(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    if 2 * len(known) < len(values):
        return None
    return float(np.quantile(known, 0.5, method="inverted_cdf"))


def _commonest(values: np.ndarray) -> str | None:
    counted = Counter(values.tolist())
    value = min(counted, key=lambda v: (-counted[v], v is None, str(v)))
    return None if value is None else str(value)
