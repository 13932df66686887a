"""What every test gets: fixed seeds, no telemetry, no store but its own, no thread but its own."""

import os
import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

# Before any library that reads them is imported.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["BENTOML_DO_NOT_TRACK"] = "true"  # BentoML knows this one word only
os.environ["MPLBACKEND"] = "agg"
if "PYTEST_XDIST_WORKER" in os.environ:
    # The OpenMP threads of two workers wait for each other: on two busy cores the prediction of a
    # tree model went from 0.6 ms to a second.
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
