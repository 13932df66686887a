"""Reasons: Shapley values of games worked out on paper, and of what a bundle serves."""

import copy
import itertools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.errors import BundleError
from training.explanation import reasons as reasons_of
from training.explanation.reasons import MEASURES, Reasons, _values, orders, reasons, seen
from training.explanation.themes import theme
from training.fitting import fit
from training.prediction.bundle import Bundle, to_columns

Game = Callable[[set[int]], float]


def shapley(game: Game, players: int, pairs: int) -> np.ndarray:
    states, weights = orders(players, pairs, seed=7)
    values = [game(set(np.flatnonzero(state).tolist())) for state in states]
    found: np.ndarray = weights @ np.array(values)
    return found


# ---------------------------------------------------------------------------------- games on paper


def test_the_first_state_is_nobody_and_the_last_everybody() -> None:
    states, weights = orders(6, 3, seed=7)
    assert not states[0].any()
    assert states[-1].all()
    # Whatever the values between them, what is shared out is their difference.
    assert weights.sum(axis=0) == pytest.approx([-1.0, *[0.0] * (len(states) - 2), 1.0], abs=1e-15)


def test_what_each_adds_whoever_is_there_is_its_share() -> None:
    worth = [3.0, -2.0, 0.0, 0.5]
    assert shapley(lambda s: sum(worth[i] for i in s), 4, 1) == pytest.approx(worth)


def test_what_two_make_together_is_halved_by_an_order_and_its_reverse() -> None:
    # v(S) = 4 [0 in S] + 6 [0 and 1 in S] - 2 [1 and 3 in S]: by symmetry of each pair 4 + 3,
    # 3 - 1, 0 and -1.
    def game(s: set[int]) -> float:
        return 4.0 * (0 in s) + 6.0 * ({0, 1} <= s) - 2.0 * ({1, 3} <= s)

    assert shapley(game, 4, 1) == pytest.approx([7.0, 2.0, 0.0, -1.0])


def test_three_gloves() -> None:
    # The glove game: one left glove, two right ones, a pair is worth 1: 2/3, 1/6, 1/6.
    def game(s: set[int]) -> float:
        return float(0 in s and bool(s & {1, 2}))

    assert shapley(game, 3, 2_000) == pytest.approx([2 / 3, 1 / 6, 1 / 6], abs=0.02)


# --------------------------------------------------------------------------------- a trained bundle


@pytest.fixture(scope="module")
def everyone(small_run: Any) -> pd.DataFrame:
    """Thirty customers as they are, and some that are rare. Shared: not to be changed."""
    rows = small_run.rows.sample(30, random_state=7)
    numbers = [c for c in rows.columns if rows[c].dtype.kind == "f"]
    counts = [c for c in rows.columns if rows[c].dtype.kind == "i"]
    prospect = rows.head(1).copy()
    prospect[numbers], prospect[counts], prospect["stage"] = np.nan, 0, "prospect"
    prospect["spend"] = 0.0
    huge = rows.head(3).copy()
    huge[numbers] = np.repeat([[1e12], [-1e9], [1e-12]], len(numbers), axis=1)
    unknown = rows.head(3).copy()
    unknown[numbers] = unknown[numbers].mask(
        np.random.default_rng(7).random((3, len(numbers))) < 0.5
    )
    strange = rows.head(1).assign(stage="never heard of")
    return pd.concat([rows, prospect, huge, unknown, strange], ignore_index=True)


@pytest.fixture(scope="module")
def made(small_run: Any, everyone: pd.DataFrame) -> Reasons:
    return reasons(small_run.bundle, fit.table(everyone))


def typical_rows(bundle: Bundle, rows: pd.DataFrame, count: int) -> pd.DataFrame:
    """The typical customer, `count` times, as feature rows."""
    one = rows.head(1).copy()
    for name, value in bundle.typical.items():
        one[name] = pd.Series([value], one.index, dtype=one[name].dtype)
    return pd.concat([one] * count, ignore_index=True)


@pytest.mark.model
def test_reasons_add_up_to_the_prediction_that_is_served(
    made: Reasons, everyone: pd.DataFrame, small_run: Any
) -> None:
    served = small_run.bundle.predict(fit.table(everyone))
    for m, measure in enumerate(MEASURES):
        told = made.base[m] + made.contributions[m].sum(axis=0)
        assert told == pytest.approx(served[measure].to_numpy(), rel=1e-9, abs=1e-9)
        assert np.isfinite(made.contributions[m]).all()


