import dataclasses
import json
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from features.errors import FitError, HistoryError, SourceError
from features.ingestion.contract_rows import load, standing
from features.settings import contracts
from features.settings.contracts import Profit
from training import tracking
from training.cards.report_card import OURS
from training.contracts import contract, contract_card, contract_run
from training.contracts.contract import Blend, ContractModel
from training.contracts.contract_run import Retrained, planned
from training.screen import Screen

SEED = 7
T = pd.Timestamp
FILE = """
[experiment]
name = "NAME"
currency = "EUR"
horizon_days = 60

[contracts]
url = "contracts.csv"
customer_id = "who"
start = "from"
ended_on = "until"

[contracts.columns]
plan = { kind = "category" }
fee = { kind = "number" }
"""


def simulated() -> pd.DataFrame:
    """Two years of contracts that end at a constant rate a day, thrice as often by the month."""
    generator = np.random.default_rng(SEED)
    n = 1_500
    start = generator.integers(0, 720, n)
    monthly = generator.random(n) < 0.5
    end = start + 1 + generator.exponential(np.where(monthly, 200, 600))
    day = T("2022-01-01") + pd.to_timedelta(start, "D")
    return pd.DataFrame({
        "who": np.arange(n), "from": day,
        "until": pd.Series(day + pd.to_timedelta(end.astype(int) - start, "D")).where(end < 730),
        "plan": np.where(monthly, "month", "year"), "fee": generator.uniform(5, 50, n).round(2),
    })  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("contracts")
    simulated().to_csv(folder / "contracts.csv", index=False)
    (folder / "firm.toml").write_text(FILE.replace("NAME", "firm"))
    return folder


@pytest.fixture(scope="module")
def screen() -> Screen:
    return Screen(Console(record=True, width=200, quiet=True))


@pytest.fixture(scope="module")
def run(folder: Path, screen: Screen) -> Retrained:
    experiment = contracts.load(folder / "firm.toml")
    return contract_run.retrain(experiment, screen, None, folder / "out")


def test_windows_follow_each_other_and_begin_with_the_first_known_end(folder: Path) -> None:
    experiment = contracts.load(folder / "firm.toml")
    read = load(experiment)
    plan = planned(read, experiment)
    assert plan is not None
    assert plan.window_days == 60
    assert plan.train[0].as_of >= read.rows["(ended_on)"].min()
    assert plan.train[-1].end <= plan.calibration.as_of
    assert plan.calibration.end <= plan.test.as_of
    assert plan.test.end == plan.now.floor("D")


@pytest.mark.slow
def test_the_test_window_is_scored_by_what_was_known_before_it(run: Retrained) -> None:
    # Ends come at a constant rate: by the month 1 - exp(-60/200) = .26 of 60 days, else .10.
    rows = run.card.sections[0].rows
    assert list(rows) == [OURS, "base rate", "tenure alone", "plain logistic regression",
                          "LightGBM alone"]  # fmt: skip
    # Two groups alone, told apart at random within: an AUC of about .65 is what there is.
    assert 0.58 < rows[OURS]["AUC"] < 0.72
    assert rows[OURS]["Brier"] < rows["base rate"]["Brier"]
    text = " ".join(run.card.heading)
    assert "whether each ends within 60 days" in text
    assert "taken as constant" in text
    assert "No figure here is out of time" not in text


@pytest.mark.slow
def test_every_tested_contract_carries_its_customer(run: Retrained, folder: Path) -> None:
    experiment = contracts.load(folder / "firm.toml")
    read = load(experiment)
    plan = planned(read, experiment)
    assert plan is not None
    stood = standing(read, plan.test.as_of, plan.test.end)
    np.testing.assert_array_equal(run.tested.customer_id, stood.customer_id)


@pytest.mark.slow
def test_contracts_that_run_now_are_scored_by_the_served_model(
    run: Retrained, folder: Path
) -> None:
    experiment = contracts.load(folder / "firm.toml")
    read = load(experiment)
    plan = planned(read, experiment)
    assert plan is not None
    scores = run.scores
    assert list(scores) == ["row", "customer_id", "churn_probability", "target"]
    running = simulated()
    whose = running["who"].astype(str).iloc[scores["row"] - 1]
    assert whose.tolist() == scores["customer_id"].tolist()
    assert len(scores) == (running["until"].isna() | (running["until"] >= plan.now)).sum()
    monthly = scores.merge(
        running.assign(customer_id=running["who"].astype(str))[["customer_id", "plan"]]
    ).groupby("plan")["churn_probability"].mean()  # fmt: skip
    assert monthly["month"] == pytest.approx(1 - np.exp(-60 / 200), abs=0.06)
    assert monthly["year"] == pytest.approx(1 - np.exp(-60 / 600), abs=0.06)
    asked = scores[scores["target"]]["churn_probability"]
    assert asked.min() >= scores[~scores["target"]]["churn_probability"].max()
    assert asked.min() > 11 / 67  # below it asking costs more than it brings
    now = standing(read, plan.now, plan.now)
    loaded = ContractModel.load(run.folder)
    np.testing.assert_allclose(loaded.probability(now.inputs), scores["churn_probability"])
    file = folder / "out" / "firm" / "contracts.parquet"
    pd.testing.assert_frame_equal(pd.read_parquet(file), scores)
    said = {f.name: f.metadata[b"description"].decode() for f in pq.read_schema(file)}
    assert list(said) == ["row", "customer_id", "churn_probability", "target"]
    assert said["churn_probability"] == "probability that it ends within 60 days"


