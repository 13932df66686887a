"""The MLflow store: experiments, runs, registered bundles, the champion.

The only importer of mlflow. Opening it switches MLflow's telemetry off. Without
`MLFLOW_TRACKING_URI` the store is a SQLite file in the project's `mlflow/` folder by an absolute
path, so it is the same one from any folder.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")

import mlflow
import pandas as pd
from filelock import FileLock
from mlflow.entities.model_registry import RegisteredModel
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.models.signature import ModelSignature
from mlflow.tracking.context.registry import resolve_tags
from mlflow.types.schema import ColSpec, DataType, Schema
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

from features.errors import BundleError, FitError
from training import recorder
from training.prediction import timing, value
from training.prediction.bundle import Bundle

CHAMPION = "champion"
FLAVOR = "coterie"
BUNDLE = "bundle"
#: What marks the registered models of contracts, which no service serves.
CONTRACTS = "contracts"
#: What MLflow says where no model of the name, or no alias, is registered.
NO_CHAMPION = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
#: The tag that says which process records a run.
PROCESS = "process"
#: So many characters of a description fit into the registry's tables.
MOST_NOTE = 5_000
SHOWN = ("horizon_days", "segments", "seed")


def home() -> Path:
    """The project's folder where it is a checkout, else the working directory."""
    project = Path(__file__).resolve().parent.parent
    return project if (project / "mlflow").is_dir() else Path.cwd()


def store_uri() -> str:
    """The tracking URI in force: `MLFLOW_TRACKING_URI`, or the project's SQLite file."""
    given = os.environ.get("MLFLOW_TRACKING_URI")
    if given:
        return given
    return f"sqlite:///{home() / 'mlflow' / 'mlflow.db'}"


def shown_uri() -> str:
    """The tracking URI without a user and password, as it may be printed."""
    return re.sub(r"(?<=://)[^/]*@", "", store_uri())