@pytest.mark.model
def test_the_base_is_the_prediction_for_the_typical_customer(
    made: Reasons, everyone: pd.DataFrame, small_run: Any
) -> None:
    rows = fit.table(typical_rows(small_run.bundle, everyone, 2))
    served = small_run.bundle.predict(rows)
    for m, measure in enumerate(MEASURES):
        assert made.base[m] == pytest.approx(served[measure][0].as_py(), rel=1e-5)
    nothing = reasons(small_run.bundle, rows)
    assert np.abs(nothing.contributions / made.base[:, None, None]).max() < 1e-5


@pytest.mark.model
def test_of_two_themes_each_gets_the_mean_of_coming_first_and_last(
    everyone: pd.DataFrame, small_run: Any
) -> None:
    bundle = small_run.bundle
    rows = typical_rows(bundle, everyone, 4)
    changes: list[dict[str, float]] = [
        {"recency_days": 70.0, "silence": 4.0},
        {"spend_90d": 3.0, "spend_30d": 0.0, "spend_period_2": 40.0},
    ]  # fmt: skip
    states = list(itertools.product([False, True], repeat=2))
    for i, state in enumerate(states):
        for change, on in zip(changes, state, strict=True):
            for name, value in change.items():
                if on:
                    rows.loc[i, name] = value
    served = bundle.predict(fit.table(rows))
    made = reasons(bundle, fit.table(rows.tail(1)))
    for m, measure in enumerate(MEASURES):
        none, spend, order, both = served[measure].to_numpy()
        unit = 1.0
        if measure == "expected_spend":  # a product: shared in logarithms
            unit = (both - none) / np.log(both / none)
            none, spend, order, both = np.log([none, spend, order, both])
        expected = {
            "last order": unit * (order - none + both - spend) / 2,
            "spend": unit * (spend - none + both - order) / 2,
        }
        assert expected["last order"] != expected["spend"]
        for name, share in zip(made.themes, made.contributions[m, :, 0], strict=True):
            assert share == pytest.approx(expected.get(name, 0.0), abs=1e-5 * made.base[m])


@pytest.mark.model
@pytest.mark.parametrize("days", [40.0, 80.0, 160.0])
def test_a_longer_silence_is_a_reason_that_raises_the_risk(
    days: float, everyone: pd.DataFrame, small_run: Any
) -> None:
    rows = typical_rows(small_run.bundle, everyone, 1)
    usual = small_run.bundle.typical["recency_days"]
    for name in ("recency_days", "recency_over_gap", "silence"):
        rows[name] *= days / usual
    made = reasons(small_run.bundle, fit.table(rows))
    at = made.themes.index("last order")
    risk = made.contributions[0, :, 0]
    assert risk[at] > 0.005
    assert risk.argmax() == at
    assert made.features[made.strongest[0, at, 0]] in (
        "recency_days", "recency_over_gap", "silence",
    )  # fmt: skip


@pytest.mark.model
def test_reasons_are_the_same_again_alone_and_among_others(
    made: Reasons, everyone: pd.DataFrame, small_run: Any
) -> None:
    again = reasons(small_run.bundle, fit.table(everyone))
    assert np.array_equal(again.contributions, made.contributions)
    assert np.array_equal(again.strongest, made.strongest)
    alone = reasons(small_run.bundle, fit.table(everyone.iloc[[3]]))
    near = pytest.approx(made.contributions[:, :, [3]], abs=1e-4)
    assert alone.contributions == near


@pytest.mark.model
def test_other_orders_of_the_themes_tell_the_same_story(
    made: Reasons, everyone: pd.DataFrame, small_run: Any
) -> None:
    more = reasons(small_run.bundle, fit.table(everyone.head(10)), pairs=30, seed=8)
    error = np.abs(more.contributions - made.contributions[:, :, :10])
    greatest = np.abs(more.contributions).max(axis=1)
    assert (error.max(axis=1) < 0.15 * greatest + 0.01 * made.base[:, None]).all()


@pytest.mark.model
def test_a_reason_names_a_feature_of_its_theme_that_the_models_see(
    made: Reasons, small_run: Any
) -> None:
    for i, name in enumerate(made.themes):
        chosen = {made.features[j] for j in np.unique(made.strongest[:, i])}
        assert {theme(feature) for feature in chosen} == {name}
    assert set(made.features) == set(seen(small_run.bundle))
    assert not any(name.startswith("quarter") for name in made.features)  # a year is not known yet
    assert not any(name.startswith("structural") for name in made.features)


