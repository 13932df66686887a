"""The benchmark on an experiment file of one's own."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

Script = Callable[[str], ModuleType]


@pytest.fixture
def shop(tmp_path: Path, experiment_text: Callable[..., str]) -> Path:
    """Orders from 2024-01-01 to 2024-04-09, and a file that says what they are."""
    days = pd.date_range("2024-01-01", "2024-04-09")
    lines = pd.DataFrame({"who": [f"C{i % 7}" for i in range(len(days))], "when": days, "paid": 5})
    lines.to_csv(tmp_path / "orders.csv", index=False)
    text = experiment_text(horizon_days=20, head="interval_level = 0.95")
    (tmp_path / "shop.toml").write_text(text)
    return tmp_path / "shop.toml"


def refusal(script: Script, patch: pytest.MonkeyPatch, *words: str) -> None:
    patch.setattr(sys, "argv", ["bench_models.py", *words])
    with pytest.raises(SystemExit):
        script("bench_models").main()


def test_cutoffs_are_the_last_whose_horizon_is_over(script: Script, shop: Path) -> None:
    public = script("public_data")
    found = public.own(shop)
    assert found.title == "shop, 20 days"
    assert found.cutoffs == ("2024-03-21", "2024-03-11", "2024-03-01")
    made = public.experiment(found, shop.parent)
    assert (made.name, made.horizon_days, made.interval_level) == ("shop", 20, 0.8)


def test_a_horizon_that_is_not_over_is_refused(
    script: Script, shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal(script, monkeypatch, "--file", str(shop), "--as-of", "2024-03-22")
    assert "the horizon after 2024-03-22 is not over: take 2024-03-21" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--as-of", "2024-03-01"], "--as-of goes with --file"),
        (["--data", "cj30", "--file", "x.toml"], "leave it out beside --file"),
        (["--file", "x.toml"], "The experiment file must exist"),
        (["--file", "x.toml", "--as-of", "soon"], "invalid day value: 'soon'"),
    ],
)
def test_what_makes_no_sense_is_said(
    script: Script, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    words: list[str], said: str,
) -> None:  # fmt: skip
    refusal(script, monkeypatch, *words)
    assert said in capsys.readouterr().err
