import dataclasses
import itertools
import re

import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from features.errors import HistoryError
from training.windows import splits
from training.windows.splits import Splits, Window, plan

START = pd.Timestamp("2023-01-01")


def day(text: str) -> pd.Timestamp:
    return pd.Timestamp(text)


def after(days: float) -> pd.Timestamp:
    return START + pd.Timedelta(days=days)


# -------------------------------------------------------------------------------------- the ladder


def test_a_year_carries_three_windows_of_a_whole_month() -> None:
    made = plan(START, after(365), 30)
    assert (made.rung, made.window_days, made.history_days) == ("full", 30, 90)
    assert made.test == Window(day("2023-12-02"), day("2024-01-01"))
    assert made.calibration == Window(day("2023-11-02"), day("2023-12-02"))
    assert [w.as_of for w in made.train] == [
        *(day("2023-10-03") - pd.Timedelta(days=30 * i) for i in range(6, -1, -1))
    ]
    assert made.train[0].as_of >= after(90)
    assert made.final[-1] == made.test


def test_a_short_history_gets_shorter_windows() -> None:
    made = plan(START, after(100), 30)
    assert (made.rung, made.horizon_days, made.window_days) == ("short windows", 30, 25)
    assert made.history_days == 25
    assert made.test == Window(after(75), after(100))
    assert made.calibration == Window(after(50), after(75))
    assert made.train == (Window(after(25), after(50)),)


