"""What cannot be meant ends with status 2, a rule, the value seen and a remedy."""

import errno
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import mlflow
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from coterie.group import Commands

Run = Callable[..., Result]
Told = Callable[[Result], tuple[str, str, str]]
Changed = Callable[..., Path]


def commands(*actions: Callable[[], None], name: str | None = None) -> click.Group:
    """Our group of these commands, each called as its function is, or by `name`."""
    group = Commands()
    for action in actions:
        group.command(name)(action)
    return group


def test_init_overwrites_nothing_unasked(shop: Path, tmp_path: Path, run: Run, must: Run) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("precious")
    refused = run("init", shop / "shop.csv", "--currency", "EUR", "--out", file)
    assert refused.exit_code == 2
    assert f"Seen:   {file} exists" in refused.output
    assert file.read_text() == "precious"
    must("init", shop / "shop.csv", "--currency", "EUR", "--out", file, "--force")
    assert "[experiment]" in file.read_text()


def test_init_reads_a_folder_of_parquet_and_refuses_another(
    tmp_path: Path, run: Run, must: Run, told: Told
) -> None:
    folder, file = tmp_path / "orders", tmp_path / "orders.toml"
    folder.mkdir()
    assert told(run("init", folder, "--out", file)) == (
        "A folder as a source holds Parquet files.", f"none in {folder}", "name a file instead"
    )  # fmt: skip
    orders = {"customer": ["a"], "date": ["2024-01-01"], "amount": [1.5]}
    pd.DataFrame(orders).to_parquet(folder / "1.parquet")
    must("init", folder, "--currency", "EUR", "--out", file)
    assert 'url = "orders"' in file.read_text()


def test_an_address_for_init_is_refused_without_its_password(run: Run, told: Told) -> None:
    for address, shown in (
        ("https://ann:geheim@host/x.csv", "https://host/x.csv"),
        ("postgres://ann:ge@heim@host/shop?table=t&password=geheim", "postgres://host/shop"),
        ("https://host/x.csv?sig=geheim", "https://host/x.csv"),
    ):
        assert told(run("init", address)) == (
            "`coterie init` reads a CSV or Parquet file of this machine.",
            shown,
            "write its path; of a database, save some rows as CSV, run init on that file, and put "
            "the address into the experiment file",
        )
    assert told(run("check", "https://ann:geheim@host/x.toml")) == (
        "An experiment file is on this machine.",
        "https://host/x.toml",
        "save it here, name that file",
    )


def test_a_missing_column(changed: Changed, run: Run, told: Told) -> None:
    assert told(run("retrain", changed({'"date"': '"dte"'}))) == (
        "orders: column 'dte' must exist in shop.csv.",
        "the columns customer, date, amount",
        "did you mean 'date'?",
    )


def test_a_column_of_the_wrong_type_throughout(changed: Changed, run: Run, told: Told) -> None:
    file = changed(orders=lambda table: table.assign(amount="much"))
    rule, seen, remedy = told(run("retrain", file))
    assert rule == "orders: column 'amount' must hold a number somewhere."
    assert re.fullmatch(r"none in \d+ rows, for instance 'much' \(text\)", seen)
    assert remedy.endswith("or name another column")


def test_an_unknown_key(changed: Changed, run: Run, told: Told) -> None:
    file = changed({"horizon_days = 60": "horizon_days = 60\nhorizont = 60"})
    rule, seen, remedy = told(run("retrain", file))
    assert rule == "experiment.horizont is not a known key."
    assert seen.startswith("horizont (known keys: name, currency, horizon_days,")
    assert "horizon_days" in remedy


def test_an_empty_file(changed: Changed, run: Run, told: Told) -> None:
    file = changed(orders=lambda table: table.head(0))
    assert told(run("retrain", file)) == (
        "A source has a header and rows.",
        "shop.csv has a header and no rows",
        "check the export that wrote it",
    )
    (file.parent / "shop.csv").write_bytes(b"")
    assert told(run("retrain", file))[1] == "shop.csv is empty"
    assert told(run("init", file.parent / "shop.csv"))[1].endswith("shop.csv is empty")


