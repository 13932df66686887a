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
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
SECONDS = 900  # one block; training on the simulated customers takes a tenth of it

FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,})(?P<language>[\w+-]*).*$")
NOT_RUN = re.compile(r"^\s*<!--\s*not run\b:?(?P<reason>.*?)-->\s*$")
SLOW = re.compile(r"^\s*<!--\s*slow\s*-->\s*$")
QUICK_COMMAND = re.compile(r"^coterie( \w+)*( --help| --version)$|^coterie init\b")
ENDLESS_COMMAND = re.compile(r"^coterie (serve|ui)\b(?!.*--help)")
OWN_FILE = re.compile(r"^coterie init\s+(?P<file>[\w./-]+\.(csv|parquet))\b")


@dataclass(frozen=True)
class Block:
    """A fenced block: `line` is that of its fence, `not_run` the reason if it names one."""

    language: str
    body: str
    line: int
    not_run: str | None = None
    told_slow: bool = False

    @property
    def commands(self) -> tuple[str, ...]:
        """What a person would type, a line each; `\\` at a line's end is joined."""
        joined = re.sub(r"\s*\\\n(>?\s*)", " ", self.body)
        lines = [line.strip() for line in joined.splitlines()]
        if self.language == "console":
            return tuple(line[2:].strip() for line in lines if line.startswith("$ "))
        if self.language in ("sh", "bash", "shell"):
            return tuple(line for line in lines if line and not line.startswith("#"))
        return ()

    @property
    def executed(self) -> bool:
        return self.language == "python" or any(
            command.startswith("coterie") for command in self.commands
        )

    @property
    def slow(self) -> bool:
        return self.told_slow or not all(
            QUICK_COMMAND.search(command)
            for command in self.commands
            if command.startswith("coterie")
        )


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a Markdown text, in order.

    >>> blocks("<!-- not run: no data -->\\n```sh\\ncoterie demo\\n```\\n")
    [Block(language='sh', body='coterie demo', line=2, not_run='no data', told_slow=False)]
    """
    lines = text.splitlines()
    found = []
    at = 0
    while at < len(lines):
        fence = FENCE.match(lines[at])
        at += 1
        if not fence:
            continue
        start = at
        while at < len(lines) and lines[at].strip() != fence["fence"]:
            at += 1
        if at == len(lines):
            raise ValueError(f"The block that begins in line {start} is never closed.")
        indent = len(fence["indent"])
        before = next((line for line in reversed(lines[: start - 1]) if line.strip()), "")
        reason = NOT_RUN.match(before)
        found.append(
            Block(
                language=fence["language"],
                body="\n".join(
                    line[indent:] if not line[:indent].strip() else line for line in lines[start:at]
                ),
                line=start,
                not_run=reason["reason"].strip() if reason else None,
                told_slow=bool(SLOW.match(before)),
            )
        )
        at += 1
    return found


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

    def run(self, block: Block) -> None:
        if block.language == "python":
            self.run_python(block)
        else:
            self.run_commands(block)

    def run_python(self, block: Block) -> None:
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

    def run_commands(self, block: Block) -> None:
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


def readme() -> list[Block]:
    """The README's blocks; none where there is no README, which the first test tells."""
    return blocks(README.read_text(encoding="utf-8")) if README.exists() else []


def test_the_readme_names_the_two_commands_of_a_newcomer() -> None:
    commands = {command for block in readme() for command in block.commands}
    assert {"make demo", "make test"} <= commands


def test_the_quick_blocks_of_the_readme_run(reader: Reader) -> None:
    quick = [b for b in readme() if b.executed and b.not_run is None and not b.slow]
    assert quick, "README.md shows nothing that runs quickly"
    for block in quick:
        reader.run(block)
    made = [tomllib.loads(file.read_text()) for file in reader.folder.glob("*.toml")]
    assert made, "the quick blocks left no experiment file"
    assert all({"experiment", "orders"} <= set(one) for one in made)


@pytest.mark.slow
def test_all_blocks_of_the_readme_run_one_after_another(reader: Reader) -> None:
    ran = [block for block in readme() if block.executed and block.not_run is None]
    assert ran, "README.md shows nothing that runs"
    for block in ran:
        reader.run(block)


@pytest.mark.parametrize(
    "block",
    [one for one in readme() if one.not_run is not None and one.executed],
    ids=lambda block: f"line {block.line}",
)
def test_a_block_that_is_not_run_says_why(block: Block) -> None:
    assert block.not_run, f"README.md:{block.line}: <!-- not run: REASON --> without a reason"
    pytest.skip(f"README.md:{block.line} not run: {block.not_run}")


