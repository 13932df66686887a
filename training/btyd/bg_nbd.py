"""BG/NBD and MBG/NBD: orders at a Gamma rate, lost after an order with a Beta probability.

- **BG/NBD**: Fader, Hardie, Lee (2005), "Counting Your Customers the Easy Way: An Alternative to
  the Pareto/NBD Model", Marketing Science 24(2) (FHL below). Lost only after a *repeat* order.
- **MBG/NBD**: Batislam, Denizel, Filiztekin (2007), "Empirical validation and comparison of models
  for customer base analysis", IJRM 24(3). Lost after *any* order, the first included.

The order rate is Gamma(r, alpha), the probability of being lost Beta(a, b), independent. Both are
one set of formulas in ``k``, the orders after which the customer could have been lost: x under
BG/NBD, x + 1 under MBG/NBD. Units and symbols: `btyd.structural`.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
from scipy import special

from training.btyd.structural import Floats, Histories, ahead, checked, maximise


@dataclass(frozen=True)
class BgNbd:
    """BG/NBD as fitted. `alpha` is in the unit of T; `log_likelihood` is that of all customers.

    >>> model = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)  # FHL, table 2, in weeks
    >>> model.expected_orders(39, x=[2], t_x=[30.43], T=[38.86]).round(3).tolist()  # FHL, p. 281
    [1.226]
    """

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float = float("nan")
    customers: int = 0

    title: ClassVar[str] = "BG/NBD"
    chances_before: ClassVar[int] = 0  # orders before the repeat ones that can be the last

    @classmethod
    def fit(
        cls, x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike, weak: bool = False
    ) -> Self:
        """Maximum likelihood over customers, arrays of shape ``(n,)`` (see `btyd.structural`);
        with `weak` under a weak prior, which has a maximum where nobody seems to be lost, too.

        Raises FitError where too few customers ordered again or there is no proper maximum (a and
        b run off where nobody seems to be lost), ValueError where a history cannot be one.
        """
        histories = Histories.of(x, t_x, T)
        histories.refuse_too_few(cls.title)
        unit, everyone = histories.unit, float(histories.customers.sum())
        scaled, sample = histories.in_units(unit), histories.sample().in_units(unit)
        rate = float(np.average(scaled.x, weights=scaled.customers))  # orders in a mean T
        starts = [(r, r / rate, a, b) for r, a, b in [(0.3, 0.7, 2.5), (1, 1, 3), (3, 0.3, 6)]]
        found, value = maximise(
            cls.title,
            ("r", "alpha", "a", "b"),
            lambda logs: cls._mean_log_likelihood(np.exp(logs), scaled),
            starts,
            trial=lambda logs: cls._mean_log_likelihood(np.exp(logs), sample),
            weak=1 / everyone if weak else 0.0,
        )
        # x moments of ordering are a density in 1 / T ** x
        orders = float(histories.x @ histories.customers)
        return cls(
            r=found["r"],
            alpha=found["alpha"] * unit,
            a=found["a"],
            b=found["b"],
            log_likelihood=value * everyone - orders * float(np.log(unit)),
            customers=int(everyone),
        )

    @classmethod
    def _mean_log_likelihood(cls, parameters: Floats, histories: Histories) -> tuple[float, Floats]:
        """Log-likelihood a customer, FHL eq. 6 and appendix, and its gradient by log parameters."""
        r, alpha, a, b = parameters.tolist()
        x, t_x, T, weight = histories.x, histories.t_x, histories.T, histories.customers
        k = x + cls.chances_before
        counts, place = np.unique(x, return_inverse=True)  # special functions once for each x
        tries = counts + cls.chances_before
        by_count = (
            special.gammaln(r + counts)
            - special.gammaln(r)
            + r * np.log(alpha)
            + special.betaln(a, b + tries)
            - special.betaln(a, b)
        )
        still = -(r + x) * np.log(alpha + T)
        # a / (b + k - 1) = B(a + 1, b + k - 1) / B(a, b + k); impossible where k is 0
        before_last = np.where(k > 0, b + k - 1, 1)
        lost = np.where(k > 0, np.log(a / before_last) - (r + x) * np.log(alpha + t_x), -np.inf)
        either = np.logaddexp(still, lost)
        alive = np.exp(still - either)
        gone = 1 - alive
        ab = special.psi(a + b) - special.psi(a + b + tries)
        slopes = [
            (special.psi(r + counts) - special.psi(r) + np.log(alpha))[place]
            - alive * np.log(alpha + T)
            - gone * np.log(alpha + t_x),
            r / alpha - (r + x) * (alive / (alpha + T) + gone / (alpha + t_x)),
            ab[place] + gone / a,
            (ab + special.psi(b + tries) - special.psi(b))[place] - gone / before_last,
        ]
        everyone = weight.sum()
        gradient = np.array([weight @ slope for slope in slopes]) * parameters / everyone
        return float(weight @ (by_count[place] + either) / everyone), gradient

    def p_alive(self, x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike) -> Floats:
        """Probability of not being lost for good at T, from FHL eq. 6.

        Not a churn score: under BG/NBD it is 1 for every customer of one order, however long ago.
        """
        frequency, recency, age = checked(x, t_x, T)
        chances = frequency + self.chances_before
        power = (self.r + frequency) * np.log((self.alpha + age) / (self.alpha + recency))
        odds = self.a / np.where(chances > 0, self.b + chances - 1, 1)
        return special.expit(-power - np.where(chances > 0, np.log(odds), -np.inf))

    def probability_of_order(
        self, horizon: float, x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike
    ) -> Floats:
        """Probability of at least one order in (T, T + horizon].

        Customers are lost only upon an order, so one who is alive at T stays so until the next
        one. With the rate of such a customer being Gamma(r + x, alpha + T), no order comes within
        h with probability ((alpha + T) / (alpha + T + h)) ** (r + x).
        """
        frequency, recency, age = checked(x, t_x, T)
        silence = (self.r + frequency) * np.log1p(ahead(horizon) / (self.alpha + age))
        return self.p_alive(frequency, recency, age) * -np.expm1(-silence)

    def expected_orders(
        self, horizon: float, x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike
    ) -> Floats:
        """Orders to expect in (T, T + horizon], FHL eq. 10.

        By Euler's transformation 2F1(A, B; C; z) = (1 - z)^(C-A-B) 2F1(C-A, C-B; C; z) the
        frequency leaves the numerator's parameters, so that hundreds of orders do not overflow.
        """
        frequency, recency, age = checked(x, t_x, T)
        if abs(self.a - 1) < 1e-4:  # eq. 10 divides by a - 1; the mean over +-2e-4 errs by 1e-7
            alive = (
                self._if_alive(horizon, frequency, age, self.a - 2e-4)
                + self._if_alive(horizon, frequency, age, self.a + 2e-4)
            ) / 2
        else:
            alive = self._if_alive(horizon, frequency, age, self.a)
        return alive * self.p_alive(frequency, recency, age)

    def _if_alive(self, horizon: float, x: Floats, T: Floats, a: float) -> Floats:
        chances = x + self.chances_before
        z = ahead(horizon) / (self.alpha + T + horizon)
        c = a + self.b + chances - 1
        c = np.where(np.abs(c) < 1e-9, 1e-9, c)  # of no repeat order where a + b = 1: the limit
        f = special.hyp2f1(a + self.b + self.chances_before - 1 - self.r, a - 1, c, z)
        # (1 - z)^(r+x) * (1 - z)^(C-A-B) = (1 - z)^(a-1)
        return c / (a - 1) * (1 - (1 - z) ** (a - 1) * f)


@dataclass(frozen=True)
class MbgNbd(BgNbd):
    """MBG/NBD as fitted: a first order, too, may be the last, so one-time buyers fade as well."""

    title: ClassVar[str] = "MBG/NBD"
    chances_before: ClassVar[int] = 1
