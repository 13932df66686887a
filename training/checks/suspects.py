"""Potential leaks: what predicts the outcome too well to have been known beforehand.

Each feature alone is held against the outcomes of the test window: it ranks the customers of the
test cut-off by what was learned at the calibration cut-off (`measures.ranking`).
What customers did, by customer, moment and amount alone, sets the mark: an attribute, a kind of
event or an optional column that passes it is suspected of having been written afterwards.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import pandas as pd

from features import catalog
from features.errors import SourceError
from features.lenses import attributes
from features.settings.experiment import Experiment
from features.snapshot import snapshot
from features.spec import FeatureSpec
from features.spine import customers_known
from training.fitting.calibration import LEAST_OF_EACH
from training.measures import ranking
from training.measures.bootstrap import Interval, paired_bootstrap
from training.measures.metrics import normalized_gini, roc_auc
from training.outliers import capped
from training.snapshots import buyers
from training.windows.splits import Splits

#: An AUC above which a single feature knows what nobody can know.
CERTAIN = 0.95
#: How far above the best behaviour a feature may lie before it is suspected (and surely so: the
#: paired 95 % interval of the difference excludes 0).
MARGIN = 0.05
MOST_CUSTOMERS = 20_000
OUTCOMES: dict[str, tuple[str, Callable[[Any, Any], float]]] = {
    "churn": ("AUC", roc_auc),
    "spend": ("normalized Gini", normalized_gini),
}


@dataclasses.dataclass(frozen=True)
class Power:
    """How well one feature alone ranks the customers of the test window, out of time.

    `presence` is the same by whether its value is known alone; nan where it always or never is.
    `behaviour` says whether customer, moment and amount give rise to it.
    """

    feature: str
    lens: str
    behaviour: bool
    value: float
    presence: float


@dataclasses.dataclass(frozen=True)
class Suspect:
    """A feature that predicts `outcome` too well: by `difference` better than the `mark`."""

    outcome: str
    power: Power
    mark: Power
    difference: Interval

    @property
    def by_presence(self) -> bool:
        """Whether it is enough to know that there is a value."""
        return self.power.presence > self.mark.value

    @property
    def certain(self) -> bool:
        """Whether it knows what nobody can know: the outcome all but itself, which behaviour
        surely does not tell.
        """
        known = self.outcome == "churn" and self.power.value > CERTAIN
        return known and self.difference.value > MARGIN and self.difference.low > 0

    def sentence(self) -> str:
        """Feature, figures and the mark."""
        measure = OUTCOMES[self.outcome][0]
        value = "whether it is known" if self.by_presence else "its value"
        shown = self.power.presence if self.by_presence else self.power.value
        return (
            f"{self.power.feature}: {value} alone predicts {self.outcome} with {measure} "
            f"{shown:.3f}; the best of all behaviour, {self.mark.feature}, has "
            f"{self.mark.value:.3f} (difference {self.difference.value:+.3f}, 95 % interval "
            f"{self.difference.low:+.3f} to {self.difference.high:+.3f})"
        )


@dataclasses.dataclass(frozen=True)
class Search:
    """What was found: by outcome the features from strong to weak, and the suspects.

    `customers` were judged; `skipped` says for an outcome why nothing could be.
    """

    powers: dict[str, tuple[Power, ...]]
    suspects: tuple[Suspect, ...]
    customers: int
    skipped: dict[str, str]


def undated(experiment: Experiment, spec: FeatureSpec) -> set[str]:
    """The features of attributes that are taken as constant, for want of a `valid_from`."""
    made_of = attributes.names_of(spec)
    sources = [source for source in experiment.attributes if source.valid_from is None]
    return {f for source in sources for column in source.columns for f in made_of[column.name]}


def refusal(found: Search, constant: Collection[str]) -> SourceError | None:
    """Why no model is trained on this: a feature of `constant` (`undated`) is the outcome itself.
    What is dated is suspected only, since it may have been known.
    """
    for suspect in found.suspects:
        if suspect.certain and suspect.power.feature in constant:
            return SourceError(
                "An attribute without a date must not know who leaves: it was written afterwards, "
                "and a model of it is worth nothing for customers of today.",
                suspect.sentence(),
                "date its values (valid_from), or leave the column out",
            )
    return None


def search(connection: Any, spec: FeatureSpec, plan: Splits, seed: int) -> Search:
    """Hold every feature of `spec` against the outcomes of the test window (see above).

    At most `MOST_CUSTOMERS` customers with an order, drawn, are judged.
    """
    cutoffs = (plan.calibration.as_of, plan.test.as_of)
    spine = customers_known(connection, cutoffs, MOST_CUSTOMERS)
    return among(snapshot(connection, spec, spine, plan.window_days), spec, plan, seed)


def among(past: pd.DataFrame, spec: FeatureSpec, plan: Splits, seed: int) -> Search:
    """The same on snapshot rows, with outcomes, that hold the two cut-offs; of more than
    `MOST_CUSTOMERS` with an order so many are drawn by `seed`.
    """
    cutoffs = (plan.calibration.as_of, plan.test.as_of)
    rows = _drawn(buyers(past[past.as_of.isin(cutoffs)]), seed)
    then, now = (rows[rows.as_of == cutoff] for cutoff in cutoffs)
    return compare(then, now, spec, seed)


def _drawn(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The rows of at most `MOST_CUSTOMERS` customers."""
    who = np.sort(frame.customer_id.unique())
    if len(who) <= MOST_CUSTOMERS:
        return frame
    drawn = np.random.default_rng(seed).choice(who, MOST_CUSTOMERS, replace=False)
    return frame[frame.customer_id.isin(drawn)]


