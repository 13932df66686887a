"""Enough for each model: the figure, and the figure that is needed."""

import numpy as np
import pandas as pd
import pytest

from training.checks.readiness import INSUFFICIENT, LIMITED, READY, Readiness, judge, wanting
from training.windows import splits
from training.windows.splits import Splits, Window

PLAN = splits.plan(pd.Timestamp("2022-01-01"), pd.Timestamp("2024-07-01"), 90)


def past(customers: int = 600, left: int = 200, plan: Splits = PLAN) -> pd.DataFrame:
    """At every cut-off the same customers; `left` of them order no more, the others for 10."""
    rng = np.random.default_rng(7)
    frames = []
    for window in (*plan.train, plan.calibration, plan.test):
        frequency = rng.integers(0, 6, customers)
        age = rng.uniform(60, 300, customers)
        stays = np.arange(customers) >= left
        frames.append(
            pd.DataFrame({
                "customer_id": [f"c{i}" for i in range(customers)], "as_of": window.as_of,
                "orders": frequency + 1, "frequency": frequency, "T_days": age,
                "recency_days": np.where(frequency > 0, age * rng.uniform(0, 1, customers), age),
                "spend": (frequency + 1) * rng.gamma(6, 5, customers),
                "future_orders": stays.astype(int), "future_spend": stays * 10.0,
            })
        )  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def answer(model: str, rows: pd.DataFrame, plan: Splits = PLAN) -> Readiness:
    return next(a for a in judge(plan, rows) if a.model.startswith(model))


def test_enough_of_everything_is_ready() -> None:
    rows = past()
    rows["T_days"] += 365.0
    rows["recency_days"] += 365.0
    assert {a.status for a in judge(PLAN, rows) if a.model != "structural models"} == {READY}
    assert all(a.remedy == "" for a in judge(PLAN, rows) if a.status == READY)
    assert answer("churn", rows).seen == "200 left and 400 stayed in the test window"


@pytest.mark.parametrize(
    ("customers", "status", "seen"),
    [
        (500, READY, "500 customers with an order at the last training cut-off"),
        (499, LIMITED, "499 customers with an order at the last training cut-off, 500 needed "
                       "for 20 in a segment of 4 %"),
        (100, LIMITED, "100 customers with an order at the last training cut-off, 500 needed "
                       "for 20 in a segment of 4 %"),
        (99, INSUFFICIENT, "99 customers with an order at the last training cut-off, 100 needed"),
    ],
)  # fmt: skip
def test_segments_need_customers(customers: int, status: str, seen: str) -> None:
    found = answer("segments", past(customers, 20))
    assert (found.status, found.seen) == (status, seen)


@pytest.mark.parametrize(
    ("left", "status", "seen"),
    [
        (100, READY, "100 left and 500 stayed in the test window"),
        (99, LIMITED, "99 left and 501 stayed in the test window, 100 of each to measure an AUC "
                      "within .07"),
        (591, INSUFFICIENT, "591 left and 9 stayed in the test window, 10 of each needed"),
    ],
)  # fmt: skip
def test_churn_needs_both_outcomes(left: int, status: str, seen: str) -> None:
    rows = past(left=left)
    if status == INSUFFICIENT:  # the training windows together have enough
        assert (rows.future_orders[rows.as_of < PLAN.calibration.as_of] > 0).sum() >= 10
    found = answer("churn", rows)
    assert (found.status, found.seen) == (status, seen)


@pytest.mark.parametrize(("left", "status"), [(10, READY), (9, LIMITED), (0, INSUFFICIENT)])
def test_calibration_falls_back_to_the_base_rate_alone(left: int, status: str) -> None:
    found = answer("calibration", past(left=left))
    assert found.status == status
    assert found.seen.endswith("only the base rate is calibrated") == (status == LIMITED)


@pytest.mark.parametrize(
    ("customers", "left", "sentence"),
    [
        (600, 300, "ready for CLV intervals: 5 bands of value from 300 who spent in the "
                   "calibration window"),
        (600, 301, "limited for CLV intervals: 4 bands of value from 299 who spent in the "
                   "calibration window, 300 needed for all 5"),
        (600, 490, "limited for CLV intervals: 1 band of value from 110 who spent in the "
                   "calibration window, 300 needed for all 5"),
        (600, 541, "insufficient for CLV intervals: 59 customers spent in the calibration window, "
                   "60 needed"),
    ],
)  # fmt: skip
def test_intervals_need_customers_who_spend(customers: int, left: int, sentence: str) -> None:
    assert answer("CLV intervals", past(customers, left)).sentence() == sentence


