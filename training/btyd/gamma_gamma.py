"""Gamma-Gamma: what an order brings, at customers who differ in what theirs bring on average.

Fader & Hardie (2013), "The Gamma-Gamma Model of Monetary Value" (the Note below); Fader, Hardie,
Lee (2005), "RFM and CLV: Using Iso-Value Curves for Customer Base Analysis", JMR 42(4). The amounts
of one customer are Gamma(p, nu), nu is Gamma(q, gamma) over customers, and neither depends on how
often the customer orders: check that before believing it.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
from scipy import special

from features.errors import FitError
from training.btyd.structural import LEAST_REPEAT_BUYERS, TRIAL_ROWS, Floats, distinct, maximise
from training.prediction.structure import ALIKE

_REMEDY = "cap extreme amounts, if there are any, or predict spend without this model"


@dataclass(frozen=True)
class GammaGamma:
    """Gamma-Gamma as fitted. `gamma` is in the unit of the amounts; `p` and `q` have none.

    >>> model = GammaGamma(p=6.25, q=3.74, gamma=15.44)  # the Note, section 5
    >>> model.expected_value(x=[0, 1, 9], mean_spend=[0, 100, 100]).round(2).tolist()
    [35.22, 80.26, 96.99]
    """

    p: float
    q: float
    gamma: float
    log_likelihood: float = float("nan")
    customers: int = 0

    title: ClassVar[str] = "Gamma-Gamma"

    @classmethod
    def fit(cls, x: npt.ArrayLike, mean_spend: npt.ArrayLike, weak: bool = False) -> Self:
        """Maximum likelihood over customers, arrays of shape ``(n,)``; with `weak` under a weak
        prior (`btyd.structural.maximise`).

        `x` is how many orders `mean_spend` (in one currency) is the mean of. Custom has it that
        these are the repeat orders, which leaves out what is special to a first one; any count
        does, so long as both agree. Customers with x 0, or whose orders brought nothing (or less)
        on average, say nothing of a Gamma law and are left out.

        Raises FitError where too few customers are left, where amounts do not differ enough to
        have a law, and where the average over customers would be infinite (q <= 1); ValueError
        where x is not a count.
        """
        orders, spend = _checked(x, mean_spend)
        spent = (orders > 0) & (spend > 0)
        if spent.sum() < LEAST_REPEAT_BUYERS:
            raise FitError(
                f"{cls.title} needs at least {LEAST_REPEAT_BUYERS} customers whose orders "
                "brought something.",
                f"{spent.sum()} of {len(orders)} customers with x > 0 and mean_spend > 0",
                "use a longer history or more customers",
            )
        (count, mean), weight = distinct(orders[spent], spend[spent])
        unit = float(np.exp(np.average(np.log(mean), weights=weight)))
        if np.ptp(mean) <= 1e-9 * unit:
            raise FitError(
                f"{cls.title} needs amounts that differ from customer to customer.",
                f"every customer spends {mean[0]:g} an order",
                "multiply expected orders by that amount instead",
            )
        scaled = mean / unit
        some = slice(None, None, max(1, len(count) // TRIAL_ROWS))
        found, value = maximise(
            cls.title,
            ("p", "q", "gamma"),
            lambda logs: cls._mean_log_likelihood(np.exp(logs), count, scaled, weight),
            [(p, q, q / p) for p, q in [(1, 3), (6, 4), (2, 1.5), (30, 30)]],
            remedy=_REMEDY,
            weak=1 / float(weight.sum()) if weak else 0.0,
            trial=lambda logs: cls._mean_log_likelihood(
                np.exp(logs), count[some], scaled[some], weight[some]
            ),
        )
        if found["q"] <= 1.01:  # within the error of any fit
            raise FitError(
                f"{cls.title} gives an average only where q is greater than 1.",
                f"q {found['q']:.3g}: a few customers outspend all others",
                _REMEDY,
            )
        everyone = float(weight.sum())
        return cls(
            p=found["p"],
            q=found["q"],
            gamma=found["gamma"] * unit,
            # a mean is a density in 1 / amount
            log_likelihood=(value - float(np.log(unit))) * everyone,
            customers=int(everyone),
        )

    @classmethod
    def alike(cls, x: npt.ArrayLike, mean_spend: npt.ArrayLike) -> Self:
        """The law's limit where customers do not differ: each order of anybody brings the mean of
        all orders, in place of a fit that is refused. Arrays of shape ``(n,)`` as of `fit`.
        Raises FitError where there is no order.

        >>> GammaGamma.alike(x=[1, 3], mean_spend=[8, 4]).expected_value([2], [5]).round(3).tolist()
        [5.0]
        """
        orders, spend = _checked(x, mean_spend)
        ordered = orders > 0
        if not ordered.any():
            raise FitError(
                "The mean amount of an order needs an order.",
                f"{len(orders)} customers, none with x > 0",
                "use a longer history or more customers",
            )
        mean = float(np.average(spend[ordered], weights=orders[ordered]))
        return cls(p=1.0, q=1.0 + ALIKE, gamma=mean * ALIKE, customers=int(ordered.sum()))

    @classmethod
    def _mean_log_likelihood(
        cls, parameters: Floats, x: Floats, mean: Floats, weight: Floats
    ) -> tuple[float, Floats]:
        """Log-likelihood a customer, the Note's eq. 1a, and its gradient by log parameters."""
        p, q, gamma = parameters.tolist()
        counts, place = np.unique(x, return_inverse=True)
        total = gamma + x * mean
        by_count = -special.betaln(p * counts, q)  # ln Gamma(px + q) / (Gamma(px) Gamma(q))
        log_odds = np.log(x) + np.log(mean) - np.log(total)
        value = by_count[place] + p * x * log_odds - np.log(mean) + q * np.log(gamma / total)
        both = special.psi(p * counts + q)
        slopes = [
            x * ((both - special.psi(p * counts))[place] + log_odds),
            (both - special.psi(q))[place] + np.log(gamma / total),
            q / gamma - (p * x + q) / total,
        ]
        everyone = weight.sum()
        gradient = np.array([weight @ slope for slope in slopes]) * parameters / everyone
        return float(weight @ value / everyone), gradient

    @property
    def mean(self) -> float:
        """What an order brings on average over all customers, p gamma / (q - 1)."""
        return self.p * self.gamma / (self.q - 1)

    def expected_value(self, x: npt.ArrayLike, mean_spend: npt.ArrayLike) -> Floats:
        """What an order of each customer will bring on average, shape ``(n,)``, in the currency.

        The Note, eq. 5: (gamma + x mean_spend) p / (p x + q - 1), between the customer's own mean
        and everybody's, nearer to the former the more orders there were. Where x is 0 mean_spend
        is not read; one below 0 (more returned than bought) counts as 0.
        """
        orders, spend = _checked(x, mean_spend)
        known = np.where(orders > 0, np.maximum(spend, 0), 0)
        return (self.gamma + orders * known) * self.p / (self.p * orders + self.q - 1)


def _checked(x: npt.ArrayLike, mean_spend: npt.ArrayLike) -> tuple[Floats, Floats]:
    orders = np.atleast_1d(np.asarray(x, dtype=np.float64))
    spend = np.atleast_1d(np.asarray(mean_spend, dtype=np.float64))
    if orders.shape != spend.shape or orders.ndim != 1:
        raise ValueError(
            "x and mean_spend have one row a customer. "
            f"Seen shapes: {orders.shape} and {spend.shape}."
        )
    possible = (orders >= 0) & (orders == np.floor(orders))
    possible &= np.isfinite(orders) & (np.isfinite(spend) | (orders == 0))
    if not possible.all():
        row = int(np.flatnonzero(~possible)[0])
        raise ValueError(
            "x counts orders and mean_spend is their mean. "
            f"Seen: x {orders[row]:g}, mean_spend {spend[row]:g} in row {row}."
        )
    return orders, spend
