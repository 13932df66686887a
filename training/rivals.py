"""The naive rules that every model must be measured beside, computed in the same run.

Each rule sees what the model sees at the test cut-off, and may be calibrated on the calibration
window as the model is, but that days lost of that window are taken as they are. None is weakened
otherwise: a rule's own units are used where it has them, and spend is capped for it as for the
model (`training.outliers`).
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.isotonic import IsotonicRegression

from features.errors import FitError
from training.btyd.bg_nbd import BgNbd
from training.btyd.gamma_gamma import GammaGamma
from training.measures.survival import silent_until
from training.outliers import capped
from training.prediction.cells import AXES, Cells

LEAST_IN_GROUP = 20
TENTHS = 10
NEVER = 1e6  # days since what did not happen
LAST_YEAR = "recent spend times last year's ratio"
BG_NBD = "BG/NBD"
WITH_GAMMA_GAMMA = "BG/NBD + Gamma-Gamma"
AT_MEAN_AMOUNT = "BG/NBD at the mean amount of an order"


@dataclasses.dataclass(frozen=True)
class Rule:
    """A rule's ranking score and, where it is more than a ranking, its calibrated prediction."""

    name: str
    score: np.ndarray
    prediction: np.ndarray


def churn_rules(calibration: pd.DataFrame, test: pd.DataFrame, window_days: int) -> list[Rule]:
    """Rules for the probability of no order in the window; higher is likelier to leave."""
    outcome = (calibration.future_orders == 0).to_numpy(np.float64)
    made = []
    recent = "orders_30d" if window_days <= 60 else "orders_90d"
    for name, column, sign in (("recency", "recency_days", 1.0), ("recent trips", recent, -1.0)):
        then, now = sign * calibration[column].to_numpy(float), sign * test[column].to_numpy(float)
        curve = IsotonicRegression(out_of_bounds="clip").fit(then, outcome)
        made.append(Rule(name, now, curve.predict(now)))
    gone = 1.0 - _cells(calibration, test)["structural_return"]
    made.append(Rule("RFM cells", gone, gone))
    with contextlib.suppress(FitError):
        gone = 1.0 - btyd(test, window_days).returns
        made.append(Rule(BG_NBD, gone, gone))
    return made


def recent_spend(window_days: int) -> str:
    """The feature of spend in days before that are nearest to those of a window.

    >>> recent_spend(60)
    'spend_30d'
    """
    return min(("spend_30d", "spend_90d", "spend_180d", "spend_365d"),
               key=lambda c: abs(int(c[6:-1]) - window_days))  # fmt: skip


def spend_rules(
    calibration: pd.DataFrame,
    test: pd.DataFrame,
    window_days: int,
    a_year_ago: float | None = None,
) -> list[Rule]:
    """Rules for the spend of the window, in currency. `a_year_ago` is what the same days of a year
    earlier brought over the recent spend of then (`windows.season`), where that is known.
    """
    outcome = capped(calibration.future_spend.to_numpy(np.float64))
    made = []
    recent = recent_spend(window_days)
    for name, column in (("total past spend", "spend"), ("recent spend", recent)):
        then, now = (capped(frame[column].to_numpy(float)) for frame in (calibration, test))
        scale = outcome.sum() / then.sum() if then.sum() > 0 else 1.0
        made.append(Rule(name, now, np.maximum(now * scale, 0.0)))
    if a_year_ago is not None:
        now = capped(test[recent].to_numpy(float))
        made.append(Rule(LAST_YEAR, now, np.maximum(now * a_year_ago, 0.0)))
    cells = _cells(calibration, test)["structural_spend"]
    made.append(Rule("RFM cells", cells, cells))
    with contextlib.suppress(FitError):
        structural = btyd(test, window_days)
        name = WITH_GAMMA_GAMMA if structural.refused is None else AT_MEAN_AMOUNT
        made.append(Rule(name, structural.spend, structural.spend))
    return made


