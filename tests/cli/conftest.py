"""The command line as a user meets it, over a shop of simulated customers."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

if TYPE_CHECKING:
    from click.testing import Result


@pytest.fixture(scope="session")
def run() -> Callable[..., "Result"]:
    """What a command line of these words ends with."""
    from click.testing import CliRunner

    import coterie

    return lambda *words: CliRunner().invoke(coterie.main, [str(word) for word in words])


@pytest.fixture(scope="session")
def must(run: Callable[..., "Result"]) -> Callable[..., "Result"]:
    """The result of a command that has to succeed."""

    def succeeded(*words: object) -> "Result":
        result = run(*words)
        assert result.exit_code == 0, result.output
        return result

    return succeeded


@pytest.fixture(scope="session")
def told() -> Callable[["Result"], tuple[str, str, str]]:
    """Rule, value seen and remedy, after exit status 2 and without a traceback."""

    def parts(result: "Result") -> tuple[str, str, str]:
        assert result.exit_code == 2, result.output
        assert isinstance(result.exception, SystemExit)
        assert "Traceback" not in result.output
        rule, seen, remedy = result.stderr.splitlines()[-3:]
        return rule, seen.removeprefix("  Seen:   "), remedy.removeprefix("  Remedy: ")

    return parts


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where these tests' commands leave the champion's bundle for the service."""
    folder = tmp_path_factory.mktemp("served") / "champion"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COTERIE_BUNDLE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def shop(simulated_orders: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `shop.csv`, customer, date, amount, and nothing else. Not to be changed."""
    folder = tmp_path_factory.mktemp("shop")
    simulated_orders.to_csv(folder / "shop.csv", index=False)
    return folder


@pytest.fixture
def changed(shop: Path, tmp_path: Path, experiment_text: Callable[..., str]) -> Callable[..., Path]:
    """An experiment file of `tmp_path` over a copy of the shop's orders, changed as asked.

    `text` replaces in the file, old by new; `orders` changes the table.
    """

    def made(
        text: dict[str, str] | None = None,
        orders: Callable[[pd.DataFrame], pd.DataFrame] = lambda table: table,
    ) -> Path:
        table = orders(pd.read_csv(shop / "shop.csv", dtype=str))
        table.to_csv(tmp_path / "shop.csv", index=False)
        columns = {"who": "customer", "when": "date", "paid": "amount"}
        content = experiment_text(horizon_days=60, url="shop.csv", **columns)
        for old, new in (text or {}).items():
            assert old in content
            content = content.replace(old, new)
        (tmp_path / "shop.toml").write_text(content)
        return tmp_path / "shop.toml"

    return made
