"""MBG/CNBD-k: MBG/NBD of customers whose orders come more regularly than at random.

Reutterer, Platzer, Schröder (2021), "Leveraging purchase regularity for predicting customer
behavior the easy way", IJRM 38(1); k = 1 is MBG/NBD (`btyd.bg_nbd`). Between two orders lie k steps
of a Poisson process, so that gaps are Erlang: with k = 2 their deviation is .71 of their mean, with
k = 12 .29. The rate of the steps is Gamma(r, alpha), the probability of being lost upon each
order Beta(a, b). Units and symbols: `btyd.structural`.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import special

from training.btyd.structural import Floats, Histories, maximise

TITLE = "MBG/CNBD-k"


@dataclass(frozen=True)
class MbgCnbd:
    """MBG/CNBD-k as fitted. `alpha` is in the unit of T."""

    k: int
    r: float
    alpha: float
    a: float
    b: float

    @classmethod
    def fit(
        cls, k: int, x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike, weak: bool = False
    ) -> Self:
        """Maximum likelihood of a given k over customers, arrays of shape ``(n,)``; `weak` and what
        is raised as in `bg_nbd.BgNbd.fit`.

        Likelihoods of two k cannot be compared: the products of the gaps, which weigh by k and hang
        on no other parameter, are left out.
        """
        histories = Histories.of(x, t_x, T)
        histories.refuse_too_few(TITLE)
        unit, everyone = histories.unit, float(histories.customers.sum())
        scaled, sample = histories.in_units(unit), histories.sample().in_units(unit)
        rate = k * float(np.average(scaled.x, weights=scaled.customers))  # steps in a mean T
        starts = [(r, r / rate, a, b) for r, a, b in [(0.3, 0.7, 2.5), (1, 1, 3), (3, 0.3, 6)]]
        found, _ = maximise(
            TITLE,
            ("r", "alpha", "a", "b"),
            lambda logs: _mean_log_likelihood(k, np.exp(logs), scaled),
            starts,
            trial=lambda logs: _mean_log_likelihood(k, np.exp(logs), sample),
            weak=1 / everyone if weak else 0.0,
        )
        return cls(k, found["r"], found["alpha"] * unit, found["a"], found["b"])


def _mean_log_likelihood(k: int, parameters: Floats, histories: Histories) -> tuple[float, Floats]:
    """Log-likelihood a customer but for the gaps' products, and its gradient by log parameters.

    Alive after all x + 1 orders and silent since, or lost upon the last of them.
    """
    r, alpha, a, b = parameters.tolist()
    x, weight = histories.x, histories.customers
    shape, age = r + k * x, alpha + histories.t_x
    silent, by_shape, by_age = _silence(k, shape, age, histories.T - histories.t_x)
    steps = special.gammaln(shape) - special.gammaln(r) + r * np.log(alpha) - shape * np.log(age)
    still = special.betaln(a, b + x + 1) + silent
    either = np.logaddexp(still, special.betaln(a + 1, b + x))
    alive = np.exp(still - either)
    gone = 1 - alive
    every = special.psi(a + b) - special.psi(a + b + x + 1)
    slopes = [
        special.psi(shape) - special.psi(r) + np.log(alpha / age) + alive * by_shape,
        r / alpha - shape / age + alive * by_age,
        every + gone / a,  # psi(a + 1) is psi(a) + 1 / a
        every + special.psi(b + x) - special.psi(b) + alive / (b + x),
    ]
    everyone = weight.sum()
    gradient = np.array([weight @ slope for slope in slopes]) * parameters / everyone
    return float(weight @ (steps + either - special.betaln(a, b)) / everyone), gradient


def _silence(k: int, shape: Floats, age: Floats, days: Floats) -> tuple[Floats, Floats, Floats]:
    """Log of the probability of fewer than k steps within `days`, of a rate that is Gamma(shape,
    age): a negative binomial's; and its slopes by shape and age.
    """
    whole = age + days
    term, slope = np.ones_like(shape), np.zeros_like(shape)  # slope: of the term's log by shape
    total, by_shape, by_step = term.copy(), slope.copy(), slope.copy()
    for j in range(1, k):
        term = term * (shape + j - 1) / j * (days / whole)
        slope = slope + 1 / (shape + j - 1)
        total += term
        by_shape += term * slope
        by_step += term * j
    none = np.log(age / whole)
    return (
        shape * none + np.log(total),
        none + by_shape / total,
        shape / age - (shape + by_step / total) / whole,
    )
