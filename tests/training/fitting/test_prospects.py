"""Customers without an order have a level of their own, and take nobody else's."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from training.cards.prospect_card import prospect_section
from training.cards.report_card import OURS
from training.fitting import fit, level, prospects
from training.fitting.prospects import calibrate, stretched, transferred
from training.prediction import blend
from training.prediction.blend import EXPERTS
from training.prediction.calibrated import Calibrated, Raw
from training.rivals import first_order_rules
from training.windows.season import UNTOLD
from training.windows.stretch import Stretch

BUYERS, VISITORS = 1_500, 6_000


def window(come: float, spend: float = 30.0, visitors: int = VISITORS) -> tuple[Raw, pd.DataFrame]:
    """Raw outputs that are right of buyers, and of visitors `come` and `spend` times off: a share
    of about `come` * 4 % of them order, at `spend` an order.
    """
    rng = np.random.default_rng(7)
    n = BUYERS + visitors
    ordered = np.arange(n) < BUYERS
    rate = np.where(ordered, rng.gamma(1.0, 0.8, n), rng.gamma(0.5, 0.08, n))
    orders = rng.poisson(rate * np.where(ordered, 1.0, come))
    worth = np.where(ordered, 20.0, spend) * rng.lognormal(0.0, 0.3, n)
    experts = np.repeat((rate * 20.0)[:, None], len(EXPERTS), axis=1)
    experts[~ordered, EXPERTS.index("structural")] = np.nan
    raw = Raw(np.log(1 / np.expm1(rate)), experts, rate, np.zeros((n, 2)), ordered)
    return raw, pd.DataFrame({
        "orders": np.where(ordered, 3, 0), "future_orders": orders,
        "future_spend": orders * worth, "exposure": 1.0,
        "events": rng.integers(0, 9, n), "events_recency": np.where(rate < 0.01, np.nan, 1 / rate),
    })  # fmt: skip


def expected(raw: Raw, c: blend.Calibration) -> tuple[float, float, float]:
    """Customers with an order, orders and spend, summed."""
    gone = blend.churn(raw.churn_logit, c)
    return (
        float((1 - gone).sum()),
        float(blend.orders(raw.boosted_orders, gone, c).sum()),
        float(blend.spend(raw.experts, gone, c).sum()),
    )


def came(frame: pd.DataFrame) -> tuple[float, float, float]:
    return (
        float((frame.future_orders > 0).sum()),
        float(frame.future_orders.sum()),
        float(frame.future_spend.sum()),
    )


def test_buyers_are_calibrated_as_if_nobody_else_were_there() -> None:
    raw, frame = window(come=5.0, spend=90.0)
    known = raw.ordered
    alone = fit.calibrate(raw.of(known), frame[known], 0.8)
    assert calibrate(raw, frame, 0.8).ordered == alone
    assert fit.calibrate(raw, frame, 0.8) != alone


@pytest.mark.parametrize("come", [0.5, 1.0, 2.5])
def test_of_many_first_orders_a_calibration_is_learned(come: float) -> None:
    raw, frame = window(come, spend=90.0)
    first = ~raw.ordered
    found = calibrate(raw, frame, 0.8).prospects
    assert found is not None
    assert expected(raw.of(first), found[0]) == pytest.approx(came(frame[first]), rel=0.05)
    assert found[1] != calibrate(raw, frame, 0.8).ordered[1]


@pytest.mark.parametrize("come", [0.0, 0.02, 0.15])
def test_of_few_first_orders_only_the_level(come: float) -> None:
    raw, frame = window(come, spend=90.0)
    first = ~raw.ordered
    real = came(frame[first])
    assert real[0] < prospects.LEAST_FIRST_ORDERS
    made = calibrate(raw, frame, 0.8)
    assert made.prospects is not None
    learned, bands = made.prospects
    assert bands == made.ordered[1]
    assert learned.churn[1] == made.ordered[0].churn[1]
    assert learned.spend.weights == made.ordered[0].spend.weights
    before, after = (expected(raw.of(first), c) for c in (made.ordered[0], learned))
    assert before[0] > 150
    returned = frame[raw.ordered & (frame.future_orders > 0)]
    assert after[0] == pytest.approx(real[0] + 1, rel=0.02)
    # never fewer than the customers, which is what the others' rates were lifted to
    assert after[1] == pytest.approx(real[1] + returned.future_orders.mean(), rel=0.22)
    assert after[2] == pytest.approx(real[2] + returned.future_spend.mean(), rel=0.02)


def test_of_whom_less_than_an_order_was_expected_no_more_than_that_is_added() -> None:
    raw, frame = window(come=0.0)
    first, all_but_gone = ~raw.ordered, raw.ordered & (np.arange(len(frame)) != 0)
    frame.loc[all_but_gone, ["future_orders", "future_spend"]] = 0
    frame.loc[0, ["future_orders", "future_spend"]] = [1, 20.0]
    frame.loc[np.flatnonzero(first)[:20], ["future_orders", "future_spend"]] = [1, 30.0]
    made = calibrate(raw, frame, 0.8)
    assert made.prospects is not None
    before, after = (expected(raw.of(first), c) for c in (made.ordered[0], made.prospects[0]))
    assert before[0] < 1
    assert after[0] == pytest.approx(20 + before[0], rel=0.02)
    assert after[2] == pytest.approx(20 * 30.0, rel=0.4)


def test_where_no_buyer_returned_either_one_order_is_added() -> None:
    raw, frame = window(come=0.15)
    frame.loc[raw.ordered, ["future_orders", "future_spend"]] = 0
    made = calibrate(raw, frame, 0.8)
    assert made.prospects is not None
    real = came(frame[~raw.ordered])
    assert expected(raw.of(~raw.ordered), made.prospects[0])[0] == pytest.approx(
        real[0] + 1, rel=0.02
    )


@pytest.mark.parametrize("come", [0.0, 0.15])
def test_a_part_of_a_window_is_carried_on_to_all_of_it(come: float) -> None:
    raw, frame = window(come)
    first = ~raw.ordered
    whole, part = (calibrate(raw, frame.assign(exposure=seen), 0.8) for seen in (1.0, 0.4))
    sums = [expected(raw.of(first), c.prospects[0]) for c in (whole, part) if c.prospects]
    # what came and one more, of 40 % of a window
    assert sums[1][0] / sums[0][0] == pytest.approx(2.5, rel=0.02)
    assert sums[1][1] / sums[0][1] == pytest.approx(2.5, rel=0.25)


def test_fewer_than_a_hundred_have_the_calibration_of_the_others() -> None:
    raw, frame = window(come=5.0, visitors=99)
    made = calibrate(raw, frame, 0.8)
    assert made.prospects is None
    assert made.of_prospects == made.ordered
    raw, frame = window(come=5.0, visitors=100)
    assert calibrate(raw, frame, 0.8).prospects is not None


def test_each_is_carried_over_by_its_own_customers() -> None:
    raw, frame = window(come=5.0)
    made = calibrate(raw, frame, 0.8)
    assert made.prospects is not None
    louder = np.where(raw.ordered, 1.0, 3.0)
    pupil = dataclasses.replace(
        raw, experts=raw.experts * louder[:, None], boosted_orders=raw.boosted_orders * louder
    )
    moved = transferred(made, raw, pupil)
    assert moved.prospects is not None
    assert moved.ordered[0].orders == made.ordered[0].orders
    assert (moved.ordered[1], moved.prospects[1]) == (made.ordered[1], made.prospects[1])
    assert moved.prospects[0].orders == pytest.approx(made.prospects[0].orders / 3)
    before, after = (
        expected(r.of(~raw.ordered), c)
        for r, c in ((raw, made.prospects[0]), (pupil, moved.prospects[0]))
    )
    assert after == pytest.approx(before, rel=0.01)


def test_no_level_is_carried_over_by_a_handful() -> None:
    raw, frame = window(come=5.0)
    some = raw.of(np.arange(BUYERS + 99))
    made = calibrate(raw, frame, 0.8)
    assert transferred(made, some, some).prospects == made.prospects


def test_each_is_stretched() -> None:
    raw, frame = window(come=5.0)
    made = stretched(calibrate(raw, frame, 0.8), Stretch(2.0, 3.0, 0.5))
    assert made.prospects is not None
    for c, _ in (made.ordered, made.prospects):
        assert (c.orders_stretch, c.spend_stretch, c.churn_power) == (2.0, 3.0, 0.5)
    assert stretched(Calibrated(made.ordered, None), Stretch()).prospects is None


class Says:
    """A bundle that says `raw` of the rows of a frame that are in its index."""

    def __init__(self, raw: Raw) -> None:
        self.all = raw

    def raw(self, columns: dict[str, np.ndarray]) -> Raw:
        return self.all.of(columns["row"].astype(int))


def training(come: float, waiting: int = VISITORS) -> pd.DataFrame:
    """Rows trained on: of buyers half as many ordered, of so many `waiting` visitors `come` times
    as many, as their rates say; `row` is their place in the raw outputs.
    """
    frame = window(come)[1].assign(row=np.arange(BUYERS + VISITORS), as_of=pd.Timestamp(0))
    frame.loc[frame.row[:BUYERS][::2], ["future_orders", "future_spend"]] = 0
    return frame.head(BUYERS + waiting)


def settle(
    come: float, rows: pd.DataFrame, cutoffs: int = 2
) -> tuple[Calibrated, Calibrated, Raw, Says]:
    """Before and after, with what was said."""
    raw, frame = window(come)
    made, bare = calibrate(raw, frame, 0.8), Says(raw)
    after = prospects.settled(
        made, bare, rows, raw.of(raw.ordered), UNTOLD, cutoffs, level.Structural(), 30
    )  # type: ignore[arg-type]
    return made, after, raw, bare


def test_the_level_goes_back_to_that_of_all_windows_each_to_its_own() -> None:
    rows = training(0.5)
    made, after, raw, bare = settle(2.0, rows)
    for group, then, now in (
        (raw.ordered, made.ordered, after.ordered),
        (~raw.ordered, made.of_prospects, after.of_prospects),
    ):
        some = raw.of(group)
        trained = (rows.future_orders[group] == 0).mean()
        before, found = (blend.churn(some.churn_logit, c).mean() for c in (then[0], now[0]))
        assert before + 0.01 < found < trained
        alone = level.settled(then, lambda g=group: fit.trained(bare, rows[g], 30), some, UNTOLD, 2)  # type: ignore[arg-type]
        assert now == alone


@pytest.mark.parametrize(
    ("waiting", "trained"), [(0, 1.0), (99, 25.0), (3_000, 0.02), (3_000, 0.05)]
)
def test_a_handful_in_training_moves_no_level(waiting: int, trained: float) -> None:
    made, after, *_ = settle(2.0, training(trained, waiting))
    assert after.prospects == made.prospects
    assert after.ordered != made.ordered


def test_no_structural_total_moves_those_whom_no_structural_model_knows() -> None:
    made, after, *_ = settle(2.0, training(0.5), cutoffs=1)
    assert after.of_prospects[0].spend == made.of_prospects[0].spend
    assert after.ordered[0].spend != made.ordered[0].spend


# ------------------------------------------------------------------------------ the report card


def visitors(seed: int, n: int = 4_000) -> tuple[pd.DataFrame, np.ndarray]:
    """Visitors with outcomes, and the true chance of a first order."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(0.3, 6.0, n)
    orders = (rng.random(n) < chance) * rng.integers(1, 3, n)
    frame = pd.DataFrame({
        "orders": 0, "future_orders": orders, "future_spend": orders * 25.0,
        "events": rng.poisson(2.0, n),
        "events_recency": np.where(rng.random(n) < 0.1, np.nan, rng.gamma(2.0, 20.0, n)),
    })  # fmt: skip
    return frame, chance


