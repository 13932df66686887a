"""The boosters' few parameters, chosen by a bounded study (Optuna, an extra) on a later window.

Every trial fits all boosters on the training cut-offs and is judged by what they say of the
calibration window, which is later; the test window plays no part. The first trial are the defaults,
so that the choice is no worse than they are there.
"""

from __future__ import annotations

import dataclasses
import importlib.util
from typing import Any

import numpy as np
from sklearn.metrics import log_loss, mean_tweedie_deviance

from features.errors import ConfigError
from training.fitting import boosting, fit
from training.screen import Told, quiet

#: What is searched: low, high, and whether on a logarithmic scale.
SPACE: dict[str, tuple[float, float, bool]] = {
    "leaves": (4, 63, True),
    "rate": (0.01, 0.1, True),
    "least_rows": (10, 200, True),
    "l2": (0.1, 50.0, True),
    "columns": (0.2, 1.0, False),
    "power": (1.1, 1.7, False),
}
WHOLE = {"leaves", "least_rows"}
#: Spend is judged by one deviance, whatever power a trial learns by.
JUDGED_POWER = 1.5
#: No trial begins later than this; where it ends a study, the same seed need not choose the same.
MOST_SECONDS = 900.0


@dataclasses.dataclass(frozen=True)
class Trial:
    """`values` of `SPACE`; `losses` by booster; `loss` their mean ratio to the defaults' (1: as
    good, lower is better).
    """

    values: dict[str, float]
    losses: dict[str, float]
    loss: float


@dataclasses.dataclass(frozen=True)
class Study:
    """All trials, the defaults first, and the settings of the best."""

    chosen: boosting.Settings
    trials: tuple[Trial, ...]

    @property
    def said(self) -> str:
        """The choice in a sentence, without a full stop."""
        values = ", ".join(f"{name} {getattr(self.chosen, name):.3g}" for name in SPACE)
        best = min(trial.loss for trial in self.trials)
        return (
            f"boosters tuned by {len(self.trials)} trials on the calibration window: {values} "
            f"(loss {best:.3f} of the defaults')"
        )

    def records(self) -> tuple[tuple[dict[str, float], dict[str, float]], ...]:
        """(parameters, metrics) of each trial, for a tracker."""
        return tuple(
            (t.values, {"loss": t.loss, **{f"loss/{name}": x for name, x in t.losses.items()}})
            for t in self.trials
        )


def require() -> None:
    """ConfigError where Optuna is not installed."""
    if importlib.util.find_spec("optuna") is None:
        raise ConfigError(
            "Tuning needs the package optuna.",
            "model.tune is set, and optuna is not installed",
            "install the extra `tune` (pip install 'coterie[tune]'), or set tune = false",
        )


def tune(
    data: fit.Rows,
    later: fit.Rows,
    default: boosting.Settings,
    trials: int,
    told: Told = quiet,
) -> Study:
    """The best of `trials` settings of the boosters, by `default.seed` always the same.

    `data` are preprocessed rows of the training cut-offs, `later` those of a later window. Raises
    ConfigError where Optuna is not installed.
    """
    require()
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    made: list[Trial] = []

    def run(trial: Any) -> float:
        told("tuning trial", len(made), trials)
        values = {name: _asked(trial, name) for name in SPACE}
        losses = _losses(data, later, dataclasses.replace(default, **values))
        first = made[0].losses if made else losses
        loss = float(np.mean([losses[name] / first[name] for name in losses]))
        made.append(Trial(values, losses, loss))
        return loss

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=default.seed))
    study.enqueue_trial({name: getattr(default, name) for name in SPACE})
    study.optimize(run, n_trials=trials, timeout=MOST_SECONDS)
    best = min(made, key=lambda trial: trial.loss)
    settings: dict[str, Any] = best.values
    return Study(dataclasses.replace(default, **settings), tuple(made))


def _asked(trial: Any, name: str) -> Any:
    low, high, log = SPACE[name]
    if name in WHOLE:
        return trial.suggest_int(name, int(low), int(high), log=log)
    return trial.suggest_float(name, low, high, log=log)


def _losses(data: fit.Rows, later: fit.Rows, settings: boosting.Settings) -> dict[str, float]:
    """Logarithmic loss of churn, Tweedie deviance of spend, Poisson deviance of orders; the last
    two at the level of the later rows, since calibration sets it anew.
    """
    boosters = fit.boosted(data, settings, later)
    said = {
        name: np.maximum(np.asarray(b.predict(later.design, num_iteration=b.best_iteration)), 1e-6)
        for name, b in boosters.items()
    }
    truth = {name: outcome(later) for name, (_, outcome) in fit.OUTCOMES.items()}
    for name in ("spend", "orders"):
        said[name] = said[name] * (truth[name].sum() / said[name].sum() or 1.0)
    return {
        "churn": float(log_loss(truth["churn"], said["churn"], labels=[0, 1])),
        "spend": float(mean_tweedie_deviance(truth["spend"], said["spend"], power=JUDGED_POWER)),
        "orders": float(mean_tweedie_deviance(truth["orders"], said["orders"], power=1)),
    }
