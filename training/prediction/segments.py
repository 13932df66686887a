"""Segments as they are served: permanent ids, names, centroids, soft membership; numpy only."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

SPACE = ("root_spend", "log_spend")


@dataclasses.dataclass(frozen=True)
class Segment:
    """One segment. `id` outlives retraining; `portrait` says what it is like (plain values)."""

    id: str
    name: str
    portrait: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Segmentation:
    """Centroids in the standardised space of the latent heads.

    `centroids` (k, axes) float64; `mean` and `scale` (axes,) standardise a score; `spread` is
    the mean squared distance of customers to their centroid, which sets how soft membership is.
    """

    centroids: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    spread: float

    def place(self, scores: np.ndarray) -> np.ndarray:
        """(n, axes) scores of the latent heads -> standardised."""
        return (scores - self.mean) / self.scale

    def distances(self, scores: np.ndarray) -> np.ndarray:
        """(n, k) squared distances to the centroids."""
        gap = self.place(scores)[:, None, :] - self.centroids[None]
        return (gap**2).sum(axis=2)

    def labels(self, scores: np.ndarray) -> np.ndarray:
        """(n,) index of the nearest centroid."""
        return self.distances(scores).argmin(axis=1)

    def memberships(self, scores: np.ndarray) -> np.ndarray:
        """(n, k), rows sum to 1: posterior of equal spherical Gaussians at the centroids."""
        distance = self.distances(scores)
        weight = np.exp(-(distance - distance.min(axis=1, keepdims=True)) / (2.0 * self.spread))
        return weight / weight.sum(axis=1, keepdims=True)
