"""Means over a Beta law by Gauss-Jacobi quadrature, in numpy: what serving has of scipy's."""

from __future__ import annotations

import numpy as np

NODES = 32


def beta(a: float, b: np.ndarray, nodes: int = NODES) -> tuple[np.ndarray, np.ndarray]:
    """Nodes in (0, 1) and weights, each (n, nodes), for the mean of f(p) where p is Beta(a, b).

    Exact for polynomials up to degree 2 nodes - 1. Nodes are the eigenvalues of the Jacobi
    polynomials' recurrence, weights the squared first entries of its eigenvectors, which sum to 1
    (Golub & Welsch 1969, "Calculation of Gauss Quadrature Rules", section 2).

    >>> nodes, weights = beta(2.0, np.array([3.0]), nodes=4)
    >>> (weights * nodes).sum(axis=1).round(12).tolist()  # the mean, a / (a + b)
    [0.4]
    """
    distinct, place = np.unique(np.asarray(b, dtype=np.float64), return_inverse=True)
    # Jacobi polynomials on [-1, 1] with weight (1 - z)^(b - 1) (1 + z)^(a - 1), at p = (1 + z) / 2
    right, left = distinct[:, None] - 1.0, a - 1.0
    both = right + left
    k = np.arange(1, nodes, dtype=np.float64)
    even = 2 * k + both
    middle = np.empty((len(distinct), nodes))
    middle[:, :1] = (left - right) / (both + 2)
    middle[:, 1:] = (left - right) * both / (even * (even + 2))
    beside = np.empty((len(distinct), nodes - 1))
    beside[:, :1] = 4 * (1 + right) * (1 + left) / ((2 + both) ** 2 * (3 + both))
    k, even = k[1:], even[:, 1:]
    beside[:, 1:] = (
        4 * k * (k + right) * (k + left) * (k + both) / (even**2 * (even + 1) * (even - 1))
    )
    matrix = np.zeros((len(distinct), nodes, nodes))
    at = np.arange(nodes)
    matrix[:, at, at] = middle
    matrix[:, at[1:], at[:-1]] = matrix[:, at[:-1], at[1:]] = np.sqrt(beside)
    values, vectors = np.linalg.eigh(matrix)
    return np.clip((1 + values) / 2, 1e-300, 1.0)[place], (vectors[:, 0, :] ** 2)[place]
