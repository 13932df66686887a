"""Which decimal mark a file has: by most values of the amount, else by its other numbers."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.guessing.draft import Guess, Question
from features.guessing.guess import guess
from features.sources import Sources

WHOLE = tuple(str(i) for i in range(10, 50))


@pytest.fixture
def found(tmp_path: Path) -> Callable[..., Guess]:
    """What is guessed of 40 rows of amounts, and maybe of another number; `asked` takes the keys
    of what is asked.
    """

    def run(
        amounts: tuple[str, ...], other: tuple[str, ...] = (), asked: list[str] | None = None
    ) -> Guess:
        lines = [";".join(("customer", "date", "amount", *(["discount"] if other else [])))]
        for i in range(40):
            row = [f"c{i % 9}", f"2024-01-{i % 28 + 1:02}", amounts[i % len(amounts)]]
            lines.append(";".join(row + ([other[i % len(other)]] if other else [])))
        path = tmp_path / "orders.csv"
        path.write_text("\n".join(lines))

        def ask(question: Question) -> str:
            if asked is not None:
                asked.append(question.key)
            return question.default or "EUR"

        return guess(path, ask)

    return run


@pytest.mark.parametrize(("value", "mark"), [("12,50", ","), ("12.50", "."), ("1.234,5", ",")])
def test_one_fraction_among_whole_numbers_tells_the_mark(
    found: Callable[..., Guess],
    loaded: Callable[[Guess, Path], Sources],
    tmp_path: Path,
    value: str,
    mark: str,
) -> None:
    asked: list[str] = []
    made = found((*WHOLE[1:], value), asked=asked)
    assert made.form.decimal == mark
    assert "decimal" not in asked
    loaded(made, tmp_path)


@pytest.mark.parametrize("amounts", [WHOLE, ("1,234", "2,345")], ids=["whole", "in groups"])
@pytest.mark.parametrize(("other", "mark"), [("0,50", ","), ("0.50", ".")])
def test_where_the_amounts_do_not_tell_it_another_number_does(
    found: Callable[..., Guess],
    loaded: Callable[[Guess, Path], Sources],
    tmp_path: Path,
    amounts: tuple[str, ...],
    other: str,
    mark: str,
) -> None:
    asked: list[str] = []
    made = found(amounts, ("0", other), asked)
    assert made.form.decimal == mark
    assert "decimal" not in asked
    loaded(made, tmp_path)


def test_the_amounts_go_before_other_numbers(found: Callable[..., Guess]) -> None:
    assert found(("12.50",), ("0,50",)).form.decimal == "."


def test_whole_numbers_alone_leave_the_usual_mark_and_nothing_is_asked(
    found: Callable[..., Guess],
) -> None:
    asked: list[str] = []
    assert found(WHOLE, asked=asked).form.decimal == "."
    assert "decimal" not in asked


def test_numbers_of_their_own_type_need_no_mark(tmp_path: Path) -> None:
    """Also where they end as a thousand would, and beside digits that are text."""
    table = pa.table({
        "customer": [str(i % 9) for i in range(40)], "amount": [i + 1.234 for i in range(40)],
        "date": [f"2024-01-{i % 28 + 1:02}" for i in range(40)],
    })  # fmt: skip
    pq.write_table(table, tmp_path / "orders.parquet")
    made = guess(tmp_path / "orders.parquet", lambda question: question.default or "EUR")
    assert made.form.decimal is None