def first_order_rules(calibration: pd.DataFrame, test: pd.DataFrame) -> list[Rule]:
    """Rules for the probability of a first order in the window, of customers without one."""
    outcome = (calibration.future_orders > 0).to_numpy(np.float64)
    share = np.full(len(test), outcome.mean())
    made = [Rule("the last window's share", share, share)]
    for name, column, sign in (("last event", "events_recency", -1.0), ("events", "events", 1.0)):
        if column not in test:
            continue
        # who met nothing comes last
        then, now = (
            (sign * frame[column].astype(np.float64)).fillna(-NEVER).to_numpy()
            for frame in (calibration, test)
        )
        curve = IsotonicRegression(out_of_bounds="clip").fit(then, outcome)
        made.append(Rule(name, now, curve.predict(now)))
    return made


def timing_rules(calibration: pd.DataFrame, test: pd.DataFrame, days: np.ndarray) -> list[Rule]:
    """Rules for when the next order comes: a score (n,), higher for later, and the probability of
    no order by each of `days` (n, k).

    What a rule knows becomes a curve by what came of customers alike at the calibration cut-off, in
    ten groups (one order: everybody's mean gap). That of the last order + everybody's mean gap is
    recency.
    """
    then_silent = silent_until(calibration.days_to_order, days)
    usual = float(calibration.gap_mean.mean()) if calibration.gap_mean.notna().any() else 0.0

    def overdue(frame: pd.DataFrame) -> np.ndarray:
        gap = frame.gap_mean.fillna(usual).to_numpy(np.float64)
        return frame.recency_days.to_numpy(np.float64) - gap

    def recency(frame: pd.DataFrame) -> np.ndarray:
        return frame.recency_days.to_numpy(np.float64)

    scores: dict[str, Callable[[pd.DataFrame], np.ndarray]] = {
        "everybody's curve (Kaplan-Meier)": lambda frame: np.zeros(len(frame)),
        "recency": recency,
        "last order + own mean gap": overdue,
    }
    made = []
    for name, score in scores.items():
        then, now = score(calibration), score(test)
        edges = np.unique(np.quantile(then, np.arange(1, TENTHS) / TENTHS))
        groups = np.searchsorted(edges, then)
        curves = np.tile(then_silent.mean(axis=0), (TENTHS, 1))
        for group in np.unique(groups):
            if (groups == group).sum() >= LEAST_IN_GROUP:
                curves[group] = then_silent[groups == group].mean(axis=0)
        curve = curves[np.searchsorted(edges, now)]
        made.append(Rule(name, now if name == "recency" else curve.sum(axis=1), curve))
    return made


@dataclasses.dataclass(frozen=True)
class Btyd:
    """What BG/NBD expects of each customer within a window, (n,) each: the probability of an order,
    order days, and spend by Gamma-Gamma or, where that was `refused`, at the mean amount of an
    order.
    """

    returns: np.ndarray
    orders: np.ndarray
    spend: np.ndarray
    refused: FitError | None = None


def btyd(frame: pd.DataFrame, window_days: int) -> Btyd:
    """BG/NBD and Gamma-Gamma fitted on the histories themselves; FitError where BG/NBD is refused.

    The two are fitted apart: amounts that have no law say nothing against the orders.
    """
    x, t_x, T = histories(frame)
    model = BgNbd.fit(x, t_x, T)
    mean_spend = capped(frame.spend.to_numpy(float)) / (x + 1.0)
    refused = None
    try:
        amounts = GammaGamma.fit(x + 1.0, mean_spend)
    except FitError as error:
        amounts, refused = GammaGamma.alike(x + 1.0, np.maximum(mean_spend, 0.0)), error
    days = model.expected_orders(window_days, x, t_x, T)
    value = amounts.expected_value(x + 1.0, mean_spend)
    returns = model.probability_of_order(window_days, x, t_x, T)
    return Btyd(returns, days, days * value, refused)


