"""Why a prediction is as it is: Shapley values of the function that is served.

A customer and the bundle's typical customer differ in many features, which come in themes
(`explanation.themes`). Theme by theme the typical customer is turned into this one, and what each
step changes is the theme's contribution, averaged over orders of the themes (Shapley 1953; the
sampling is Castro, Gómez & Tejada 2009, each order with its reverse as in Mitchell et al. 2022,
section 4.1). Every step asks the whole bundle, structural prior, blend and calibration included,
and so contributions add up to the prediction on its own scale, exactly, whatever the model.

Spend is a product of what its themes do, nearly: so its contributions are made in logarithms, and
put into currency by the logarithmic mean of both predictions, which keeps the sum exact (the
additive decomposition LMDI: Ang 2004, "Decomposition analysis for policymaking in energy").
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from features.errors import BundleError
from features.lenses import periods
from training.explanation.themes import direction, named, themes
from training.explanation.typical import Value
from training.prediction import course
from training.prediction.bundle import Bundle, to_columns
from training.prediction.structure import INPUTS
from training.screen import Told, quiet

MEASURES = ("churn_probability", "expected_spend")
CHURN, SPEND = range(len(MEASURES))
LEAST = 1e-9  # of spend, in currency
PAIRS = 4
SEED = 7
ROWS = 20_000


@dataclasses.dataclass(frozen=True)
class Reasons:
    """What each theme does to the predictions of n customers.

    Attributes
    ----------
    themes : names of the themes; features : names of the features that the model sees
    base : (measures,) predictions of the typical customer, in the order of `MEASURES`
    predicted : (measures, n) those of the customers, as `Bundle.predict` gives them
    contributions : (measures, themes, n), in probability and in currency; base plus their sum over
        the themes is `predicted`
    strongest : (measures, themes, n) index in `features` of the theme's feature that does most in
        the theme's direction, of those that say so (`_telling`)
    """

    themes: tuple[str, ...]
    features: tuple[str, ...]
    base: np.ndarray
    predicted: np.ndarray
    contributions: np.ndarray
    strongest: np.ndarray


def reasons(
    bundle: Bundle,
    features: pa.Table,
    pairs: int = PAIRS,
    seed: int = SEED,
    told: Told = quiet,
) -> Reasons:
    """The reasons of feature rows as `features.snapshot.feature_table` makes them, at least one.

    The same for a customer whether asked alone or among others, to the models' float32 rounding.
    Raises BundleError where the bundle has no typical customer.
    """
    if not bundle.typical:
        raise BundleError(
            "Reasons are told against a typical customer, which the bundle holds.",
            f"none in {bundle.manifest.get('version', 'the bundle')}",
            "ask the bundle of a retrain: one that was made to be evaluated has none",
        )
    names = seen(bundle)
    parts = themes(names)
    theme_of = np.repeat(np.arange(len(parts)), [len(members) for members in parts.values()])
    names = [name for members in parts.values() for name in members]
    states, weights = orders(len(parts), pairs, seed)
    tellable = _tellable(theme_of, names)
    one = np.eye(len(names), dtype=bool)[tellable]
    asked = np.vstack([states[:, theme_of], one, ~one])
    columns = to_columns(features)
    base = _values(bundle, {n: columns[n][:1] for n in names}, np.zeros_like(one[:1]))[:, 0, 0]
    predicted = bundle.predict(features)
    whole = np.stack([predicted[measure].to_numpy() for measure in MEASURES])
    made, strongest = [], []
    step = max(1, ROWS // len(asked))
    for start in range(0, len(features), step):
        told("customers", start, len(features))
        here = slice(start, start + step)
        values = _values(bundle, {n: columns[n][here] for n in names}, asked)
        values, alone, without = np.split(values, [len(states), len(states) + len(one)], axis=1)
        values[:, 0], values[:, -1] = base[:, None], whole[:, here]
        shares = np.stack(
            [
                np.einsum("ts,sn->tn", weights, values[CHURN]),
                np.einsum("ts,sn->tn", weights, np.log(np.maximum(values[SPEND], LEAST)))
                * _logarithmic_mean(whole[SPEND, here], base[SPEND]),
            ]
        )
        effect = (alone - base[:, None, None] + whole[:, None, here] - without) / 2.0
        made.append(shares)
        of = [names[i] for i in tellable]
        telling = _telling(bundle, {n: columns[n][here] for n in of})
        strongest.append(_strongest(shares, effect, telling, theme_of[tellable], tellable))
    return Reasons(
        tuple(parts), tuple(names), base, whole,
        np.concatenate(made, axis=2), np.concatenate(strongest, axis=2),
    )  # fmt: skip


def seen(bundle: Bundle) -> list[str]:
    """The catalog's features that the bundle's models see, or its structural prior."""
    of_models = {
        *bundle.preprocessor.numeric,
        *bundle.preprocessor.vocabulary,
        *bundle.amounts.columns,
        *course.INPUTS,
    }
    if bundle.prior is not None:
        of_models.update(INPUTS)
    return [str(e["name"]) for e in bundle.catalog if e["name"] in of_models]


def orders(parties: int, pairs: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Which parties are in, (states, parties) bool, and (parties, states) weights: the weights
    times a game's values of the states are the parties' Shapley values by `pairs` random orders
    and their reverses. The first state is nobody, the last everybody.
    """
    rng = np.random.default_rng(seed)
    drawn = [rng.permutation(parties) for _ in range(pairs)]
    chosen = [order for one in drawn for order in (one, one[::-1])]
    place = [np.argsort(order) for order in chosen]
    paths = np.stack([p < np.arange(parties + 1)[:, None] for p in place])
    states, index = np.unique(paths.reshape(-1, parties), axis=0, return_inverse=True)
    index = index.reshape(len(chosen), parties + 1)
    weights = np.zeros((parties, len(states)))
    for order, path in zip(chosen, index, strict=True):
        np.add.at(weights, (order, path[1:]), 1.0 / len(chosen))
        np.add.at(weights, (order, path[:-1]), -1.0 / len(chosen))
    return states, weights


