"""What a run says of its sources and its model."""

import io

import numpy as np
import pandas as pd
from rich.console import Console

from features.ingestion.intake import Ingested
from training.display import show_ingested, show_sameness
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


def test_rows_left_out_are_counted_where_there_are_any() -> None:
    orders = Ingested("orders", "o.csv", 2_009, 7, 1, 0, NO, NO, left_out=2_001)
    head, *rows = shown(orders)
    assert " ".join(head) == "source rows read left out kept rejected later from to"
    assert rows[-1][:6] == ["orders", "2,009", "2,001", "7", "1", "0"]
    plain = Ingested("orders", "o.csv", 8, 7, 1, 0, NO, NO)
    assert "left" not in shown(plain)[0]


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
