"""The command line as a stranger meets it: three commands, and all that a model is asked then."""

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from click.testing import Result

Run = Callable[..., Result]
Told = Callable[[Result], tuple[str, str, str]]
Changed = Callable[..., Path]

# One process makes the model and asks it all.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("cli")]

COLUMNS = [
    "customer_id", "as_of", "segment_id", "segment_name", "membership", "churn_probability",
    "expected_orders", "expected_spend", "expected_spend_low", "expected_spend_median",
    "expected_spend_high", "next_order_low", "next_order_median", "next_order_high", "survival_7d",
    "survival_14d", "survival_30d", "survival_60d", "survival_90d", "survival_180d",
    "survival_365d", "value_12m", "value_24m", "interval_level", "currency", "horizon_days",
    "model_version", "warnings",
]  # fmt: skip


@pytest.fixture(scope="module")
def trained(shop: Path, served: Path, tmp_path_factory: pytest.TempPathFactory, must: Run) -> Path:
    """`init` and `retrain` of that file, with one network member for speed, learned from 400 of its
    500 customers: the experiment file.

    What retrain wrote lies in `out` beside it. Not to be changed.
    """
    folder = tmp_path_factory.mktemp("trained")
    file = folder / "shop.toml"
    must("init", shop / "shop.csv", "--currency", "EUR", "--horizon", 60, "--out", file)
    file.write_text(file.read_text() + "\n[model]\nseeds = 1\norigins = 1\nmost_customers = 400\n")
    must("retrain", file, "--out", folder / "out")
    return file


# ----------------------------------------------------------------------------------- retrain, score


def test_retrain_registers_a_champion_and_leaves_it_where_it_is_served_from(
    trained: Path, served: Path
) -> None:
    from training import tracking
    from training.prediction.bundle import Bundle

    champion = tracking.champion("shop")
    assert champion is not None
    left = Bundle.load(served)
    assert left.manifest["version"] == champion.manifest["version"]
    assert left.files == champion.files
    written = {f.name for f in (trained.parent / "out" / "shop").iterdir()}
    assert {"bundle", "plots", "report_card.md", "customers.parquet"} <= written


def test_of_more_customers_than_are_learned_from_all_are_scored(
    trained: Path, served: Path
) -> None:
    from training.prediction.bundle import Bundle

    folder = trained.parent / "out" / "shop"
    bundle = Bundle.load(served)
    assert bundle.manifest["customers"] == {"known": 500, "drawn": 400}
    assert "today 400 of 500 (model.most_customers)" in (folder / "report_card.md").read_text()
    scores = pd.read_parquet(folder / "customers.parquet").groupby("segment_id")
    assert sum(segment.portrait["share"] for segment in bundle.segments) == pytest.approx(1)
    assert {s.id: s.portrait["customers"] for s in bundle.segments} == scores.size().to_dict()
    assert scores.size().sum() == 500
    means = scores["expected_spend"].mean().to_dict()
    assert {s.id: s.portrait["expected_spend"] for s in bundle.segments} == pytest.approx(means)


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_score_writes_one_row_a_customer_with_exactly_these_columns(
    trained: Path, tmp_path: Path, ending: str, must: Run
) -> None:
    target = tmp_path / "deep" / f"scores{ending}"
    said = must("score", trained, "--out", target).output
    assert f"500 customers in {target}" in said
    scores = pd.read_csv(target) if ending == ".csv" else pd.read_parquet(target)
    assert list(scores.columns) == COLUMNS
    assert len(scores) == scores["customer_id"].nunique() == 500
    assert set(scores["currency"]) == {"EUR"}
    assert set(scores["horizon_days"]) == {60}
    assert set(scores["interval_level"]) == {0.8}
    assert (pd.to_datetime(scores["as_of"]) == pd.Timestamp("2024-12-31")).all()
    empty = scores.drop(columns="warnings").isna().any()
    assert set(empty.index[empty]) <= {"next_order_low", "next_order_median", "next_order_high"}
    median = pd.to_datetime(scores["next_order_median"])
    assert (median.dropna() > pd.Timestamp("2024-12-31")).all()


def test_score_gives_what_retrain_gave(trained: Path, tmp_path: Path, must: Run) -> None:
    must("score", trained, "--out", tmp_path / "scores.parquet")
    again = pd.read_parquet(tmp_path / "scores.parquet")
    first = pd.read_parquet(trained.parent / "out" / "shop" / "customers.parquet")
    assert list(again["customer_id"]) == list(first["customer_id"])
    for column in ("churn_probability", "expected_spend", "membership"):
        theirs = first[column].to_numpy()
        assert again[column].to_numpy() == pytest.approx(theirs, rel=1e-5, abs=1e-6)


