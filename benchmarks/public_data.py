"""The public data sets that the models are measured on, and what really happened in them."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path

import pandas as pd

from features import sources
from features.schema import SPINE
from features.settings import config
from features.settings.experiment import Experiment
from features.snapshot import outcomes_of
from features.sources import Sources
from training.windows import splits

HOME = Path(__file__).resolve().parent.parent
DEMO = HOME / "mlflow" / "experiments" / "complete_journey.toml"
CDNOW = """
[experiment]
name = "cdnow"
description = "Orders of a cohort of new customers of a music shop, 1997 and 1998."
currency = "USD"
horizon_days = 181
time_zone = "UTC"
[orders]
url = "cdnow.csv"
[orders.columns]
customer_id = "customer"
moment = "date"
amount = "amount"
"""


@dataclasses.dataclass(frozen=True)
class DataSet:
    """What is predicted: outcomes of so many days after each of the cut-offs, the first of which
    has the figures to reach in `benchmarks/model_aims.py`. `source` is "cj", "cdnow" or an
    experiment file.
    """

    title: str
    source: str
    horizon_days: int
    cutoffs: tuple[str, ...]


DATA_SETS = {
    "cj90": DataSet(
        "Complete Journey, 90 days", "cj", 90, ("2017-10-01", "2017-09-01", "2017-08-01")
    ),
    "cj30": DataSet(
        "Complete Journey, 30 days", "cj", 30, ("2017-12-01", "2017-11-01", "2017-10-01")
    ),
    "cdnow273": DataSet(
        "CDNOW, 273 days", "cdnow", 273, ("1997-10-01",)  # 273 days before it, and after
    ),
    "cdnow181": DataSet(
        "CDNOW, 181 days", "cdnow", 181, ("1998-01-01", "1997-11-15", "1997-10-01")
    ),
}  # fmt: skip


#: Of a data set of your own so many cut-offs, half a horizon apart.
OWN_CUTOFFS = 3
INTERVAL_LEVEL = 0.8  # what the page's bounds are for


def own(file: Path) -> DataSet:
    """The data set of an experiment file: the last cut-offs whose whole horizon is known."""
    made = config.load(file)
    read = sources.load(made)
    last = splits.now_after(read.end).floor("D") - pd.Timedelta(days=made.horizon_days)
    step = pd.Timedelta(days=max(made.horizon_days // 2, 1))
    cutoffs = tuple(f"{last - step * i:%Y-%m-%d}" for i in range(OWN_CUTOFFS))
    return DataSet(f"{made.name}, {made.horizon_days} days", str(file), made.horizon_days, cutoffs)


def experiment(data: DataSet, folder: Path) -> Experiment:
    """The experiment of a data set, with its horizon; `folder` takes the files that it needs."""
    known = {"cj": DEMO, "cdnow": None}.get(data.source, Path(data.source))
    made = config.load(known or _cdnow(folder))
    model = dataclasses.replace(made.model, origins=1)  # the origins are ours here
    return dataclasses.replace(
        made, horizon_days=data.horizon_days, model=model, interval_level=INTERVAL_LEVEL
    )


def happened(whole: Sources, customers: pd.DataFrame, horizon_days: int) -> pd.DataFrame:
    """`future_orders` and `future_spend` (currency, net of returns, >= 0) within the horizon after
    `as_of`, of rows of (customer_id, as_of), in their order. `whole` was read without an as_of.
    """
    import pyarrow as pa

    keys = customers[["customer_id", "as_of"]].reset_index(drop=True)
    spine = pa.Table.from_pandas(keys, schema=SPINE, preserve_index=False)
    after = outcomes_of(whole.connection, spine, horizon_days).drop(columns="as_of")
    return keys.merge(after, on="customer_id", how="left", validate="one_to_one")[
        ["future_orders", "future_spend"]
    ]


def cdnow_orders() -> pd.DataFrame:
    """The 69,659 orders of the master file, as the package lifetimes has them: customer (text),
    date, amount (USD).
    """
    package = importlib.util.find_spec("lifetimes")
    if package is None or package.origin is None:
        raise SystemExit("CDNOW is in the package lifetimes: pip install -e '.[dev]'")
    read = pd.read_csv(
        Path(package.origin).parent / "datasets" / "CDNOW_master.txt",
        sep=r"\s+", skiprows=1, names=["customer", "date", "discs", "amount"],
        dtype={"customer": str},
    )  # fmt: skip
    read["date"] = pd.to_datetime(read["date"].astype(str), format="%Y%m%d")
    return read[["customer", "date", "amount"]]


def _cdnow(folder: Path) -> Path:
    """The orders as a file, and a file of the experiment beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    cdnow_orders().to_csv(folder / "cdnow.csv", index=False)
    (folder / "cdnow.toml").write_text(CDNOW)
    return folder / "cdnow.toml"
