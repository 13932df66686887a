"""Train, calibrate and test on later and later windows: what the report card is made of."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import numpy as np
import pandas as pd

from features.settings.experiment import Experiment
from features.spec import FeatureSpec
from training import rivals
from training.btyd import prior
from training.cards import (
    disparity,
    interval_card,
    outlook,
    prediction_card,
    prospect_card,
    segment_card,
)  # fmt: skip
from training.cards.report_card import Section
from training.fitting import assembly, autoencoder, boosting, clustering, fit, prospects, tuning
from training.fitting.level import Structural, weight
from training.prediction.bundle import Bundle, to_columns
from training.prediction.calibrated import Calibrated
from training.prediction.segments import Segment
from training.screen import Told
from training.snapshots import Snapshots, buyers, without_order
from training.windows import exposure
from training.windows.deviation import Deviation, against
from training.windows.season import Season, Served
from training.windows.splits import Splits

#: The season of the test window against the calibration's, and the one ahead.
Seasons = tuple[Season, Season]


@dataclasses.dataclass(frozen=True)
class Evaluated:
    """What an honest evaluation chose and found. `test` holds the test rows with predictions."""

    space: fit.Latent
    frozen: fit.Frozen
    k: int
    choices: list[clustering.Choice]
    bundle: Bundle
    sections: tuple[Section, ...]
    test: pd.DataFrame
    trees: boosting.Settings
    study: tuning.Study | None
    cutoffs: int
    seasons: Seasons


def evaluate(
    experiment: Experiment,
    plan: Splits,
    shots: Snapshots,
    spec: FeatureSpec,
    network: autoencoder.Settings,
    trees: boosting.Settings,
    held: int | None,
    measured: Callable[[Served], Seasons],
    told: Told,
) -> Evaluated:
    """Fit on the training windows of `plan`, choose and calibrate on its calibration window,
    measure on its test window. Figures are of customers with an order before the cut-off, those of
    a section apart of the others.

    `held` is the champion's number of segments, if there is one; the seasons are `measured` by what
    this model was off by a year earlier, and the test's carries on what was calibrated on; where
    the experiment asks for trials the boosters' settings are tuned (`fitting.tuning`), else they
    are `trees`. The level is settled as that of the served model is (`fitting.level`).
    """
    train, calibration = shots.at(plan.train), shots.at((plan.calibration,))
    test, model, window_days = shots.at((plan.test,)), experiment.model, plan.window_days
    level, currency = experiment.interval_level, experiment.currency
    space, data, later = fit.latent(train, spec, plan.history_days, network, calibration, told=told)
    study = None
    if model.tune and later is not None:
        study = tuning.tune(data, later, trees, model.tune, told)
        trees = study.chosen
    fitted = fit.parts(train, space, data, spec, trees, later, told=told)
    bare = assembly.assemble(fitted, spec)
    then = bare.raw(to_columns(fit.table(calibration)))
    calibrated = prospects.calibrate(then, calibration, level)
    known, bought = buyers(calibration), buyers(test)
    seasons = measured(functools.partial(_off_by, calibrated, bare, shots, window_days))
    season = seasons[0]
    then = then.of(then.ordered)
    expected_then = calibrated.estimates(then)["expected_spend"]
    last = buyers(train[train.as_of == train.as_of.max()])
    told("choosing the number of segments", 0, 1)
    k, choices = clustering.choose(
        space.scores(last), then.scores, known.future_spend.to_numpy(float),
        (known.future_orders == 0).to_numpy(float), network.seed, held,
    )  # fmt: skip
    k = k if model.segments == "auto" else int(model.segments)
    segmentation = clustering.fit(then.scores, k, network.seed)
    plain = tuple(Segment(str(i), str(i), {}) for i in range(k))
    rows = fit.table(bought)
    now = bare.raw(to_columns(rows))
    cutoffs = train.as_of.nunique()
    structural = None
    if "structural_return" in bought:
        structural = prior.fit(bought, window_days, shots.prior)
    counted = Structural(
        weight(calibrated.ordered[0], then, known.future_spend.to_numpy(np.float64)),
        structural.lasting(to_columns(rows)) if structural else 1.0,
    )
    calibrated = prospects.settled(
        calibrated, bare, train, now, season, cutoffs, counted, window_days
    )
    bundle = assembly.complete(
        bare, {}, prospects.stretched(calibrated, season.factor), segmentation, plain
    )
    told("measuring the naive rules", 0, 1)
    predicted = bundle.predict(rows).to_pandas()
    values = {c: predicted[c].to_numpy() for c in predicted.columns if predicted[c].dtype == float}
    ours = (segmentation.labels(then.scores), segmentation.labels(now.scores))
    first, second = (space.preprocessor.design(to_columns(fit.table(f))) for f in (known, bought))
    boosted = [fitted.boosters["churn"].predict(x) for x in (first, second)]
    others = rivals.segment_rules(
        known, bought, (first, second),
        (
            np.column_stack([np.log1p(then.experts[:, 0]), boosted[0]]),
            np.column_stack([np.log1p(now.experts[:, 0]), boosted[1]]),
        ),
        k, network.seed,
    )  # fmt: skip
    seed = network.seed
    sections: tuple[Section, ...] = (
        prediction_card.churn_section(
            known, bought, values["churn_probability"], window_days, seed
        ),
        prediction_card.spend_section(
            known, bought, values, window_days, currency, seed, season.over_recent
        ),
        interval_card.interval_section(
            (expected_then, (known.future_spend / known[exposure.COLUMN]).to_numpy()),
            bought.future_spend.to_numpy(float),
            values,
            level,
            currency,
            seed,
        ),
        prediction_card.totals_section(bought, values, window_days, currency),
        outlook.timing_section(
            known, bought, structural, values["churn_probability"], window_days, level, seed
        ),
        segment_card.segment_section(
            known,
            bought,
            ours,
            others,
            (first, second),
            next((c for c in choices if c.k == k), None),
            seed,
        ),
    )
    waiting = without_order(test)
    first_orders = prospect_card.prospect_section(
        without_order(calibration), waiting, bundle.predict(fit.table(waiting)).to_pandas(),
        window_days, currency, seed,
    )  # fmt: skip
    sections += (first_orders,) if first_orders else ()
    sections += tuple(
        disparity.disparity_section(name, disparity.groups(bought, spec, name), bought, values)
        for name in model.protected
    )
    shown = bought[["future_orders", "future_spend"]].reset_index(drop=True)
    shown = pd.concat([shown, predicted.drop(columns=["customer_id", "as_of"])], axis=1)
    return Evaluated(
        space,
        fit.freeze(fitted),
        k,
        choices,
        bundle,
        sections,
        shown,
        trees,
        study,
        cutoffs,
        seasons,
    )


def _off_by(
    calibrated: Calibrated, bare: Bundle, shots: Snapshots, window_days: int, cutoff: pd.Timestamp
) -> Deviation | str:
    """What came after a cut-off of an earlier year against what the model says (`windows.season`),
    which may have been fitted on these rows too; a season is what it could not fit.
    """
    ago = shots.years_ago
    rows = buyers(ago[ago.as_of == cutoff]) if ago is not None else pd.DataFrame()
    if rows.empty:
        return f"no model could be held against the days from {cutoff:%Y-%m-%d}"
    said = calibrated.estimates(bare.raw(to_columns(fit.table(rows))))
    return against(
        rows, said["expected_orders"], said["expected_spend"], said["churn_probability"], cutoff,
        window_days,
    )  # fmt: skip
