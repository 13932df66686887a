"""How well segments tell customers apart, and how alike two groupings are: pure functions.

The rules of `measures.metrics` hold here too. May not import anything of training that fits.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import adjusted_rand_score

from training.measures.arguments import floats, same_length
from training.measures.metrics import roc_auc


def eta_squared(values: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Share of the variance of `values` that lies between the groups named by `labels`.

    0 where the groups' means are equal, 1 where each group is constant; nan where `values` are
    constant. Labels may be numbers or text.

    >>> round(eta_squared([0, 2, 4, 6], ["a", "a", "b", "b"]), 4)
    0.8
    """
    numbers, groups = floats(values), np.asarray(labels)
    same_length(numbers, groups)
    if numbers.min() == numbers.max():
        return float("nan")
    _, member = np.unique(groups, return_inverse=True)
    centred = numbers - numbers.mean()
    sums, count = np.bincount(member, centred), np.bincount(member)
    return float(np.sum(sums**2 / count) / np.sum(centred**2))


def segment_auc(truth: npt.ArrayLike, labels: npt.ArrayLike, rates: Mapping[Any, float]) -> float:
    """AUC of predicting for each customer the rate of its segment.

    `rates` maps a label to a rate that was estimated on *other* rows (an earlier cut-off); rates
    of the rows under test would flatter small segments. A label without a rate raises ValueError.

    >>> segment_auc([0, 1, 1, 0], ["a", "b", "b", "a"], {"a": 0.1, "b": 0.4})
    1.0
    """
    names, member = np.unique(np.asarray(labels), return_inverse=True)
    missing = [name for name in names.tolist() if name not in rates]
    if missing:
        raise ValueError(f"Every segment needs a rate estimated elsewhere. Without one: {missing}.")
    return roc_auc(truth, np.array([rates[name] for name in names.tolist()])[member])


def adjusted_rand(labels_a: npt.ArrayLike, labels_b: npt.ArrayLike) -> float:
    """Adjusted Rand index of two groupings (Hubert & Arabie 1985): 1 the same, 0 as by chance.

    >>> adjusted_rand([0, 0, 1, 1], ["x", "x", "y", "y"])
    1.0
    """
    first, second = np.asarray(labels_a), np.asarray(labels_b)
    same_length(first, second)
    return float(adjusted_rand_score(first, second))


def jaccard_per_cluster(labels_a: npt.ArrayLike, labels_b: npt.ArrayLike) -> dict[Any, float]:
    """For each label of `labels_a`, its greatest Jaccard similarity to a group of `labels_b`.

    Hennig (2007), "Cluster-wise assessment of cluster stability": with B groupings of resampled
    customers, each over the customers drawn, the mean over the B is the cluster's stability: from
    .85 highly stable, from .75 valid, below .6 not to be trusted.

    >>> jaccard_per_cluster([0, 0, 1, 1], [5, 5, 5, 6])
    {0: 0.6666666666666666, 1: 0.5}
    """
    first, second = np.asarray(labels_a), np.asarray(labels_b)
    same_length(first, second)
    names, row = np.unique(first, return_inverse=True)
    others, column = np.unique(second, return_inverse=True)
    both = np.zeros((len(names), len(others)))
    np.add.at(both, (row, column), 1)
    either = both.sum(axis=1, keepdims=True) + both.sum(axis=0, keepdims=True) - both
    return dict(zip(names.tolist(), (both / either).max(axis=1).tolist(), strict=True))
