"""Files take their place whole, or not at all."""

import os
from pathlib import Path

import pandas as pd
import pytest

from training import described, whole


def test_a_file_takes_its_place_at_the_end(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("old")
    file.chmod(0o640)
    with whole.replacing(file) as staging:
        staging.write_text("new")
        assert file.read_text() == "old"
    assert file.read_text() == "new"
    assert file.stat().st_mode & 0o777 == 0o640
    assert [f.name for f in tmp_path.iterdir()] == ["a.csv"]


def test_after_an_error_the_file_is_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("old")
    with pytest.raises(OSError, match="full"), whole.replacing(file) as staging:  # noqa: PT012
        staging.write_text("ne")
        raise OSError("the disk is full")
    assert [(f.name, f.read_text()) for f in tmp_path.iterdir()] == [("a.csv", "old")]


def test_a_link_stays_one_and_what_is_no_file_is_written_to(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.csv"
    link.symlink_to(tmp_path / "real" / "a.csv")
    with whole.replacing(link) as staging:
        staging.write_text("new")
    assert link.is_symlink()
    assert (tmp_path / "real" / "a.csv").read_text() == "new"
    with whole.replacing(Path(os.devnull)) as staging:
        assert staging == Path(os.devnull)


def test_a_parquet_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    described.write(pd.DataFrame({"a": [1]}), {"a": "one"}, file)
    with pytest.raises(KeyError):
        described.write(pd.DataFrame({"b": [1]}), {}, file)
    assert pd.read_parquet(file).columns.tolist() == ["a"]


def test_what_is_staged_takes_the_place_of_what_has_its_name(tmp_path: Path) -> None:
    dead = tmp_path / f"{whole.STAGING}99999999"  # beyond the greatest id of a process
    dead.mkdir()
    other = tmp_path / f"{whole.STAGING}-no process of ours"
    other.mkdir()
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "old.png").write_text("")
    (tmp_path / "rejects.csv").write_text("kept")
    staging = whole.staging(tmp_path)
    assert not dead.exists()
    other.rmdir()
    (staging / "plots").mkdir()
    (staging / "plots" / "new.png").write_text("")
    (staging / "card.md").write_text("card")
    whole.move(staging, tmp_path)
    assert {f.relative_to(tmp_path).as_posix() for f in tmp_path.rglob("*")} == {
        "plots", "plots/new.png", "rejects.csv", "card.md",
    }  # fmt: skip