# ------------------------------------------------------------------------------------------ explain


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".json"])
def test_explain_writes_reasons_that_add_up_to_the_scores(
    trained: Path, tmp_path: Path, ending: str, must: Run
) -> None:
    target = tmp_path / "deep" / f"reasons{ending}"
    said = must("explain", trained, "--top", 20, "--out", target).output
    assert f"Reasons of 20 customers in {target}" in said
    read = {".csv": pd.read_csv, ".parquet": pd.read_parquet, ".json": pd.read_json}[ending]
    made = read(target)
    scores = pd.read_parquet(trained.parent / "out" / "shop" / "customers.parquet")
    scores["at_stake"] = scores["churn_probability"] * scores["value_12m"].fillna(0.0)
    likely = scores.nlargest(20, "at_stake").set_index("customer_id")
    assert set(made["customer_id"]) == set(likely.index)
    for (customer, measure), told in made.groupby(["customer_id", "measure"]):
        total = told["base"].iloc[0] + told["contribution"].sum()
        assert total == pytest.approx(likely.loc[customer, measure], rel=1e-5, abs=1e-6)


def test_explain_tells_named_customers_on_the_screen(trained: Path, must: Run) -> None:
    scores = pd.read_parquet(trained.parent / "out" / "shop" / "customers.parquet")
    gone, kept = scores.sort_values("churn_probability")["customer_id"].iloc[[-1, 0]]
    said = must("explain", trained, "--customer", gone, "--customer", kept).output
    of_gone, of_kept = said.split(f"{gone}: S")[1].split(f"{kept}: S")
    row = scores.set_index("customer_id").loc[gone]
    assert "Risk of leaving within 60 days" in of_gone
    assert f"{row['churn_probability'] * 100:.1f}  this customer" in of_gone
    assert f"{row['expected_spend']:,.2f}  this customer" in of_gone
    # Who is most likely to leave has been silent, and is told so; who is least likely is not.
    assert re.search(r"\+\d+\.\d  (No order for \d+ days|Orders|Days|Of the last)", of_gone)
    assert re.search(r"\+\d\d\.\d  ", of_kept) is None


def test_explain_says_what_cannot_be_explained(
    trained: Path, tmp_path: Path, run: Run, told: Told
) -> None:
    assert told(run("explain", trained, "--customer", "C9999")) == (
        "A customer to explain is in the sources, known before the moment.",
        "no 'C9999' among 500 customers",
        "check the id; `coterie score` lists them all",
    )
    assert told(run("explain", trained)) == (
        "More than 10 customers are explained in a file.",
        "500 customers",
        "name one with --out, or choose fewer with --top",
    )
    assert told(run("explain", trained, "--out", tmp_path / "reasons.xlsx")) == (
        "Reasons are written as Parquet, CSV or JSON, by the file's ending.",
        f"--out {tmp_path / 'reasons.xlsx'}",
        "end it with .parquet, .csv or .json",
    )


# ------------------------------------------------------------------------ nothing at or after as_of


def with_the_future(table: pd.DataFrame) -> pd.DataFrame:
    """The same orders, and an enormous one of everyone on the day of `as_of`."""
    everyone = pd.Series(table["customer"].unique(), name="customer")
    coming = pd.DataFrame({"customer": everyone, "date": "2024-06-01", "amount": "99999999"})
    return pd.concat([table, coming])


def test_score_as_of_sees_nothing_later(
    trained: Path, changed: Changed, tmp_path: Path, must: Run
) -> None:
    made = []
    for name, orders in (("then", lambda table: table), ("later", with_the_future)):
        file = changed(orders=orders)
        target = tmp_path / f"{name}.csv"
        said = must("score", file, "--as-of", "2024-06-01", "--out", target).output
        made.append(pd.read_csv(target))
    pd.testing.assert_frame_equal(made[0], made[1])
    assert (made[0]["as_of"] == "2024-06-01").all()
    # The champion was trained until the end of 2024: it has seen what these customers did next.
    assert "on what followed 2024-06-01 too: what it says of that day is no test of it." in said
    assert made[0]["warnings"].str.contains("hindsight: ").all()
    known = with_the_future(pd.read_csv(file.parent / "shop.csv")).query("date < '2024-06-01'")
    assert len(made[0]) == known["customer"].nunique()


