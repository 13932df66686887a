"""Files that nobody has described yet, and who answers what they do not tell."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest

from features.errors import SourceError
from features.guessing.draft import Ask, Guess, Question
from features.guessing.guess import guess
from features.guessing.template import render
from features.settings import config
from features.sources import Sources, load


@pytest.fixture(scope="session")
def order_days() -> tuple[date, ...]:
    """81 days, each the fifth after the one before: a history of 400 days."""
    return tuple(date(2023, 1, 1) + timedelta(days=5 * i) for i in range(81))


@pytest.fixture
def write(tmp_path: Path, order_days: tuple[date, ...]) -> Callable[..., Path]:
    """A file with a header and one row for each of `order_days`, from `row(i, day)`."""

    def run(
        header: list[str],
        row: Callable[[int, date], tuple[Any, ...]],
        name: str = "orders.csv",
        mark: str = ",",
        encoding: str = "utf-8",
    ) -> Path:
        lines = [mark.join(header)]
        lines += [mark.join(map(str, row(i, day))) for i, day in enumerate(order_days)]
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding=encoding)
        return path

    return run


@pytest.fixture(scope="session")
def answers() -> Callable[..., Ask]:
    """Answers these questions, the currency with EUR; the others take their default."""

    def given(**known: str) -> Ask:
        return lambda question: ({"currency": "EUR"} | known).get(question.key, question.default)

    return given


@pytest.fixture(scope="session")
def never() -> Ask:
    """Fails the test that asks anything."""

    def asked(question: Question) -> NoReturn:
        raise AssertionError(f"asked {question.key}")

    return asked


@pytest.fixture(scope="session")
def refused(never: Ask) -> Callable[[Path], str]:
    """What is said of a file that cannot be guessed at; nobody is asked before."""

    def run(path: Path) -> str:
        with pytest.raises(SourceError) as caught:
            guess(path, never)
        return str(caught.value)

    return run


@pytest.fixture(scope="session")
def loaded() -> Callable[[Guess, Path], Sources]:
    """The rendered file is a valid experiment, and its source loads without rejects."""

    def run(found: Guess, folder: Path) -> Sources:
        sources = load(config.parse(render(found, folder), folder / "orders.toml"))
        assert len(sources.rejects) == 0
        return sources

    return run
