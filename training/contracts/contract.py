"""Contractual churn: the chance that a contract ends, by trees and a linear model together.

The two parts are fitted on training rows; how much each counts, and how their blend is calibrated,
is learned on rows that trained neither. No weights of classes, nothing drawn twice: both would make
the probability something else than a probability.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from features.errors import BundleError, FitError
from features.spec import Attribute
from training.contracts import contract_design
from training.contracts.contract_design import Design
from training.fitting import boosting, calibration
from training.prediction import sealed
from training.prediction.blend import logit, sigmoid

LEAST_OF_EACH = 25
LEANING = 1.0  # standard deviation of the prior of the share's logit
STRENGTH = 0.02  # C of the linear model, whose terms are many and correlated
#: Shallow trees, each shown few columns: contracts' columns say much the same.
TREES = boosting.Settings(trees=500, leaves=4, least_rows=40, columns=0.3, l2=10.0)
BOOSTER = "booster.txt"
FORMAT = 3


@dataclasses.dataclass(frozen=True)
class Parts:
    """The fitted parts; `weights` has the intercept first, then one for each linear term."""

    design: Design
    booster: lgb.Booster
    weights: np.ndarray

    def logits(self, inputs: pd.DataFrame) -> np.ndarray:
        """(2, n): what the trees say, and what the linear model says."""
        # The booster's text knows single precision only; so do its inputs.
        trees = self.booster.predict(self.design.trees(inputs), num_threads=1)
        linear = self.weights[0] + self.design.linear(inputs) @ self.weights[1:]
        return np.stack([logit(np.asarray(trees)), linear])


@dataclasses.dataclass(frozen=True)
class Blend:
    """Platt scaling of the parts' logits: the trees' count `share`, the linear model's the rest."""

    intercept: float = 0.0
    slope: float = 1.0
    share: float = 0.5

    def probability(self, logits: np.ndarray) -> np.ndarray:
        """(n,) of `Parts.logits`."""
        return sigmoid(self.intercept + self.slope * _mixed(logits, self.share))


@dataclasses.dataclass(frozen=True)
class ContractModel:
    """Everything that predicts; `manifest` says what it was trained on (no customer's row)."""

    parts: Parts
    blend: Blend
    manifest: dict[str, Any]

    def probability(self, inputs: pd.DataFrame) -> np.ndarray:
        """(n,) chance that each contract ends; `inputs` as `ingestion.contract_rows.Standing`'s."""
        return self.blend.probability(self.parts.logits(inputs))

    def save(self, folder: Path) -> Path:
        """Write a sealed folder: the manifest with the linear model, and the trees' own text.

        Neither can execute code when it is read. Returns the folder.
        """
        content = {
            **self.manifest,
            "design": dataclasses.asdict(self.parts.design),
            "weights": self.parts.weights.tolist(),
            "blend": dataclasses.asdict(self.blend),
        }
        trees = self.parts.booster.model_to_string().encode()
        return sealed.write(folder, content, {BOOSTER: trees}, FORMAT)

    @classmethod
    def load(cls, folder: Path) -> ContractModel:
        """Read what `save` wrote; BundleError where a file is missing or not as it was written."""
        remedy = "train it again: coterie retrain FILE"
        manifest, files = sealed.read(folder, (BOOSTER,), FORMAT, remedy)
        own = {k: v for k, v in manifest.items() if k not in ("format", "digests", "seal")}
        try:
            design = Design.from_dict(own.pop("design"))
            parts = Parts(
                design, lgb.Booster(model_str=files[BOOSTER].decode()), np.array(own.pop("weights"))
            )
            return cls(parts, Blend(**own.pop("blend")), own)
        except (ValueError, KeyError, TypeError, lgb.basic.LightGBMError) as error:
            raise BundleError(
                f"The files of a bundle of format {FORMAT} must have that format's parts.",
                f"{type(error).__name__}: {error}",
                remedy,
            ) from error


def fit_parts(
    inputs: pd.DataFrame, ended: np.ndarray, columns: Sequence[Attribute], seed: int
) -> Parts:
    """Fit both parts on training rows; `ended` is (n,) 0 or 1.

    Raises FitError for fewer than 25 of either outcome, and where no column tells anything.
    """
    require_enough(ended)
    design = contract_design.learn(inputs, columns)
    terms = design.linear(inputs)
    if terms.shape[1] == 0:
        raise FitError(
            "Some column of the contracts must vary.",
            f"none of {len(columns)} does",
            "name columns that tell the contracts apart in [contracts.columns]",
        )
    settings = dataclasses.replace(TREES, seed=seed)
    booster = boosting.fit("binary", design.trees(inputs), ended, settings)
    linear = LogisticRegression(C=STRENGTH, max_iter=1_000).fit(terms, ended)
    return Parts(design, booster, np.concatenate([linear.intercept_, linear.coef_[0]]))


def fit_blend(logits: np.ndarray, ended: np.ndarray) -> Blend:
    """The blend, learned on rows that trained no part; `logits` is (2, n), as `Parts.logits`.

    The share is the likeliest under a normal prior of its logit around 0, so that few rows leave
    the parts their halves; with too few of either outcome (`calibration.LEAST_OF_EACH`) it is one.
    """
    share = 0.5
    if min(ended.sum(), len(ended) - ended.sum()) >= calibration.LEAST_OF_EACH:
        signs = 2.0 * ended - 1.0

        def surprise(found: np.ndarray) -> float:
            intercept, slope, leaning = found[0], np.exp(found[1]), found[2]
            said = intercept + slope * _mixed(logits, float(sigmoid(leaning)))
            return float(np.logaddexp(0.0, -signs * said).sum() + 0.5 * (leaning / LEANING) ** 2)

        found = minimize(surprise, np.zeros(3), method="L-BFGS-B", bounds=[(-10, 10)] * 3)
        share = float(sigmoid(found.x[2]))
    return Blend(*calibration.platt(_mixed(logits, share), ended), share)


def _mixed(logits: np.ndarray, share: float) -> np.ndarray:
    return share * logits[0] + (1.0 - share) * logits[1]


def require_enough(ended: np.ndarray) -> None:
    """FitError for fewer than 25 contracts of either outcome."""
    ones = int(ended.sum())
    if min(ones, len(ended) - ones) < LEAST_OF_EACH:
        raise FitError(
            f"A model of contracts needs {LEAST_OF_EACH} that ended and {LEAST_OF_EACH} that did "
            "not, in every part of the data that trains it.",
            f"{ones:,} ended of {len(ended):,} in one of them",
            "bring more contracts, or a longer horizon where they have dates; undated contracts "
            "that are alike in every column stand in one part: name columns that tell them apart",
        )