def _values(bundle: Bundle, columns: dict[str, np.ndarray], states: np.ndarray) -> np.ndarray:
    """(measures, states, n): predictions of the rows of `columns` with the features that are in a
    state (states, features) as they are, and the others typical.
    """
    read = _courses(bundle, columns, states)
    alone = {name: values for name, values in columns.items() if name not in periods.NAMES}
    mixed = _mixed(bundle, alone, states[:, [name in alone for name in columns]])
    made = bundle.calibrated.estimates(bundle.raw(mixed, read))
    return np.stack([made[measure].reshape(len(states), -1) for measure in MEASURES])


def _courses(bundle: Bundle, columns: dict[str, np.ndarray], states: np.ndarray) -> np.ndarray:
    """(states * n, 2) what the recurrent network says, which is slow and sees few features: asked
    once for all states in which these are the same.
    """
    of = [name in course.INPUTS for name in columns]
    own, index = np.unique(states[:, of], axis=0, return_inverse=True)
    told = {name: columns[name] for name in columns if name in course.INPUTS}
    read = bundle.read_course(_mixed(bundle, told, own))
    made: np.ndarray = read.reshape(len(own), -1, read.shape[1])[index.ravel()]
    return made.reshape(-1, read.shape[1])


def _mixed(
    bundle: Bundle, columns: dict[str, np.ndarray], states: np.ndarray
) -> dict[str, np.ndarray]:
    """(states * n,) a column: the features that are in a state as they are, the others typical."""
    return {
        name: np.where(states[:, [j]], values[None], _like(bundle.typical[name], values)).ravel()
        for j, (name, values) in enumerate(columns.items())
    }


def _logarithmic_mean(these: np.ndarray, that: float) -> np.ndarray:
    """(n,) the mean of each and `that` by which the difference of logarithms is that of both."""
    one, other = np.maximum(these, LEAST), max(that, LEAST)
    ratio = np.log(one / other)
    near = np.abs(ratio) < 1e-9
    return np.where(near, other, (one - other) / np.where(near, 1.0, ratio))


def _like(value: Value, values: np.ndarray) -> np.ndarray:
    """(1,) the value in the dtype of a column, where unknown is nan or None."""
    return np.array([value], dtype=values.dtype)


def _tellable(theme_of: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Indices of the features that a reason may name; of a theme that has none, all."""
    may = np.array([named(name) for name in names])
    some = np.bincount(theme_of, may)
    return np.flatnonzero(may | (some[theme_of] == 0))


def _telling(bundle: Bundle, columns: dict[str, np.ndarray]) -> np.ndarray:
    """(features, n): of which sign an effect on coming again must be for a feature's value to be a
    reason for it: 1 or -1 where more of it goes with coming, or with leaving (`themes.direction`),
    2 where either may be, 0 where the value is the typical one.
    """
    made = []
    for name, values in columns.items():
        usual = bundle.typical[name]
        if values.dtype == object:
            made.append(np.where(values == usual, 0, 2))
            continue
        away = values - (np.nan if usual is None else float(usual))
        known = np.sign(away) * direction(name) if direction(name) else np.where(away == 0, 0, 2)
        both = np.isnan(values) & (usual is None)
        made.append(np.where(np.isnan(away), np.where(both, 0, 2), known))
    return np.stack(made)


def _strongest(
    shares: np.ndarray,
    effect: np.ndarray,
    telling: np.ndarray,
    theme_of: np.ndarray,
    features: np.ndarray,
) -> np.ndarray:
    """(measures, themes, n): of each theme, that of `features` with most effect in its direction,
    of those whose value says so, if any; `effect` (measures, features, n), `telling` and `theme_of`
    are theirs.
    """
    found = np.empty(shares.shape, dtype=np.int64)
    for i in range(shares.shape[1]):
        members = np.flatnonzero(theme_of == i)
        sign = np.sign(shares[:, [i]])
        along = effect[:, members] * sign
        coming = sign * np.where(np.arange(len(MEASURES)) == CHURN, -1, 1)[:, None, None]
        says = (telling[members] == 2) | (telling[members] == coming)
        along = np.where(says | ~says.any(axis=1, keepdims=True), along, -np.inf)
        found[:, i] = features[members[along.argmax(axis=1)]]
    return found