@pytest.mark.parametrize(("left", "status"), [(500, READY), (501, LIMITED), (600, INSUFFICIENT)])
def test_value_needs_a_hundred_who_spend(left: int, status: str) -> None:
    assert next(a for a in judge(PLAN, past(left=left)) if a.model == "CLV").status == status


def test_structural_models_need_customers_who_came_back() -> None:
    rows = past()
    rows["frequency"] = np.where(rows.customer_id.isin([f"c{i}" for i in range(9)]), 1, 0)
    found = answer("structural", rows)
    assert found.status == INSUFFICIENT
    assert found.seen == (
        "9 repeat buyers at the first training cut-off, 10 needed; the learned models go without "
        "this input, and are drawn towards means of RFM cells where events are few; the columns of "
        "the next order, survival and value stay empty"
    )


def test_a_fit_that_is_refused_says_why() -> None:
    found = answer("structural", past())
    assert found.status == LIMITED
    assert found.seen == (
        "MBG/NBD is used only where its likelihood has a maximum, but at "
        f"{PLAN.train[0].as_of:%Y-%m-%d}: it still grows with b towards infinity; a weak prior of "
        "the parameters stands in"
    )


@pytest.mark.parametrize("window", [PLAN.train[0], PLAN.test])
def test_equal_amounts_leave_the_orders_their_model(window: Window) -> None:
    rows = past()  # whose orders need a weak prior, which equal amounts are refused under as well
    rows.loc[rows.as_of == window.as_of, "spend"] = rows.orders * 10.0
    found = answer("structural", rows)
    assert found.status == LIMITED
    assert found.seen == (
        "Gamma-Gamma needs amounts that differ from customer to customer, but at "
        f"{window.as_of:%Y-%m-%d}: every customer spends 10 an order; MBG/NBD stands alone, each "
        "order taken to bring the mean of all"
    )
    assert found.remedy == (
        "if orders do not all cost the same, see which column is named as what was paid"
    )


def test_a_fit_that_a_weak_prior_does_not_help_leaves_columns_empty() -> None:
    rows = past()
    rows["frequency"] += 1e6  # orders in at most 300 days
    rows["recency_days"] = rows.recency_days.clip(upper=50)
    found = answer("structural", rows)
    assert found.status == INSUFFICIENT
    assert ": it still grows with alpha towards 0, b towards infinity; " in found.seen
    assert found.seen.endswith("the columns of the next order, survival and value stay empty")


def test_less_than_a_year_more_cannot_tell_a_season() -> None:
    short = splits.plan(pd.Timestamp("2023-01-01"), pd.Timestamp("2024-01-01"), 60)
    found = answer("seasonality", past(plan=short), short)
    assert found.sentence() == (
        "limited for seasonality: a history from 2023-01-01 does not hold the season ahead, and "
        "the one calibrated on, a year before 2024-01-01: no season is corrected for"
    )
    # A year, the window calibrated on (60) and the history before it (90): 515 days, of which 365.
    assert found.remedy == "bring 150 days more, from before"


@pytest.mark.parametrize(("start", "status"), [("2022-08-04", READY), ("2022-08-05", LIMITED)])
def test_a_season_is_known_however_many_cut_offs_train(start: str, status: str) -> None:
    # 2024-01-01 less a year, 60 days of calibration and 90 of history is 2022-08-04.
    long = splits.plan(pd.Timestamp(start), pd.Timestamp("2024-01-01"), 60)
    old = past(plan=long).assign(T_days=365.0)
    assert answer("seasonality", old, long).status == status


