"""Tuning: a bounded study of the boosters' settings, of which nothing is left to chance."""

import dataclasses
import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient
from rich.console import Console

from features.errors import ConfigError
from features.settings import config
from training import run
from training.fitting import tuning
from training.fitting.autoencoder import Targets
from training.fitting.boosting import Settings
from training.fitting.fit import Rows
from training.screen import Screen

QUICK = Settings(trees=40, patience=5)
TRIALS = 3


def rows(seed: int, count: int = 600) -> Rows:
    """Customers who order at a rate that one of four columns decides."""
    rng = np.random.default_rng(seed)
    design = rng.normal(size=(count, 4)).astype(np.float32)
    orders = rng.poisson(np.exp(design[:, 0])).astype(np.float32)
    spend = (orders * rng.gamma(4, 5, count)).astype(np.float32)
    return Rows(design, Targets((orders > 0).astype(np.float32), spend, orders))


@pytest.fixture(scope="module")
def study() -> tuning.Study:
    """Shared: not to be changed."""
    return tuning.tune(rows(1), rows(2), QUICK, TRIALS)


def test_the_defaults_are_the_first_trial(study: tuning.Study) -> None:
    assert len(study.trials) == TRIALS
    first = study.trials[0]
    assert first.values == {name: getattr(QUICK, name) for name in tuning.SPACE}
    assert first.loss == 1.0
    assert set(first.losses) == {"churn", "spend", "orders"}


def test_the_choice_is_the_trial_of_the_least_loss(study: tuning.Study) -> None:
    best = min(study.trials, key=lambda trial: trial.loss)
    assert best.loss <= 1.0
    assert study.chosen == dataclasses.replace(QUICK, **best.values)  # type: ignore[arg-type]
    assert study.said.startswith("boosters tuned by 3 trials on the calibration window: leaves ")
    assert study.said.endswith(f"(loss {best.loss:.3f} of the defaults')")


def test_every_trial_lies_within_what_is_searched(study: tuning.Study) -> None:
    for trial in study.trials:
        for name, (low, high, _) in tuning.SPACE.items():
            assert low <= trial.values[name] <= high
        assert trial.loss == pytest.approx(
            np.mean([trial.losses[k] / study.trials[0].losses[k] for k in trial.losses])
        )
    assert len({tuple(trial.values.values()) for trial in study.trials}) == TRIALS


def test_the_same_seed_makes_the_same_choice(study: tuning.Study) -> None:
    assert tuning.tune(rows(1), rows(2), QUICK, TRIALS) == study
    other = tuning.tune(rows(1), rows(2), dataclasses.replace(QUICK, seed=8), TRIALS)
    assert other.trials[1].values != study.trials[1].values


def test_without_optuna_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError) as refusal:
        tuning.tune(rows(1), rows(2), QUICK, TRIALS)
    assert str(refusal.value) == (
        "Tuning needs the package optuna. Seen: model.tune is set, and optuna is not installed. "
        "Remedy: install the extra `tune` (pip install 'coterie[tune]'), or set tune = false"
    )


def children(store: str, run_id: str) -> list[Any]:
    client = MlflowClient(store, store)
    found = client.get_run(run_id)
    return list(
        client.search_runs([found.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run_id}'")
    )


def test_by_default_nothing_is_tuned(small_run: Any) -> None:
    assert small_run.experiment.model.tune == 0
    assert children(small_run.store, small_run.run_id) == []
    assert "boosters tuned" not in (small_run.out / "report_card.md").read_text()


@pytest.mark.slow
def test_a_tuned_run_logs_its_trials_beneath_itself(
    small_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    shutil.copy(small_run.store.removeprefix("sqlite:///"), tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    model = dataclasses.replace(small_run.experiment.model, tune=2)
    experiment = dataclasses.replace(small_run.experiment, model=model)
    with (tmp_path / "log.txt").open("w") as log:
        made = run.retrain(experiment, Screen(Console(file=log, width=160)), None, tmp_path / "out")
    trials = children(store, made.recorded.run_id)
    assert len(trials) == 2
    assert all(set(t.data.params) == set(tuning.SPACE) for t in trials)
    losses = {t.data.metrics["loss"] for t in trials}
    assert 1.0 in losses
    parent = MlflowClient(store, store).get_run(made.recorded.run_id)
    best = min(trials, key=lambda t: t.data.metrics["loss"])
    for name, value in best.data.params.items():
        assert float(parent.data.params[f"boosting_{name}"]) == float(value)
    assert any("boosters tuned by 2 trials" in line for line in made.card.heading)


@pytest.mark.parametrize(
    ("line", "trials"), [("", 0), ("tune = false", 0), ("tune = true", 20), ("tune = 5", 5)]
)
def test_an_experiment_file_says_how_many_trials(
    line: str, trials: int, experiment_text: Callable[..., str]
) -> None:
    made = config.parse(f"{experiment_text()}[model]\n{line}\n", Path("shop.toml"))
    assert made.model.tune == trials


@pytest.mark.parametrize("value", ["0", '"yes"'])
def test_a_number_of_trials_is_one_or_more(value: str, experiment_text: Callable[..., str]) -> None:
    with pytest.raises(ConfigError, match=r"model\.tune must be"):
        config.parse(f"{experiment_text()}[model]\ntune = {value}\n", Path("shop.toml"))
