"""The file that a guess is written to, and what stands in it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from features.errors import SourceError
from features.guessing.draft import Ask
from features.guessing.guess import guess
from features.guessing.template import destination, render, write


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Nobody orders twice; one column is of no use."""
    path = tmp_path / "orders.csv"
    rows = "".join(f"c{i};2024-01-{i % 28 + 1:02};{i}.5;x\n" for i in range(60))
    path.write_text("customer;date;amount_eur;Größe\n" + rows, encoding="utf-8")
    return path


def test_a_file_is_not_overwritten_unasked(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "mine.toml"
    assert destination("orders", out) == out
    out.parent.mkdir()
    out.write_text("mine")
    with pytest.raises(SourceError) as caught:
        destination("orders", out)
    assert str(caught.value) == (
        f"An experiment file is not overwritten unasked. Seen: {out} exists. "
        "Remedy: give another name with --out, or overwrite it with --force"
    )
    write(guess(source), destination("orders", out, force=True))
    assert out.read_text(encoding="utf-8").startswith("# Drafted by `coterie init` from orders.csv")


def test_a_file_of_another_ending_is_refused(source: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        destination("orders", source)
    assert str(caught.value) == (
        f"An experiment file is TOML. Seen: --out {source}. Remedy: end its name with .toml"
    )


def test_without_a_name_the_file_is_called_as_the_source_and_stands_here(
    source: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    found = guess(source)
    file = destination(found.name)
    assert file == Path("orders.toml")
    write(found, file)
    assert (tmp_path / "here" / "orders.toml").exists()


def test_a_source_that_was_named_from_here_is_found_from_elsewhere(
    source: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    found = guess(Path("orders.csv"))
    assert f'url = "{source.as_posix()}"' in render(found, tmp_path / "elsewhere")
    assert 'url = "orders.csv"' in render(found, tmp_path)


def test_what_was_left_out_and_what_else_is_possible_is_said(source: Path) -> None:
    lines = render(guess(source)).splitlines()
    assert "horizon_days = 7" in lines  # no word of repeat orders: there are none
    assert 'delimiter = ";"' in lines
    assert '# not used: "Größe"' in lines
    assert (
        "# also possible: order_id, product_id, category, brand, store, quantity, discount, "
        "channel, currency, arrived"
    ) in lines


def test_names_of_columns_are_read_in_the_encoding_that_was_answered(
    tmp_path: Path, answers: Callable[..., Ask]
) -> None:
    path = tmp_path / "orders.csv"
    rows = "".join(f"{i % 9},2024-01-{i % 28 + 1:02},{i}.5\n" for i in range(60))
    path.write_text("klient,data,Łączna kwota\n" + rows, encoding="cp1250")
    found = guess(path, answers(encoding="cp1250"))
    assert found.roles["amount"].column == "Łączna kwota"