def test_a_horizon_longer_than_the_data(
    changed: Changed, served: Path, run: Run, told: Told
) -> None:
    assert told(run("retrain", changed({"horizon_days = 60": "horizon_days = 5000"}))) == (
        "The horizon must be shorter than the history.",
        "a horizon of 5000 days and a history of 728 days (2023-01-03 to 2024-12-31)",
        "set horizon_days to 145 or less, or bring a longer history",
    )


def test_two_currencies_without_rates(changed: Changed, run: Run, told: Told) -> None:
    file = changed(
        {'amount = "amount"': 'amount = "amount"\ncurrency = "code"'},
        lambda table: table.assign(code=np.where(np.arange(len(table)) % 2, "EUR", "USD")),
    )
    assert told(run("retrain", file)) == (
        "All amounts must be in EUR, or their currency must have a rate.",
        "USD without a rate",
        "add rates = { USD = ... } to [experiment]: EUR for one USD; or a table: [rates]",
    )


def test_a_missing_experiment_file(tmp_path: Path, run: Run, told: Told) -> None:
    for command in (["retrain"], ["score", "--out", tmp_path / "scores.csv"]):
        assert told(run(*command, tmp_path / "nowhere.toml")) == (
            "The experiment file must exist.",
            str(tmp_path / "nowhere.toml"),
            "check the path, or run `coterie init`",
        )


@pytest.mark.parametrize("slip", ["shop.tml", "shp.toml", "shop"])
def test_of_an_experiment_file_that_is_not_there_the_one_meant_is_named(
    tmp_path: Path, run: Run, told: Told, slip: str
) -> None:
    (tmp_path / "shop.toml").write_text("")
    assert told(run("retrain", tmp_path / slip)) == (
        "The experiment file must exist.",
        str(tmp_path / slip),
        f"did you mean {tmp_path / 'shop.toml'}?",
    )


def test_orders_where_an_experiment_file_belongs(shop: Path, run: Run, told: Told) -> None:
    assert told(run("retrain", shop / "shop.csv")) == (
        "An experiment file is TOML.",
        str(shop / "shop.csv"),
        f"write one with: coterie init {shop / 'shop.csv'}",
    )


