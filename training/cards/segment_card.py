"""What the report card says of segments: what they predict beside other segmentations, and whether
customers keep them in a retrain.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from training.cards import chance
from training.cards.fidelity import LEAVES, rule_fidelity
from training.cards.report_card import OURS, Comparison, Section
from training.fitting.clustering import Choice
from training.measures import metrics, separation
from training.measures.bootstrap import paired_bootstrap


def segment_section(
    calibration: pd.DataFrame,
    test: pd.DataFrame,
    ours: tuple[np.ndarray, np.ndarray],
    others: Mapping[str, tuple[np.ndarray, np.ndarray]],
    designs: tuple[np.ndarray, np.ndarray],
    chosen: Choice | None,
    seed: int,
) -> Section:
    """Segments as predictors: each pair is (calibration cut-off, test cut-off), of labels (n,) and
    of `designs` (n, columns), from which rules would tell them.
    """
    spend = test.future_spend.to_numpy(np.float64)
    churned = (test.future_orders == 0).to_numpy(np.float64)
    before = (calibration.future_orders == 0).to_numpy(np.float64)
    rows, made, risks = {}, [], {}
    for name, (then, now) in {OURS: ours, **others}.items():
        rates = {int(i): float(before[then == i].mean()) for i in np.unique(then)}
        rates |= {int(i): float(before.mean()) for i in np.unique(now) if int(i) not in rates}
        order = {int(i): float(calibration.future_spend[then == i].mean()) for i in np.unique(then)}
        risks[name] = np.array([rates[int(i)] for i in now])
        value = np.array([order.get(int(i), 0.0) for i in now])
        rows[name] = {
            "η² spend": separation.eta_squared(spend, now),
            "η² log spend": separation.eta_squared(np.log1p(spend), now),
            "churn AUC": separation.segment_auc(churned, now, rates),
            "gain 10 %": metrics.gain_at(spend, value, 0.1),
            "gain 20 %": metrics.gain_at(spend, value, 0.2),
            "min share": float(np.unique(now, return_counts=True)[1].min() / len(now)),
            f"told by {LEAVES} rules": rule_fidelity(designs, (then, now), seed),
        }
    logs = np.log1p(spend)
    for name, (_, now) in others.items():
        for measure, values in (("η² spend", spend), ("η² log spend", logs)):
            d = paired_bootstrap(separation.eta_squared, values, ours[1], now, 200, seed)
            better = rows[OURS][measure] >= rows[name][measure]
            made.append(Comparison(measure, name, *d, better=better, certain=bool(d.excludes_zero)))
        if churned.min() == churned.max():
            continue  # nobody to tell apart
        d = paired_bootstrap(metrics.roc_auc, churned, risks[OURS], risks[name], 200, seed)
        made.append(
            Comparison("churn AUC", name, *d, better=d.value >= 0, certain=bool(d.excludes_zero))
        )
    notes = [_numbers(ours[1], {name: now for name, (_, now) in others.items()})]
    if chosen:
        notes.append(
            "Refitted on bootstrap draws of the last training cut-off, the segments agree with an "
            f"adjusted Rand index of {chosen.agreement:.2f}; the least steady of them keeps a "
            f"Jaccard of {chosen.worst_jaccard:.2f} (Hennig: .75 valid, .6 not to be trusted); the "
            f"smallest held {chosen.least_share:.1%} then."
        )
    return Section("Segments", rows, tuple(made), tuple(notes), chance.split(spend, ours[1]))


def _numbers(ours: np.ndarray, others: Mapping[str, np.ndarray]) -> str:
    """How many segments each has, of labels (n,)."""
    count = len(np.unique(ours))
    off = {name: len(np.unique(labels)) for name, labels in others.items()}
    off = {name: other for name, other in off.items() if other != count}
    but = f" but {', '.join(f'{name} ({other})' for name, other in off.items())}" if off else ""
    return f"{count} segments, the same number for every rival{but}."


def stability_section(
    kept: Mapping[str, float], agreement: Mapping[str, float], days: int, n: int
) -> Section:
    """How many customers keep their segment when the model is retrained `days` later.

    The first of `kept` is ours; what else begins with our name is no rival.
    """
    rows = {
        name: {"keep their segment": kept[name], "adjusted Rand": agreement[name]} for name in kept
    }
    ours = next(iter(kept))  # retrained as a retrain is
    made = []
    for name in kept:
        if name.startswith(OURS):
            continue
        for measure, of in (
            ("keeping customers in their segment", kept),
            ("adjusted Rand of a retrain", agreement),
        ):
            gap = of[ours] - of[name]
            instead = f"{of[name]:.3f} against {of[ours]:.3f}; no interval: of one retrain"
            made.append(Comparison(measure, name, gap, np.nan, np.nan, gap >= 0, False, instead))
    note = (
        f"Two models, the later trained on {days} days more, label the same {n:,} customers; "
        "segments are matched one to one, and every retrain but the cold one starts from the model "
        "before."
    )
    return Section(f"Retrained {days} days later", rows, tuple(made), (note,))
