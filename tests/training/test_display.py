"""What a run says of its sources and its model."""

import io
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from features.intake import Ingested
from training.display import show_ingested, show_sameness, show_segments
from training.screen import Screen

NO = pd.Timestamp("2024-01-01")


def shown(*accounts: Ingested) -> list[list[str]]:
    out = io.StringIO()
    show_ingested(accounts, Screen(Console(file=out, width=160)))
    return [line.split() for line in out.getvalue().splitlines() if line.split()]


def test_merged_ids_are_counted_for_each_source() -> None:
    aliases = Ingested("aliases", "m.csv", 2_000, 1_500, 0, 0, None, None, repeats=500)
    orders = Ingested("orders", "o.csv", 9, 7, 1, 0, NO, NO, later=1, merged=1_200)
    head, *rows = shown(aliases, orders)
    assert head[-2:] == ["merged", "ids"]
    assert [row for row in rows if row[0] in ("aliases", "orders")] == [
        ["aliases", "2,000", "1,500", "0", "0", "–", "–", "0"],
        ["orders", "9", "7", "1", "1", "2024-01-01", "2024-01-01", "1,200"],
    ]
    assert "merged" not in shown(orders)[0]


def test_one_churn_probability_for_everybody_is_said() -> None:
    out = io.StringIO()
    screen = Screen(Console(file=out, width=200))
    show_sameness(np.array([0.2, 0.3]), screen)
    assert out.getvalue() == ""
    show_sameness(np.full(3, 0.256), screen)
    assert out.getvalue().strip() == (
        "The served model gives everybody the same churn probability, 25.6%: its score told "
        "nothing of who left in the window that calibrated it"
    )


@pytest.mark.parametrize(
    ("known", "title"),
    [
        (400, "Segments (predicted over 30 days, EUR)"),
        (500, "Segments (predicted over 30 days, EUR; of the 400 customers learned from)"),
    ],
)
def test_the_table_of_segments_says_whom_it_is_of(known: int, title: str) -> None:
    portrait = {
        "customers": 400, "share": 1.0, "traits": [], "churn_probability": 0.2,
        "expected_orders": 1.0, "expected_spend": 30.0,
    }  # fmt: skip
    bundle: Any = SimpleNamespace(
        segments=[SimpleNamespace(id="S1", name="All", portrait=portrait)],
        manifest={
            "currency": "EUR", "horizon_days": 30,
            "customers": {"known": known, "learned_from": 400},
        },
    )  # fmt: skip
    out = io.StringIO()
    show_segments(bundle, Screen(Console(file=out, width=200)))
    assert out.getvalue().splitlines()[0].strip() == title
