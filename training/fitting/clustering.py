"""Fits segments: k-means on the heads of the latent space, and the choice of how many."""

from __future__ import annotations

import dataclasses

import numpy as np
from sklearn.cluster import KMeans

from training.measures.metrics import roc_auc
from training.measures.separation import adjusted_rand, eta_squared, jaccard_per_cluster
from training.prediction.segments import Segmentation

CHOICES = tuple(range(3, 10))
LEAST_SHARE = 0.04
LEAST_AGREEMENT = 0.75
DRAWS = 8


def fit(scores: np.ndarray, k: int, seed: int, start: Segmentation | None = None) -> Segmentation:
    """k-means of scores (n, axes); from the champion's centroids and scale where `start` has k.

    Without a start the first centroids lie along the diagonal of the standardised scores, evenly
    spaced, so that the same customers give the same segments: no lucky draw is involved.
    """
    warm = start is not None and len(start.centroids) == k
    mean = start.mean if warm and start else scores.mean(axis=0)
    scale = start.scale if warm and start else np.maximum(scores.std(axis=0), 1e-9)
    placed = (scores - mean) / scale
    first = start.centroids if warm and start else _along_diagonal(placed, k)
    model = KMeans(k, init=first, n_init=1, max_iter=300, random_state=seed).fit(placed)
    centroids = model.cluster_centers_.astype(np.float64)
    order = np.argsort(-centroids.sum(axis=1), kind="stable")
    if not warm:
        centroids = centroids[order]
    spread = float(max(model.inertia_ / len(placed) / placed.shape[1], 1e-6))
    return Segmentation(centroids, np.asarray(mean), np.asarray(scale), spread)


def _along_diagonal(placed: np.ndarray, k: int) -> np.ndarray:
    height = placed.mean(axis=1)
    low, high = np.quantile(height, [0.01, 0.99])
    edges = np.linspace(low, high, k + 1)
    part = np.clip(np.searchsorted(edges, height) - 1, 0, k - 1)
    centres = []
    for i in range(k):
        inside = placed[part == i]
        nearest = placed[np.argmin(np.abs(height - (edges[i] + edges[i + 1]) / 2))]
        centres.append(inside.mean(axis=0) if len(inside) else nearest)
    return np.array(centres)


@dataclasses.dataclass(frozen=True)
class Choice:
    """What one k is worth, out of time: `agreement` is the mean adjusted Rand index of bootstrap
    refits, `worst_jaccard` the least over the segments of their mean Jaccard (Hennig 2007).
    """

    k: int
    log_eta: float
    churn_auc: float
    agreement: float
    worst_jaccard: float
    least_share: float
    eligible: bool
    score: float


def choose(
    train: np.ndarray,
    later: np.ndarray,
    spend: np.ndarray,
    churned: np.ndarray,
    seed: int,
    held: int | None = None,
) -> tuple[int, list[Choice]]:
    """How many segments: by value and churn separated at a later cut-off, stability, least share.

    Parameters
    ----------
    train : scores (n, axes) of the last training cut-off, which the centroids are fitted on
    later : scores (m, axes) of a later cut-off with known spend (m,) and churned (m,) 0/1
    held : the champion's k, kept unless another beats it by more than 0.02

    Returns
    -------
    k and the table it was chosen from. A k is eligible when its least segment holds 4 % of the
    customers and bootstrap refits agree (mean adjusted Rand index >= .75); where none is, the
    steady one with the largest least segment wins. Of the eligible, the smallest k within 0.01 of
    the best score, so that a marketer gets no segment more than the outcomes carry.
    """
    draw = np.random.default_rng(seed)
    table = []
    for k in CHOICES:
        if len(np.unique(train, axis=0)) <= 10 * k:
            continue
        fitted = fit(train, k, seed)
        labels = fitted.labels(later)
        drawn = (draw.integers(0, len(train), len(train)) for _ in range(DRAWS))
        refits = [fit(train[rows], k, seed).labels(later) for rows in drawn]
        agreement = float(np.mean([adjusted_rand(refit, labels) for refit in refits]))
        overlap = [list(jaccard_per_cluster(labels, refit).values()) for refit in refits]
        worst = float(np.mean(overlap, axis=0).min())
        share = float(np.bincount(labels, minlength=k).min() / len(labels))
        rates = np.array(
            [churned[labels == i].mean() if (labels == i).any() else 0.0 for i in range(k)]
        )
        auc = roc_auc(churned, rates[labels]) if 0 < churned.sum() < len(churned) else 0.5
        value = eta_squared(np.log1p(spend), labels) if spend.min() < spend.max() else 0.0
        eligible = share >= LEAST_SHARE and agreement >= LEAST_AGREEMENT
        table.append(Choice(k, value, auc, agreement, worst, share, eligible, (value + auc) / 2))
    if not table:
        return 2, []
    steady = [c for c in table if c.agreement >= LEAST_AGREEMENT] or table
    fine = [c for c in table if c.eligible] or [max(steady, key=lambda c: c.least_share)]
    best = max(c.score for c in fine)
    kept = [c for c in fine if c.k == held and c.score >= best - 0.02]
    chosen = (
        kept[0] if kept else min((c for c in fine if c.score >= best - 0.01), key=lambda c: c.k)
    )
    return chosen.k, table
