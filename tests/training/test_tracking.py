"""What a run leaves in the MLflow store, and how the store is found."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import psutil
import pytest
from mlflow import MlflowClient

from features.errors import BundleError
from training import tracking
from training.prediction.bundle import FILES, Bundle
from training.prediction.sealed import MANIFEST


@pytest.fixture
def client(small_run: Any) -> MlflowClient:
    """Reads the small run's store."""
    return MlflowClient(small_run.store, small_run.store)


@pytest.fixture
def own_store(small_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the small run's store, in force; what is logged to it stays below `tmp_path`."""
    shutil.copy(small_run.store.removeprefix("sqlite:///"), tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    return tmp_path


def record(name: str) -> tracking.Record:
    return tracking.Record(
        name=name,
        note="A note.",
        begun=1_790_000_000.0,
        params={"seed": 7, "segments": 4, "horizon_days": 30, "other": None},
        metrics={"churn/auc": 0.8},
        history=[{"later": 2.0}, {"later": 1.0}],
        datasets={"train": pd.DataFrame({"spend": [1.0, 2.0]})},
        figures={},
        texts={"report_card.md": "# Report card\n"},
        tables={"segments.json": pd.DataFrame({"id": ["S1"]})},
        tags={"version": "v"},
    )


# -------------------------------------------------------------------------------- what a run leaves


def test_the_run_carries_what_it_was_made_with(client: MlflowClient, small_run: Any) -> None:
    run = client.get_run(small_run.run_id)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == small_run.bundle.manifest["version"]
    wanted = {
        "horizon_days": "30", "window_days": "30", "rung": "full", "seed": "7",
        "experiment_file": "small.toml", "network_members": "2", "started_from": "None",
        "catalog_hash": small_run.bundle.manifest["catalog_hash"],
    }  # fmt: skip
    assert {k: run.data.params[k] for k in wanted} == wanted
    assert run.data.params["now"] == small_run.now.isoformat()
    assert {"mlflow.user", "mlflow.source.name"} <= set(run.data.tags)


def test_the_run_says_what_it_is_and_lasts_from_the_first_step(
    client: MlflowClient, small_run: Any
) -> None:
    run = client.get_run(small_run.run_id)
    note = run.data.tags["mlflow.note.content"]
    auc = small_run.card["sections"][0]["rows"]["Coterie"]["AUC"]
    assert "Simulated, based on real grocery shopping patterns." in note
    assert f"\n- Churn: AUC {auc:.3f}, PR-AUC " in note
    assert "\n- A naive rule wins beyond chance: " in note
    assert run.info.end_time - run.info.start_time > 10_000  # of training, too


def test_the_figures_of_the_report_card_are_metrics(client: MlflowClient, small_run: Any) -> None:
    metrics = client.get_run(small_run.run_id).data.metrics
    rows = small_run.card["sections"][0]["rows"]
    assert metrics["churn/coterie/auc"] == pytest.approx(rows["Coterie"]["AUC"])
    assert metrics["churn/recency/auc"] == pytest.approx(rows["recency"]["AUC"])


def test_losses_are_logged_epoch_by_epoch(client: MlflowClient, small_run: Any) -> None:
    later = client.get_metric_history(small_run.run_id, "loss/later")
    assert [m.step for m in later] == list(range(1, len(later) + 1))
    assert min(m.value for m in later) < later[0].value


def test_pictures_pages_and_tables_are_artifacts(client: MlflowClient, small_run: Any) -> None:
    plots = {f.path for f in client.list_artifacts(small_run.run_id, "plots")}
    assert plots == {
        f"plots/{name}.png"
        for name in (
            "segment_map", "segment_profiles", "churn_calibration", "value_by_decile", "losses",
            "rivals",
        )
    }  # fmt: skip
    top = {f.path for f in client.list_artifacts(small_run.run_id)}
    assert {
        "report_card.md", "experiment.toml", "environment.txt", "segments.json",
        "number_of_segments.json",
    } <= top  # fmt: skip


def test_each_window_is_a_data_set_without_customers(client: MlflowClient, small_run: Any) -> None:
    inputs = client.get_run(small_run.run_id).inputs.dataset_inputs
    contexts = {tag.value for i in inputs for tag in i.tags}
    assert contexts == {"train", "calibrate", "test", "final"}
    for one in inputs:
        columns = json.loads(one.dataset.schema)["mlflow_colspec"]
        kinds = {c["name"]: c["type"] for c in columns}
        assert "customer_id" not in kinds
        assert (kinds["future_spend"], kinds["future_orders"]) == ("double", "long")
        assert (kinds["stage"], kinds["as_of"]) == ("string", "datetime")


def test_no_customer_is_named_anywhere_in_the_store(small_run: Any) -> None:
    folder = Path(small_run.store.removeprefix("sqlite:///")).parent
    files = [f for f in folder.rglob("*") if f.is_file()]
    assert len(files) > 20
    assert [f.name for f in files if b"cust-7f3a" in f.read_bytes()] == []


def test_the_registered_version_is_the_champion(client: MlflowClient, small_run: Any) -> None:
    version = client.get_model_version_by_alias("small", tracking.CHAMPION)
    assert int(version.version) == small_run.version == 1
    assert version.run_id == small_run.run_id
    assert version.tags["version"] == small_run.bundle.manifest["version"]
    assert version.description == client.get_run(version.run_id).data.tags["mlflow.note.content"]


def test_the_model_has_a_signature_and_the_whole_bundle(own_store: Path, small_run: Any) -> None:
    tracking.open_store()
    folder = Path(mlflow.artifacts.download_artifacts("models:/small/1"))
    assert {f.name for f in (folder / tracking.BUNDLE).iterdir()} == {*FILES, MANIFEST}
    info = mlflow.models.get_model_info("models:/small/1")
    assert set(info.flavors) == {tracking.FLAVOR}  # no pyfunc: nothing that is executed on loading
    inputs = {c.name: c for c in info.signature.inputs.inputs}
    assert set(inputs) == {f["name"] for f in small_run.bundle.catalog}
    assert not inputs["gap_mean"].required
    assert inputs["orders"].required
    outputs = {c.name for c in info.signature.outputs.inputs}
    assert {"segment_id", "churn_probability", "expected_spend_low"} <= outputs
    assert {"next_order_median", "survival_7d", "value_12m"} <= outputs


# ---------------------------------------------------------------------------- champions come and go


def test_the_champion_is_the_bundle_that_was_saved(own_store: Path, small_run: Any) -> None:
    found = tracking.champion("small")
    assert found is not None
    assert found.files == small_run.bundle.files
    assert found.manifest["version"] == small_run.bundle.manifest["version"]


def test_where_there_is_no_champion_there_is_none(own_store: Path) -> None:
    assert tracking.champion("never_trained") is None


@pytest.mark.parametrize("ask", [lambda: tracking.champion("small"), tracking.registered])
def test_a_store_that_does_not_answer_is_not_one_without_a_champion(
    monkeypatch: pytest.MonkeyPatch, ask: Callable[[], object]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ann:geheim@127.0.0.1:9")  # nobody listens
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(BundleError) as refusal:
        ask()
    assert refusal.value.rule == "The MLflow store must answer when it is asked for a champion."
    assert refusal.value.seen == "http://127.0.0.1:9: INTERNAL_ERROR"
    assert refusal.value.remedy.startswith("start the tracking server, or point")


def test_champions_are_found_beyond_the_first_page(
    own_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracking.open_store()
    client = MlflowClient()
    for i in range(3):
        client.create_registered_model(f"a{i}")
    pages = MlflowClient.search_registered_models
    monkeypatch.setattr(
        MlflowClient, "search_registered_models", lambda *a, **k: pages(*a, max_results=1, **k)
    )
    assert tracking.registered() == ["small"]


def test_a_version_is_registered_and_becomes_champion_only_when_promoted(
    own_store: Path, small_run: Any
) -> None:
    made = tracking.record(record("other"), small_run.bundle, small_run.folder)
    assert made.version == 1
    assert tracking.champion("other") is None
    assert tracking.registered() == ["small"]
    tracking.promote("other", made.version)
    assert tracking.champion("other") is not None
    assert tracking.registered() == ["other", "small"]  # the latest changed first
    assert (own_store / "artifacts" / "other").is_dir()  # artifacts beside a local store


def test_a_second_version_leaves_the_first_as_it_was(own_store: Path, small_run: Any) -> None:
    for _ in range(2):
        made = tracking.record(record("other"), small_run.bundle, small_run.folder)
        if made.version == 1:
            tracking.promote("other", 1)
    assert made.version == 2
    client = MlflowClient()
    assert client.get_model_version_by_alias("other", tracking.CHAMPION).version == 1
    tracking.promote("other", 2)
    assert client.get_model_version_by_alias("other", tracking.CHAMPION).version == 2


KILLED_WHILE_IT_RECORDS = """
import os, pathlib, signal
import pandas as pd
from training import tracking

class Killed(dict):
    def items(self):
        os.kill(os.getpid(), signal.SIGKILL)

what = tracking.Record(
    name="other", note="", begun=1.0, params={}, metrics={}, history=[], figures={},
    datasets={"train": pd.DataFrame({"spend": [1.0]})}, texts=Killed(), tables={}, tags={},
)
tracking.record_contracts(what, pathlib.Path("."), "v")
"""


def test_a_run_whose_process_was_killed_is_ended_by_the_next(
    own_store: Path, small_run: Any
) -> None:
    code = subprocess.run([sys.executable, "-c", KILLED_WHILE_IT_RECORDS], check=False).returncode
    assert code == -signal.SIGKILL
    client = MlflowClient(f"sqlite:///{own_store / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("other")
    (killed,) = client.search_runs([experiment.experiment_id])
    assert killed.info.status == "RUNNING"
    mine = " ".join(killed.data.tags[tracking.PROCESS].split()[:1])
    others = {  # another machine's, one that nobody told of, and one that still runs
        "elsewhere": {tracking.PROCESS: "elsewhere 4194304 1.00"},
        "untold": {},
        "alive": {tracking.PROCESS: f"{mine} {os.getppid()} "
                                    f"{psutil.Process(os.getppid()).create_time():.2f}"},
        "its id given again": {tracking.PROCESS: f"{mine} {os.getppid()} 1.00"},
        "otherwise": {tracking.PROCESS: f"{mine} who knows"},
    }  # fmt: skip
    for name, tags in others.items():
        client.create_run(experiment.experiment_id, run_name=name, tags=tags)
    tracking.record(record("other"), small_run.bundle, small_run.folder)
    found = client.search_runs([experiment.experiment_id])
    assert {run.info.run_name: run.info.status for run in found} == {
        "v": "KILLED", "elsewhere": "RUNNING", "untold": "RUNNING", "alive": "RUNNING",
        "otherwise": "RUNNING",
        "its id given again": "KILLED", small_run.bundle.manifest["version"]: "FINISHED",
    }  # fmt: skip


def test_a_champion_whose_files_are_gone_is_told_in_words(own_store: Path, small_run: Any) -> None:
    made = tracking.record(record("other"), small_run.bundle, small_run.folder)
    tracking.promote("other", made.version)
    shutil.rmtree(own_store / "artifacts")
    with pytest.raises(BundleError) as refusal:
        tracking.champion("other")
    assert refusal.value.rule == "The champion's files must be where the registry says."
    assert refusal.value.seen.startswith("version 1 of other: ")
    assert refusal.value.remedy == (
        "move the alias champion to a version whose files exist (`coterie ui`), or delete it"
    )


def test_a_champion_whose_files_were_changed_is_refused(own_store: Path, small_run: Any) -> None:
    made = tracking.record(record("other"), small_run.bundle, small_run.folder)
    tracking.promote("other", made.version)
    (stored,) = (own_store / "artifacts").rglob("model.json")
    stored.write_bytes(stored.read_bytes() + b" ")
    with pytest.raises(BundleError, match=r"model\.json was changed"):
        tracking.champion("other")


def test_what_the_registry_gives_back_is_a_bundle_that_predicts(
    own_store: Path, small_run: Any
) -> None:
    found = tracking.champion("small")
    assert isinstance(found, Bundle)
    assert len(found.segments) == len(small_run.bundle.segments)


# ------------------------------------------------------------------------------- where the store is


def test_the_store_is_the_projects_own_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    here = tracking.store_uri()
    monkeypatch.chdir(tmp_path)
    assert tracking.store_uri() == here
    path = Path(here.removeprefix("sqlite:///"))
    assert path.is_absolute()
    assert path == Path(__file__).resolve().parents[2] / "mlflow" / "mlflow.db"


def test_a_tracking_uri_that_is_given_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example:5000")
    assert tracking.store_uri() == "http://mlflow.example:5000"


def test_opening_the_store_makes_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"sqlite:///{tmp_path / 'deep' / 'down' / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    tracking.open_store()
    assert (tmp_path / "deep" / "down").is_dir()
    assert mlflow.get_tracking_uri() == uri


@pytest.mark.slow
def test_importing_it_switches_telemetry_off_and_touches_no_file(tmp_path: Path) -> None:
    switches = ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK", "MLFLOW_TRACKING_URI")
    environment = {k: v for k, v in os.environ.items() if k not in switches}
    code = (
        "from training import tracking; from mlflow.telemetry import get_telemetry_client;"
        "print(get_telemetry_client())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert run.stdout.strip() == "None"
    assert list(tmp_path.iterdir()) == []
