"""The file of rejects is that of the last run, or there is none."""

from pathlib import Path

import pandas as pd
import pytest

from features.ingestion.staging import REJECT_COLUMNS
from training import rejects

SOME = pd.DataFrame([("orders", 3, "paid", "much", "is not a number")], columns=REJECT_COLUMNS)
NONE = SOME.iloc[:0]


def test_rejects_are_written_row_by_row(tmp_path: Path) -> None:
    file = rejects.write(SOME, tmp_path)
    assert file == tmp_path / "rejects.csv"
    assert (
        file.read_text() == "source,row,column,value,reason\norders,3,paid,much,is not a number\n"
    )


def test_of_a_folder_the_file_and_the_row_in_it_are_told(tmp_path: Path) -> None:
    placed = SOME.assign(file="2024/b.parquet", row_in_file=pd.array([1], "Int64"))
    single = SOME.assign(source="mail", file=None, row_in_file=pd.array([None], "Int64"))
    file = rejects.write(pd.concat([placed, single]), tmp_path)
    assert file is not None
    assert file.read_text() == (
        "source,row,column,value,reason,file,row_in_file\n"
        "orders,3,paid,much,is not a number,2024/b.parquet,1\n"
        "mail,3,paid,much,is not a number,,\n"
    )
    rejects.write(single, tmp_path)
    assert file.read_text().splitlines() == [
        "source,row,column,value,reason", "mail,3,paid,much,is not a number"
    ]  # fmt: skip


@pytest.mark.parametrize("file", [None, "b.parquet"])
def test_a_clean_run_removes_the_rejects_of_an_earlier_one(
    tmp_path: Path, file: str | None
) -> None:
    rejects.write(SOME.assign(file=file, row_in_file=1), tmp_path)
    assert rejects.write(NONE, tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_somebody_elses_file_of_that_name_stays(tmp_path: Path) -> None:
    (tmp_path / "rejects.csv").write_text("loan,reason\n17,too large\n")
    assert rejects.write(NONE, tmp_path) is None
    assert (tmp_path / "rejects.csv").read_text() == "loan,reason\n17,too large\n"
