"""`coterie init`: the file it writes, and what it refuses to guess."""

from collections.abc import Callable
from pathlib import Path

from click.testing import Result

Run = Callable[..., Result]
Told = Callable[[Result], tuple[str, str, str]]


def test_init_takes_the_encoding_of_a_file_that_does_not_tell_it(
    tmp_path: Path, run: Run, must: Run, told: Told
) -> None:
    rows = [f"{'ŹŤ'[i % 2]}A,2024-{1 + i // 28:02}-{1 + i % 28:02},{i}.5" for i in range(300)]
    source, file = tmp_path / "shop.csv", tmp_path / "mine.toml"
    source.write_bytes("\n".join(["customer,date,amount", *rows]).encode("cp1250"))
    asked = ("init", source, "--currency", "EUR", "--out", file)
    rule, _, remedy = told(run(*asked))
    assert rule == (
        "The encoding of a source that is neither UTF-8 nor Windows-1252 must be named."
    )
    assert "--encoding cp1250" in remedy
    assert told(run(*asked, "--encoding", "hex")) == (
        "--encoding must be the name of a text encoding.", "'hex'",
        "write for instance utf-8, cp1250 or iso-8859-2",
    )  # fmt: skip
    assert not file.exists()
    must(*asked, "--encoding", "cp1250")
    assert 'encoding = "cp1250"  # correct it if letters look wrong\n' in file.read_text()
    assert "300 rows, 2 customers" in file.read_text()


def test_init_writes_a_file_that_says_what_was_guessed(
    shop: Path, tmp_path: Path, run: Run, must: Run, told: Told
) -> None:
    file = tmp_path / "mine.toml"
    rule, _, remedy = told(run("init", shop / "shop.csv", "--out", file))
    assert rule == "The currency of the amounts must be known."
    assert remedy.endswith("--currency EUR")
    assert not file.exists()
    said = must("init", shop / "shop.csv", "--currency", "EUR", "--out", file).output
    assert "Nobody to ask here: taking '" in said  # the horizon
    assert said.index(f"coterie check {file}") < said.index(f"coterie retrain {file}")
    for line in ('customer_id = "customer"', 'moment = "date"', 'amount = "amount"'):
        assert line in file.read_text()
