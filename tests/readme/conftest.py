"""The fenced blocks of a Markdown text, and of each what would be executed."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

README = Path(__file__).parent.parent.parent / "README.md"

FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,})(?P<language>[\w+-]*).*$")
NOT_RUN = re.compile(r"^\s*<!--\s*not run\b:?(?P<reason>.*?)-->\s*$")
SLOW = re.compile(r"^\s*<!--\s*slow\s*-->\s*$")
QUICK_COMMAND = re.compile(r"^coterie( \w+)*( --help| --version)$|^coterie init\b")


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


#: The README's; none where there is no README, which the first test of it tells.
OF_README = blocks(README.read_text(encoding="utf-8")) if README.exists() else []


@pytest.fixture(scope="session")
def block() -> type[Block]:
    """A block as it would stand in a README: `block(language, body, line)`."""
    return Block


@pytest.fixture(scope="session", name="blocks")
def blocks_of() -> Callable[[str], list[Block]]:
    """The fenced blocks of a Markdown text, in order."""
    return blocks


@pytest.fixture(scope="session")
def readme() -> list[Block]:
    """The README's blocks. Shared: not to be changed."""
    return OF_README


@pytest.fixture(
    params=[one for one in OF_README if one.not_run is not None and one.executed],
    ids=lambda one: f"line {one.line}",
)
def excepted(request: pytest.FixtureRequest) -> Block:
    """Each block of the README that would be executed were it not for its comment."""
    block: Block = request.param
    return block
