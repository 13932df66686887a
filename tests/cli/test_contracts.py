"""Contracts on the command line."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

if TYPE_CHECKING:
    from click.testing import Result

SEED = 7
FILE = """
[experiment]
name = "labelled_contracts"
currency = "EUR"

[contracts]
url = "contracts.csv"
customer_id = "who"
ended = "left"
ended_values = ["yes"]
tenure = "months"

[contracts.columns]
fee = { kind = "number" }
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("contracts")
    generator = np.random.default_rng(SEED)
    fee = generator.uniform(0, 1, 250).round(3)
    pd.DataFrame({
        "who": np.arange(250), "months": generator.integers(1, 40, 250), "fee": fee,
        "left": np.where(generator.random(250) < 0.2 + 0.6 * fee, "yes", "no"),
    }).to_csv(folder / "contracts.csv", index=False)  # fmt: skip
    (folder / "contracts.toml").write_text(FILE)
    return folder / "contracts.toml"


@pytest.mark.slow
def test_retrain_says_that_no_figure_is_out_of_time_and_what_is_worth_asking(
    must: Callable[..., "Result"], file: Path
) -> None:
    out = file.parent / "out"
    printed = must("retrain", file, "--out", out).output
    assert "No figure here is out of time, because the table has no dates" in printed
    assert "are worth asking" in printed
    assert "is the champion" not in printed
    assert sorted(p.name for p in (out / "labelled_contracts").iterdir()) == [
        "contracts.parquet", "model", "plots", "report_card.md",
    ]  # fmt: skip


@pytest.mark.slow
def test_as_of_and_the_other_commands_are_refused_in_words(
    run: Callable[..., "Result"],
    told: Callable[["Result"], tuple[str, str, str]],
    file: Path,
    tmp_path: Path,
) -> None:
    result = run("retrain", file, "--as-of", "2024-01-01", "--out", tmp_path / "out")
    assert told(result)[0] == "as_of needs contracts with dates."
    for words in (("check", file), ("prove", file), ("score", file, "--out", tmp_path / "a.csv")):
        assert told(run(*words)) == (
            "This needs an experiment with [orders].",
            "contracts.toml has [contracts]",
            "contracts are trained and reported by `coterie retrain`; for anything else name a "
            "file with [orders]",
        )
