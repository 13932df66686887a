"""Can the segments be told in a few rules? How well a small tree gives them back."""

from __future__ import annotations

import numpy as np
from sklearn.tree import DecisionTreeClassifier

LEAVES = 12
LEAST_SHARE = 0.01  # of the rows in a leaf


def rule_fidelity(
    designs: tuple[np.ndarray, np.ndarray], labels: tuple[np.ndarray, np.ndarray], seed: int
) -> float:
    """Share of customers whose label a tree of at most twelve leaves gives back.

    The tree is grown on the first design (n, columns) and its labels (n,), the share is of the
    second, of a later cut-off: the fidelity of a surrogate (Craven & Shavlik 1996).
    """
    tree = DecisionTreeClassifier(
        max_leaf_nodes=LEAVES, min_samples_leaf=LEAST_SHARE, random_state=seed
    ).fit(designs[0], labels[0])
    return float((tree.predict(designs[1]) == labels[1]).mean())
