"""Means over a Beta law: against scipy's quadrature and moments from paper."""

import numpy as np
import pytest
from scipy import special

from training.prediction import quadrature


@pytest.mark.parametrize(("a", "b"), [(0.2, 0.3), (0.9, 1.6), (1.0, 1.0), (5.0, 20.0), (30, 900)])
def test_nodes_and_weights_are_those_of_scipy(a: float, b: float) -> None:
    nodes, weights = quadrature.beta(a, np.array([b]), 20)
    theirs, sums = special.roots_jacobi(20, b - 1, a - 1)
    assert nodes[0] == pytest.approx((1 + theirs) / 2, rel=1e-8)
    assert weights[0] == pytest.approx(sums / sums.sum(), rel=1e-8, abs=1e-14)


def test_each_row_has_the_moments_of_its_own_law() -> None:
    b = np.array([3.0, 100.0, 3.0, 0.5])
    p, weight = quadrature.beta(0.7, b)
    total = 0.7 + b
    assert weight.sum(axis=1) == pytest.approx(np.ones(4))
    assert (weight * p).sum(axis=1) == pytest.approx(0.7 / total)
    assert (weight * p**2).sum(axis=1) == pytest.approx(0.7 * 1.7 / (total * (total + 1)))


def test_nobody_gives_nothing() -> None:
    p, weight = quadrature.beta(1.0, np.array([]))
    assert p.shape == weight.shape == (0, quadrature.NODES)