def open_store() -> None:
    """Point MLflow at the store; creates its folder and tables on first use."""
    uri = store_uri()
    if uri.startswith("sqlite:///"):
        Path(uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    for name in ("alembic", "mlflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    if uri.startswith("sqlite:///"):
        with FileLock(f"{uri.removeprefix('sqlite:///')}.lock"):  # two at once would both migrate
            mlflow.MlflowClient().search_experiments(max_results=1)


@dataclasses.dataclass(frozen=True)
class Recorded:
    """Where a run stands: its id, the registered version, the experiment's id."""

    run_id: str
    version: int
    experiment_id: str


@dataclasses.dataclass(frozen=True)
class Record:
    """What a run leaves in the store. `note` (Markdown) describes the run and the version that is
    registered; `begun` is when work on it began, in seconds since 1970. `datasets` maps a context
    (train, calibrate, ...) to rows without customer ids, of which only schema, size and digest are
    kept. `trials` are the parameters and metrics of a tuning study's, which become nested runs.
    """

    name: str
    note: str
    begun: float
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    history: list[dict[str, float]]
    datasets: Mapping[str, pd.DataFrame]
    figures: Mapping[str, Any]
    texts: Mapping[str, str]
    tables: Mapping[str, pd.DataFrame]
    tags: Mapping[str, str]
    trials: Sequence[tuple[Mapping[str, float], Mapping[str, float]]] = ()


def record(what: Record, bundle: Bundle, folder: Path) -> Recorded:
    """Log everything as one run, log `folder` (the saved bundle) as a model and register it."""
    described = {"catalog_hash": bundle.manifest["catalog_hash"]}
    return _record(what, folder, bundle.manifest["version"], _signature(bundle), described)


def record_contracts(what: Record, folder: Path, version: str) -> Recorded:
    """The same of a model of contracts; it has no alias, so that no service takes it for a bundle.

    `what.datasets["train"]` are its inputs: float64 or text, any of them may be unknown.
    """
    signature = ModelSignature(
        inputs=_schema_of(what.datasets["train"]),
        outputs=Schema([ColSpec(DataType.double, "churn_probability")]),
    )
    recorded = _record(what, folder, version, signature, {"kind": CONTRACTS})
    mlflow.MlflowClient().set_registered_model_tag(what.name, "kind", CONTRACTS)
    return recorded


def refuse_champions_name(name: str) -> None:
    """FitError where a bundle, which has a champion, is registered as `name` already."""
    if name in registered():
        raise FitError(
            "A model of contracts needs a name of its own.",
            f"{name!r} is registered, with a champion that serves segments",
            "choose another experiment.name",
        )


def _record(
    what: Record, folder: Path, version_name: str, signature: ModelSignature,
    described: Mapping[str, str],
) -> Recorded:  # fmt: skip
    open_store()
    client, experiment, note = mlflow.MlflowClient(), _experiment(what.name), what.note[:MOST_NOTE]
    _end_killed(client, experiment)
    process = {PROCESS: recorder.told()}
    opened = client.create_run(
        experiment,
        start_time=round(what.begun * 1000),
        tags={**resolve_tags(), MLFLOW_RUN_NOTE: note, **process, **what.tags},
        run_name=version_name,
    )
    with warnings.catch_warnings(), mlflow.start_run(run_id=opened.info.run_id) as run:
        warnings.simplefilter("ignore")
        mlflow.log_params({k: str(v)[:500] for k, v in what.params.items()})
        mlflow.log_metrics(dict(what.metrics))
        for epoch, losses in enumerate(what.history, start=1):
            mlflow.log_metrics({f"loss/{k}": v for k, v in losses.items()}, step=epoch)
        for context, rows in what.datasets.items():
            dataset = mlflow.data.from_pandas(rows, name=f"{what.name}-{context}"[:50])
            dataset.schema = _schema_of(rows)  # MLflow would ask every value what it is
            mlflow.log_input(dataset, context=context)
        for name, figure in what.figures.items():
            mlflow.log_figure(figure, name)
        for name, text in what.texts.items():
            mlflow.log_text(text, name)
        for name, frame in what.tables.items():
            mlflow.log_table(frame, name)
        for number, (params, metrics) in enumerate(what.trials):
            with mlflow.start_run(
                experiment_id=experiment, run_name=f"{version_name} trial {number}", nested=True,
                tags=process,
            ):  # fmt: skip
                mlflow.log_params({k: str(v) for k, v in params.items()})
                mlflow.log_metrics(dict(metrics))
        info = Model.log(
            artifact_path=None, name=FLAVOR, flavor=_Flavor, registered_model_name=what.name,
            folder=folder, signature=signature,
            described={"version": version_name, **described},
            params={k: str(what.params[k]) for k in SHOWN if k in what.params},
        )  # fmt: skip
        version = int(info.registered_model_version)
    client.set_model_version_tag(what.name, str(version), "version", version_name)
    client.update_model_version(what.name, str(version), note)
    return Recorded(run.info.run_id, version, experiment)


def _end_killed(client: mlflow.MlflowClient, experiment: str) -> None:
    """Say KILLED of the runs that a process of this machine was recording when it was killed."""
    for run in client.search_runs([experiment], "attributes.status = 'RUNNING'"):
        if recorder.killed(run.data.tags.get(PROCESS, "")):
            client.set_terminated(run.info.run_id, "KILLED")


def promote(name: str, version: int) -> None:
    """Move the alias `champion` of the registered model `name` to `version`."""
    mlflow.MlflowClient().set_registered_model_alias(name, CHAMPION, str(version))


def registered() -> list[str]:
    """Names of the registered models that have a champion, the latest changed first."""
    open_store()
    found: list[RegisteredModel] = []
    token: str | None = None
    with _answering():
        while True:
            page = mlflow.MlflowClient().search_registered_models(page_token=token)
            found.extend(page)
            token = page.token
            if not token:
                break
    found = [m for m in found if CHAMPION in m.aliases]
    return [m.name for m in sorted(found, key=lambda m: -(m.last_updated_timestamp or 0))]


def champion(name: str) -> Bundle | None:
    """The champion of the registered model `name`, verified; None where there is none.

    Raises BundleError where the store does not answer, or its files are not as they were saved.
    """
    open_store()
    with _answering():
        try:
            version = mlflow.MlflowClient().get_model_version_by_alias(name, CHAMPION)
        except MlflowException as problem:
            if problem.error_code in NO_CHAMPION:
                return None
            raise
    try:
        path = mlflow.artifacts.download_artifacts(f"models:/{name}/{version.version}")
    except (MlflowException, OSError) as problem:
        raise BundleError(
            "The champion's files must be where the registry says.",
            f"version {version.version} of {name}: {type(problem).__name__}",
            "move the alias champion to a version whose files exist (`coterie ui`), or delete it",
        ) from problem
    try:
        return Bundle.load(Path(path) / BUNDLE)
    except BundleError as problem:
        raise BundleError(
            problem.rule,
            f"{problem.seen}, in version {version.version} of {name}, the champion",
            "move the alias champion to another version (`coterie ui`), or delete the alias there "
            "to start afresh with new segment ids",
        ) from problem


@contextmanager
def _answering() -> Iterator[None]:
    """Says in words that the store does not answer: that is another thing than no champion, which
    a retrain would start afresh from.
    """
    try:
        yield
    except MlflowException as problem:
        raise BundleError(
            "The MLflow store must answer when it is asked for a champion.",
            f"{shown_uri()}: {problem.error_code}",
            "start the tracking server, or point MLFLOW_TRACKING_URI to one that answers",
        ) from problem


def _experiment(name: str) -> str:
    """The id of the MLflow experiment, made on first use with artifacts beside a local store."""
    found = mlflow.get_experiment_by_name(name)
    if found:
        return str(found.experiment_id)
    place = None
    if store_uri().startswith("sqlite:///"):
        folder = Path(store_uri().removeprefix("sqlite:///")).parent / "artifacts" / name
        place = folder.absolute().as_uri()
    tags = {"mlflow.experimentKind": "custom_model_development"}  # the UI opens on training runs
    return str(mlflow.create_experiment(name, artifact_location=place, tags=tags))


class _Flavor:
    """A model flavour without code: MLmodel names a folder of safe files and a signature."""

    __name__ = FLAVOR

    @staticmethod
    def save_model(
        path: str, mlflow_model: Model, folder: Path, signature: ModelSignature,
        described: Mapping[str, str], **_: Any,
    ) -> None:  # fmt: skip
        Path(path).mkdir(parents=True, exist_ok=True)
        bundle_path = Path(path) / BUNDLE
        bundle_path.mkdir()
        for file in sorted(folder.iterdir()):
            (bundle_path / file.name).write_bytes(file.read_bytes())
        mlflow_model.signature = signature
        mlflow_model.add_flavor(FLAVOR, bundle=BUNDLE, **described)
        mlflow_model.save(str(Path(path) / "MLmodel"))


def _signature(bundle: Bundle) -> ModelSignature:
    kinds = {"number": DataType.double, "count": DataType.double, "category": DataType.string}
    inputs = [
        ColSpec(kinds[f["dtype"]], f["name"], required=f["null"] == "never") for f in bundle.catalog
    ]
    outputs = [
        ColSpec(DataType.string, "segment_id"), ColSpec(DataType.string, "segment_name"),
        *(ColSpec(DataType.double, n) for n in (
            "membership", "churn_probability", "expected_orders", "expected_spend",
            "expected_spend_low", "expected_spend_median", "expected_spend_high")),
        *(ColSpec(DataType.datetime, f"next_order_{end}", required=False)
          for end in ("low", "median", "high")),
        *(ColSpec(DataType.double, n, required=False)
          for n in (*timing.COLUMNS, *value.names(bundle.terms))),
    ]  # fmt: skip
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs))


def _schema_of(rows: pd.DataFrame) -> Schema:
    """By the columns' dtypes; text where that says no more. Any of them may be unknown."""
    kinds = {
        "f": DataType.double, "i": DataType.long, "b": DataType.boolean, "M": DataType.datetime,
    }  # fmt: skip
    return Schema([
        ColSpec(kinds.get(rows[name].dtype.kind, DataType.string), str(name), required=False)
        for name in rows
    ])  # fmt: skip


def serve_ui(host: str, port: int) -> NoReturn:
    """Become the MLflow UI on this store: the process is replaced, so signals reach the server."""
    open_store()
    command = [
        sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", store_uri(),
        "--host", host, "--port", str(port), "--workers", "1",
    ]  # fmt: skip
    sys.stdout.flush()
    os.execv(sys.executable, command)