def test_as_of_in_another_zone_is_the_same_moment(
    trained: Path, changed: Changed, tmp_path: Path, must: Run
) -> None:
    made = []
    for moment in ("2024-06-01T00:00:00", "2024-06-01T02:00:00+02:00"):
        must("score", changed(), "--as-of", moment, "--out", tmp_path / "scores.csv")
        made.append(pd.read_csv(tmp_path / "scores.csv"))
    pd.testing.assert_frame_equal(made[0], made[1])


def test_retrain_as_of_sees_nothing_later(
    changed: Changed, served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, must: Run
) -> None:
    made = []
    for name, orders in (("then", lambda table: table), ("later", with_the_future)):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / name / 'mlflow.db'}")
        file = changed(orders=orders)
        file.write_text(file.read_text() + "\n[model]\nseeds = 1\n")
        must("retrain", file, "--as-of", "2024-06-01", "--out", tmp_path / name)
        made.append(pd.read_parquet(tmp_path / name / "shop" / "customers.parquet"))
    same = [m.drop(columns="model_version") for m in made]
    pd.testing.assert_frame_equal(same[0], same[1])
    assert (made[0]["as_of"] == pd.Timestamp("2024-06-01")).all()


def test_three_commands_reach_a_model_that_predicts_the_months_it_never_saw(
    shop: Path, served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, must: Run
) -> None:
    from scipy import stats

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    file, out = tmp_path / "shop.toml", tmp_path / "scores.csv"
    must("init", shop / "shop.csv", "--currency", "EUR", "--horizon", 90, "--out", file)
    must("retrain", file, "--as-of", "2024-10-01", "--out", tmp_path / "out")
    must("score", file, "--as-of", "2024-10-01", "--out", out)
    scores = pd.read_csv(out).set_index("customer_id")
    orders = pd.read_csv(shop / "shop.csv")
    coming = orders[orders["date"].between("2024-10-01", "2024-12-29")].groupby("customer")
    spent = coming["amount"].sum().reindex(scores.index, fill_value=0.0)
    gone = spent == 0
    ranks = stats.mannwhitneyu(
        scores["churn_probability"][gone], scores["churn_probability"][~gone]
    )
    assert ranks.statistic / (gone.sum() * (~gone).sum()) > 0.85
    assert stats.spearmanr(scores["expected_spend"], spent).statistic > 0.6
    held = spent.between(scores["expected_spend_low"], scores["expected_spend_high"])
    assert held.mean() > 0.75
    assert scores["churn_probability"].mean() == pytest.approx(gone.mean(), abs=0.08)


# ------------------------------------------------------------------------- rows that cannot be used


def spoil(table: pd.DataFrame) -> pd.DataFrame:
    """Three rows that cannot be used, each for its own reason."""
    table.loc[table.index[10], "date"] = "someday"
    table.loc[table.index[20], "customer"] = ""
    table.loc[table.index[30], "amount"] = "much"
    return table


def test_unusable_rows_are_written_down_with_their_reason_and_the_rest_goes_on(
    trained: Path, changed: Changed, tmp_path: Path, must: Run
) -> None:
    file = changed(orders=spoil)
    said = must("score", file, "--out", tmp_path / "out" / "scores.csv").output
    assert f"3 values could not be used; each with its reason: {tmp_path / 'out'}" in said
    assert len(pd.read_csv(tmp_path / "out" / "scores.csv")) == 500
    rejects = pd.read_csv(tmp_path / "out" / "rejects.csv", dtype=str, keep_default_na=False)
    assert rejects.to_dict("records") == [
        {"source": "orders", "row": "11", "column": "date", "value": "someday",
         "reason": "is not a moment"},
        {"source": "orders", "row": "21", "column": "customer", "value": "", "reason": "is empty"},
        {"source": "orders", "row": "31", "column": "amount", "value": "much",
         "reason": "is not a number"},
    ]  # fmt: skip


# ------------------------------------------------------------------------- what a stranger once met


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('currency = "EUR"', 'currency = "USD"', "currency"),
        ('currency = "EUR"', 'currency = "EUR"\ntime_zone = "Asia/Tokyo"', "time_zone"),
    ],
)
def test_a_model_does_not_score_data_of_another_kind(
    trained: Path, changed: Changed, old: str, new: str, key: str, run: Run, told: Told
) -> None:
    file = changed(text={old: new})
    rule, seen, _ = told(run("score", file, "--out", file.parent / "scores.csv"))
    assert rule == f"A model scores data of the {key} that it was trained with."
    assert "in the champion" in seen