@pytest.mark.parametrize(("there", "seen"), [([], ""), (list("abcdefg"), ", but of a, b, c, d, e")])
def test_no_champion(
    there: list[str], seen: str, changed: Changed, tmp_path: Path, run: Run, told: Told,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from training import tracking

    monkeypatch.setattr(tracking, "registered", lambda: there)
    file = changed({'name = "shop"': 'name = "never_trained"'})
    wanted = (
        "There must be a champion to work with.",
        f"none of 'never_trained' in {tracking.store_uri()}{seen}",
        "train one: coterie retrain FILE, or coterie demo",
    )
    assert told(run("score", file, "--out", tmp_path / "scores.csv")) == wanted
    assert told(run("serve", "never_trained")) == wanted


def test_scores_with_another_ending(changed: Changed, tmp_path: Path, run: Run, told: Told) -> None:
    assert told(run("score", changed(), "--out", tmp_path / "scores.xlsx")) == (
        "Scores are written as Parquet or CSV, by the file's ending.",
        f"--out {tmp_path / 'scores.xlsx'}",
        "end it with .parquet or .csv",
    )


def test_an_as_of_before_the_first_order(changed: Changed, run: Run, told: Told) -> None:
    rule, seen, remedy = told(run("retrain", changed(), "--as-of", "2001-01-01"))
    assert rule == "as_of must be later than the first order."
    assert seen == "as_of 2001-01-01 00:00:00, first order 2023-01-03 00:00:00"
    assert remedy == "choose a later as_of"


def test_an_as_of_long_after_the_last_order(
    changed: Changed, served: Path, run: Run, told: Told
) -> None:
    assert told(run("retrain", changed(), "--as-of", "2026-01-01")) == (
        "as_of must not be long after the last order: everyone's silence since would count as "
        "leaving.",
        "as_of 2026-01-01, last order 2024-12-30",
        "bring the orders since, or set as_of to 2024-12-31 00:00",
    )


def test_an_as_of_that_is_no_moment(changed: Changed, run: Run) -> None:
    file = changed()
    for command in ("check", "prove", "retrain"):
        for given in ("yesterday", "NaT", "", "01.06.2024", "06/01/2024", "2024"):
            refused = run(command, file, "--as-of", given)
            assert refused.exit_code == 2
            assert f"{given!r} is not a moment like 2024-05-09" in refused.output


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


def test_too_many_unusable_rows_stop_the_run(changed: Changed, run: Run, told: Told) -> None:
    def half(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[table.index[::2], "amount"] = "much"
        return table

    file = changed(orders=half)
    out = file.parent / "out"
    rule, seen, remedy = told(run("retrain", file, "--out", out))
    rejects = pd.read_csv(out / "shop" / "rejects.csv")
    assert set(rejects["reason"]) == {"is not a number"}
    assert f"{len(rejects):,} of " in seen
    assert rule == "orders: at most 1.00% of the rows may be unusable."
    assert "amount is not a number" in seen
    assert remedy.startswith("correct the rows or the column names")


@pytest.mark.slow
def test_nobody_who_comes_back_leaves_nothing_to_learn(
    changed: Changed, run: Run, told: Told
) -> None:
    file = changed(orders=lambda table: table.drop_duplicates("customer", keep="last"))
    rule, seen, _ = told(run("retrain", file, "--out", file.parent / "out"))
    assert rule == (
        "At least 10 customers must spend after a training cut-off, or there is nothing to learn."
    )
    assert seen.startswith("0, who spent 0 in all, in ")


def test_init_writes_toml_alone_and_makes_its_folder(
    shop: Path, tmp_path: Path, run: Run, must: Run, told: Told
) -> None:
    orders = shop / "shop.csv"
    rule, seen, _ = told(run("init", orders, "--currency", "EUR", "--out", orders, "--force"))
    assert (rule, seen) == ("An experiment file is TOML.", f"--out {orders}")
    made = tmp_path / "new" / "folder" / "shop.toml"
    must("init", orders, "--currency", "EUR", "--out", made)
    assert made.exists()


def test_a_folder_that_cannot_be_made(
    shop: Path, changed: Changed, run: Run, told: Told, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "x"
    for words in (
        ("init", shop / "shop.csv", "--currency", "EUR", "--out", out / "shop.toml"),
        ("check", changed({}), "--out", out),
        ("retrain", changed({}), "--out", out),
    ):
        rule, seen, remedy = told(run(*words))
        assert rule == "What is read or written must be within reach."
        assert re.fullmatch(rf"{tmp_path / 'file'}\S*: Not a directory", seen)
        assert remedy == "check the path, its rights, and the room on the disk"


def test_a_full_disk_is_told_in_words() -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def bug() -> None:
        raise OSError("none of these")

    group = commands(full, bug)
    told = CliRunner().invoke(group, ["full"])
    assert told.exit_code == 2
    assert "Seen:   a file: No space left on device" in told.output
    assert "the room on the disk" in told.output
    assert isinstance(CliRunner().invoke(group, ["bug"]).exception, OSError)


@pytest.mark.slow
def test_a_command_that_is_asked_to_end_closes_what_is_open(tmp_path: Path) -> None:
    script = tmp_path / "command.py"
    script.write_text(
        "import os, tempfile, time\n"
        "import click, mlflow\n"
        "from coterie.group import Commands\n"
        "@click.group(cls=Commands)\n"
        "def group(): pass\n"
        "@group.command()\n"
        "def long():\n"
        "    with tempfile.TemporaryDirectory(dir='.') as folder, mlflow.start_run():\n"
        "        print(folder, flush=True)\n"
        "        time.sleep(60)\n"
        "group(['long'])\n"
    )
    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    process = subprocess.Popen(
        [sys.executable, script], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env={**os.environ, "MLFLOW_TRACKING_URI": store, "PYTHONPATH": os.getcwd()},
    )  # fmt: skip
    assert process.stdout is not None
    folder = Path(tmp_path, process.stdout.readline().strip())
    assert folder.is_dir()
    process.terminate()
    _, said = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in said
    assert not folder.exists()
    (run,) = mlflow.MlflowClient(store).search_runs(["0"])
    assert run.info.status == "FAILED"


def test_signals_are_as_they_were_after_a_command_and_commands_run_in_any_thread() -> None:
    group = commands(lambda: click.echo("done"), name="quick")
    before = signal.getsignal(signal.SIGTERM)
    assert CliRunner().invoke(group, ["quick"]).output == "done\n"
    assert signal.getsignal(signal.SIGTERM) == before
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(CliRunner().invoke, group, ["quick"]).result().output == "done\n"
