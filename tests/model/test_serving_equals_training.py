"""Every demo customer, asked over HTTP with the own raw history, gets what training predicts."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from features import sources
from features.settings import config
from features.snapshot import snapshot
from features.spine import everyone
from serving import process
from serving.question import question
from training import run
from training.screen import Screen

ROOT = Path(__file__).parent.parent.parent
DEMO = ROOT / "mlflow" / "experiments" / "complete_journey.toml"
BATCH = 150

TRAINING_SIDE = """
import sys

class NoServing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "serving":
            raise ImportError("this process cannot import serving")

sys.meta_path.insert(0, NoServing())
from pathlib import Path
import pandas as pd, pyarrow as pa
from training.prediction.bundle import Bundle
rows = pa.Table.from_pandas(pd.read_parquet(sys.argv[2]), preserve_index=False)
Bundle.load(Path(sys.argv[1])).predict(rows).to_pandas().to_parquet(sys.argv[3])
assert "serving" not in sys.modules
"""


@pytest.mark.slow
def test_every_demo_customer_gets_the_trained_prediction_over_http(tmp_path: Path) -> None:
    experiment = config.load(DEMO)
    with (tmp_path / "log.txt").open("w") as log:
        made = run.retrain(experiment, Screen(Console(file=log)), None, tmp_path / "out")
    read = sources.load(experiment)
    rows = snapshot(read.connection, made.bundle.spec, everyone(read.connection, made.now))
    rows.to_parquet(tmp_path / "rows.parquet")
    files = [made.folder, tmp_path / "rows.parquet", tmp_path / "expected.parquet"]
    subprocess.run([sys.executable, "-c", TRAINING_SIDE, *files], check=True, cwd=ROOT)
    expected = pd.read_parquet(files[-1]).set_index("customer_id")
    ids = list(expected.index)
    answers = []
    with process.running(made.folder) as service:
        for start in range(0, len(ids), BATCH):
            asked = question(read.connection, ids[start : start + BATCH], made.now)
            answers += service.ask("/assign", asked)["assignments"]
    assert [a["customer_id"] for a in answers] == ids
    assert len(ids) == 2469
    assert not [json.dumps(a["error"]) for a in answers if "error" in a]
    for name, tolerance in (("churn_probability", {"rtol": 0, "atol": 1e-6}),
                            ("expected_orders", {"rtol": 1e-5, "atol": 1e-9})):  # fmt: skip
        served = np.array([a[name] for a in answers])
        np.testing.assert_allclose(served, expected[name].to_numpy(), **tolerance)
    for name, suffix in (("expected", ""), ("low", "_low"), ("median", "_median"),
                         ("high", "_high")):  # fmt: skip
        column = f"expected_spend{suffix}"
        served = np.array([a["expected_spend"][name] for a in answers])
        np.testing.assert_allclose(served, expected[column].to_numpy(), rtol=1e-5, atol=1e-6)
    margin = expected["membership"] - expected["runner_up_membership"]
    same = np.array([a["segment"]["id"] for a in answers]) == expected["segment_id"].to_numpy()
    assert same[margin.to_numpy() >= 1e-5].all()
    assert [a["journey_stage"] for a in answers] == list(expected["stage"])
