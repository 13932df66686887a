"""Rolling origins: the same model fitted and tested at earlier cut-offs as well, each time on
nothing but what lies before, since one window may flatter anybody.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd

from features.spec import FeatureSpec
from training import rivals
from training.btyd import prior
from training.cards import report_card
from training.cards.report_card import OURS, Section
from training.fitting import assembly, autoencoder, boosting, fit
from training.fitting.level import Structural, settled, weight
from training.measures import metrics
from training.prediction import blend
from training.prediction.bundle import to_columns
from training.rivals import Rule
from training.snapshots import LEAST_CUSTOMERS, Snapshots, buyers
from training.windows.season import UNTOLD
from training.windows.splits import Splits, Window

MEASURES = ("AUC", "Brier", "norm. Gini", "bias")


@dataclasses.dataclass(frozen=True)
class Origin:
    """Windows of one evaluation, as in `windows.splits.Splits`."""

    train: tuple[Window, ...]
    calibration: Window
    test: Window


@dataclasses.dataclass(frozen=True)
class Judged:
    """Rows of the calibration and test cut-offs (customers with an order before, with outcomes),
    and what was said of the latter: probability of no order, and spend in currency, each (n,).
    """

    calibration: pd.DataFrame
    test: pd.DataFrame
    churn: np.ndarray
    spend: np.ndarray


def earlier(plan: Splits, count: int) -> list[Origin]:
    """At most `count` origins before the plan's own, the latest first, made of its cut-offs; fewer
    where too little lies before them to train and to calibrate on.
    """
    windows = {w.as_of: w for w in (*plan.train, plan.calibration, *plan.final)}
    in_time = [windows[as_of] for as_of in sorted(windows)]
    made: list[Origin] = []
    bound = plan.test.as_of
    for test in reversed(in_time):
        if len(made) == count:
            break
        before = [w for w in in_time if w.known <= test.as_of]
        if test.end > bound or not before:
            continue
        train = tuple(w for w in before if w.known <= before[-1].as_of)
        if train:
            made.append(Origin(train, before[-1], test))
            bound = test.as_of
    return made


def judge(
    shots: Snapshots,
    origin: Origin,
    spec: FeatureSpec,
    history_days: int,
    level: float,
    network: autoencoder.Settings,
    trees: boosting.Settings,
) -> Judged | None:
    """The whole model at one origin, as `training.evaluation` fits it but without a season and with
    `trees` as they are: tuning has seen later windows. None where fewer than 100 customers stand in
    a window, nobody spent, or all came to the same.
    """
    train, calibration = shots.at(origin.train), shots.at((origin.calibration,))
    bought = buyers(shots.at((origin.test,)))
    for frame in (train, calibration, bought):
        some = buyers(frame)
        ordered = some.future_orders > 0
        if some.customer_id.nunique() < LEAST_CUSTOMERS or ordered.all() or not ordered.any():
            return None
        if not some.future_spend.sum() > 0:
            return None
    space, data, later = fit.latent(train, spec, history_days, network, calibration)
    bare = assembly.assemble(fit.parts(train, space, data, spec, trees, later), spec)
    known = buyers(calibration)
    then = bare.raw(to_columns(fit.table(known)))
    found = fit.calibrate(then, known, level)
    rows = to_columns(fit.table(bought))
    raw = bare.raw(rows)
    window_days = (origin.test.end - origin.test.as_of).days
    structural = prior.fit(bought, window_days) if "structural_return" in bought else None
    counted = Structural(
        weight(found[0], then, known.future_spend.to_numpy(np.float64)),
        structural.lasting(rows) if structural else 1.0,
    )
    said, _ = settled(
        found, lambda: fit.trained(bare, buyers(train), window_days), raw, UNTOLD,
        len(origin.train), counted,
    )  # fmt: skip
    churned = blend.churn(raw.churn_logit, said)
    return Judged(known, bought, churned, blend.spend(raw.experts, churned, said))


def section(tested: Sequence[Judged], window_days: int) -> Section:
    """Each origin's figures, ours and those of the best naive rule, which is another one for each
    measure: no single rule is as good. The latest first.
    """
    rows: dict[str, dict[str, float]] = {}
    won = dict.fromkeys(MEASURES, 0)
    for one in tested:
        left = (one.test.future_orders == 0).to_numpy(np.float64)
        spent = one.test.future_spend.to_numpy(np.float64)
        ours = _figures(
            left, spent, Rule(OURS, one.churn, one.churn), Rule(OURS, one.spend, one.spend)
        )
        churn = rivals.churn_rules(one.calibration, one.test, window_days)
        worth = rivals.spend_rules(one.calibration, one.test, window_days)
        others = [_figures(left, spent, rule, worth[0]) for rule in churn]
        others += [_figures(left, spent, churn[0], rule) for rule in worth]
        best = {m: _best(m, [other[m] for other in others]) for m in MEASURES}
        at = f"{one.test.as_of.iloc[0]:%Y-%m-%d}"
        rows[f"{at} {OURS}"], rows[f"{at} best naive rule"] = ours, best
        for measure in MEASURES:
            won[measure] += _loss(measure, ours[measure]) <= _loss(measure, best[measure])
    counts = ", ".join(f"{measure} at {count}" for measure, count in won.items())
    note = (
        f"{len(tested)} test cut-offs, each with a model of its own, trained and calibrated on "
        f"earlier windows. The best naive rule is another for each measure; {OURS} is as good or "
        f"better by {counts}. Earlier cut-offs go without a season's correction and tuned settings."
    )
    return Section("Rolling origins", rows, (), (note,))


def _figures(left: np.ndarray, spent: np.ndarray, churn: Rule, worth: Rule) -> dict[str, float]:
    return {
        "AUC": float(metrics.roc_auc(left, churn.score)),
        "Brier": float(metrics.brier(left, churn.prediction)),
        "norm. Gini": float(metrics.normalized_gini(spent, worth.score)),
        "bias": float(metrics.total_bias(spent, worth.prediction)),
    }


def _best(measure: str, found: list[float]) -> float:
    return min(found, key=lambda figure: _loss(measure, figure))


def _loss(measure: str, figure: float) -> float:
    if measure in report_card.TO_ZERO:
        return abs(figure)
    return -figure if measure in report_card.RANKING else figure
