"""LightGBM boosters for one outcome each, and their way into ONNX (what serving runs)."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable

import lightgbm as lgb
import numpy as np

INPUT = "design"
Judge = Callable[[np.ndarray, lgb.Dataset], tuple[str, float, bool]]


@dataclasses.dataclass(frozen=True)
class Settings:
    """Shared by the three boosters; few and shallow leaves suit a few thousand customers."""

    trees: int = 400
    patience: int = 40
    rate: float = 0.03
    leaves: int = 15
    least_rows: int = 50
    columns: float = 0.5
    l2: float = 5.0
    power: float = 1.3
    threads: int = 1
    seed: int = 7


def fit(
    objective: str,
    design: np.ndarray,
    outcome: np.ndarray,
    settings: Settings,
    later: tuple[np.ndarray, np.ndarray] | None = None,
) -> lgb.Booster:
    """A booster of `settings.trees` trees, or of as many as serve the `later` rows best.

    Parameters
    ----------
    objective : `binary` (probability of outcome 1), `tweedie` (mean of an amount >= 0 with many
        zeros) or `poisson` (mean of a count)
    design : (n, columns) float32; outcome : (n,)
    later : design and outcome of a later cut-off, for early stopping. What counts there is the
        deviance at the level of the later outcomes: `fitting.calibration` sets the level anew, and
        a level that drifts between cut-offs would stop too early
    """
    least = int(max(5, min(settings.least_rows, len(outcome) // 20)))
    parameters = {
        "objective": objective, "learning_rate": settings.rate, "num_leaves": settings.leaves,
        "min_data_in_leaf": least, "feature_fraction": settings.columns, "lambda_l2": settings.l2,
        "num_threads": settings.threads, "seed": settings.seed, "verbose": -1,
        "deterministic": True, "force_row_wise": True,
    }  # fmt: skip
    if objective == "tweedie":
        parameters["tweedie_variance_power"] = settings.power
    data = lgb.Dataset(design, outcome, free_raw_data=False)
    if later is None:
        return lgb.train(parameters, data, settings.trees)
    check = lgb.Dataset(later[0], later[1], reference=data)
    stop = lgb.early_stopping(settings.patience, verbose=False)
    if objective == "binary":
        judged, judge = parameters, None
    else:
        power = settings.power if objective == "tweedie" else 1.0
        judged, judge = {**parameters, "metric": "None"}, _at_their_level(power)
    booster = lgb.train(
        judged, data, settings.trees, valid_sets=[check], feval=judge, callbacks=[stop]
    )
    booster.best_iteration = max(booster.best_iteration, 10)
    return booster


def _at_their_level(power: float) -> Judge:
    """The Tweedie deviance (1: Poisson) of predictions scaled to the total of the outcomes, less
    what does not depend on them.
    """

    def judged(predicted: np.ndarray, data: lgb.Dataset) -> tuple[str, float, bool]:
        actual = np.asarray(data.get_label(), dtype=np.float64)
        mean = np.maximum(predicted * (actual.sum() / max(predicted.sum(), 1e-9)), 1e-9)
        if power == 1.0:
            deviance = mean - actual * np.log(mean)
        else:
            gained, paid = mean ** (2 - power) / (2 - power), mean ** (1 - power) / (1 - power)
            deviance = gained - actual * paid
        return "deviance", float(deviance.mean()), False

    return judged


def to_onnx(booster: lgb.Booster, columns: int) -> bytes:
    """The booster as an ONNX model: input `design` (n, columns) float32."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import onnxmltools
        from onnxmltools.convert.common.data_types import FloatTensorType

        options = {"zipmap": False} if booster.params.get("objective") == "binary" else {}
        model = onnxmltools.convert_lightgbm(
            booster,
            name="booster",  # else a random one, and the same seed would give another digest
            initial_types=[(INPUT, FloatTensorType([None, columns]))],
            target_opset=15,
            **options,
        )
    # The converter goes through a set of texts, whose order may be another in every process.
    model.opset_import.sort(key=lambda operators: operators.domain)
    return model.SerializeToString()
