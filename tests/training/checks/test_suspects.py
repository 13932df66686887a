"""Potential leaks: a feature that alone knows too much is found, an honest one is left alone."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features import catalog
from features.settings.experiment import AttributesSource
from features.spec import Attribute, FeatureSpec
from training.checks import suspects
from training.checks.suspects import Power, Search, Suspect, compare, refusal
from training.measures.bootstrap import Interval

SEED = 7
ROWS = 1_000


def frame(seed: int, attribute: Callable[..., Any] | None = None) -> pd.DataFrame:
    """Customers of one cut-off: recency tells something of churn, all else of behaviour nothing."""
    rng = np.random.default_rng(seed)
    churned = rng.uniform(size=ROWS) < 0.4
    made = pd.DataFrame({f.name: np.zeros(ROWS) for f in catalog.features(FeatureSpec())})
    made["stage"] = "active"
    made["recency_days"] = rng.normal(30 + 30 * churned, 30)
    made["future_orders"] = np.where(churned, 0, 1)
    made["future_spend"] = np.where(churned, 0.0, rng.lognormal(3, 1, ROWS))
    if attribute is not None:
        made["attribute_it"] = attribute(rng, churned)
    return made


def found(attribute: Callable[..., Any], kind: str = "category") -> Search:
    spec = FeatureSpec(attributes=(Attribute("it", "firmographic", kind),))
    return compare(frame(1, attribute), frame(2, attribute), spec, SEED)


def of_churn(search: Search) -> list[str]:
    return [s.power.feature for s in search.suspects if s.outcome == "churn"]


def test_an_attribute_that_is_the_outcome_is_suspected() -> None:
    search = found(lambda rng, churned: np.where(churned, "closed", "open"))
    assert of_churn(search) == ["attribute_it"]
    suspect = search.suspects[0]
    assert suspect.power.value == 1.0
    assert suspect.mark.feature == "recency_days"
    said = suspect.sentence()
    assert said.startswith("attribute_it: its value alone predicts churn with AUC 1.000; the best ")
    assert f"recency_days, has {suspect.mark.value:.3f}" in said
    assert suspect.difference.low > 0
    # Who left spent nothing, so it knows too much of spend as well.
    assert [s.outcome for s in search.suspects] == ["churn", "spend"]


@pytest.mark.parametrize(
    ("outcome", "value", "difference", "certain"),
    [
        ("churn", 0.96, (0.06, 0.01, 0.1), True),
        ("churn", 0.95, (0.06, 0.01, 0.1), False),  # known perhaps
        ("churn", 0.96, (0.05, 0.01, 0.1), False),  # behaviour knows as much
        ("churn", 0.96, (0.06, 0.0, 0.1), False),  # or may do
        ("spend", 0.96, (0.06, 0.01, 0.1), False),
    ],
)
def test_an_undated_attribute_that_surely_is_the_outcome_is_refused(
    outcome: str, value: float, difference: tuple[float, float, float], certain: bool
) -> None:
    it = Power("attribute_it", "firmographic", False, value, np.nan)
    mark = Power("recency_days", "behavioural", True, 0.9, np.nan)
    suspect = Suspect(outcome, it, mark, Interval(*difference))
    search = Search({}, (suspect,), ROWS, {})
    assert suspect.certain == certain
    assert (refusal(search, {"attribute_it"}) is not None) == certain
    assert refusal(search, {"attribute_other"}) is None  # what is dated may have been known


def test_a_value_known_only_of_those_who_left_is_suspected_by_its_presence() -> None:
    def reason(rng: np.random.Generator, churned: np.ndarray) -> np.ndarray:
        given = rng.choice(["price", "quality", "moved"], ROWS)
        return np.where(churned & (rng.uniform(size=ROWS) < 0.9), given, None)

    search = found(reason)
    assert of_churn(search) == ["attribute_it"]
    suspect = search.suspects[0]
    assert suspect.by_presence
    # Nine in ten of who left are told apart, the tenth and all who stayed are tied: 1 - .1 / 2.
    assert suspect.power.presence == pytest.approx(0.95, abs=0.02)
    assert "whether it is known alone predicts churn" in suspect.sentence()


def test_a_date_that_moves_with_the_cut_off_is_suspected() -> None:
    # The day of the very last order, as an export of today has it: another day at each cut-off.
    spec = FeatureSpec(attributes=(Attribute("it", "firmographic", "number"),))
    frames = []
    for seed, cutoff in ((1, 500), (2, 530)):
        made = frame(seed)
        left = made.future_orders == 0
        made["attribute_it"] = np.where(left, cutoff - made.recency_days.abs(), cutoff + 10.0)
        frames.append(made)
    assert of_churn(compare(*frames, spec, SEED)) == ["attribute_it"]


def test_what_knows_as_much_as_behaviour_is_not_suspected(by_pairs: Callable[..., float]) -> None:
    def tastes(rng: np.random.Generator, churned: np.ndarray) -> np.ndarray:
        return np.where(rng.uniform(size=ROWS) < 0.5 + 0.2 * churned, "beer", "wine")

    search = found(tastes)
    assert search.suspects == ()
    assert search.customers == ROWS
    now = frame(2, tastes)
    left = (now.future_orders == 0).to_numpy(float)
    power = next(p for p in search.powers["churn"] if p.feature == "attribute_it")
    assert power.value == pytest.approx(by_pairs(left, (now.attribute_it == "beer").to_numpy(int)))
    assert not power.behaviour
    assert np.isnan(power.presence)  # it is known of all


def test_an_id_of_each_customer_predicts_nothing() -> None:
    search = found(lambda rng, churned: rng.permutation([f"id-{i:04}" for i in range(ROWS)]))
    power = next(p for p in search.powers["churn"] if p.feature == "attribute_it")
    assert power.value == pytest.approx(0.5, abs=0.06)
    assert search.suspects == ()


def test_behaviour_itself_is_never_suspected() -> None:
    then, now = frame(1), frame(2)
    for made in (then, now):
        made["orders_30d"] = made.future_orders
    search = compare(then, now, FeatureSpec(), SEED)
    assert search.powers["churn"][0].feature == "orders_30d"
    assert search.powers["churn"][0].value == 1.0
    assert search.suspects == ()


def test_where_too_few_left_nothing_is_judged() -> None:
    then, now = frame(1), frame(2)
    now = now.assign(future_orders=1, future_spend=1.0)
    now.loc[:8, "future_orders"] = 0
    search = compare(then, now, FeatureSpec(), SEED)
    assert search.skipped["churn"] == (
        "9 left and 991 stayed in the test window, 10 of each needed"
    )
    assert "churn" not in search.powers


def test_a_crowd_that_never_bought_leaves_the_buyers_to_be_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(suspects, "MOST_CUSTOMERS", 900)
    moments = pd.Timestamp("2024-06-01"), pd.Timestamp("2024-07-01")
    plan: Any = SimpleNamespace(
        calibration=SimpleNamespace(as_of=moments[0]), test=SimpleNamespace(as_of=moments[1])
    )
    past = []
    for seed, moment in enumerate(moments):
        bought = frame(seed).assign(orders=1, customer_id=[f"c{i}" for i in range(ROWS)])
        crowd = bought.iloc[np.arange(20 * ROWS) % ROWS].assign(
            orders=0, customer_id=[f"v{i}" for i in range(20 * ROWS)]
        )
        past.append(pd.concat([bought, crowd]).assign(as_of=moment))
    assert suspects.among(pd.concat(past), FeatureSpec(), plan, SEED).customers == 900


def test_of_two_attributes_of_nearly_one_name_the_undated_one_is_told() -> None:
    dated, constant = (Attribute(name, "demographic", "number") for name in ("Age", "age"))
    sources = (
        AttributesSource("crm", "crm.csv", "id", (dated,), valid_from="since"),
        AttributesSource("form", "form.csv", "id", (constant,)),
    )
    experiment: Any = SimpleNamespace(attributes=sources)
    spec = FeatureSpec(attributes=(dated, constant))
    assert suspects.undated(experiment, spec) == {"attribute_age_2"}
