"""What a run says of itself at the head of its report card."""

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from training import heading
from training.cards.report_card import Section
from training.checks.readiness import INSUFFICIENT, LIMITED, READY, Readiness
from training.windows import exposure, season
from training.windows.splits import Window
from training.windows.stretch import Stretch

T = pd.Timestamp
MAY, JUNE, JULY = (
    Window(T(f"2024-0{m}-01"), T(f"2024-0{m}-01") + pd.Timedelta(days=30)) for m in (5, 6, 7)
)
SPENT = {False: [0.0, 10.0, 12.0], True: [0.0, 10.0, 12.0, 1e9]}
DAYS = pd.Series(40.0, pd.date_range("2024-01-01", "2024-08-01"))
ALL_SEEN = exposure.Exposure(DAYS)


def test_what_could_not_be_told_stands_at_the_head_of_the_card() -> None:
    said = "Churn is told no better than by chance."
    evaluated: Any = SimpleNamespace(
        sections=(Section("Churn", {}, cautions=(said,)), Section("Spend", {})),
        bundle=SimpleNamespace(shrinkage=SimpleNamespace(rung="learned models")),
        study=None, cutoffs=3,
    )  # fmt: skip
    experiment: Any = SimpleNamespace(name="shop", note="", currency="EUR")
    plan: Any = SimpleNamespace(
        horizon_days=30, window_days=30, rung="full", rows=list, train=(MAY,), calibration=JUNE,
        test=JULY, now=T("2024-08-01 12:00"),
    )  # fmt: skip
    none = season.Season(Stretch(), "no season")
    found: Any = SimpleNamespace(suspects=())
    answers = (
        Readiness("churn", READY, "enough"), Readiness("CLV", LIMITED, "70 spent, 100 needed"),
        Readiness("CLV intervals", INSUFFICIENT, "9 spent, 60 needed"),
        Readiness("measuring stability", INSUFFICIENT, "no cut-off"),
    )  # fmt: skip
    shots: Any = SimpleNamespace(
        at=lambda windows: pd.DataFrame({"future_spend": SPENT[windows == (JULY,)]}), drawn=False,
        now=pd.DataFrame({"spend": [float("nan"), *SPENT[True], 2e9]}),
    )  # fmt: skip
    head = heading.lines(experiment, plan, evaluated, (none, none), ALL_SEEN, found, answers, shots)
    assert head[:6] == (
        "shop: horizon 30 days, rung 'full'", said,
        "Insufficient for CLV intervals: 9 spent, 60 needed.",
        "Limited for CLV: 70 spent, 100 needed.",
        "Beyond all others: 1 of 4 spends in the test window, 100.0% of all of it, up to "
        "1,000,000,000.00 EUR, counted as 12.00 at most wherever something is learned. Figures are "
        "measured on spend as it is, and are about little else where it lies in the test window.",
        "Beyond all others: 2 of 5 customers brought up to 2,000,000,000.00 EUR until 2024-08-01. "
        "What is said of them counts it as it is: where it is a slip, so is that.",
    )  # fmt: skip
    assert head[6].startswith("Cut-offs: ")
    assert "Served: no season The level of churn and spend lies between" in " ".join(head)


@pytest.mark.parametrize(
    ("churn", "spend", "cutoffs", "between"),
    [
        (False, False, 3, " The level of churn and spend lies"),
        (False, False, 1, " The level of churn lies"),
        (False, True, 3, " The level of churn lies"),
        (True, True, 3, ""),
    ],
)
def test_the_card_says_whose_level_is_served(
    churn: bool, spend: bool, cutoffs: int, between: str
) -> None:
    ahead = season.Season(Stretch(), "", of_churn=churn, of_spend=spend)
    said = heading._untold(ahead, cutoffs)
    assert said.startswith(between)
    assert bool(said) == bool(between)


def test_the_card_says_what_was_lost_of_a_window() -> None:
    days = DAYS.copy()
    days["2024-07-03":"2024-07-06"] = days["2024-07-10":"2024-07-15"] = 0.0
    plan: Any = SimpleNamespace(window_days=30, calibration=JUNE, test=JULY)
    assert heading._losses(plan, ALL_SEEN) == []
    assert heading._losses(plan, exposure.Exposure(days)) == [
        "Hardly anybody ordered from 2024-07-03 to 2024-07-06 and from 2024-07-10 to 2024-07-15, "
        "in the test window: 67% of it was seen. The served model's level is carried on to all of "
        "it; the figures here are of what was seen, and totals fall short by the rest."
    ]
    plan.calibration, plan.test = JULY, JUNE
    assert heading._losses(plan, exposure.Exposure(days))[0].endswith(
        "The evaluated model's level is carried on to all of it; the naive rules learn from it as "
        "it is."
    )