@pytest.mark.parametrize(
    ("customers", "cutoffs"), [(100, 12), (2_500, 12), (5_000, 6), (7_500, 4), (10**6, 4)]
)
def test_where_windows_are_few_few_customers_are_looked_at_more_often(
    customers: int, cutoffs: int
) -> None:
    made = plan(START, after(274), 90, customers=customers)
    assert (made.window_days, len(made.train)) == (71, 1)
    at = [w.as_of for w in made.final]
    assert len(at) == cutoffs
    assert {b - a for a, b in itertools.pairwise(at)} == {pd.Timedelta(days=143 // (cutoffs - 1))}
    assert (at[0] - after(60)).days < 143 // (cutoffs - 1)


def test_the_served_model_sees_as_dense_a_history_as_the_measured_one() -> None:
    # 90 days of history, then three windows for training, five for the final fit.
    made = plan(START, after(90 + 5 * 30), 30, customers=100)
    assert (made.window_days, len(made.train), len(made.final)) == (30, 9, 12)
    apart = {
        name: {(b.as_of - a.as_of).days for a, b in itertools.pairwise(windows)}
        for name, windows in (("train", made.train), ("final", made.final))
    }
    assert apart == {"train": {7}, "final": {10}}
    # Of many customers no window that fits is left out.
    assert len(plan(START, after(90 + 5 * 30), 30, customers=10**6).final) == 5


def test_where_windows_are_many_they_do_not_overlap() -> None:
    assert plan(START, after(365), 30, customers=100) == plan(START, after(365), 30)


def test_four_windows_are_enough_not_to_overlap() -> None:
    assert len(plan(START, after(90 + 6 * 30), 30, customers=100).train) == 4


def test_a_horizon_that_just_fits_is_predicted_whole() -> None:
    made = plan(START, after(34), 7)
    assert (made.rung, made.window_days, made.history_days) == ("full", 7, 8)


def test_a_horizon_longer_than_the_history_is_refused() -> None:
    with pytest.raises(HistoryError) as refusal:
        plan(START, after(40), 90)
    assert str(refusal.value) == (
        "The horizon must be shorter than the history. Seen: a horizon of 90 days and a "
        "history of 40 days (2023-01-01 to 2023-02-10). Remedy: set horizon_days to 8 or less, or "
        "bring a longer history"
    )


def test_windows_below_a_week_are_refused() -> None:
    with pytest.raises(HistoryError) as refusal:
        plan(START, after(25), 14)
    assert str(refusal.value) == (
        "Training, calibration and test need three windows of at least a week each after 6 days of "
        "history. Seen: a history of 25 days (2023-01-01 to 2023-01-26). Remedy: bring at least 27 "
        "days of orders"
    )


def test_the_remedy_of_a_refusal_helps() -> None:
    assert plan(START, after(40), 8).rung == "full"
    assert plan(START, after(28), 14).window_days == 7


@pytest.mark.parametrize(("days", "late"), [(1, 0), (12, 0), (20, 15)])
def test_where_no_horizon_would_do_days_are_asked_for(days: int, late: int) -> None:
    with pytest.raises(HistoryError) as refusal:
        plan(START, after(days), 90, late=late)
    found = re.search(r"bring at least (\d+) days of orders", str(refusal.value))
    assert found is not None
    plan(START, after(int(found[1])), max((days - late) // 5, 1), late=late)


@pytest.mark.parametrize("least", [0, 45])
@pytest.mark.parametrize("late", [0, 5, 40])
@pytest.mark.parametrize("horizon", [14, 25])
def test_so_many_days_as_a_refusal_asks_for_are_enough_and_one_less_is_not(
    horizon: int, late: int, least: int
) -> None:
    short = max(3 * late + least + 20, horizon + late + 1)
    with pytest.raises(HistoryError) as refusal:
        plan(START, after(short), horizon, least, late=late)
    found = re.search(r"bring at least (\d+) days of orders", str(refusal.value))
    assert found is not None
    needed = int(found[1])
    plan(START, after(needed), horizon, least, late=late)
    with pytest.raises(HistoryError):
        plan(START, after(needed - 1), horizon, least, late=late)


def test_the_history_before_the_first_cutoff_is_what_was_asked_for() -> None:
    made = plan(START, after(365), 30, min_history_days=200)
    assert made.train[0].as_of >= after(200)
    assert made.history_days == 200
    with pytest.raises(HistoryError, match=r"bring at least 421 days of orders"):
        plan(START, after(365), 30, min_history_days=400)


def test_cutoffs_stand_at_midnight_whenever_the_history_begins_and_ends() -> None:
    made = plan(day("2023-01-01 17:20"), day("2024-01-01 05:00"), 30)
    windows = [*made.train, made.calibration, made.test, *made.final]
    assert all(w.as_of == w.as_of.normalize() for w in windows)
    assert made.now == day("2024-01-01 05:00")


def test_an_as_of_long_after_the_last_order_is_refused() -> None:
    last = day("2023-12-31 17:20")
    assert splits.now_at(day("2024-01-01"), last, 30) == day("2024-01-01")
    assert splits.now_at(day("2024-01-08"), last, 30) == day("2024-01-08")
    assert splits.now_at(day("2024-01-15 20:00"), last, 60) == day("2024-01-15 20:00")
    with pytest.raises(HistoryError, match="as_of 2024-01-16, last order 2023-12-31"):
        splits.now_at(day("2024-01-16 20:00"), last, 60)  # 16 days, a quarter of 60 are 15
    with pytest.raises(HistoryError) as refusal:
        splits.now_at(day("2026-01-01"), last, 30)
    assert str(refusal.value) == (
        "as_of must not be long after the last order: everyone's silence since would count as "
        "leaving. Seen: as_of 2026-01-01, last order 2023-12-31. Remedy: bring the orders since, "
        "or set as_of to 2023-12-31 18:00"
    )


# -------------------------------------------------------------------------------- for every history


@given(
    span=st.integers(1, 1500), horizon=st.integers(1, 400), least=st.just(0) | st.integers(1, 400)
)
def test_no_window_reaches_into_a_later_one(span: int, horizon: int, least: int) -> None:
    try:
        made = plan(START, after(span), horizon, least)
    except HistoryError:
        assume(False)
    length = pd.Timedelta(days=made.window_days)
    assert max(w.end for w in made.train) <= made.calibration.as_of
    assert made.calibration.end <= made.test.as_of
    assert made.test.end <= made.now
    assert max(w.end for w in made.final) <= made.now
    assert all(
        w.end - w.as_of == length for w in (*made.train, made.calibration, made.test, *made.final)
    )


@given(
    span=st.integers(1, 1500), horizon=st.integers(1, 400), least=st.just(0) | st.integers(1, 400)
)
def test_windows_are_never_longer_than_the_horizon(span: int, horizon: int, least: int) -> None:
    try:
        made = plan(START, after(span), horizon, least)
    except HistoryError:
        assume(False)
    assert 1 <= made.window_days <= horizon
    assert (made.rung == "full") == (made.window_days == horizon)


@pytest.mark.parametrize("horizon", range(1, 31))
def test_where_one_day_more_changes_the_rung_nothing_breaks(horizon: int) -> None:
    for span in range(3 * horizon, 3 * horizon + 40):
        try:
            made = plan(START, after(span), horizon)
        except HistoryError:
            continue
        assert made.window_days <= horizon


@given(
    span=st.integers(1, 1500),
    horizon=st.integers(1, 400),
    least=st.just(0) | st.integers(1, 400),
    customers=st.integers(0, 10**6),
)
def test_cutoffs_are_distinct_in_order_and_after_the_history(
    span: int, horizon: int, least: int, customers: int
) -> None:
    try:
        made = plan(START, after(span), horizon, least, customers)
    except HistoryError:
        assume(False)
    for windows in (made.train, made.final):
        cutoffs = [w.as_of for w in windows]
        assert 1 <= len(cutoffs) <= splits.MANY_CUTOFFS
        assert cutoffs == sorted(set(cutoffs))
        assert cutoffs[0] >= after(made.history_days)
        apart = {(b - a).days for a, b in itertools.pairwise(cutoffs)}
        assert max(apart, default=0) <= made.window_days
    assert made.final[-1].as_of == made.test.as_of


# -------------------------------------------------------------------------- asserted, not hoped for


def good() -> Splits:
    return plan(START, after(365), 30)


def later(window: Window, days: int) -> Window:
    shift = pd.Timedelta(days=days)
    return Window(window.as_of + shift, window.end + shift)


def test_training_that_ends_after_the_calibration_cutoff_cannot_be_made() -> None:
    made = good()
    with pytest.raises(AssertionError, match=r"training ends 2023-11-03 .*, after calibration's"):
        dataclasses.replace(made, train=(*made.train[:-1], later(made.train[-1], 1)))


def test_calibration_that_ends_after_the_test_cutoff_cannot_be_made() -> None:
    made = good()
    with pytest.raises(AssertionError, match=r"calibration ends 2023-12-03 .*, after test's"):
        dataclasses.replace(made, calibration=later(made.calibration, 1))


def test_outcomes_that_are_not_known_yet_cannot_be_used() -> None:
    made = good()
    with pytest.raises(AssertionError, match=r"a window ends after now"):
        dataclasses.replace(made, now=made.now - pd.Timedelta(days=1))
    with pytest.raises(AssertionError, match=r"a window ends after now"):
        dataclasses.replace(made, final=(*made.final, later(made.final[-1], 1)))


def test_the_windows_are_said_in_words_and_as_plain_values() -> None:
    made = good()
    assert made.rows()[1:3] == [
        ("calibrate", "2023-11-02", "2023-11-02", "2023-12-02"),
        ("test", "2023-12-02", "2023-12-02", "2024-01-01"),
    ]
    plain = made.to_dict()
    assert plain["calibration"] == {"as_of": "2023-11-02T00:00:00", "end": "2023-12-02T00:00:00"}
    assert len(plain["train"]) == len(made.train)
