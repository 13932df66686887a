import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from features.settings import config
from training import reading
from training.screen import Screen


def test_reading_again_without_rejects_removes_those_of_the_run_before(
    tmp_path: Path, experiment_text: Callable[..., str]
) -> None:
    screen = Screen(Console(file=io.StringIO()))
    (tmp_path / "shop.toml").write_text(experiment_text(head="max_reject_share = 0.5"))
    experiment, out = config.load(tmp_path / "shop.toml"), tmp_path / "out"
    for rows, left in (("a,2024-01-01,much\nb,2024-01-02,1\n", True), ("b,2024-01-02,1\n", False)):
        (tmp_path / "orders.csv").write_text("who,when,paid\n" + rows)
        reading.read_sources(experiment, None, screen, out)
        assert (out / "rejects.csv").exists() is left


def test_an_encoding_that_was_assumed_is_said(
    tmp_path: Path, experiment_text: Callable[..., str]
) -> None:
    (tmp_path / "orders.csv").write_bytes("who,when,paid\nJörg,2024-01-01,1\n".encode("cp1252"))
    said = []
    for form in ("", 'encoding = "cp1252"'):
        (tmp_path / "shop.toml").write_text(experiment_text(form=form))
        shown = io.StringIO()
        experiment = config.load(tmp_path / "shop.toml")
        reading.read_sources(experiment, None, Screen(Console(file=shown)), None)
        said.append(shown.getvalue())
    assert (
        "The encoding of a source that is not UTF-8 should be named. "
        "Seen: orders.csv, read as Windows-1252, for instance 'Jörg'. "
        'Remedy: if this is right, write encoding = "cp1252" beside its url, else what it was '
        'written in, such as encoding = "cp1250"\n'
    ) in said[0]
    assert "encoding" not in said[1]


def test_without_a_folder_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, experiment_text: Callable[..., str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orders.csv").write_text("who,when,paid\na,2024-01-01,much\nb,2024-01-02,1\n")
    (tmp_path / "shop.toml").write_text(experiment_text(head="max_reject_share = 0.5"))
    shown = io.StringIO()
    experiment = config.load(tmp_path / "shop.toml")
    read = reading.read_sources(experiment, None, Screen(Console(file=shown)), None)
    assert len(read.rejects) == 1
    assert "Reading the sources" in shown.getvalue()
    assert "names no time_zone" in shown.getvalue()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["orders.csv", "shop.toml"]
