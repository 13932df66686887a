"""The level of what is served: where the calibration window, the last before, is not to be taken at
its word, it is combined with other forecasts of the same total.

Equal weights are hard to beat (Bates & Granger 1969; Timmermann 2006, "Forecast combinations",
section 7.1), and one window is too little to learn others from.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from sklearn.metrics import d2_tweedie_score

from training.fitting import reversion
from training.fitting.calibration import intercept, total_scale
from training.outliers import capped
from training.prediction import blend
from training.prediction.blend import EXPERTS, Calibration
from training.prediction.calibrated import Raw
from training.prediction.intervals import Bands
from training.windows.season import Season

#: The structural total, which loses nobody within the window, counts up to so many times the one
#: that does.
MOST_LASTING = 1.1
EQUAL = 0.5
#: Of the Tweedie deviance by which customers are told apart: between counts and amounts.
POWER = 1.5


@dataclasses.dataclass(frozen=True)
class Structural:
    """What the structural total counts for: its `weight` beside the learned one, and the share of
    it that is `lasting` where customers may leave within the window
    (`prediction.structure.Prior.lasting`).
    """

    weight: float = EQUAL
    lasting: float = 1.0


@dataclasses.dataclass(frozen=True)
class Trained:
    """What a model says of the rows that it was fitted on, and what came in their windows: `orders`
    (n,) and `spend` (n,), currency >= 0, of as much as was seen of each: `exposure` (n,), 1 for a
    whole window of `window_days`. `as_of` (n,) datetime64 are their cut-offs.
    """

    raw: Raw
    orders: np.ndarray
    spend: np.ndarray
    exposure: np.ndarray
    as_of: np.ndarray
    window_days: int

    def of(self, rows: np.ndarray) -> Trained:
        """Those of some `rows`, as an index or (n,) bool."""
        known = (self.orders, self.spend, self.exposure, self.as_of)
        orders, spend, exposure, as_of = (each[rows] for each in known)
        return Trained(self.raw.of(rows), orders, spend, exposure, as_of, self.window_days)


def settled(
    fitted: tuple[Calibration, Bands],
    trained: Callable[[], Trained],
    now: Raw,
    season: Season,
    cutoffs: int,
    structural: Structural = Structural(),
) -> tuple[Calibration, Bands]:
    """The calibration with the level that is served to those of `now`, and the bands with it.

    A `season` is told against the calibration window, and fits no other level. What it does not
    tell has `reverted`, spend and orders only where the evaluated model was trained at several
    `cutoffs`; intervals stay what they were, as the window's outcomes made them. With one, the
    levels are `combined`: customers who age take their intervals along.
    """
    learned, bands = fitted
    churn, spend = not season.of_churn, not season.of_spend and cutoffs > 1
    c = reverted(learned, trained(), churn, spend) if churn or spend else learned
    bands = bands.scaled(c.spend.level / learned.spend.level)
    return combined(c, now, cutoffs, structural), bands


def weight(c: Calibration, raw: Raw, spend: np.ndarray) -> float:
    """What the structural total is to count for beside the learned one, from 0 to a half: of
    customers of whom `raw` says what it does and who spent (n,), currency >= 0, in the window that
    `c` was learned on.

    Half where the structural model tells customers apart nearly as well, by the share of the
    Tweedie deviance that each explains at the level of what came (D squared; Hastie, Tibshirani &
    Wainwright 2015, equation 3.11); the square of their ratio where that is less, and nothing where
    it explains nothing. What describes customers badly does not know their total. Half, too, where
    all spent the same, or none is known to the structural model.
    """
    structural = raw.experts[:, EXPERTS.index("structural")]
    known = np.flatnonzero((structural > 0) & np.isfinite(structural))
    actual = capped(spend[known])
    if len(known) == 0 or actual.min() == actual.max():
        return EQUAL
    said = blend.spend(raw.experts, blend.churn(raw.churn_logit, c), c)[known]
    theirs, ours = (_explained(actual, capped(one)) for one in (structural[known], said))
    if theirs <= 0:
        return 0.0
    return EQUAL if ours <= 0 else min(EQUAL, (theirs / ours) ** 2)


def _explained(actual: np.ndarray, said: np.ndarray) -> float:
    even = np.maximum(said, max(1e-3 * said.mean(), 1e-9))
    return d2_tweedie_score(actual, even * actual.sum() / even.sum(), power=POWER)


def reverted(c: Calibration, trained: Trained, churn: bool, spend: bool) -> Calibration:
    """With the level on its way back from the calibration window's to that of all windows that the
    model was fitted on: of `churn`, in logits; of `spend` and orders, in logs.

    One window is one season, with its own holidays and closures, and may be where a shop has come
    to. How far it is taken for the former those windows tell (`fitting.reversion`), whether or not
    the calibration window is one of them (it is of what is served). `c` is of windows without lost
    days, and so is what comes of it; what was trained on counts for as much as was seen.
    """
    days, of = np.unique(trained.as_of, return_inverse=True)
    each = [_off(c, trained.of(of == i)) for i in range(len(days))]
    since = (days - days[0]) / np.timedelta64(1, "D")
    share = reversion.share(np.array(each), since, trained.window_days)
    logit, spent, ordered = _off(c, trained)
    if churn and np.isfinite(logit):
        c = dataclasses.replace(c, churn=(c.churn[0] + share * logit, c.churn[1]))
        spent = _off(c, trained)[1]  # what anybody spends is bounded by the chance of an order
    if not spend:
        return c
    return _moved(c, *np.exp(share * np.nan_to_num([spent, ordered])))


def _off(c: Calibration, trained: Trained) -> tuple[float, float, float]:
    """What came of these rows over what `c` says of them: the shift of churn's logit, and the logs
    of the factors of spend and orders; nan where all or none ordered, or nobody spent.
    """
    churned, seen = float((trained.orders == 0).mean()), trained.exposure
    first, slope = c.churn
    logit = np.nan
    if 0 < churned < 1:
        logit = intercept(trained.raw.churn_logit, slope, churned, seen) - first
    spend = blend.spend(trained.raw.experts, blend.churn(trained.raw.churn_logit, c), c)
    return (
        logit,
        _log(spend * seen, capped(trained.spend)),
        _log(c.orders * trained.raw.boosted_orders * seen, trained.orders),
    )


def _log(said: np.ndarray, came: np.ndarray) -> float:
    return np.log(total_scale(said, came)) if said.sum() > 0 < came.sum() else np.nan


def combined(
    c: Calibration, raw: Raw, cutoffs: int, counted: Structural = Structural()
) -> Calibration:
    """The calibration; where training stood at one of its `cutoffs`, with its level between its own
    and what the structural model expects of the same customers in total: the mean (in logs) of two
    forecasts that err in different ways, by the weight that the second has.

    A model of one cut-off never saw customers age: the learned level is that of the calibration
    window, carried on as if they did not. The structural one knows who has left by now and how
    often the others order, and nothing else; nobody leaves within its window, which counts for a
    tenth more at most than what is lasting. Expected orders move with spend, so that what an order
    brings stays. As it was where the structural models were refused.
    """
    if cutoffs > 1:
        return c
    structural = raw.experts[:, EXPERTS.index("structural")]
    known = np.flatnonzero(~np.isnan(structural))
    plain = known[capped(structural[known]) == structural[known]]  # an outlier is no forecast
    said = blend.spend(raw.experts, blend.churn(raw.churn_logit, c), c)
    ours = said[plain].sum() / c.spend_stretch
    theirs = structural[plain].sum() * min(1.0, MOST_LASTING * counted.lasting)
    if ours <= 0 or theirs <= 0:
        return c
    towards = float(np.clip(theirs / ours, 1 / 3, 3.0) ** counted.weight)
    return _moved(c, towards, towards)


def _moved(c: Calibration, spend: float, orders: float) -> Calibration:
    """With so many times the level of spend and of orders."""
    pool = dataclasses.replace(c.spend, level=c.spend.level * spend)
    return dataclasses.replace(c, spend=pool, orders=c.orders * orders)
