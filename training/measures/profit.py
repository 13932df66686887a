"""Profit of a retention campaign that targets the highest scores: EMPC, and whom to target.

Verbraken, Verbeke, Baesens (2013), "A Novel Profit Maximizing Metric for Measuring Classification
Performance of Customer Churn Prediction Models", IEEE TKDE 25(5). With pi0 and pi1 the shares of
churners and of others, F0 and F1 the shares of each that are targeted, delta = d / CLV and
phi = f / CLV, a campaign brings on average per customer (their eq. 7)

    P = CLV (gamma (1 - delta) - phi) pi0 F0 - CLV (delta + phi) pi1 F1,

where gamma, the chance that a targeted churner takes the offer and stays, is Beta(alpha, beta).
EMPC is the expectation over gamma of the greatest P, each gamma with a cut-off of its own; `eta` is
the expected share of customers targeted there. Nobody knows gamma beforehand, so no one campaign
earns it: `asked` says whom to ask, and `earned` what that brings with gamma at its mean. The rules
of `measures.metrics` hold here.

May not import pandas or mlflow, nor anything of training that fits.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression
from scipy.stats import beta as beta_distribution

from features.settings.contracts import Profit
from training.measures.arguments import Floats, floats, outcomes

USUAL = Profit()


class Campaign(NamedTuple):
    """Expected maximum profit per customer (currency), and the expected share targeted for it: a
    mean over gamma, and no campaign's that can be carried out.
    """

    empc: float
    eta: float


def campaign(truth: npt.ArrayLike, score: npt.ArrayLike, profit: Profit = USUAL) -> Campaign:
    """EMPC and eta of targeting by `score`, high ones first; `truth` is 1 for a churner, else 0.

    The greatest profit for a gamma lies at a corner of the convex hull of the ROC curve (their
    section 4.3). Between the gammas at which one corner hands over to the next P is linear in
    gamma, so the integral is a sum of incomplete beta functions. Targeting nobody earns 0.

    nan where only one outcome occurs.

    >>> brought, share = campaign([1, 0], [0.9, 0.1])
    >>> round(brought, 4), round(share, 4)  # half are targeted, each worth .3 x 190 - 1
    (28.0, 0.5)
    """
    outcome, ranked = outcomes(truth, score)
    if outcome.min() == outcome.max():
        return Campaign(float("nan"), float("nan"))
    churners, others = hull(outcome, ranked)
    delta, phi = profit.incentive / profit.clv, profit.contact / profit.clv
    # pi0 F0 and pi1 F1 are counts over all customers; their steps give each corner's gamma.
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.diff(churners)
        gammas = ((delta + phi) * np.diff(others) / steps + phi) / (1 - delta)
    handed = np.clip(np.where(steps > 0, gammas, 1.0), 0.0, 1.0)
    borders = np.concatenate([[0.0], handed, [1.0]])
    mass = np.diff(beta_distribution.cdf(borders, profit.alpha, profit.beta))
    mean = profit.alpha / (profit.alpha + profit.beta)
    first = mean * np.diff(beta_distribution.cdf(borders, profit.alpha + 1, profit.beta))
    gained = profit.clv * churners * ((1 - delta) * first - phi * mass)
    spent = profit.clv * (delta + phi) * others * mass
    return Campaign(float(np.sum(gained - spent)), float(np.sum((churners + others) * mass)))


def empc(truth: npt.ArrayLike, score: npt.ArrayLike, profit: Profit = USUAL) -> float:
    """Expected maximum profit per customer of `campaign`.

    >>> empc([1, 0], [0.5, 0.5]) < empc([1, 0], [0.9, 0.1])
    True
    """
    return campaign(truth, score, profit).empc


def profit_curve(
    truth: npt.ArrayLike, score: npt.ArrayLike, profit: Profit = USUAL
) -> tuple[Floats, Floats]:
    """Share targeted, from 0 to 1, and the profit per customer expected of it, gamma at its mean.

    A point per distinct score; between two of them the curve is straight.

    >>> share, brought = profit_curve([1, 0], [0.9, 0.1])
    >>> share.tolist(), brought.round(9).tolist()
    ([0.0, 0.5, 1.0], [0.0, 28.0, 22.5])
    """
    outcome, ranked = outcomes(truth, score)
    churners, others = _gathered(outcome, ranked)
    worth, lost = _each(profit)
    return churners + others, worth * churners - lost * others


def break_even(profit: Profit = USUAL) -> float:
    """The chance of leaving above which asking one customer pays, with gamma at its mean.

    Of eq. 7 for one customer, who leaves with chance p: p (gamma (CLV - d) - f) > (1 - p) (d + f).
    Above 1 where not even a churner is worth the asking.

    >>> round(break_even(), 4)  # .3 x 190 - 1 = 56 from a churner, 11 lost on any other: 11 / 67
    0.1642
    """
    worth, lost = _each(profit)
    return lost / (worth + lost)


def asked(
    probability: npt.ArrayLike, share: float, profit: Profit = USUAL
) -> npt.NDArray[np.bool_]:
    """(n,) whom to ask: the `share` of greatest risk, and of these only whom it pays to ask.

    >>> asked([0.9, 0.2, 0.1, 0.05], share=0.75).tolist()
    [True, True, False, False]
    """
    risk = floats(probability)
    made = np.zeros(len(risk), bool)
    made[np.argsort(-risk, kind="stable")[: round(share * len(risk))]] = True
    return made & (risk > break_even(profit))


def earned(truth: npt.ArrayLike, asked: npt.ArrayLike, profit: Profit = USUAL) -> float:
    """Profit per customer (of all) of asking those of `asked`, with gamma at its mean.

    >>> earned([1, 0, 0, 0], [True, True, False, False])  # (56 - 11) / 4
    11.25
    """
    outcome, chosen = outcomes(truth, asked)
    worth, lost = _each(profit)
    return float(np.mean(chosen * np.where(outcome == 1, worth, -lost)))


def _each(profit: Profit) -> tuple[float, float]:
    """What asking a churner brings, and asking another costs, with gamma at its mean."""
    taken = profit.alpha / (profit.alpha + profit.beta)
    return (
        taken * (profit.clv - profit.incentive) - profit.contact,
        profit.incentive + profit.contact,
    )


def hull(outcome: Floats, score: Floats) -> tuple[Floats, Floats]:
    """Corners of the ROC's convex hull: churners and others targeted, as shares of all customers.

    From (0, 0) to all. The hull is what pooling adjacent violators makes of the outcomes in the
    order of the score (Fawcett & Niculescu-Mizil 2007, "PAV and the ROC convex hull").

    >>> [part.tolist() for part in hull(np.array([0.0, 1.0, 1.0, 0.0]), np.array([4.0, 3, 2, 1]))]
    [[0.0, 0.5, 0.5], [0.0, 0.25, 0.5]]
    """
    churners, others = _gathered(outcome, score)
    weight = np.diff(churners) + np.diff(others)
    pooled = isotonic_regression(np.diff(churners) / weight, weights=weight, increasing=False)
    return churners[pooled.blocks], others[pooled.blocks]


def _gathered(outcome: Floats, score: Floats) -> tuple[Floats, Floats]:
    """Shares of all customers gathered from the highest score down, a point per distinct score."""
    distinct, member = np.unique(-score, return_inverse=True)
    everyone = np.bincount(member, minlength=len(distinct))
    ones = np.bincount(member, outcome, minlength=len(distinct))
    churners = np.concatenate([[0.0], np.cumsum(ones)]) / len(score)
    others = np.concatenate([[0.0], np.cumsum(everyone - ones)]) / len(score)
    return churners, others
