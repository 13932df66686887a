"""The file of rejects is that of the last run, or there is none."""

from pathlib import Path

import pandas as pd

from features.staging import REJECT_COLUMNS
from training import rejects

SOME = pd.DataFrame([("orders", 3, "paid", "much", "is not a number")], columns=REJECT_COLUMNS)
NONE = SOME.iloc[:0]


def test_rejects_are_written_row_by_row(tmp_path: Path) -> None:
    file = rejects.write(SOME, tmp_path)
    assert file == tmp_path / "rejects.csv"
    assert (
        file.read_text() == "source,row,column,value,reason\norders,3,paid,much,is not a number\n"
    )


def test_a_clean_run_removes_the_rejects_of_an_earlier_one(tmp_path: Path) -> None:
    rejects.write(SOME, tmp_path)
    assert rejects.write(NONE, tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_somebody_elses_file_of_that_name_stays(tmp_path: Path) -> None:
    (tmp_path / "rejects.csv").write_text("loan,reason\n17,too large\n")
    assert rejects.write(NONE, tmp_path) is None
    assert (tmp_path / "rejects.csv").read_text() == "loan,reason\n17,too large\n"
