"""The level that is served: on its way to other forecasts of the same total."""

import dataclasses

import numpy as np
import pytest

from training.fitting.level import Structural, Trained, combined, reverted, settled, weight
from training.prediction import blend
from training.prediction.blend import EXPERTS, Calibration, Pool
from training.prediction.calibrated import Raw
from training.prediction.intervals import Bands
from training.windows.season import UNTOLD, Season
from training.windows.stretch import Stretch

POOL = Pool((0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.3), (20.0, 30.0, 30.0, 22.0, 24.0, 25.0, 40.0), 33.0)
STRUCTURAL = EXPERTS.index("structural")
BANDS = Bands(0.8, 0.1, 0.9, (2.0, 5.0, 12.0), ((0, 0.5, 2.5), (0, 0.8, 2.0), (0, 0.9, 1.7)))
LEARNED = Calibration(churn=(-0.3, 1.2), spend=POOL, orders=1.05)


def raw(rows: int = 2_000) -> Raw:
    rng = np.random.default_rng(7)
    logits, experts = rng.normal(0, 2, rows), rng.lognormal(3, 1, (rows, len(EXPERTS)))
    return Raw(logits, experts, rng.lognormal(0, 1, rows), np.zeros((rows, 2)), np.ones(rows, bool))


def trained(churned: float, spend: float = 1.0, orders: float = 1.0) -> Trained:
    """Rows of which the share `churned` ordered nothing, and which spent and ordered so many times
    what `LEARNED` says of them.
    """
    said, rows = raw(), 2_000
    bought = np.arange(rows) >= churned * rows
    worth = blend.spend(said.experts, 0.0, LEARNED)
    many = LEARNED.orders * said.boosted_orders.sum() * orders / bought.sum()
    return of_one_window(said, np.where(bought, many, 0.0), worth * spend)


def of_one_window(said: Raw, orders: np.ndarray, spend: np.ndarray) -> Trained:
    """Which tells nothing of how the level goes on: half of the way is gone."""
    seen, as_of = np.ones(len(orders)), np.full(len(orders), np.datetime64("2024-01-01", "us"))
    return Trained(said, orders, spend, seen, as_of, 30)


def of_windows(*spend: float) -> Trained:
    """Windows on end of whose customers half ordered, and which spent so many times what `LEARNED`
    says of them.
    """
    each = [trained(0.5, times) for times in spend]
    parts = ("orders", "spend", "exposure")
    orders, amounts, seen = (np.concatenate([getattr(w, part) for w in each]) for part in parts)
    rows = np.tile(np.arange(len(each[0].orders)), len(each))
    as_of = np.repeat(each[0].as_of[0] + 30 * np.arange(len(each)) * np.timedelta64(1, "D"), 2_000)
    return Trained(each[0].raw.of(rows), orders, amounts, seen, as_of, 30)


# -------------------------------------------------------------- on the way to all windows' level


def test_churn_is_half_way_from_the_last_window_to_all() -> None:
    """In logits: as far from the calibrated intercept as from the one that fits all rows."""
    rows = trained(0.8)
    first, slope = reverted(LEARNED, rows, True, True).churn
    whole = 2 * first - LEARNED.churn[0]
    assert slope == LEARNED.churn[1]
    assert blend.sigmoid(whole + slope * rows.raw.churn_logit).mean() == pytest.approx(0.8)


def test_where_all_windows_agree_nothing_moves() -> None:
    said = raw()
    share = float(blend.churn(said.churn_logit, LEARNED).mean())
    made = reverted(LEARNED, trained(round(share * 2_000) / 2_000), True, True)
    assert made.churn[0] == pytest.approx(LEARNED.churn[0], abs=0.001)
    assert made.spend.level == pytest.approx(LEARNED.spend.level)
    assert made.orders == pytest.approx(LEARNED.orders)


def test_spend_and_orders_go_half_way_in_logs() -> None:
    made = reverted(LEARNED, trained(0.5, spend=1.44, orders=2.25), True, True)
    assert made.spend.level == pytest.approx(1.2 * POOL.level)
    assert made.orders == pytest.approx(1.5 * LEARNED.orders)
    assert (made.spend.weights, made.spend.levels) == (POOL.weights, POOL.levels)