@pytest.mark.slow
def test_nobody_is_a_target_where_no_probability_is_worth_asking(
    run: Retrained, folder: Path
) -> None:
    experiment = contracts.load(folder / "firm.toml")
    read = load(experiment)
    plan = planned(read, experiment)
    share = contract_card.target(run.tested, OURS, Profit()).eta
    assert share > 0.1
    low = dataclasses.replace(run.model, blend=Blend(intercept=-7.0, slope=0.01))
    scores = contract_run.scored(read, low, run.tested, plan, Profit())
    assert scores["churn_probability"].max() < 0.002
    assert not scores["target"].any()


@pytest.mark.slow
def test_the_run_is_in_the_store_and_no_service_takes_its_model(run: Retrained) -> None:
    client = mlflow.MlflowClient()
    logged = client.get_run(run.recorded.run_id)
    assert logged.data.params["evaluation"] == "windows by time"
    assert logged.data.params["profit_clv"] == "200.0"
    wanted = run.card.sections[0].rows[OURS]["EMPC"]
    assert logged.data.metrics["contracts_that_end/coterie/empc"] == pytest.approx(wanted)
    plots = {f.path for f in client.list_artifacts(run.recorded.run_id, "plots")}
    assert plots == {f"plots/{n}.png" for n in ("profit", "churn_calibration", "rivals")}
    assert "firm" not in tracking.registered()
    path = mlflow.artifacts.download_artifacts(f"models:/firm/{run.recorded.version}")
    model = ContractModel.load(Path(path) / tracking.BUNDLE)
    assert model.manifest == json.loads(json.dumps(run.model.manifest))


def test_a_champions_name_is_refused_before_anything_is_read(
    screen: Screen, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "registered", lambda: ["firm"])
    experiment = contracts.load(folder / "firm.toml")
    with pytest.raises(FitError) as caught:
        contract_run.retrain(experiment, screen, None, folder / "other")
    assert str(caught.value) == (
        "A model of contracts needs a name of its own. Seen: 'firm' is registered, with a champion "
        "that serves segments. Remedy: choose another experiment.name"
    )
    assert not (folder / "other").exists()


@pytest.mark.parametrize(
    ("horizon", "least", "before"), [(300, 0, 30), (730, 0, 30), (200, 400, 400)]
)
def test_a_history_of_less_than_three_horizons_is_refused_and_the_remedy_is_one(
    folder: Path, horizon: int, least: int, before: int
) -> None:
    experiment = dataclasses.replace(
        contracts.load(folder / "firm.toml"), horizon_days=horizon, min_history_days=least
    )
    read = load(experiment)
    ends = pd.to_datetime(simulated()["until"])
    last = max(ends.max(), simulated()["from"].max())
    known = (last - ends.min()).days + 1
    with pytest.raises(HistoryError) as caught:
        planned(read, experiment)
    longest = (known - before) // 3
    assert str(caught.value) == (
        "Training, calibration and test of contracts need three whole horizons after "
        f"{before} days of history. Seen: a horizon of {horizon} days and {known} days since the "
        f"first known end. Remedy: set horizon_days to {longest} or less, or bring a table that "
        f"knows the ends of {3 * horizon + before} days"
    )
    allowed = dataclasses.replace(experiment, horizon_days=longest)
    plan = planned(read, allowed)
    assert plan is not None
    assert (plan.rung, plan.window_days) == ("full", longest)
    with pytest.raises(HistoryError):
        planned(read, dataclasses.replace(experiment, horizon_days=longest + 1))


def test_where_no_horizon_fits_only_more_history_helps(folder: Path) -> None:
    experiment = contracts.load(folder / "firm.toml")
    with pytest.raises(HistoryError) as caught:
        planned(load(experiment), dataclasses.replace(experiment, min_history_days=900))
    assert caught.value.remedy == "bring a table that knows the ends of 1080 days"


