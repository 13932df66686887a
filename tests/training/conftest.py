"""The customers of a published study, other ways to the same numbers, and a shop to check."""

import importlib.util
import io
import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from features.settings import config
from training.btyd.bg_nbd import BgNbd, MbgNbd
from training.btyd.gamma_gamma import GammaGamma
from training.btyd.pareto_nbd import ParetoNbd
from training.checks.checked import Checked
from training.checks.checking import check
from training.screen import Screen

NOW = pd.Timestamp("2026-01-01")  # when the data of a check are looked at
DESCRIPTION = 'description = "A shop & its <b>customers</b>."'
PEOPLE = """\
"<script>alert(1)</script>" = { lens = "geographic", kind = "category" }
status = { lens = "firmographic", kind = "category" }
"""


@pytest.fixture(scope="session")
def cdnow() -> SimpleNamespace:
    """The 2,357 customers' first 39 weeks, in weeks; repeat orders counted a day. Do not mutate."""
    package = importlib.util.find_spec("lifetimes")
    assert package is not None
    assert package.origin is not None
    lines = pd.read_csv(
        Path(package.origin).parent / "datasets" / "CDNOW_sample.txt",
        sep=r"\s+",
        names=["master", "customer", "date", "discs", "amount"],
    )
    lines["date"] = pd.to_datetime(lines["date"].astype(str), format="%Y%m%d")
    end = pd.Timestamp(1997, 9, 30)
    days = lines[lines["date"] <= end].groupby(["customer", "date"], as_index=False)["amount"].sum()
    dates = days.groupby("customer")["date"]
    first, last, orders = dates.min(), dates.max(), dates.size()
    repeat = days[days["date"] > days["customer"].map(first)]
    return SimpleNamespace(
        x=(orders - 1).to_numpy(),
        t_x=(last - first).dt.days.to_numpy() / 7,
        T=(end - first).dt.days.to_numpy() / 7,
        mean_spend=repeat.groupby("customer")["amount"].mean().reindex(first.index).to_numpy(),
    )


@pytest.fixture(scope="session")
def bench_contracts() -> Any:
    """`benchmarks/bench_contracts.py`, a script: the public telecom contracts."""
    home = Path(__file__).parents[2] / "benchmarks"
    spec = importlib.util.spec_from_file_location("bench_contracts", home / "bench_contracts.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.fixture(scope="session")
def lifetimes() -> Callable[[Any], Any]:
    """The archived package as oracle: its formulas, at parameters that are handed to it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # archived in 2020
        import lifetimes as package  # type: ignore[import-untyped]
    fitters = {
        BgNbd: package.BetaGeoFitter,
        MbgNbd: package.ModifiedBetaGeoFitter,
        ParetoNbd: package.ParetoNBDFitter,
        GammaGamma: package.GammaGammaFitter,
    }

    def oracle(model: Any) -> Any:
        fitter = fitters[type(model)]()
        values = {name: value for name, value in asdict(model).items() if name != "customers"}
        if isinstance(model, GammaGamma):
            values["v"] = values.pop("gamma")
        fitter.params_ = pd.Series(values)
        return fitter

    return oracle


@pytest.fixture(scope="session")
def by_pairs() -> Callable[[np.ndarray, np.ndarray], float]:
    """The AUC from its definition: every pair of a 1 and a 0."""

    def auc(truth: np.ndarray, score: np.ndarray) -> float:
        won = score[truth == 1][:, None] - score[truth == 0]
        return float(np.mean((won > 0) + 0.5 * (won == 0)))

    return auc


@pytest.fixture
def checked(
    simulated_orders: pd.DataFrame, tmp_path: Path, experiment_text: Callable[..., str]
) -> Callable[..., tuple[Checked, str]]:
    """Check the simulated orders, changed, with a town and a status of each customer."""

    def run(
        change: Callable[[pd.DataFrame], pd.DataFrame] = lambda table: table,
        status: Callable[[pd.DataFrame], pd.Series] | None = None,
        more: str = "",
        columns: str = "",
        form: str = "",
        encoding: str = "utf-8",
    ) -> tuple[Checked, str]:
        orders = simulated_orders
        change(orders.copy()).to_csv(tmp_path / "orders.csv", index=False)
        last = orders.groupby("customer")["date"].max()
        towns = [f"<i>{'Bonn' if i % 2 else 'Ulm'}</i>" for i in range(len(last))]
        states = ["open"] * len(last) if status is None else status(last)
        people = {"<script>alert(1)</script>": towns, "status": states}
        pd.DataFrame(people, index=last.index).to_csv(tmp_path / "people.csv", encoding=encoding)
        text = experiment_text(
            horizon_days=60, head=DESCRIPTION, who="customer", when="date", paid="amount",
            people=PEOPLE, columns=columns, form=form,
        )  # fmt: skip
        (tmp_path / "shop.toml").write_text(text + more)
        shown = io.StringIO()
        screen = Screen(Console(file=shown, width=160))
        experiment = config.load(tmp_path / "shop.toml")
        return check(experiment, screen, None, tmp_path / "out", NOW), shown.getvalue()

    return run
