"""The line in amounts: what who orders spends, times the chance of an order."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from features import catalog
from features.lenses import periods
from features.spec import FeatureSpec
from training.fitting import fit, linear, scaling
from training.prediction.amounts import Amounts

RNG = np.random.default_rng(7)
SPENT = RNG.gamma(1.0, 200.0, 5_000)
NOISE = RNG.normal(0.0, 1.0, 5_000)


def fitted(spend: np.ndarray, **known: np.ndarray) -> Amounts:
    return linear.amounts(known, list(known), spend)


def test_the_line_goes_on_where_logarithms_bend() -> None:
    # Half of what was spent comes again: ridge draws the slope by 1 / (1 + alpha) of a column
    # that is told alone (its variance is 1 once scaled), Hoerl & Kennard 1970.
    made = fitted(SPENT / 2 + 10.0, spent=SPENT)
    slope = 0.5 / (1 + linear.AMOUNTS_ALPHA)
    assert made.weights == pytest.approx([slope], rel=1e-6)
    at = np.array([SPENT.mean(), SPENT.max()])
    expected = SPENT.mean() / 2 + 10.0 + slope * (at - SPENT.mean())
    assert made.spend({"spent": at}, np.zeros(2)) == pytest.approx(expected)


def test_the_chance_of_an_order_is_a_factor() -> None:
    made = fitted(SPENT, spent=SPENT)
    sure, half = (made.spend({"spent": SPENT}, np.full(5_000, p)) for p in (0.0, 0.5))
    assert half == pytest.approx(sure / 2)


def test_no_customer_is_expected_to_spend_beyond_what_training_saw() -> None:
    made = fitted(SPENT + NOISE, spent=SPENT)
    far = {"spent": np.array([SPENT.min(), -1e9, SPENT.max(), 1e9])}
    low, lower, high, higher = made.spend(far, np.zeros(4))
    assert (lower, higher) == (low, high)


def test_nobody_who_orders_is_expected_to_spend_next_to_nothing() -> None:
    spend = np.where(SPENT > 20.0, SPENT - 20.0, 0.0)
    made = fitted(spend * 3, spent=SPENT)
    said = made.spend({"spent": np.array([0.0])}, np.zeros(1))
    assert said == pytest.approx([linear.LEAST * spend.mean() * 3])


def test_an_unknown_amount_is_none() -> None:
    spent = np.where(SPENT > 300.0, SPENT, np.nan)
    made = fitted(SPENT, spent=spent)
    unknown, none = made.spend({"spent": np.array([np.nan, 0.0])}, np.zeros(2))
    assert unknown == none


@pytest.mark.parametrize("rows", [0, 1])
def test_without_customers_to_learn_from_there_is_no_line(rows: int) -> None:
    made = fitted(SPENT[:rows], spent=SPENT[:rows])
    mean = SPENT[:rows].mean() if rows else 1e-9
    assert made.columns == ()
    assert made.spend({"spent": SPENT[:3]}, np.zeros(3)) == pytest.approx([mean] * 3)


@pytest.mark.parametrize("slip", [1e7, 1e12, -1e12])
def test_one_slip_of_the_keyboard_does_not_level_everybody(slip: float) -> None:
    spent = SPENT.copy()
    spent[17] = slip
    made = fitted(SPENT / 2 + 10.0, spent=spent)
    said = made.spend({"spent": SPENT}, np.zeros(5_000))
    assert np.corrcoef(said, SPENT)[0, 1] > 0.9
    assert said.std() > 0.2 * SPENT.std() / 2


def test_the_amounts_are_those_of_the_catalog_that_training_can_tell() -> None:
    spec = FeatureSpec(period_days=7)
    rng = np.random.default_rng(7)
    frame = pd.DataFrame({f.name: rng.gamma(1.0, 9.0, 60) for f in catalog.features(spec)
                          if f.dtype != "category"})  # fmt: skip
    frame = frame.assign(
        as_of=pd.Timestamp("2024-01-01"), future_orders=1, future_spend=frame["spend"]
    )
    money = {f.name for f in catalog.tabular(spec) if f.unit == "currency"}
    features = [f for f in fit.inputs(spec, frame) if f.dtype != "category"]
    assert not periods.NAMES & {f.name for f in features}
    seen = scaling.fit({f.name: frame[f.name].to_numpy() for f in features}, features, 90)
    one = fit._amounts(frame, seen, spec)
    assert set(one.columns) == money & set(seen.numeric)
    assert "spend_365d" not in one.columns
    later = frame.assign(as_of=pd.Timestamp("2024-02-01"))
    assert set(fit._amounts(pd.concat([frame, later]), seen, spec).columns) == money


def test_an_amount_that_never_varies_says_nothing() -> None:
    made = fitted(SPENT, spent=SPENT, same=np.full(5_000, 7.0))
    one, other = (made.spend({"spent": SPENT, "same": np.full(5_000, v)}, np.zeros(5_000))
                  for v in (7.0, 1e6))  # fmt: skip
    assert one == pytest.approx(other)


def test_amounts_survive_being_written_down() -> None:
    made = fitted(SPENT, spent=SPENT, other=NOISE)
    assert Amounts.from_dict(json.loads(json.dumps(dataclasses.asdict(made)))) == made