def test_what_drifts_stays_where_it_is_and_what_swings_comes_back() -> None:
    """Spend alone differs from window to window; all of them together came to 1.5 times as much."""
    drifts, swings = (0.5, 0.8, 1.3, 2.0, 2.9), (0.8, 2.3, 0.7, 2.2, 1.5)
    gone = [
        float(np.log(reverted(LEARNED, of_windows(*windows), True, True).spend.level / POOL.level))
        / np.log(np.mean(windows))
        for windows in (drifts, swings)
    ]
    assert gone[0] < 0.05
    assert gone[1] > 0.7


def test_each_level_moves_alone() -> None:
    rows = trained(0.8, spend=1.44, orders=2.25)
    churn, spend = reverted(LEARNED, rows, True, False), reverted(LEARNED, rows, False, True)
    assert churn.churn != LEARNED.churn
    assert dataclasses.replace(churn, churn=LEARNED.churn) == LEARNED
    assert spend.churn == LEARNED.churn
    assert spend.spend != LEARNED.spend


def test_windows_of_which_a_part_was_seen_count_for_that_part() -> None:
    """Of a third of the rows all was lost: what the others say is the level of all."""
    rows = trained(0.0, spend=1.44, orders=2.25)
    seen = np.where(np.arange(2_000) % 3 > 0, 1.0, 1e-9)
    part = dataclasses.replace(rows, exposure=seen, spend=rows.spend * seen)
    part = dataclasses.replace(part, orders=rows.orders * seen)
    made = reverted(LEARNED, part, False, True)
    known = seen == 1.0
    said = blend.spend(rows.raw.experts, blend.churn(rows.raw.churn_logit, LEARNED), LEARNED)
    assert made.spend.level == pytest.approx(
        POOL.level * (rows.spend[known].sum() / said[known].sum()) ** 0.5, rel=1e-3
    )
    boosted = LEARNED.orders * rows.raw.boosted_orders
    assert made.orders == pytest.approx(
        LEARNED.orders * (rows.orders[known].sum() / boosted[known].sum()) ** 0.5, rel=1e-3
    )


@pytest.mark.parametrize("churned", [0.0, 1.0])
def test_rows_of_one_outcome_say_nothing_of_churn(churned: float) -> None:
    said = raw()
    orders = np.full(2_000, 0.0 if churned else 1.0)
    rows = of_one_window(said, orders, orders)
    made = reverted(LEARNED, rows, True, True)
    assert made.churn == LEARNED.churn
    if churned:  # and nobody spent
        assert made == LEARNED


def test_lost_days_are_no_level_of_churn() -> None:
    """Customers of constant rates, of half of whose windows 60 % was lost."""
    rng = np.random.default_rng(7)
    rate, part = rng.gamma(1.0, 1.5, 50_000), np.repeat([1.0, 0.4], 25_000)
    ones, plain = np.ones(50_000), Calibration()
    logits = np.log(1 / np.expm1(rate))  # the logit of exp(-rate)
    said = Raw(logits, np.ones((50_000, len(EXPERTS))), ones, ones[:, None], ones == 1)
    rows = of_one_window(said, rng.poisson(rate * part).astype(float), ones)
    made = reverted(plain, dataclasses.replace(rows, exposure=part), True, False)
    assert made.churn[0] == pytest.approx(0.0, abs=0.02)


def test_a_score_worth_its_rate_alone_takes_the_rate_half_way() -> None:
    """Before a transfer, which may leave a slope of 1e-7, and after it."""
    moved = [
        reverted(dataclasses.replace(LEARNED, churn=(0.4, slope)), trained(0.8), True, True).churn[
            0
        ]
        for slope in (0.0, 1e-7)
    ]
    assert moved == pytest.approx([(0.4 + np.log(0.8 / 0.2)) / 2] * 2, abs=1e-5)


def test_the_level_is_that_of_what_is_served_with_its_bounds() -> None:
    """Nobody spends more than the chance of an order times the most: the rest bears the total."""
    rows = trained(0.5)
    bounded = dataclasses.replace(LEARNED, most_spend=60.0)
    said = blend.spend(rows.raw.experts, blend.churn(rows.raw.churn_logit, bounded), bounded)
    made = reverted(bounded, dataclasses.replace(rows, spend=said), False, True)
    assert made.spend.level == pytest.approx(POOL.level)
    moved = reverted(bounded, rows, True, False)  # who orders more often is bounded less
    assert reverted(bounded, rows, True, True) == reverted(moved, rows, False, True)


