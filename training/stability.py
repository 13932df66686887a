"""Do segments hold still? Two models, one trained a while later, label the same customers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans

from features.spec import FeatureSpec
from training.fitting import autoencoder, clustering, fit, identity
from training.measures.separation import adjusted_rand
from training.rivals import log_rfm
from training.screen import Told, quiet

DAYS = 28
WARM, COLD, RFM = (
    "Coterie, retrained from the model before",
    "Coterie, retrained cold",
    "k-means on log-RFM",
)


@dataclasses.dataclass(frozen=True)
class Stability:
    """Share of customers that keep their segment, and adjusted Rand index, by procedure."""

    kept: dict[str, float]
    agreement: dict[str, float]
    customers: int


def measure(
    earlier: pd.DataFrame,
    later: pd.DataFrame,
    now: pd.DataFrame,
    spec: FeatureSpec,
    history_days: int,
    settings: autoencoder.Settings,
    anchor: float,
    k: int,
    told: Told = quiet,
) -> Stability:
    """Train on `earlier`, again on `later` (snapshot rows with outcomes that ended `DAYS` apart),
    and label the customers of `now` (snapshot rows) by both.
    """
    last = [f[(f.as_of == f.as_of.max()) & (f.orders > 0)] for f in (earlier, later)]
    first, *_ = fit.latent(earlier, spec, history_days, settings, told=told)
    first_segments = clustering.fit(first.scores(last[0]), k, settings.seed)
    old = first_segments.labels(first.scores(now))
    anchored = dataclasses.replace(settings, anchor=anchor)
    warm, *_ = fit.latent(later, spec, history_days, anchored, start=first, told=told)
    warm_segments = clustering.fit(warm.scores(last[1]), k, settings.seed, first_segments)
    other = dataclasses.replace(settings, seed=settings.seed + 1)
    cold, *_ = fit.latent(later, spec, history_days, other, told=told)
    cold_segments = clustering.fit(cold.scores(last[1]), k, settings.seed)
    pairs = {
        WARM: (old, warm_segments.labels(warm.scores(now))),
        COLD: (old, cold_segments.labels(cold.scores(now))),
        RFM: _log_rfm(last[0], last[1], now, k, settings.seed),
    }
    return Stability(
        {name: identity.match(a, b, k, k).kept for name, (a, b) in pairs.items()},
        {name: adjusted_rand(a, b) for name, (a, b) in pairs.items()},
        len(now),
    )


def _log_rfm(
    earlier: pd.DataFrame, later: pd.DataFrame, now: pd.DataFrame, k: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The rival gets the same warm start: the scale and centroids of its earlier fit."""
    then = log_rfm(earlier)
    mean, deviation = then.mean(axis=0), np.maximum(then.std(axis=0), 1e-9)
    old = KMeans(k, n_init=10, random_state=seed).fit((then - mean) / deviation)
    new = KMeans(k, init=old.cluster_centers_, n_init=1, random_state=seed)
    new.fit((log_rfm(later) - mean) / deviation)
    rows = (log_rfm(now) - mean) / deviation
    return old.predict(rows), new.predict(rows)