def test_an_as_of_long_after_the_last_contract_is_refused(folder: Path) -> None:
    experiment = contracts.load(folder / "firm.toml")
    with pytest.raises(HistoryError) as caught:
        planned(load(experiment, T("2024-03-01")), experiment)
    assert caught.value.rule == (
        "as_of must not be long after the last start or end of a contract: all would be taken to "
        "have stayed since."
    )
    assert caught.value.seen.startswith("as_of 2024-03-01, the last on 2023-12-")


def test_a_contract_that_starts_after_all_ends_tells_until_when_contracts_are_known(
    folder: Path,
) -> None:
    rows = simulated()
    late = rows["from"].max()
    rows["until"] = rows["until"].where(rows["until"] < late - pd.Timedelta(days=20))
    rows.to_csv(folder / "late.csv", index=False)
    (folder / "late.toml").write_text(
        FILE.replace("NAME", "late").replace("contracts.csv", "late.csv")
    )
    experiment = contracts.load(folder / "late.toml")
    plan = planned(load(experiment), experiment)
    assert plan is not None
    assert plan.now == late + pd.Timedelta(days=1)


@pytest.mark.slow
def test_a_second_run_writes_over_the_files_of_the_first(run: Retrained, folder: Path) -> None:
    out = folder / "out" / "firm"
    plots = {"profit.png", "churn_calibration.png", "rivals.png"}
    assert {path.name for path in (out / "plots").iterdir()} == plots
    (out / "report_card.md").write_text("old")
    contract_run._write(out, run.model, run.card, {}, run.scores)
    assert (out / "report_card.md").read_text() == run.card.markdown()


@pytest.mark.parametrize("dated", [True, False])
@pytest.mark.slow
def test_a_column_that_tells_who_left_stops_the_run_before_anything_is_trained(
    folder: Path, screen: Screen, monkeypatch: pytest.MonkeyPatch, dated: bool
) -> None:
    rows = simulated()
    left = rows["until"].notna()
    rows.assign(
        reason=np.where(left, "moved", None), left=left.map({True: "yes", False: "no"})
    ).to_csv(folder / "leaks.csv", index=False)
    text = FILE.replace("NAME", "leaks").replace("contracts.csv", "leaks.csv")
    if not dated:
        text = text.replace("horizon_days = 60", "").replace(
            'start = "from"\nended_on = "until"', 'ended = "left"\nended_values = ["yes"]'
        )
    (folder / "leaks.toml").write_text(text + 'reason = { kind = "category" }\n')
    monkeypatch.setattr(contract, "fit_parts", lambda *_: pytest.fail("something was trained"))
    with pytest.raises(SourceError) as caught:
        contract_run.retrain(contracts.load(folder / "leaks.toml"), screen, None, folder / "out")
    assert caught.value.seen.startswith(
        "reason: whether it is known alone tells which contracts end with AUC 1.000; "
        + ("tenure has 0." if dated else "chance has 0.500")
    )
    assert caught.value.remedy.endswith("leave it out: remove contracts.columns.reason")


@pytest.mark.slow
def test_a_table_without_dates_is_judged_by_folds_and_says_so(folder: Path, screen: Screen) -> None:
    rows = simulated().head(400)
    rows.assign(left=rows["until"].notna().map({True: "yes", False: "no"})).to_csv(
        folder / "labels.csv", index=False
    )
    text = FILE.replace("NAME", "labels").replace("horizon_days = 60", "")
    text = text.replace("contracts.csv", "labels.csv").replace(
        'start = "from"\nended_on = "until"', 'ended = "left"\nended_values = ["yes"]'
    )
    (folder / "labels.toml").write_text(text)
    made = contract_run.retrain(
        contracts.load(folder / "labels.toml"), screen, None, folder / "out"
    )
    assert made.card.heading[1].startswith(
        "No figure here is out of time, because the table has no dates: contracts are drawn into 5 "
        "folds, 3 times over"
    )
    assert "No figure here is out of time" in (
        folder / "out" / "labels" / "report_card.md"
    ).read_text()  # fmt: skip
    assert list(made.scores) == ["row", "customer_id", "ended", "churn_probability", "target"]
    assert not made.scores[made.scores["ended"]]["target"].any()
    assert made.scores["target"].any()
    assert made.scores["ended"].tolist() == rows["until"].notna().tolist()
    assert made.tested.customer_id.tolist() == rows["who"].astype(str).tolist()
    # Each is predicted by others only: the mean of the repeats, and none by the final model.
    np.testing.assert_array_equal(
        made.scores["churn_probability"], made.tested.predictions[OURS].mean(axis=0)
    )
