"""Contracts held to outcomes that trained nothing: by later dates, or by folds without any.

Ours and every rival are fitted on the same rows and predict the same rows. By folds the blend of
ours is learned within the training rows; by dates it is learned on a later window, and so are the
calibrations of the rivals.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from features.errors import FitError
from features.ingestion.contract_rows import TENURE, Contracts, Standing, standing
from features.spec import Attribute
from training.cards.report_card import OURS
from training.contracts import contract, contract_design
from training.contracts.contract import Blend
from training.fitting import calibration
from training.prediction.blend import sigmoid
from training.screen import Told
from training.windows.splits import Splits, Window

FOLDS, REPEATS, INNER = 5, 3, 3
MOST_ALIKE = 4  # contracts equal in every column, on average: more, and they are no copies
BASE_RATE, TENURE_ALONE = "base rate", "tenure alone"
LOGISTIC, BOOSTING = "plain logistic regression", "LightGBM alone"


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """Predictions for rows that did not train them.

    truth : (n,) 1 where the contract ended
    predictions : of ours and every rival (repeats, n); one repeat where dates split
    fold : (repeats, n) the fold that a row was tested in
    customer_id : (n,) whose contract it is, text
    """

    truth: np.ndarray
    predictions: dict[str, np.ndarray]
    fold: np.ndarray
    customer_id: np.ndarray


def coarse(rows: Standing) -> bool:
    """Whether the columns tell few contracts apart: that two are equal in all of them is then no
    sign that one is a copy of the other, and what alike contracts do is what is to be learned.
    """
    distinct = rows.inputs.groupby(list(rows.inputs), dropna=False).ngroups
    return distinct * MOST_ALIKE < len(rows.ended)


def alike(rows: Standing) -> np.ndarray:
    """(n,) group of each row: contracts of one customer share one; where the columns are not
    `coarse`, so do contracts equal in every input.

    A copy in the training rows would tell the outcome of the one that is tested.
    """
    _, customer = np.unique(rows.customer_id.astype(str), return_inverse=True)
    if coarse(rows):
        return customer
    same = rows.inputs.groupby(list(rows.inputs), dropna=False).ngroup().to_numpy()
    n = len(same)
    ends = np.concatenate([same, same.max() + 1 + customer])
    size = int(ends.max()) + 1
    # Two nodes are joined by every row: its values, and its customer.
    graph = coo_array((np.ones(n), (ends[:n], ends[n:])), shape=(size, size))
    return connected_components(graph, directed=False)[1][same]


def folds(
    ended: np.ndarray, groups: np.ndarray, count: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """`count` pairs of training and test rows, each with about the share of ends of all.

    Raises FitError where there are fewer groups than that.
    """
    apart = len(np.unique(groups))
    if apart < count:
        raise FitError(
            f"Contracts without dates must make at least {count} groups, to be drawn into folds.",
            f"{apart:,}, where contracts of one customer, or copies of each other, are one group",
            "bring contracts of more customers, or columns that tell the contracts apart",
        )
    split = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    yield from split.split(ended, ended, groups)


def inner_blend(
    rows: Standing, groups: np.ndarray, columns: Sequence[Attribute], seed: int
) -> Blend:
    """The blend, learned on predictions for rows by parts that these rows did not train."""
    logits = np.empty((2, len(rows.ended)))
    for train, test in folds(rows.ended, groups, INNER, seed):
        parts = contract.fit_parts(rows.inputs.iloc[train], rows.ended[train], columns, seed)
        logits[:, test] = parts.logits(rows.inputs.iloc[test])
    return contract.fit_blend(logits, rows.ended)


def cross_validate(
    rows: Standing, columns: Sequence[Attribute], seed: int, told: Told, repeats: int = REPEATS
) -> HeldOut:
    """Stratified folds, several times over: what is left where a table has no dates.

    Raises FitError where a fold would have too few of either outcome.
    """
    contract.require_enough(rows.ended)
    groups = alike(rows)
    predictions: dict[str, np.ndarray] = {}
    fold = np.empty((repeats, len(rows.ended)), dtype=np.int64)
    for repeat in range(repeats):
        for i, (train, test) in enumerate(folds(rows.ended, groups, FOLDS, seed + repeat)):
            told("fold", repeat * FOLDS + i + 1, repeats * FOLDS)
            learned = rows.taken(train)
            blend = inner_blend(learned, groups[train], columns, seed)
            made = _predicted(learned, None, blend, rows.inputs.iloc[test], columns, seed)
            for name, values in made.items():
                predictions.setdefault(name, np.empty(fold.shape))[repeat, test] = values
            fold[repeat, test] = i
    return HeldOut(rows.ended, predictions, fold, rows.customer_id)


def out_of_time(contracts: Contracts, plan: Splits, seed: int) -> tuple[HeldOut, Blend]:
    """Train, calibrate and test on later and later windows (`windows.splits`).

    Returns also the blend of parts that were trained one window later and calibrated on the test
    window: the one for parts that are fitted on everything.
    """
    columns = contracts.columns
    train, calibration = stacked(contracts, plan.train), stacked(contracts, (plan.calibration,))
    test = stacked(contracts, (plan.test,))
    _require_both(test, plan)
    parts = contract.fit_parts(train.inputs, train.ended, columns, seed)
    blend = contract.fit_blend(parts.logits(calibration.inputs), calibration.ended)
    made = _predicted(train, calibration, blend, test.inputs, columns, seed)
    later = stacked(contracts, (*plan.train, plan.calibration))
    parts = contract.fit_parts(later.inputs, later.ended, columns, seed)
    served = contract.fit_blend(parts.logits(test.inputs), test.ended)
    tested = HeldOut(
        test.ended, {k: v[None] for k, v in made.items()}, np.zeros((1, len(test.ended)), int),
        test.customer_id,
    )  # fmt: skip
    return tested, served


def final_rows(contracts: Contracts, plan: Splits | None) -> Standing:
    """What the final parts are fitted on: every cut-off, or the whole undated table."""
    return contracts.everything() if plan is None else stacked(contracts, plan.final)


def stacked(contracts: Contracts, windows: Sequence[Window]) -> Standing:
    """The contracts that stood at each of the cut-offs, below each other."""
    parts = [standing(contracts, w.as_of, w.end) for w in windows]
    return Standing(
        np.concatenate([p.customer_id for p in parts]),
        pd.concat([p.inputs for p in parts], ignore_index=True),
        np.concatenate([p.ended for p in parts]),
        np.concatenate([p.row for p in parts]),
    )


def _require_both(test: Standing, plan: Splits) -> None:
    if 0 < test.ended.sum() < len(test.ended):
        return
    raise FitError(
        "In the test window some contracts must end, and some not.",
        f"{int(test.ended.sum()):,} of {len(test.ended):,} end in the {plan.window_days} days from "
        f"{plan.test.as_of:%Y-%m-%d} on",
        "choose a longer horizon_days, or bring more contracts",
    )


def _predicted(
    train: Standing,
    later: Standing | None,
    blend: Blend,
    inputs: pd.DataFrame,
    columns: Sequence[Attribute],
    seed: int,
) -> dict[str, np.ndarray]:
    """(n,) of ours and each rival, fitted on `train`, for `inputs`; of the rivals too the level is
    that of the `later` rows, where there are some.
    """
    parts = contract.fit_parts(train.inputs, train.ended, columns, seed)

    def trees(rows: pd.DataFrame) -> np.ndarray:
        return parts.logits(rows)[0]

    rivals = {LOGISTIC: _logistic(parts.design.plain, train), BOOSTING: trees}
    level = np.full(len(inputs), (train if later is None else later).ended.mean())
    made = {OURS: blend.probability(parts.logits(inputs)), BASE_RATE: level}
    if TENURE in inputs:
        made[TENURE_ALONE] = level  # where all have run for as long, or nobody knows
        design = contract_design.learn(train.inputs[[TENURE]], ())
        if design.kept:
            rivals = {TENURE_ALONE: _logistic(design.linear, train), **rivals}
    for name, rival in rivals.items():
        scaled = (0.0, 1.0)
        if later is not None:
            scaled = calibration.platt(rival(later.inputs), later.ended)
        made[name] = sigmoid(scaled[0] + scaled[1] * rival(inputs))
    return made


def _logistic(
    numbers: Callable[[pd.DataFrame], np.ndarray], train: Standing
) -> Callable[[pd.DataFrame], np.ndarray]:
    """The logits of an ordinary logistic regression (C = 1) on standardised columns."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000))
    model.fit(numbers(train.inputs), train.ended)
    return lambda rows: model.decision_function(numbers(rows))
