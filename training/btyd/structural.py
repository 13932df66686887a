"""Buy till you die: what every structural model of repeat orders shares.

A customer's history, up to the moment the model stands at, is three numbers, in one unit of time
(days, weeks; horizons then use the same):

- ``x``, frequency: orders after the first one, so 0 for a customer of one order;
- ``t_x``, recency: from the first order to the last one, 0 where x is 0;
- ``T``: from the first order to now.

Customers order at random at a rate of their own and one day are lost, which nobody sees. The
models differ in when they may be lost: after a repeat order (`bg_nbd.BgNbd`), after any order
(`bg_nbd.MbgNbd`), at any moment (`pareto_nbd.ParetoNbd`). `gamma_gamma.GammaGamma` adds what an
order brings. Each is a frozen dataclass of its fitted parameters, under the literature's symbols.

Here stand the histories, the maximiser and the refusal of a fit that is none.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import optimize

from features.errors import FitError

Floats = npt.NDArray[np.float64]
Objective = Callable[[Floats], tuple[float, Floats]]
"""Logs of the parameters -> log-likelihood a customer, and its gradient by those logs."""

LEAST_REPEAT_BUYERS = 10
_BOUND = 9.0  # logs of the parameters, in units of the mean T (or mean amount), lie within +-9
_SLOPE = 1e-5  # the most that the gradient of the log-likelihood a customer may be at a maximum
#: Deviation of a weak prior's logs of parameters, around 1 (`maximise`): e^4 either way at 95 %.
WEAK = 2.0
_REMEDY = (
    "bring a longer history or more customers; where all order equally often, or nobody leaves, "
    "there is nothing to mend"
)
TRIAL_ROWS = 20_000  # distinct histories that the several starts are tried on


@dataclass(frozen=True)
class Histories:
    """Distinct (x, t_x, T), each with the number of customers that share it."""

    x: Floats
    t_x: Floats
    T: Floats
    customers: Floats

    @classmethod
    def of(cls, x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike) -> Self:
        """Count the distinct ones; ValueError where a history cannot be one.

        >>> Histories.of([0, 1, 0], [0, 2, 0], [9, 9, 9]).customers.tolist()
        [2.0, 1.0]
        """
        (frequency, recency, age), customers = distinct(*checked(x, t_x, T))
        return cls(frequency, recency, age, customers)

    @property
    def unit(self) -> float:
        """Mean T, the unit while fitting: which one the caller has is then of no matter."""
        return float(np.average(self.T, weights=self.customers))

    def in_units(self, unit: float) -> "Histories":
        """The same with times divided by `unit`."""
        return Histories(self.x, self.t_x / unit, self.T / unit, self.customers)

    def sample(self, rows: int = TRIAL_ROWS) -> "Histories":
        """About `rows` of them, evenly spaced in sorted order; all where they are fewer."""
        step = max(1, len(self.x) // rows)
        return Histories(self.x[::step], self.t_x[::step], self.T[::step], self.customers[::step])

    def refuse_too_few(self, model: str) -> None:
        """FitError unless enough customers came back and time has passed since they did."""
        everyone = int(self.customers.sum())
        back = int(self.customers[self.x > 0].sum())
        if back < LEAST_REPEAT_BUYERS:
            raise FitError(
                f"{model} needs at least {LEAST_REPEAT_BUYERS} customers who ordered again.",
                f"{back} of {everyone} customers with a repeat order",
                "use a longer history or more customers",
            )


def checked(x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike) -> tuple[Floats, ...]:
    """The three as floats of one shape ``(n,)``; ValueError for a history that cannot be one."""
    columns = tuple(np.atleast_1d(np.asarray(column, dtype=np.float64)) for column in (x, t_x, T))
    shapes = [column.shape for column in columns]
    if len(set(shapes)) > 1 or columns[0].ndim != 1:
        raise ValueError(f"x, t_x and T have one row a customer. Seen shapes: {shapes}.")
    frequency, recency, age = columns
    with np.errstate(invalid="ignore"):
        possible = (
            (frequency >= 0)
            & (frequency == np.floor(frequency))
            & np.isfinite(age)
            & (recency <= age)
            & np.where(frequency > 0, recency > 0, recency == 0)
            & (age >= 0)
        )
    if not possible.all():
        row = int(np.flatnonzero(~possible)[0])
        raise ValueError(
            "x counts repeat orders and 0 <= t_x <= T, where t_x is 0 exactly if x is. "
            f"Seen: x {frequency[row]:g}, t_x {recency[row]:g}, T {age[row]:g} in row {row}."
        )
    return columns


def ahead(horizon: float) -> float:
    """The horizon, in the unit of T; ValueError where it is none."""
    if not 0 <= horizon < float("inf"):
        raise ValueError(f"A horizon is finite and not below 0. Seen: {horizon}.")
    return float(horizon)


def distinct(*columns: Floats) -> tuple[list[Floats], Floats]:
    """Distinct rows over `columns`, column by column, and how often each occurs.

    >>> distinct(np.array([2.0, 1.0, 2.0]), np.array([5.0, 6.0, 5.0]))
    ([array([1., 2.]), array([6., 5.])], array([1., 2.]))
    """
    order = np.lexsort(columns[::-1])
    ordered = [column[order] for column in columns]
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = np.any([column[1:] != column[:-1] for column in ordered], axis=0)
    starts = np.flatnonzero(new)
    counts = np.diff(np.append(starts, len(order))).astype(np.float64)
    return [column[starts] for column in ordered], counts


def maximise(
    model: str,
    names: Sequence[str],
    objective: Objective,
    starts: Sequence[Sequence[float]],
    remedy: str = _REMEDY,
    trial: Objective | None = None,
    weak: float = 0.0,
) -> tuple[dict[str, float], float]:
    """Parameters at the greatest likelihood that `starts` lead to, and its value a customer.

    With `weak`, one over the number of customers, at the greatest posterior under a weak normal
    prior of the parameters' logs: where few customers were seen, the likelihood alone may grow
    towards the edge of a law, and by next to nothing.

    L-BFGS-B over the logs of the parameters. Where `trial` is given (the objective over a sample),
    the starts are tried on it and only the best goes on over all. Raises FitError where what was
    reached is no maximum: nothing finite, a parameter at its bound, or a slope that is left.
    """
    objective, tried = _believed(objective, weak), _believed(trial or objective, weak)
    ends = [_climb(tried, np.log(np.asarray(start, dtype=np.float64))) for start in starts]
    ends = [end for end in ends if np.isfinite(end.fun)]
    best = min(ends, key=lambda end: float(end.fun), default=None)
    if best is not None and trial is not None:
        best = _climb(objective, best.x)
    if best is None or not np.isfinite(best.fun):
        raise FitError(
            f"{model} needs a likelihood that is finite.",
            f"none from {len(starts)} starting points",
            "look for extreme values among the histories or amounts",
        )
    stuck = [place for place, log in enumerate(best.x) if abs(log) > _BOUND - 0.01]
    if stuck:
        ends_at = ", ".join(
            f"{names[place]} towards {'0' if best.x[place] < 0 else 'infinity'}" for place in stuck
        )
        raise FitError(
            f"{model} is used only where its likelihood has a maximum.",
            f"it still grows with {ends_at}",
            remedy,
        )
    steepest = float(np.max(np.abs(best.jac)))
    if steepest > _SLOPE:
        raise FitError(
            f"{model} is used only where the search for its maximum converged.",
            f"a slope of {steepest:.2g} per customer after {best.nit} steps ({best.message})",
            remedy,
        )
    return dict(zip(names, np.exp(best.x).tolist(), strict=True)), -float(best.fun)


def _believed(objective: Objective, weak: float) -> Objective:
    if not weak:
        return objective

    def posterior(logs: Floats) -> tuple[float, Floats]:
        value, gradient = objective(logs)
        return value - weak * float(logs @ logs) / (2 * WEAK**2), gradient - weak * logs / WEAK**2

    return posterior


def _climb(objective: Objective, start: Floats) -> optimize.OptimizeResult:
    def downhill(logs: Floats) -> tuple[float, Floats]:
        with np.errstate(all="ignore"):
            value, gradient = objective(logs)
        if not np.isfinite(value) or not np.isfinite(gradient).all():
            return float("inf"), np.zeros_like(logs)
        return -value, -gradient

    return optimize.minimize(
        downhill,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(-_BOUND, _BOUND)] * len(start),
        options={"ftol": 1e-14, "gtol": 1e-8, "maxiter": 500, "maxcor": 20},
    )
