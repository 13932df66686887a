"""What the README shows is what happens: its blocks are executed.

How a block is treated, by its language:

- ``python``: executed in one namespace, in order; with ``>>>`` as a doctest.
- ``console`` (commands after ``$``, output between them) and ``sh`` (commands only), if one of the
  commands is ``coterie``: executed by bash in a temporary folder. Every file that
  ``coterie init FILE`` names lies there, made from a simulated customer base. A block of other
  commands is not executed, but a ``make`` in it must name a target of the Makefile.
- ``toml``, ``json``: parsed.
- any other: shown only.

Two comments on the line before a block change that: ``<!-- not run: REASON -->``, which the summary
of the tests prints, and ``<!-- slow -->`` for a block that only the slow tests execute. Blocks with
a ``coterie`` command other than ``init``, ``--help`` and ``--version`` are slow untold.
"""

import doctest
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

MAKEFILE = Path(__file__).parent.parent.parent / "Makefile"
SECONDS = 900  # one block; training on the simulated customers takes a tenth of it

ENDLESS_COMMAND = re.compile(r"^coterie (serve|ui)\b(?!.*--help)")
OWN_FILE = re.compile(r"^coterie init\s+(?P<file>[\w./-]+\.(csv|parquet))\b")


class Reader:
    """A person who follows a README in one folder, block after block."""

    def __init__(self, folder: Path, orders: pd.DataFrame) -> None:
        self.folder = folder
        self.orders = orders
        self.names: dict[str, object] = {"__name__": "readme"}
        self.environment = os.environ | {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}",
            "COLUMNS": "120",
        }

    def run(self, block: Any) -> None:
        if block.language == "python":
            self.run_python(block)
        else:
            self.run_commands(block)

    def run_python(self, block: Any) -> None:
        if ">>> " not in block.body:
            exec(compile(block.body, f"README.md:{block.line}", "exec"), self.names)
            return
        example = doctest.DocTestParser().get_doctest(
            block.body + "\n", self.names, "README.md", "README.md", block.line
        )
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        told: list[str] = []
        failed = doctest.DocTestRunner(optionflags=flags).run(
            example, out=told.append, clear_globs=False
        )
        self.names.update(example.globs)
        assert failed.failed == 0, "".join(told)

    def run_commands(self, block: Any) -> None:
        for command in block.commands:
            assert not ENDLESS_COMMAND.search(command), (
                f"README.md:{block.line}: `{command}` runs until it is stopped; put a comment "
                "<!-- not run: REASON --> on the line before the block"
            )
            if named := OWN_FILE.search(command):
                self.provide(self.folder / named["file"])
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "\n".join(block.commands)],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert done.returncode == 0, (
            f"README.md:{block.line}: exit status {done.returncode}\n"
            f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        )

    def provide(self, file: Path) -> None:
        if file.exists():
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".parquet":
            self.orders.to_parquet(file, index=False)
        else:
            self.orders.to_csv(file, index=False)


@pytest.fixture
def reader(
    tmp_path: Path, simulated_orders: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> Reader:
    """A reader who works, Python included, in the test's own folder."""
    monkeypatch.chdir(tmp_path)
    return Reader(tmp_path, simulated_orders)


def test_the_readme_names_the_two_commands_of_a_newcomer(readme: list[Any]) -> None:
    commands = {command for block in readme for command in block.commands}
    assert {"make demo", "make test"} <= commands


def test_the_quick_blocks_of_the_readme_run(reader: Reader, readme: list[Any]) -> None:
    quick = [b for b in readme if b.executed and b.not_run is None and not b.slow]
    assert quick, "README.md shows nothing that runs quickly"
    for block in quick:
        reader.run(block)
    made = [tomllib.loads(file.read_text()) for file in reader.folder.glob("*.toml")]
    assert made, "the quick blocks left no experiment file"
    assert all({"experiment", "orders"} <= set(one) for one in made)


@pytest.mark.slow
def test_all_blocks_of_the_readme_run_one_after_another(reader: Reader, readme: list[Any]) -> None:
    ran = [block for block in readme if block.executed and block.not_run is None]
    assert ran, "README.md shows nothing that runs"
    for block in ran:
        reader.run(block)


def test_a_block_that_is_not_run_says_why(excepted: Any) -> None:
    assert excepted.not_run, f"README.md:{excepted.line}: <!-- not run: REASON --> without a reason"
    pytest.skip(f"README.md:{excepted.line} not run: {excepted.not_run}")


def test_the_readmes_settings_can_be_read(readme: list[Any]) -> None:
    readers = {"toml": tomllib.loads, "json": json.loads}
    shown = [block for block in readme if block.language in readers]
    assert shown, "README.md shows no request and no settings"
    for block in shown:
        assert readers[block.language](block.body), f"README.md:{block.line} is empty"


def test_every_make_of_the_readme_names_a_target(readme: list[Any]) -> None:
    makefile = MAKEFILE.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = {
        word
        for block in readme
        for command in block.commands
        if command.startswith("make ")
        for word in command.split("#")[0].split()[1:]
        if "=" not in word
    }
    assert named <= targets


# How the reader itself behaves, shown on small blocks.


def test_python_blocks_share_their_names(reader: Reader, block: Callable[..., Any]) -> None:
    reader.run(block("python", "x = 20", 1))
    reader.run(block("python", ">>> y = x + 1\n>>> y\n21", 3))
    reader.run(block("python", "assert y == 21", 5))
    assert reader.names["y"] == 21


@pytest.mark.parametrize("body", ["1 / 0", ">>> 1 + 1\n3"])
def test_a_python_block_that_is_wrong_fails(
    reader: Reader, body: str, block: Callable[..., Any]
) -> None:
    with pytest.raises((ZeroDivisionError, AssertionError)):
        reader.run(block("python", body, 1))


def test_commands_run_in_the_readers_folder_and_the_first_failure_counts(
    reader: Reader, block: Callable[..., Any]
) -> None:
    reader.run(block("console", "$ echo hello > hello.txt\n$ test -f hello.txt\nfine", 1))
    assert (reader.folder / "hello.txt").read_text(encoding="utf-8") == "hello\n"
    with pytest.raises(AssertionError, match=r"README\.md:7: exit status 1"):
        reader.run(block("sh", "false\ntrue", 7))


def test_a_command_that_never_ends_is_refused(reader: Reader, block: Callable[..., Any]) -> None:
    with pytest.raises(AssertionError, match="runs until it is stopped; put a comment"):
        reader.run(block("sh", "coterie serve", 1))


@pytest.mark.parametrize("name", ["orders.csv", "data/orders.parquet"])
def test_the_file_that_init_names_is_there(reader: Reader, name: str) -> None:
    named = OWN_FILE.search(f"coterie init {name} --out shop.toml")
    assert named is not None
    assert named["file"] == name
    reader.provide(reader.folder / name)
    read = pd.read_parquet if name.endswith("parquet") else pd.read_csv
    orders = read(reader.folder / name)
    assert list(orders.columns) == ["customer", "date", "amount"]
    assert orders["customer"].nunique() == 500
    assert orders["amount"].min() > 0