def said(chance: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({
        "churn_probability": 1 - chance, "expected_orders": chance * 1.5,
        "expected_spend": chance * 37.5,
    })  # fmt: skip


def test_the_card_measures_first_orders_beside_what_anybody_would_guess() -> None:
    before, (test, chance) = visitors(1)[0], visitors(2)
    made = prospect_section(before, test, said(chance), 60, "EUR", 7)
    assert made is not None
    assert list(made.rows) == [OURS, "the last window's share", "last event", "events"]
    assert made.rows[OURS]["AUC"] > 0.75
    assert made.rows["the last window's share"]["AUC"] == pytest.approx(0.5, abs=0.02)
    assert {c.mark for c in made.comparisons if c.measure == "AUC"} == {"▲"}
    first = (test.future_orders > 0).sum()
    assert made.notes == (
        f"4,000 customers without an order before the cut-off, of whom {first:,} ordered in 60 "
        f"days; {chance.sum():,.1f} were expected to.",
        f"Orders: realised {test.future_orders.sum():,}, expected {chance.sum() * 1.5:,.1f}. "
        f"Spend: realised {test.future_spend.sum():,.0f}, expected {chance.sum() * 37.5:,.0f} EUR. "
        "No other section counts them.",
    )


def test_a_chance_that_ranks_nobody_is_said_to_rank_nobody() -> None:
    before, (test, chance) = visitors(1)[0], visitors(2)
    shuffled = np.random.default_rng(3).permutation(chance)
    made = prospect_section(before, test, said(shuffled), 60, "EUR", 7)
    assert made is not None
    assert "First orders" in made.cautions[0]


@pytest.mark.parametrize("came", [0, 9])
def test_where_hardly_anybody_came_nothing_is_ranked(came: int) -> None:
    before, (test, chance) = visitors(1)[0], visitors(2)
    test.loc[test.index[test.future_orders > 0][came:], ["future_orders", "future_spend"]] = 0
    assert (test.future_orders > 0).sum() == came
    made = prospect_section(before, test, said(chance), 60, "EUR", 7)
    assert made is not None
    assert list(made.rows[OURS]) == ["Brier"]
    assert made.comparisons == ()


def test_fewer_than_a_hundred_are_not_measured() -> None:
    (before, _), (test, chance) = visitors(1), visitors(2)
    assert prospect_section(before.head(99), test, said(chance), 60, "EUR", 7) is None
    few = prospect_section(before, test.head(99), said(chance[:99]), 60, "EUR", 7)
    assert few is None


def test_rules_of_events_rank_by_them_and_whom_nothing_is_known_of_comes_last() -> None:
    before, test = visitors(1)[0], visitors(2)[0]
    share, last, often = first_order_rules(before, test)
    assert set(share.prediction) == {(before.future_orders > 0).mean()}
    unknown = test.events_recency.isna().to_numpy()
    assert last.score[unknown].max() < last.score[~unknown].min()
    assert np.array_equal(often.score, test.events.to_numpy(float))
    for rule in (last, often):  # isotonic: the more, the likelier
        assert (np.diff(rule.prediction[np.argsort(rule.score)]) >= 0).all()
    bare = ["future_orders"]
    assert [r.name for r in first_order_rules(before[bare], test[bare])] == [share.name]
