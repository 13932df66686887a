import dataclasses
from typing import Any

import lightgbm as lgb
import numpy as np
import onnxmltools
import onnxruntime
import pytest

from training.fitting import boosting
from training.fitting.boosting import Settings

OBJECTIVES = ("binary", "tweedie", "poisson")
COLUMNS = 12
QUICK = Settings(trees=60, patience=10)


def world(seed: int, objective: str, rows: int = 1_500) -> tuple[np.ndarray, np.ndarray]:
    """A design and an outcome that two of its columns decide."""
    rng = np.random.default_rng(seed)
    design = rng.normal(size=(rows, COLUMNS)).astype(np.float32)
    design[:, -1] = rng.integers(0, 2, rows)  # a flag, as of a null or a category
    rate = np.exp(0.8 * design[:, 0] + 0.5 * design[:, -1])
    if objective == "binary":
        return design, (rng.random(rows) < 1 / (1 + np.exp(-2 * design[:, 0]))).astype(float)
    count = rng.poisson(rate)
    return design, (
        count.astype(float) if objective == "poisson" else count * rng.gamma(2, 15, rows)
    )


def in_onnx(booster: lgb.Booster, objective: str, design: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(
        boosting.to_onnx(booster, COLUMNS), providers=["CPUExecutionProvider"]
    )
    output = "probabilities" if objective == "binary" else "variable"
    made: np.ndarray = session.run([output], {boosting.INPUT: design})[0]
    return made[:, 1] if objective == "binary" else made[:, 0]


@pytest.mark.parametrize("stopped", [False, True], ids=["all trees", "stopped early"])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_onnx_predicts_what_the_booster_predicts(objective: str, stopped: bool) -> None:
    later = world(2, objective) if stopped else None
    settings = dataclasses.replace(QUICK, trees=400, rate=0.2) if stopped else QUICK
    booster = boosting.fit(objective, *world(1, objective), settings, later)
    if stopped:
        assert 10 <= booster.best_iteration < settings.trees
    design = np.vstack([world(3, objective)[0], np.full((1, COLUMNS), 4.0), np.zeros((1, COLUMNS))])
    design = design.astype(np.float32)
    theirs, ours = booster.predict(design), in_onnx(booster, objective, design)
    if objective == "binary":
        assert ours == pytest.approx(theirs, abs=1e-6)
    else:
        assert ours == pytest.approx(theirs, rel=1e-5)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_booster_beats_the_mean_at_a_later_cutoff(objective: str) -> None:
    booster = boosting.fit(objective, *world(1, objective), QUICK)
    design, outcome = world(2, objective)
    error = ((booster.predict(design) - outcome) ** 2).mean()
    assert error < 0.9 * outcome.var()


@pytest.mark.parametrize("objective", ["tweedie", "poisson"])
def test_amounts_and_counts_are_never_negative(objective: str) -> None:
    booster = boosting.fit(objective, *world(1, objective), QUICK)
    assert (booster.predict(np.full((3, COLUMNS), -4.0)) >= 0).all()


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_same_seed_gives_the_same_model(objective: str) -> None:
    one, two = (boosting.fit(objective, *world(1, objective), QUICK) for _ in range(2))
    assert one.model_to_string() == two.model_to_string()
    assert boosting.to_onnx(one, COLUMNS) == boosting.to_onnx(two, COLUMNS)


def test_a_handful_of_rows_is_fitted_too() -> None:
    design, outcome = world(1, "binary", rows=30)
    booster = boosting.fit("binary", design, outcome, dataclasses.replace(QUICK, trees=5))
    assert in_onnx(booster, "binary", design) == pytest.approx(booster.predict(design), abs=1e-6)


def test_a_process_that_sorts_texts_in_another_way_writes_the_same_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The converter lists the sets of operators in the order of a set of texts (PYTHONHASHSEED)."""
    booster = boosting.fit("binary", *world(7, "binary"), QUICK)
    here, convert = boosting.to_onnx(booster, COLUMNS), onnxmltools.convert_lightgbm

    def elsewhere(*asked: Any, **more: Any) -> Any:
        model = convert(*asked, **more)
        assert len(model.opset_import) == 2
        model.opset_import.reverse()
        return model

    monkeypatch.setattr(onnxmltools, "convert_lightgbm", elsewhere)
    assert boosting.to_onnx(booster, COLUMNS) == here
