"""How blocks are taken out of a Markdown text, shown on small ones."""

from collections.abc import Callable
from typing import Any

import pytest


def test_a_block_keeps_its_language_line_and_body(
    blocks: Callable[..., list[Any]], block: Callable[..., Any]
) -> None:
    text = (
        "# Title\n\n```python\nx = 1\n\ny = 2\n```\n\n  ```sh\n  ls\n  ```\n````text\n```\n````\n"
    )
    assert blocks(text) == [
        block("python", "x = 1\n\ny = 2", 3),
        block("sh", "ls", 9),
        block("text", "```", 12),
    ]


def test_a_block_that_is_never_closed_is_refused(blocks: Callable[..., list[Any]]) -> None:
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
def test_a_comment_before_a_block(
    before: str, not_run: str | None, told_slow: bool, blocks: Callable[..., list[Any]]
) -> None:
    (one,) = blocks(f"{before}\n```sh\ncoterie init a.csv\n```\n")
    assert (one.not_run, one.told_slow) == (not_run, told_slow)


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
def test_the_commands_of_a_block(
    language: str, body: str, commands: tuple[str, ...], blocks: Callable[..., list[Any]]
) -> None:
    (one,) = blocks(f"```{language}\n{body}\n```")
    assert one.commands == commands


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
def test_what_is_executed_and_what_is_slow(
    body: str, executed: bool, slow: bool, block: Callable[..., Any]
) -> None:
    one = block("sh", body, 1)
    assert (one.executed, one.slow) == (executed, slow)