def compare(then: pd.DataFrame, now: pd.DataFrame, spec: FeatureSpec, seed: int) -> Search:
    """The same on snapshot rows of two cut-offs, with outcomes, of customers with an order."""
    behaviour = {feature.name for feature in catalog.features(FeatureSpec())}
    powers: dict[str, tuple[Power, ...]] = {}
    suspects: list[Suspect] = []
    skipped: dict[str, str] = {}
    for outcome, (_, metric) in OUTCOMES.items():
        past, truth = _outcome(outcome, then), _outcome(outcome, now)
        reason = _too_little(outcome, past, truth)
        if reason:
            skipped[outcome] = reason
            continue
        scores = {}
        found = []
        for feature in catalog.tabular(spec):
            columns = then[feature.name], now[feature.name]
            made = ranking.by_value(*columns, past, metric, feature.dtype == "category")
            ranked = [(metric(truth, s), s) for s in made]
            value, scores[feature.name] = max(ranked, key=lambda pair: pair[0])
            presence = np.nan
            if columns[1].notna().nunique() > 1:
                presence = metric(truth, ranking.by_presence(*columns, past))
            found.append(
                Power(feature.name, feature.lens, feature.name in behaviour, value, presence)
            )
        found.sort(key=lambda power: (-power.value, power.feature))
        powers[outcome] = tuple(found)
        mark = next(power for power in found if power.behaviour)
        for power in found:
            if power.behaviour or power.value <= mark.value:
                continue
            difference = paired_bootstrap(
                metric, truth, scores[power.feature], scores[mark.feature], seed=seed
            )
            sure = power.value - mark.value > MARGIN and difference.low > 0
            if sure or (outcome == "churn" and power.value > CERTAIN):
                suspects.append(Suspect(outcome, power, mark, difference))
    return Search(powers, tuple(suspects), len(now), skipped)


def _outcome(name: str, frame: pd.DataFrame) -> np.ndarray:
    if name == "churn":
        return (frame.future_orders == 0).to_numpy(np.float64)
    return capped(frame.future_spend.to_numpy(np.float64))


def _too_little(outcome: str, past: np.ndarray, truth: np.ndarray) -> str:
    for window, values in (("calibration", past), ("test", truth)):
        ones = int((values > 0).sum())
        if min(ones, len(values) - ones) < LEAST_OF_EACH and outcome == "churn":
            return (
                f"{ones:,} left and {len(values) - ones:,} stayed in the {window} window, "
                f"{LEAST_OF_EACH} of each needed"
            )
        if ones < LEAST_OF_EACH:
            return f"{ones:,} customers spent in the {window} window, {LEAST_OF_EACH} needed"
    return ""
