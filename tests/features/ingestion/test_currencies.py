"""Columns of currencies that the experiment file does not name."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.ingestion.currencies import unnamed
from features.settings import config

Found = Callable[..., dict[str, tuple[str, ...]]]


@pytest.fixture
def found(tmp_path: Path, experiment_text: Callable[..., str]) -> Found:
    """What is found beside the columns who, when and paid; `more` are columns with their values."""

    def run(
        columns: str = "", url: str = "orders.csv", **more: list[str]
    ) -> dict[str, tuple[str, ...]]:
        n = len(next(iter(more.values())))
        table = pa.table({"who": ["a"] * n, "when": ["2024-01-01"] * n, "paid": ["10"] * n, **more})
        if url.endswith(".parquet"):
            pq.write_table(table, tmp_path / url)
        elif url.startswith("sqlite"):
            with sqlite3.connect(tmp_path / "shop.db") as lite:
                table.to_pandas().to_sql("orders", lite, index=False)
            lite.close()
        elif url.startswith("duckdb"):
            with duckdb.connect(tmp_path / "shop.duckdb") as con:
                con.register("given", table)
                con.execute("CREATE TABLE orders AS FROM given")
        else:
            table.to_pandas().to_csv(tmp_path / url, index=False)
        text = experiment_text(url=url, columns=columns)
        return unnamed(config.parse(text, tmp_path / "shop.toml"))

    return run


@pytest.mark.parametrize(
    "url",
    [
        "orders.csv",
        "orders.parquet",
        "duckdb://shop.duckdb?table=orders",
        "sqlite://shop.db?table=orders",
    ],
)
def test_several_currencies_are_found_the_commonest_first(found: Found, url: str) -> None:
    coins = ["usd", "JPY", " JPY ", "", "EUR", "JPY", "USD"]
    assert found(url=url, coin=coins, size=["S", "M", "L", "S", "M", "L", "S"]) == {
        "coin": ("JPY", "USD", "EUR")
    }


@pytest.mark.parametrize(
    "values",
    [
        ["USD", "USD", "USD"],  # one currency
        ["DEU", "USA", "JPN"],  # three letters, and countries
        ["USD", "JPY", "cash"],
        ["", "", ""],
    ],
)
def test_what_is_no_column_of_several_currencies_is_left_alone(
    found: Found, values: list[str]
) -> None:
    assert found(coin=values) == {}


def test_a_column_that_is_named_is_known_already(found: Found) -> None:
    coins = ["USD", "JPY"]
    assert found('currency = "coin"', coin=coins, other=coins[::-1]) == {}
    assert found('channel = "coin"', coin=coins) == {}
    assert found('channel = "coin"', coin=coins, other=coins) == {"other": ("JPY", "USD")}
