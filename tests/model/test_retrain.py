"""A retrain starts from the champion, and its segments keep their identity."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from training import run, tracking
from training.fitting import scaling
from training.prediction.bundle import FILES
from training.run import Retrained
from training.screen import Screen

pytestmark = [pytest.mark.model, pytest.mark.slow]


def retrain(
    experiment: Any, folder: Path, as_of: pd.Timestamp | None = None
) -> tuple[Retrained, str]:
    """The run, and what the screen showed."""
    folder.mkdir()
    with (folder / "log.txt").open("w") as log:
        made = run.retrain(experiment, Screen(Console(file=log, width=160)), as_of, folder / "out")
    return made, (folder / "log.txt").read_text()


@pytest.fixture
def champion_store(small_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the small run's store: its champion is there, and new runs disturb nobody."""
    shutil.copy(small_run.store.removeprefix("sqlite:///"), tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    return tmp_path


def test_the_same_seed_gives_the_same_files(
    small_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    again, _ = retrain(small_run.experiment, tmp_path / "again")
    differing = [n for n in FILES if again.bundle.files[n] != small_run.bundle.files[n]]
    assert differing == []
    said = {"version", "created"}  # the only two things that may differ
    plain = [
        {k: v for k, v in m.items() if k not in {*said, "format", "digests", "seal"}}
        for m in (again.bundle.manifest, small_run.bundle.manifest)
    ]
    assert plain[0] == plain[1]


def test_retrained_from_the_champion_segments_and_customers_stay(
    small_run: Any, champion_store: Path
) -> None:
    made, log = retrain(small_run.experiment, champion_store / "again")
    before, after = small_run.bundle, made.bundle
    assert made.recorded.version == 2
    assert after.manifest["started_from"] == before.manifest["version"]
    assert {s.id: s.name for s in after.segments} == {s.id: s.name for s in before.segments}
    assert after.next_segment == before.next_segment
    both = made.scores.merge(small_run.scores, on="customer_id")
    assert (both["segment_id_x"] == both["segment_id_y"]).mean() > 0.85
    assert f"Against the champion before ({before.manifest['version']})" in log
    assert "new segments: none; ended: none" in log
    champion = tracking.champion("small")
    assert champion is not None
    assert champion.manifest["version"] == after.manifest["version"]


def test_a_champion_whose_inputs_no_longer_fit_gives_its_segments_and_not_its_network(
    small_run: Any, champion_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scaling, "still_fits", lambda earlier, fresh, columns: False)
    made, log = retrain(small_run.experiment, champion_store / "again")
    assert made.bundle.manifest["started_from"] is None
    assert "the network started afresh; segments are matched by their customers" in log
    # As from no champion at all, but for the ids: the same customers, the same segments.
    assert made.bundle.files["encoder.onnx"] == small_run.bundle.files["encoder.onnx"]
    assert {s.id for s in made.bundle.segments} == {s.id for s in small_run.bundle.segments}
    assert made.promoted


def test_a_champion_that_saw_what_followed_is_left_alone(
    small_run: Any, champion_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    then = small_run.now - pd.Timedelta(days=7)  # a day would be let pass
    beside, log = retrain(small_run.experiment, champion_store / "beside", then)
    assert "this run starts without it, and will not replace it" in log
    assert "registered; the champion stays, with its own segments" in log
    assert not beside.promoted
    kept = sorted(p.name for p in (champion_store / "beside" / "out" / "small").iterdir())
    assert kept == [f"as_of_{then:%Y-%m-%d}"]  # what was written of the champion stays
    champion = tracking.champion("small")
    assert champion is not None
    assert champion.manifest["version"] == small_run.bundle.manifest["version"]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'empty.db'}")
    alone, _ = retrain(small_run.experiment, tmp_path / "alone", then)
    assert alone.promoted
    assert [n for n in FILES if alone.bundle.files[n] != beside.bundle.files[n]] == []


@pytest.mark.parametrize("more", [1, -1], ids=["one more", "one less"])
def test_another_number_of_segments_brings_births_and_deaths(
    small_run: Any, champion_store: Path, more: int
) -> None:
    before = small_run.bundle
    k = len(before.segments) + more
    model = dataclasses.replace(small_run.experiment.model, segments=k)
    experiment = dataclasses.replace(small_run.experiment, model=model)
    made, log = retrain(experiment, champion_store / "again")
    old, new = ({s.id: s.name for s in b.segments} for b in (before, made.bundle))
    assert len(new) == k
    assert len(set(new.values())) == k
    born, dead = set(new) - set(old), set(old) - set(new)
    assert len(born) - len(dead) == more
    assert born.isdisjoint(old)
    assert all(int(i[1:]) >= before.next_segment for i in born)
    assert made.bundle.next_segment == before.next_segment + len(born)
    assert all(new[i] == old[i] for i in set(old) & set(new))
    assert f"new segments: {', '.join(i for i in new if i in born) or 'none'}; " in log
    assert f"ended: {', '.join(i for i in old if i in dead) or 'none'}" in log
