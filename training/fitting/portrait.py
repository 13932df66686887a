"""What a segment is like, in numbers and words, and a name from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from features.feature import Feature
from training.explanation.themes import named, theme

MOST_TRAITS = 5
MOST_ROWS = 18
LEAST_KNOWN = 0.5
SPEND_WORDS = ((2.5, "Top spenders"), (1.3, "High spenders"), (0.6, "Mid spenders"),
               (0.2, "Low spenders"), (0.0, "Minimal spenders"))  # fmt: skip
#: By the chance of no order within the horizon: of segments most of whom have been silent for
#: longer than they usually are, and of those who buy seldom anyway.
CHURN_WORDS = ((0.6, "mostly gone", "seldom here"), (0.3, "slipping away", "on and off"),
               (0.1, "wavering", "wavering"), (0.0, "steady", "steady"))  # fmt: skip
SILENT, MOST = ("at_risk", "lapsed"), 0.5
RHYTHM_WORDS = ((4.0, "several times a week"), (10.0, "weekly"), (21.0, "fortnightly"),
                (45.0, "monthly"), (120.0, "seasonal"), (float("inf"), "rare"))  # fmt: skip


def describe(
    labels: np.ndarray,
    count: int,
    columns: dict[str, np.ndarray],
    predicted: dict[str, np.ndarray],
    features: Sequence[Feature],
) -> list[dict[str, Any]]:
    """A portrait a segment, as plain values.

    Parameters
    ----------
    labels : (n,) segment index of each customer; count : number of segments
    columns : feature columns of the same customers
    predicted : `churn_probability`, `expected_orders`, `expected_spend` (n,)

    Returns
    -------
    For each segment `customers`, `share`, means of the predictions, `stages` (shares), `rhythm`
    (median days between orders, None where unknown) and `traits`: the features whose median
    differs most from everyone's, in units of everyone's spread, one of each theme
    (`explanation.themes`).
    """
    made = []
    for i in range(count):
        inside = labels == i
        n = int(inside.sum())
        portrait: dict[str, Any] = {"customers": n, "share": n / max(len(labels), 1)}
        for name, values in predicted.items():
            portrait[name] = float(values[inside].mean()) if n else None
        gap = columns["gap_mean"][inside]
        gap = gap[np.isfinite(gap)]
        portrait["rhythm"] = float(np.median(gap)) if len(gap) else None
        basket = columns["basket_value"][inside]
        basket = basket[np.isfinite(basket)]
        portrait["basket_value"] = float(np.median(basket)) if len(basket) else None
        stages, counts = np.unique(columns["stage"][inside].astype(str), return_counts=True)
        portrait["stages"] = {
            str(s): float(c / max(n, 1)) for s, c in zip(stages, counts, strict=True)
        }
        portrait["traits"] = _traits(inside, columns, features) if n else []
        made.append(portrait)
    _profile(made, labels, columns)
    return made


def _profile(
    portraits: list[dict[str, Any]], labels: np.ndarray, columns: dict[str, np.ndarray]
) -> None:
    """Every segment's difference from everyone on the features that are a trait of any."""
    strength: dict[str, float] = {}
    for portrait in portraits:
        for trait in portrait["traits"]:
            strength[trait["feature"]] = max(
                strength.get(trait["feature"], 0.0), abs(trait["difference"])
            )
    shown = sorted(strength, key=lambda name: -strength[name])[:MOST_ROWS]
    for i, portrait in enumerate(portraits):
        portrait["profile"] = {name: _difference(labels == i, columns[name]) for name in shown}


def _difference(inside: np.ndarray, values: np.ndarray) -> float:
    """Mean of the segment less everyone's in signed logs, over everyone's deviation; unknown: 0."""
    known = np.isfinite(values)
    logged = np.sign(values) * np.log1p(np.abs(values))
    spread = float(np.std(logged[known])) if known.any() else 0.0
    if spread < 1e-9 or not (known & inside).any():
        return 0.0
    return float((logged[known & inside].mean() - logged[known].mean()) / spread)


