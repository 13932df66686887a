"""`coterie check` as a user meets it: what it shows and writes, and the exit status."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from click.testing import Result

Run = Callable[..., Result]
Told = Callable[[Result], tuple[str, str, str]]
Changed = Callable[..., Path]


@pytest.mark.slow
def test_data_that_train_end_with_nought_and_a_page(changed: Changed, must: Run) -> None:
    file = changed()
    shown = must("check", file, "--out", file.parent / "out")
    lines = shown.output.splitlines()
    assert lines[-1].startswith("Ready to train, with ")
    assert f"The same with plots: {file.parent / 'out' / 'shop' / 'check.html'}" in lines
    words = [line.split() for line in lines]
    assert ["customers", "with", "an", "order", "500"] in words
    # The data end with 2024: the test window is its last 60 days.
    assert ["test", "2024-11-01", "2024-11-01", "2024-12-31"] in words
    # Nothing is trained: no model, no bundle, only the page.
    assert [p.name for p in (file.parent / "out" / "shop").iterdir()] == ["check.html"]


@pytest.mark.slow
def test_data_that_cannot_train_end_with_one(changed: Changed, run: Run) -> None:
    file = changed({"horizon_days = 60": "horizon_days = 800"})
    shown = run("check", file, "--out", file.parent / "out")
    assert shown.exit_code == 1, shown.output
    assert "Traceback" not in shown.output
    assert "What stops a training" in shown.output.splitlines()
    assert shown.output.splitlines()[-1].startswith(
        "Cannot train: The horizon must be shorter than the history. Seen: a horizon of "
        "800 days and a history of "
    )


@pytest.mark.slow
def test_orders_of_the_future_are_left_out_and_told(
    changed: Changed, tmp_path: Path, must: Run
) -> None:
    def slipped(orders: pd.DataFrame) -> pd.DataFrame:
        slip = orders.iloc[[0]].assign(date="2150-05-05")
        return pd.concat([orders, slip])

    def window(shown: str) -> str:
        return next(line for line in shown.splitlines() if line.startswith("test "))

    whole = must("check", changed(), "--out", tmp_path).output
    file = changed(orders=slipped)
    out = ("--out", tmp_path)
    said = "orders: nothing can have happened later than today."
    shown = must("check", file, *out).output
    assert f"- {said}" in shown
    assert window(shown) == window(whole)
    assert said not in must("check", file, "--as-of", "2024-12-30", *out).output


def test_what_cannot_be_read_at_all_is_a_usage_error(
    changed: Changed, run: Run, told: Told
) -> None:
    file = changed(orders=lambda table: table.iloc[:0])
    rule, seen, _ = told(run("check", file, "--out", file.parent / "out"))
    assert (rule, seen) == ("A source has a header and rows.", "shop.csv has a header and no rows")
    rule, _, remedy = told(run("check", file.with_suffix(".csv")))
    assert rule == "An experiment file is TOML."
    assert remedy == f"write one with: coterie init {file.with_suffix('.csv')}"


@pytest.mark.slow
def test_nothing_at_or_after_as_of_is_checked(changed: Changed, must: Run) -> None:
    file = changed()
    shown = must("check", file, "--as-of", "2024-07-01", "--out", file.parent / "out")
    orders = next(line.split() for line in shown.output.splitlines() if line[:7] == "orders ")
    table = pd.read_csv(file.with_suffix(".csv"))
    later = int((table["date"] >= "2024-07-01").sum())
    assert later > 0
    assert orders[7] == f"{later:,}"
    assert orders[-1] < "2024-07-01"


def test_help_says_what_is_told_and_what_the_status_means(must: Run) -> None:
    shown = " ".join(must("check", "--help").output.split())
    assert "can it train a model, and what is wrong with it?" in shown
    assert "the exit status is 1 where a training would" in shown
    assert "check " in must("--help").output


@pytest.mark.slow
def test_the_demo_is_ready_and_nothing_in_it_is_taken_for_a_leak(must: Run, tmp_path: Path) -> None:
    demo = Path(__file__).parents[2] / "mlflow" / "experiments" / "complete_journey.toml"
    shown = must("check", demo, "--out", tmp_path)
    assert shown.output.splitlines()[-1] == "Ready to train."
    assert "too well was often written afterwards" not in shown.output
    assert "the quietest five hours begin at 6:00, the busiest hour at 22:00" in shown.output