def test_the_readmes_settings_can_be_read() -> None:
    readers = {"toml": tomllib.loads, "json": json.loads}
    shown = [block for block in readme() if block.language in readers]
    assert shown, "README.md shows no request and no settings"
    for block in shown:
        assert readers[block.language](block.body), f"README.md:{block.line} is empty"


def test_every_make_of_the_readme_names_a_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = {
        word
        for block in readme()
        for command in block.commands
        if command.startswith("make ")
        for word in command.split("#")[0].split()[1:]
        if "=" not in word
    }
    assert named <= targets


# How the reader itself behaves, shown on small texts.


def test_a_block_keeps_its_language_line_and_body() -> None:
    text = (
        "# Title\n\n```python\nx = 1\n\ny = 2\n```\n\n  ```sh\n  ls\n  ```\n````text\n```\n````\n"
    )
    assert blocks(text) == [
        Block("python", "x = 1\n\ny = 2", 3),
        Block("sh", "ls", 9),
        Block("text", "```", 12),
    ]


def test_a_block_that_is_never_closed_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^The block that begins in line 2 is never closed\.$"):
        blocks("x\n```sh\nls\n")


@pytest.mark.parametrize(
    ("before", "not_run", "told_slow"),
    [
        ("", None, False),
        ("A sentence.", None, False),
        ("<!-- not run: needs a server -->", "needs a server", False),
        ("<!-- not run: needs a server -->\n", "needs a server", False),
        ("<!-- not run -->", "", False),
        ("<!-- slow -->", None, True),
        ("<!-- not run: needs a server -->\nA sentence.", None, False),
    ],
)
def test_a_comment_before_a_block(before: str, not_run: str | None, told_slow: bool) -> None:
    (block,) = blocks(f"{before}\n```sh\ncoterie init a.csv\n```\n")
    assert (block.not_run, block.told_slow) == (not_run, told_slow)


@pytest.mark.parametrize(
    ("language", "body", "commands"),
    [
        ("console", "$ coterie init a.csv\nWritten: a.toml\n$ ls", ("coterie init a.csv", "ls")),
        ("sh", "# first\ncoterie init a.csv\n\nls", ("coterie init a.csv", "ls")),
        ("sh", "coterie score a.toml \\\n    --out b.csv", ("coterie score a.toml --out b.csv",)),
        ("console", "$ coterie score a.toml \\\n>  --out b", ("coterie score a.toml --out b",)),
        ("text", "$ coterie demo", ()),
    ],
)
def test_the_commands_of_a_block(language: str, body: str, commands: tuple[str, ...]) -> None:
    (block,) = blocks(f"```{language}\n{body}\n```")
    assert block.commands == commands


@pytest.mark.parametrize(
    ("body", "executed", "slow"),
    [
        ("make demo", False, False),
        ("coterie --help", True, False),
        ("coterie retrain --help", True, False),
        ("coterie init a.csv", True, False),
        ("coterie init a.csv\ncoterie retrain a.toml", True, True),
        ("coterie demo", True, True),
    ],
)
def test_what_is_executed_and_what_is_slow(body: str, executed: bool, slow: bool) -> None:
    block = Block("sh", body, 1)
    assert (block.executed, block.slow) == (executed, slow)


def test_python_blocks_share_their_names(reader: Reader) -> None:
    reader.run(Block("python", "x = 20", 1))
    reader.run(Block("python", ">>> y = x + 1\n>>> y\n21", 3))
    reader.run(Block("python", "assert y == 21", 5))
    assert reader.names["y"] == 21


@pytest.mark.parametrize("body", ["1 / 0", ">>> 1 + 1\n3"])
def test_a_python_block_that_is_wrong_fails(reader: Reader, body: str) -> None:
    with pytest.raises((ZeroDivisionError, AssertionError)):
        reader.run(Block("python", body, 1))


def test_commands_run_in_the_readers_folder_and_the_first_failure_counts(reader: Reader) -> None:
    reader.run(Block("console", "$ echo hello > hello.txt\n$ test -f hello.txt\nfine", 1))
    assert (reader.folder / "hello.txt").read_text(encoding="utf-8") == "hello\n"
    with pytest.raises(AssertionError, match=r"README\.md:7: exit status 1"):
        reader.run(Block("sh", "false\ntrue", 7))


def test_a_command_that_never_ends_is_refused(reader: Reader) -> None:
    with pytest.raises(AssertionError, match="runs until it is stopped; put a comment"):
        reader.run(Block("sh", "coterie serve", 1))


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