def test_one_slip_among_the_amounts_moves_nobody() -> None:
    rows = trained(0.5)
    slipped = rows.spend.copy()
    slipped[-1] = 1e9
    before, after = (
        reverted(LEARNED, dataclasses.replace(rows, spend=spend), True, True).spend.level
        for spend in (rows.spend, slipped)
    )
    assert after == pytest.approx(before, rel=0.02)


@pytest.mark.parametrize(
    ("season", "cutoffs", "churn", "spend"),
    [
        (UNTOLD, 3, True, True),
        (Season(Stretch(1.3, 1.4, 0.8), "", of_churn=True, of_spend=True), 3, False, False),
        (Season(Stretch(1.3, 1.4, 1.0), "", of_spend=True), 3, True, False),
        (Season(Stretch(), "no difference", of_churn=True, of_spend=True), 3, False, False),
    ],
)
def test_what_a_season_tells_is_told_against_the_last_window_alone(
    season: Season, cutoffs: int, churn: bool, spend: bool
) -> None:
    rows = trained(0.8, spend=1.44)
    made, _ = settled((LEARNED, BANDS), lambda: rows, raw(), season, cutoffs)
    assert made == reverted(LEARNED, rows, churn, spend)


def test_with_one_cutoff_spend_goes_half_way_to_the_structural_total() -> None:
    rows, said = trained(0.8, spend=1.44), raw()
    counted = Structural(0.4, 0.9)
    made, bands = settled((LEARNED, BANDS), lambda: rows, said, UNTOLD, 1, counted)
    assert made == combined(reverted(LEARNED, rows, True, False), said, 1, counted)
    assert bands == BANDS  # who age take their intervals along


def test_intervals_stay_as_the_window_made_them() -> None:
    rows, said = trained(0.5, spend=1.44), raw()
    made, bands = settled((LEARNED, BANDS), lambda: rows, said, UNTOLD, 3)
    churned = np.full(2_000, 0.3)
    before, after = (blend.spend(said.experts, 0.0, c) for c in (LEARNED, made))
    assert after == pytest.approx(1.2 * before)
    for old, new in zip(
        BANDS.interval(before, churned), bands.interval(after, churned), strict=True
    ):
        assert new == pytest.approx(old)


# --------------------------------------------------------------- half way to the structural total


def test_the_level_is_half_way_to_the_structural_total() -> None:
    said = raw()
    far = dataclasses.replace(LEARNED, spend_stretch=2.0)
    for c in (LEARNED, far):
        ours, structural = blend.spend(said.experts, 0.0, c), said.experts[:, STRUCTURAL]
        made = combined(c, said, 1)
        total = blend.spend(said.experts, 0.0, made).sum()
        assert total == pytest.approx(
            np.sqrt(ours.sum() * structural.sum() * c.spend_stretch), rel=1e-6
        )
        assert made.orders / c.orders == pytest.approx(total / ours.sum())


@pytest.mark.parametrize("part", [0.0, 0.2, 0.5])
def test_the_structural_total_counts_for_its_weight(part: float) -> None:
    said = raw()
    ours, theirs = blend.spend(said.experts, 0.0, LEARNED).sum(), said.experts[:, STRUCTURAL].sum()
    made = combined(LEARNED, said, 1, Structural(part))
    assert blend.spend(said.experts, 0.0, made).sum() == pytest.approx(
        ours ** (1 - part) * theirs**part
    )


def seen(rows: int, own: float, spread: float = 0.3) -> tuple[Raw, np.ndarray]:
    """Rows of which all experts but the structural say what came, but for some noise; that one
    with so much noise of its `own`.
    """
    rng = np.random.default_rng(3)
    spend = rng.lognormal(3, 1, rows) * (rng.random(rows) < 0.6)
    near = np.maximum(spend, 2.0)
    experts = near[:, None] * rng.lognormal(0, spread, (rows, len(EXPERTS)))
    experts[:, STRUCTURAL] = near**0.7 * rng.lognormal(0, own, rows) * 40.0
    logits = np.full(rows, -9.0)
    return Raw(logits, experts, np.ones(rows), np.zeros((rows, 2)), np.ones(rows, bool)), spend


def test_a_structural_model_that_tells_customers_apart_as_well_counts_half() -> None:
    said, spend = seen(2_000, 0.3)
    c = dataclasses.replace(LEARNED, spend=dataclasses.replace(POOL, level=1.0))
    assert weight(c, said, spend) == 0.5
    assert weight(c, said, spend * 1_000.0) == 0.5  # whatever the currency, or either's level