def refusal(frame: pd.DataFrame, window_days: int) -> str:
    """Which of the two is refused on these histories, why, and what became of its row; "" where
    neither is.
    """
    try:
        refused, so = btyd(frame, window_days).refused, f"the row is {AT_MEAN_AMOUNT}"
    except FitError as error:
        refused, so = error, "it stands in no row"
    return f"{refused.rule.rstrip('.')} ({refused.seen}): {so}." if refused else ""


def histories(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(x, t_x, T) in days of customers with an order: repeat order days, time of the last, age."""
    x = frame.frequency.to_numpy(np.float64)
    T = np.maximum(frame["T_days"].to_numpy(np.float64), 1e-3)
    t_x = np.where(x > 0, np.clip(T - frame.recency_days.to_numpy(np.float64), 0.0, T), 0.0)
    return x, t_x, T


def _cells(calibration: pd.DataFrame, test: pd.DataFrame) -> dict[str, np.ndarray]:
    """Mean outcomes of the RFM cell at the calibration cut-off: `prediction.cells`."""
    then, now = ({axis: f[axis].to_numpy(float) for axis in AXES} for f in (calibration, test))
    orders, spend = (calibration[c].to_numpy(float) for c in ("future_orders", "future_spend"))
    return Cells.fit(then, orders, capped(spend)).columns(now)


def segment_rules(
    calibration: pd.DataFrame,
    test: pd.DataFrame,
    designs: tuple[np.ndarray, np.ndarray],
    predicted: tuple[np.ndarray, np.ndarray],
    k: int,
    seed: int,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Rival segmentations with the same k: name -> labels at (calibration, test) cut-off.

    `designs` are the preprocessed rows; `predicted` columns (log spend, churn probability) by
    gradient boosting alone, at both cut-offs.
    """
    made = {}
    for name, column in (("spend quantiles", "spend"), ("recent spend quantiles", "spend_90d")):
        then, now = calibration[column].to_numpy(float), test[column].to_numpy(float)
        made[name] = (_quantiles(then, then, k), _quantiles(then, now, k))
    made["k-means on log-RFM"] = _kmeans(log_rfm(calibration), log_rfm(test), k, seed)
    made["k-means on predicted value and churn"] = _kmeans(*predicted, k, seed)
    axes = min(8, designs[0].shape[1])
    pca = PCA(axes, random_state=seed).fit(designs[0])
    made["k-means on PCA"] = _kmeans(
        pca.transform(designs[0]), pca.transform(designs[1]), k, seed, scale=False
    )
    return made


def log_rfm(frame: pd.DataFrame) -> np.ndarray:
    """(n, 3): log recency, orders and spend."""
    return np.log1p(np.maximum(frame[["recency_days", "orders", "spend"]].to_numpy(float), 0.0))


def _quantiles(reference: np.ndarray, values: np.ndarray, k: int) -> np.ndarray:
    """Groups of `values` by the quantiles of `reference`. Where more than a group would hold have
    no more than one value (who spent nothing of late) they are one, and quantiles cut the others.
    """
    edges = np.quantile(reference, np.arange(1, k) / k)
    least, above = edges[0], reference[reference > edges[0]]
    if len(above) and len(reference) - len(above) > len(reference) / k + 1:
        others = np.quantile(above, np.arange(1, k - 1) / (k - 1))
        edges = np.concatenate([[least], others])
    return np.searchsorted(edges, values)


def _kmeans(
    then: np.ndarray, now: np.ndarray, k: int, seed: int, scale: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    mean, deviation = then.mean(axis=0), np.maximum(then.std(axis=0), 1e-9)
    if not scale:
        mean, deviation = np.zeros_like(mean), np.ones_like(deviation)
    model = KMeans(k, n_init=10, random_state=seed).fit((then - mean) / deviation)
    return model.labels_, model.predict((now - mean) / deviation)
