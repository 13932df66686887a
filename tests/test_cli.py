"""The command line as a stranger meets it: three commands, and clear words for what is wrong."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

import coterie

COLUMNS = [
    "customer_id", "as_of", "segment_id", "segment_name", "membership", "churn_probability",
    "expected_orders", "expected_spend", "expected_spend_low", "expected_spend_high",
    "interval_level", "currency", "horizon_days", "model_version", "warnings",
]  # fmt: skip


def run(*words: object) -> Result:
    return CliRunner().invoke(coterie.main, [str(word) for word in words])


def must(*words: object) -> Result:
    """The result of a command that has to succeed."""
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where these tests' commands leave the champion's bundle for the service."""
    folder = tmp_path_factory.mktemp("served") / "champion"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COTERIE_BUNDLE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def shop(simulated_orders: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `shop.csv`, customer, date, amount, and nothing else. Not to be changed."""
    folder = tmp_path_factory.mktemp("shop")
    simulated_orders.to_csv(folder / "shop.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def trained(shop: Path, served: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`init` and `retrain` of that file, with one network member for speed: the experiment file.

    What retrain wrote lies in `out` beside it. Not to be changed.
    """
    folder = tmp_path_factory.mktemp("trained")
    file = folder / "shop.toml"
    must("init", shop / "shop.csv", "--currency", "EUR", "--horizon", 60, "--out", file)
    file.write_text(file.read_text() + "\n[model]\nseeds = 1\n")
    must("retrain", file, "--out", folder / "out")
    return file


Changed = Callable[..., Path]


@pytest.fixture
def changed(shop: Path, tmp_path: Path) -> Changed:
    """An experiment file of `tmp_path` over a copy of the shop's orders, changed as asked.

    `text` replaces in the file, old by new; `orders` changes the table.
    """

    def made(
        text: dict[str, str] | None = None,
        orders: Callable[[pd.DataFrame], pd.DataFrame] = lambda table: table,
    ) -> Path:
        table = orders(pd.read_csv(shop / "shop.csv", dtype=str))
        table.to_csv(tmp_path / "shop.csv", index=False)
        content = (
            '[experiment]\nname = "shop"\ncurrency = "EUR"\nhorizon_days = 60\n'
            '[orders]\nurl = "shop.csv"\n'
            '[orders.columns]\ncustomer_id = "customer"\nmoment = "date"\namount = "amount"\n'
        )
        for old, new in (text or {}).items():
            assert old in content
            content = content.replace(old, new)
        (tmp_path / "shop.toml").write_text(content)
        return tmp_path / "shop.toml"

    return made


# ------------------------------------------------------------------------------ help for a stranger


def test_help_names_every_command_and_the_way_to_own_data() -> None:
    shown = must("--help").output
    for command in ("demo", "init", "retrain", "score", "prove", "serve", "ui"):
        assert re.search(rf"^  {command} ", shown, re.MULTILINE), command
    for line in ("coterie init orders.csv", "coterie retrain orders.toml", "coterie serve"):
        assert line in shown


@pytest.mark.parametrize("command", ["demo", "init", "retrain", "score", "prove", "serve", "ui"])
def test_every_command_and_option_is_explained(command: str) -> None:
    shown = must(command, "-h").output
    assert shown.startswith(f"Usage: main {command} [OPTIONS]")
    options = [o for o in coterie.main.commands[command].params if isinstance(o, click.Option)]
    assert all(o.help for o in options)


def test_the_installed_command_answers_at_once_and_loads_nothing() -> None:
    command = Path(sys.executable).with_name("coterie")
    shown = subprocess.run([command, "--help"], capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("Usage: coterie [OPTIONS] COMMAND")
    code = (
        "import sys, coterie;"
        "print([m for m in ('pandas', 'torch', 'mlflow', 'bentoml', 'ibis') if m in sys.modules])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "[]"


# ----------------------------------------------------------------------------- init, retrain, score


def test_init_writes_a_file_that_says_what_was_guessed(shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    rule, _, remedy = told(run("init", shop / "shop.csv", "--out", file))
    assert rule == "The currency of the amounts must be known."
    assert remedy.endswith("--currency EUR")
    assert not file.exists()
    said = must("init", shop / "shop.csv", "--currency", "EUR", "--out", file).output
    assert "Nobody to ask here: taking '" in said  # the horizon
    assert f"coterie retrain {file}" in said
    for line in ('customer_id = "customer"', 'moment = "date"', 'amount = "amount"'):
        assert line in file.read_text()


def test_init_overwrites_nothing_unasked(shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("precious")
    refused = run("init", shop / "shop.csv", "--currency", "EUR", "--out", file)
    assert refused.exit_code == 2
    assert f"Seen:   {file} exists" in refused.output
    assert file.read_text() == "precious"
    must("init", shop / "shop.csv", "--currency", "EUR", "--out", file, "--force")
    assert "[experiment]" in file.read_text()


def test_retrain_registers_a_champion_and_leaves_it_where_it_is_served_from(
    trained: Path, served: Path
) -> None:
    from training import tracking
    from training.bundle import Bundle

    champion = tracking.champion("shop")
    assert champion is not None
    left = Bundle.load(served)
    assert left.manifest["version"] == champion.manifest["version"]
    assert left.files == champion.files
    written = {f.name for f in (trained.parent / "out" / "shop").iterdir()}
    assert {"bundle", "plots", "report_card.md", "customers.parquet"} <= written


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_score_writes_one_row_a_customer_with_exactly_these_columns(
    trained: Path, tmp_path: Path, ending: str
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
    assert not scores.drop(columns="warnings").isna().any().any()


def test_score_gives_what_retrain_gave(trained: Path, tmp_path: Path) -> None:
    must("score", trained, "--out", tmp_path / "scores.parquet")
    again = pd.read_parquet(tmp_path / "scores.parquet")
    first = pd.read_parquet(trained.parent / "out" / "shop" / "customers.parquet")
    assert list(again["customer_id"]) == list(first["customer_id"])
    for column in ("churn_probability", "expected_spend", "membership"):
        theirs = first[column].to_numpy()
        assert again[column].to_numpy() == pytest.approx(theirs, rel=1e-5, abs=1e-6)


# ------------------------------------------------------------------------ nothing at or after as_of


def with_the_future(table: pd.DataFrame) -> pd.DataFrame:
    """The same orders, and an enormous one of everyone on the day of `as_of`."""
    everyone = pd.Series(table["customer"].unique(), name="customer")
    coming = pd.DataFrame({"customer": everyone, "date": "2024-06-01", "amount": "99999999"})
    return pd.concat([table, coming])


def test_score_as_of_sees_nothing_later(trained: Path, changed: Changed, tmp_path: Path) -> None:
    made = []
    for name, orders in (("then", lambda table: table), ("later", with_the_future)):
        file = changed(orders=orders)
        target = tmp_path / f"{name}.csv"
        must("score", file, "--as-of", "2024-06-01", "--out", target)
        made.append(pd.read_csv(target))
    pd.testing.assert_frame_equal(made[0], made[1])
    assert (made[0]["as_of"] == "2024-06-01").all()
    known = with_the_future(pd.read_csv(file.parent / "shop.csv")).query("date < '2024-06-01'")
    assert len(made[0]) == known["customer"].nunique()


def test_as_of_in_another_zone_is_the_same_moment(
    trained: Path, changed: Changed, tmp_path: Path
) -> None:
    made = []
    for moment in ("2024-06-01T00:00:00", "2024-06-01T02:00:00+02:00"):
        must("score", changed(), "--as-of", moment, "--out", tmp_path / "scores.csv")
        made.append(pd.read_csv(tmp_path / "scores.csv"))
    pd.testing.assert_frame_equal(made[0], made[1])


@pytest.mark.slow
def test_retrain_as_of_sees_nothing_later(
    changed: Changed, served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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


@pytest.mark.slow
def test_three_commands_reach_a_model_that_predicts_the_months_it_never_saw(
    shop: Path, served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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


# ----------------------------------------------------------------------------- what cannot be meant


def told(result: Result) -> tuple[str, str, str]:
    """Rule, value seen and remedy, after exit status 2 and without a traceback."""
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    rule, seen, remedy = result.stderr.splitlines()[-3:]
    return rule, seen.removeprefix("  Seen:   "), remedy.removeprefix("  Remedy: ")


def test_a_missing_column(changed: Changed) -> None:
    assert told(run("retrain", changed({'"date"': '"dte"'}))) == (
        "orders: column 'dte' must exist in shop.csv.",
        "the columns customer, date, amount",
        "did you mean 'date'?",
    )


def test_a_column_of_the_wrong_type_throughout(changed: Changed) -> None:
    file = changed(orders=lambda table: table.assign(amount="much"))
    rule, seen, remedy = told(run("retrain", file))
    assert rule == "orders: column 'amount' must hold a number somewhere."
    assert re.fullmatch(r"none in \d+ rows, for instance 'much' \(text\)", seen)
    assert remedy.endswith("or name another column")


def test_an_unknown_key(changed: Changed) -> None:
    file = changed({"horizon_days = 60": "horizon_days = 60\nhorizont = 60"})
    rule, seen, remedy = told(run("retrain", file))
    assert rule == "experiment.horizont is not a known key."
    assert seen.startswith("horizont (known keys: name, currency, horizon_days,")
    assert "horizon_days" in remedy


def test_an_empty_file(changed: Changed) -> None:
    file = changed(orders=lambda table: table.head(0))
    assert told(run("retrain", file)) == (
        "A source has a header and rows.",
        "shop.csv has a header and no rows",
        "check the export that wrote it",
    )
    (file.parent / "shop.csv").write_bytes(b"")
    assert told(run("retrain", file))[1] == "shop.csv is empty"
    assert told(run("init", file.parent / "shop.csv"))[1].endswith("shop.csv is empty")


def test_a_horizon_longer_than_the_data(changed: Changed, served: Path) -> None:
    assert told(run("retrain", changed({"horizon_days = 60": "horizon_days = 5000"}))) == (
        "The horizon must be shorter than the history of orders.",
        "a horizon of 5000 days and a history of 728 days (2023-01-03 to 2024-12-31)",
        "set horizon_days to 145 or less, or bring a longer history",
    )


def test_two_currencies_without_rates(changed: Changed) -> None:
    file = changed(
        {'amount = "amount"': 'amount = "amount"\ncurrency = "code"'},
        lambda table: table.assign(code=np.where(np.arange(len(table)) % 2, "EUR", "USD")),
    )
    assert told(run("retrain", file)) == (
        "All amounts must be in EUR, or their currency must have a rate.",
        "USD without a rate",
        "add rates = { USD = ... } to [experiment]: EUR for one USD",
    )


def test_a_missing_experiment_file(tmp_path: Path) -> None:
    for command in (["retrain"], ["score", "--out", tmp_path / "scores.csv"]):
        assert told(run(*command, tmp_path / "nowhere.toml")) == (
            "The experiment file must exist.",
            str(tmp_path / "nowhere.toml"),
            "check the path, or run `coterie init`",
        )


def test_orders_where_an_experiment_file_belongs(shop: Path) -> None:
    assert told(run("retrain", shop / "shop.csv")) == (
        "An experiment file is TOML.",
        str(shop / "shop.csv"),
        f"write one with: coterie init {shop / 'shop.csv'}",
    )


def test_no_champion(changed: Changed, tmp_path: Path) -> None:
    from training import tracking

    file = changed({'name = "shop"': 'name = "never_trained"'})
    wanted = (
        "There must be a champion to work with.",
        f"none of 'never_trained' in {tracking.store_uri()}",
        "train one: coterie retrain FILE, or coterie demo",
    )
    assert told(run("score", file, "--out", tmp_path / "scores.csv")) == wanted
    assert told(run("serve", "never_trained")) == wanted


def test_scores_with_another_ending(changed: Changed, tmp_path: Path) -> None:
    assert told(run("score", changed(), "--out", tmp_path / "scores.xlsx")) == (
        "Scores are written as Parquet or CSV, by the file's ending.",
        f"--out {tmp_path / 'scores.xlsx'}",
        "end it with .parquet or .csv",
    )


def test_an_as_of_before_the_first_order(changed: Changed) -> None:
    rule, seen, remedy = told(run("retrain", changed(), "--as-of", "2001-01-01"))
    assert rule == "as_of must be later than the first order."
    assert seen == "as_of 2001-01-01 00:00:00, first order 2023-01-03 00:00:00"
    assert remedy == "choose a later as_of"


def test_an_as_of_long_after_the_last_order(changed: Changed, served: Path) -> None:
    assert told(run("retrain", changed(), "--as-of", "2026-01-01")) == (
        "as_of must not be long after the last order: everyone's silence since would count as "
        "leaving.",
        "as_of 2026-01-01, last order 2024-12-30",
        "bring the orders since, or set as_of to 2024-12-31 00:00",
    )


def test_an_as_of_that_is_no_moment(changed: Changed) -> None:
    refused = run("retrain", changed(), "--as-of", "yesterday")
    assert refused.exit_code == 2
    assert "'yesterday' is not a moment like 2024-05-09" in refused.output


def test_the_installed_command_ends_with_status_2_and_no_traceback(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("coterie")
    refused = subprocess.run(
        [command, "retrain", "nowhere.toml"], cwd=tmp_path, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert refused.returncode == 2
    assert refused.stderr.splitlines() == [
        "The experiment file must exist.",
        "  Seen:   nowhere.toml",
        "  Remedy: check the path, or run `coterie init`",
    ]
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------- rows that cannot be used


def spoil(table: pd.DataFrame) -> pd.DataFrame:
    """Three rows that cannot be used, each for its own reason."""
    table.loc[table.index[10], "date"] = "someday"
    table.loc[table.index[20], "customer"] = ""
    table.loc[table.index[30], "amount"] = "much"
    return table


def test_unusable_rows_are_written_down_with_their_reason_and_the_rest_goes_on(
    trained: Path, changed: Changed, tmp_path: Path
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


def test_too_many_unusable_rows_stop_the_run(changed: Changed) -> None:
    def half(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[table.index[::2], "amount"] = "much"
        return table

    file = changed(orders=half)
    out = file.parent / "out"
    rule, seen, remedy = told(run("retrain", file, "--out", out))
    rejects = pd.read_csv(out / "shop" / "rejects.csv")
    assert set(rejects["reason"]) == {"is not a number"}
    assert f"{len(rejects)} of " in seen
    assert rule == "orders: at most 1.00% of the rows may be unusable."
    assert "amount is not a number" in seen
    assert remedy.startswith("correct the rows or the column names")


# ------------------------------------------------------------------------- what a stranger once met


def test_nobody_who_comes_back_leaves_nothing_to_learn(changed: Changed) -> None:
    file = changed(orders=lambda table: table.drop_duplicates("customer", keep="last"))
    rule, seen, _ = told(run("retrain", file, "--out", file.parent / "out"))
    assert rule == "Somebody must spend after a training cut-off, or there is nothing to learn."
    assert seen.startswith("0 in all, in ")


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('currency = "EUR"', 'currency = "USD"', "currency"),
        ('currency = "EUR"', 'currency = "EUR"\ntime_zone = "Asia/Tokyo"', "time_zone"),
    ],
)
def test_a_model_does_not_score_data_of_another_kind(
    trained: Path, changed: Changed, old: str, new: str, key: str
) -> None:
    file = changed(text={old: new})
    rule, seen, _ = told(run("score", file, "--out", file.parent / "scores.csv"))
    assert rule == f"A model scores data of the {key} that it was trained with."
    assert "in the champion" in seen


def test_init_writes_toml_alone_and_makes_its_folder(shop: Path, tmp_path: Path) -> None:
    orders = shop / "shop.csv"
    rule, seen, _ = told(run("init", orders, "--currency", "EUR", "--out", orders, "--force"))
    assert (rule, seen) == ("An experiment file is TOML.", f"--out {orders}")
    made = tmp_path / "new" / "folder" / "shop.toml"
    must("init", orders, "--currency", "EUR", "--out", made)
    assert made.exists()