def test_one_that_tells_them_apart_badly_counts_for_less_or_for_nothing() -> None:
    weights = []
    for own in (0.3, 0.8, 0.9, 2.5):
        said, spend = seen(2_000, own)
        weights.append(weight(LEARNED, said, spend))
    assert weights[0] == 0.5
    assert weights == sorted(weights, reverse=True)
    assert 0.0 < weights[2] < weights[1] < 0.5
    assert weights[3] == 0.0


def test_one_that_tells_them_apart_counts_half_beside_a_learned_one_that_misleads() -> None:
    said, spend = seen(2_000, 0.6)
    experts = 1 / said.experts
    experts[:, STRUCTURAL] = said.experts[:, STRUCTURAL]
    assert weight(LEARNED, dataclasses.replace(said, experts=experts), spend) == 0.5


def test_a_structural_model_that_explains_nothing_counts_for_nothing() -> None:
    """Whatever the learned one explains: of shuffled customers neither does."""
    said, spend = seen(2_000, 0.3)
    assert weight(LEARNED, said, np.random.default_rng(0).permutation(spend)) == 0.0


def test_where_nothing_can_be_told_apart_both_count_the_same() -> None:
    said, spend = seen(2_000, 0.3)
    for same in (0.0, 9.99):
        assert weight(LEARNED, said, np.full(2_000, same)) == 0.5
    assert weight(LEARNED, said.of(np.arange(1)), spend[:1]) == 0.5
    nothing = dataclasses.replace(said, experts=np.zeros_like(said.experts))
    assert weight(LEARNED, nothing, spend) == 0.5
    unknown = said.experts.copy()
    unknown[:, STRUCTURAL] = np.nan
    assert weight(LEARNED, dataclasses.replace(said, experts=unknown), spend) == 0.5


def test_customers_who_leave_within_the_window_are_not_counted_on() -> None:
    said = raw()
    ours = blend.spend(said.experts, 0.0, LEARNED).sum()
    theirs = said.experts[:, STRUCTURAL].sum()
    for lasting, counted in ((1.0, 1.0), (0.95, 1.0), (0.5, 0.55)):
        made = combined(LEARNED, said, 1, Structural(lasting=lasting))
        total = blend.spend(said.experts, 0.0, made).sum()
        assert total == pytest.approx(np.sqrt(ours * counted * theirs), rel=1e-6)


def test_the_structural_total_is_of_those_it_knows() -> None:
    said = raw()
    half = len(said.experts) // 2
    unknown = said.experts.copy()
    unknown[half:, STRUCTURAL - 1 :] = np.nan
    made = combined(LEARNED, dataclasses.replace(said, experts=unknown), 1)
    ours = blend.spend(unknown[:half], 0.0, LEARNED).sum()
    assert blend.spend(unknown[:half], 0.0, made).sum() == pytest.approx(
        np.sqrt(ours * unknown[:half, STRUCTURAL].sum())
    )


def test_a_structural_total_far_away_counts_as_thrice_or_a_third() -> None:
    said = raw()
    for times, towards in ((1e3, 3.0), (1e-3, 1 / 3), (0.0, 1.0)):
        experts = said.experts.copy()
        experts[:, STRUCTURAL] *= times
        made = combined(LEARNED, dataclasses.replace(said, experts=experts), 1)
        assert made.orders == pytest.approx(LEARNED.orders * towards**0.5)


def test_one_customer_beyond_all_others_is_no_forecast() -> None:
    said = raw()
    slipped = said.experts.copy()
    slipped[0, STRUCTURAL] = 1e9
    before, after = (
        combined(LEARNED, dataclasses.replace(said, experts=experts), 1).spend.level
        for experts in (said.experts, slipped)
    )
    assert after == pytest.approx(before, rel=0.01)


def test_without_structural_models_the_level_stays() -> None:
    said = raw()
    unknown = said.experts.copy()
    unknown[:, STRUCTURAL - 1 :] = np.nan
    assert combined(LEARNED, dataclasses.replace(said, experts=unknown), 1) == LEARNED


def test_a_model_that_saw_customers_age_keeps_its_level() -> None:
    assert combined(LEARNED, raw(), 2) == LEARNED