@pytest.mark.model
def test_every_state_gets_what_the_network_says_of_it(
    everyone: pd.DataFrame, small_run: Any
) -> None:
    bundle, rng = small_run.bundle, np.random.default_rng(7)
    known = to_columns(fit.table(everyone.head(20)))
    columns = {name: known[name] for name in seen(bundle)}
    states = rng.random((12, len(columns))) < 0.5
    states[1] = states[0]
    mixed = {
        name: np.where(
            states[:, [j]], values, np.array([bundle.typical[name]], dtype=values.dtype)
        ).ravel()
        for j, (name, values) in enumerate(columns.items())
    }
    direct = bundle.calibrated.estimates(bundle.raw(mixed))
    for found, measure in zip(_values(bundle, columns, states), MEASURES, strict=True):
        assert found.ravel() == pytest.approx(direct[measure], rel=1e-9)


def test_what_the_network_and_the_prior_are_made_of_is_seen() -> None:
    names = ("stage", "gap_mean", "frequency", "active_weeks_12", "orders_period_3")
    bundle: Any = SimpleNamespace(
        preprocessor=SimpleNamespace(numeric=["gap_mean"], vocabulary={}), prior=None,
        amounts=SimpleNamespace(columns=()),
        catalog=[{"name": name} for name in names],
    )  # fmt: skip
    assert seen(bundle) == ["gap_mean", "orders_period_3"]
    bundle.prior = object()
    assert seen(bundle) == ["gap_mean", "frequency", "orders_period_3"]


def test_a_bundle_without_a_typical_customer_is_refused(small_run: Any) -> None:
    bare = copy.copy(small_run.bundle)
    bare.typical = {}
    with pytest.raises(BundleError) as refused:
        reasons(bare, fit.table(small_run.rows.head(1)))
    assert str(refused.value) == (
        "Reasons are told against a typical customer, which the bundle holds. "
        f"Seen: none in {small_run.bundle.manifest['version']}. Remedy: ask the bundle of a "
        "retrain: one that was made to be evaluated has none"
    )


def test_amounts_that_the_other_models_do_not_see_are_seen() -> None:
    """Of a young shop the design leaves long windows out, which the line in amounts takes in."""
    names = ("orders", "spend_90d", "spend_365d", "weekend_share")
    bundle: Any = SimpleNamespace(
        preprocessor=SimpleNamespace(numeric=("orders",), vocabulary={}), prior=None,
        amounts=SimpleNamespace(columns=("spend_90d",)), catalog=[{"name": n} for n in names],
    )  # fmt: skip
    assert seen(bundle) == ["orders", "spend_90d"]


def test_a_reason_names_what_says_so_on_its_own() -> None:
    """More orders than usual are no reason to leave, though they are beside a long silence."""
    bundle: Any = SimpleNamespace(
        typical={"frequency": 5.0, "recency_days": 30.0, "gap_mean": 9.0, "stage": "active"}
    )
    columns = {
        "frequency": np.array([9.0, 9.0, 5.0, 2.0]),
        "recency_days": np.array([90.0, 10.0, 90.0, np.nan]),
        "gap_mean": np.array([9.0, 12.0, 9.0, 9.0]),
        "stage": np.array(["active", "lapsed", "active", None], dtype=object),
    }
    telling = reasons_of._telling(bundle, columns)
    assert telling.tolist() == [[1, 1, 0, -1], [-1, 1, -1, 2], [0, 2, 0, 0], [0, 2, 0, 2]]
    shares = np.array([[[0.3, -0.2, 0.1, 0.2]], [[-5.0, 4.0, -1.0, -2.0]]])
    effect = np.zeros((2, 4, 4))
    effect[0, 0], effect[1, 0] = 0.2, -4.0  # many orders alone look like leaving
    effect[0, 1], effect[1, 1] = 0.1, -1.0
    found = reasons_of._strongest(
        shares, effect, telling, np.zeros(4, dtype=int), np.array([10, 11, 12, 13])
    )
    assert found[0, 0, [0, 2, 3]].tolist() == [11, 11, 10]
    assert found[1, 0, [0, 2, 3]].tolist() == [11, 11, 10]