def _traits(
    inside: np.ndarray, columns: dict[str, np.ndarray], features: Sequence[Feature]
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for feature in features:
        if feature.dtype == "category" or not named(feature.name):
            continue
        values = columns[feature.name]
        known = np.isfinite(values)
        if known[inside].mean() < LEAST_KNOWN or known.mean() < LEAST_KNOWN:
            continue
        away = _difference(inside, values)
        here, everyone = np.median(values[known & inside]), np.median(values[known])
        if abs(here - everyone) <= 0.1 * abs(
            everyone
        ):  # the means differ, the usual customer does not
            continue
        found.append(
            {"feature": feature.name, "definition": feature.definition, "unit": feature.unit,
             "segment": float(here), "everyone": float(everyone), "difference": away}
        )  # fmt: skip
    found.sort(key=lambda t: -abs(t["difference"]))
    # Windows of one quantity say the same: the most telling of each theme stands for all.
    themed: dict[str, dict[str, Any]] = {}
    for trait in found:
        themed.setdefault(theme(trait["feature"]), trait)
    return [*themed.values()][:MOST_TRAITS]


def name_all(portraits: Sequence[dict[str, Any]], kept: Sequence[str | None]) -> list[str]:
    """A name a segment, never twice: kept names stay, others are made from the portraits.

    A name says how much the segment will spend against everyone, how sure its return is and in
    what rhythm it buys; where two would still be alike, the basket tells them apart. Of a return
    that is not sure it says whether most have been silent for longer than usual, or buy seldom.
    """
    mean = _mean_spend(portraits)
    taken = {n for n in kept if n}
    names = []
    for portrait, old in zip(portraits, kept, strict=True):
        name = old or _unused(_candidates(portrait, mean), taken)
        taken.add(name)
        names.append(name)
    return names


def misnamed(portraits: Sequence[dict[str, Any]], names: Sequence[str]) -> dict[int, str]:
    """Which segments, by their place, have a name that their figures no longer lead to, and what
    these say; a segment without customers says nothing.
    """
    mean = _mean_spend(portraits)
    fitting = [_candidates(portrait, mean)[0] for portrait in portraits]
    return {
        i: words
        for i, (words, name) in enumerate(zip(fitting, names, strict=True))
        if portraits[i]["customers"] and not name.startswith(words)
    }


def _mean_spend(portraits: Sequence[dict[str, Any]]) -> float:
    total = sum(p["customers"] for p in portraits) or 1
    return float(sum((p["expected_spend"] or 0.0) * p["customers"] for p in portraits) / total)


def _candidates(portrait: dict[str, Any], mean: float) -> list[str]:
    ratio = (portrait["expected_spend"] or 0.0) / max(mean, 1e-9)
    spend = next(word for least, word in SPEND_WORDS if ratio >= least)
    churn = portrait["churn_probability"] if portrait["churn_probability"] is not None else 0.0
    gone, seldom = next(words for least, *words in CHURN_WORDS if churn >= least)
    stages = portrait["stages"]
    sure = gone if sum(stages.get(stage, 0.0) for stage in SILENT) >= MOST else seldom
    name = f"{spend}, {sure}"
    made = [name]
    if portrait["rhythm"] is not None:
        rhythm = next(word for most, word in RHYTHM_WORDS if portrait["rhythm"] <= most)
        made.append(f"{name}, {rhythm}")
        name = made[-1]
    if portrait["basket_value"] is not None:
        made.append(f"{name}, baskets of {portrait['basket_value']:,.0f}")
    return made


def _unused(candidates: list[str], taken: set[str]) -> str:
    for name in candidates:
        if name not in taken:
            return name
    number = 2
    while f"{candidates[-1]} ({number})" in taken:
        number += 1
    return f"{candidates[-1]} ({number})"