def test_a_year_ahead_of_windows_of_some_months_cannot_tell_a_season() -> None:
    def found(start: str) -> Readiness:
        long = splits.plan(pd.Timestamp(start), pd.Timestamp("2024-01-01"), 365)
        return answer("seasonality", past(plan=long), long)

    short = found("2021-11-01")  # 791 days: 60 of history, three windows of 243
    assert short.sentence() == (
        "limited for seasonality: a horizon of 365 days holds every season, windows of 243 days "
        "hold some more than others: no season is corrected for"
    )
    # three years and 30 days before them: 1,125 days, of which 791 are there
    assert short.remedy == "bring 334 days more, from before, or set horizon_days below 365"
    assert found("2020-11-02").sentence() == (
        "ready for seasonality: windows of 365 days hold every season"
    )


@pytest.mark.parametrize("late", [0, 7])
@pytest.mark.parametrize("least", [0, 120])
@pytest.mark.parametrize(("horizon", "days"), [(30, 190), (181, 200), (365, 790), (400, 790)])
@pytest.mark.slow
def test_the_days_that_a_season_wants_are_enough_and_no_more(
    horizon: int, days: int, least: int, late: int
) -> None:
    now = pd.Timestamp("2024-01-01")

    def found(days: int) -> Readiness:
        long = splits.plan(now - pd.Timedelta(days=days), now, horizon, least, late=late)
        return answer("seasonality", past(plan=long).assign(T_days=365.0), long)

    more = int(found(days).remedy.split()[1])  # longer windows, and more of a history before them
    assert found(days + more).status == READY
    assert found(days + more - 1).status == LIMITED


def test_a_season_is_told_by_customers_of_a_year_before() -> None:
    rows = past(customers=500, left=100)
    of_calibration = rows.index[rows.as_of == PLAN.calibration.as_of]
    for known, status in ((100, READY), (99, LIMITED)):
        rows["T_days"] = 300.0
        rows.loc[of_calibration[:known], "T_days"] = 365.0
        found = answer("seasonality", rows)
        assert found.status == status
    assert found.seen == (
        "99 customers had ordered a year before the calibration's cut-off, 100 needed to tell a "
        "season: none is corrected for"
    )


def test_a_horizon_that_does_not_fit_is_stretched_to() -> None:
    short = splits.plan(pd.Timestamp("2023-01-01"), pd.Timestamp("2023-10-01"), 181)
    found = answer("a horizon", past(plan=short), short)
    assert (found.status, found.model) == (LIMITED, "a horizon of 181 days")
    # (273 - 60) / 3 = 71 days of window after 60 days of history.
    assert found.seen == (
        "a history of 273 days has room for windows of 71 days; what is predicted over them is "
        "stretched to the horizon"
    )
    assert found.remedy == "bring a history of 603 days, or set horizon_days to 71"


@pytest.mark.parametrize(
    ("spent", "status", "seen"),
    [
        (60, READY, "60 of 800 without an order spent in the calibration window"),
        (59, LIMITED, "59 of 800 without an order spent in the calibration window, 60 needed: "
                      "those without an order have the calibration of the others, at a level of "
                      "their own"),
    ],
)  # fmt: skip
def test_first_orders_need_customers_who_make_one(spent: int, status: str, seen: str) -> None:
    rows, waiting = past(), past(800, 800 - spent)
    waiting[["orders", "frequency"]] = 0
    found = answer("first orders", pd.concat([rows, waiting]))
    assert (found.status, found.seen) == (status, seen)


def test_segments_are_of_customers_with_an_order_at_the_last_training_cut_off() -> None:
    rows, waiting = past(), past(800)
    waiting[["orders", "frequency"]] = 0
    rows = rows[(rows.as_of == PLAN.train[-1].as_of) | (rows.customer_id < "c3")]
    found = answer("segments", pd.concat([rows, waiting]))
    assert found.seen == "600 customers with an order at the last training cut-off"


def test_what_is_insufficient_is_wanting_first_and_what_only_a_report_lacks_is_not() -> None:
    ready, limited = Readiness("CLV", READY, ""), Readiness("segments", LIMITED, "")
    least, said = Readiness("churn", INSUFFICIENT, ""), Readiness("seasonality", LIMITED, "")
    assert wanting((ready, limited, said, least)) == [least, limited]


def test_a_handful_without_an_order_is_no_matter() -> None:
    waiting = past(99, 99)
    waiting[["orders", "frequency"]] = 0
    names = {a.model for a in judge(PLAN, pd.concat([past(), waiting]))}
    assert "first orders" not in names
