"""Files that are read in, and what came of them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import SourceError
from features.ingestion.staging import REJECT_COLUMNS
from features.settings import config
from features.sources import Sources, load


@pytest.fixture(scope="session")
def good() -> str:
    """Two orders with nothing wrong."""
    return "who,when,paid\na,2024-01-01,10\nb,2024-01-02 10:30:00,2.5\n"


@pytest.fixture
def loaded(
    tmp_path: Path, experiment_text: Callable[..., str], good: str
) -> Callable[..., Sources]:
    """Write orders (text, or a table for Parquet) and load them as an experiment.

    files: what else is written, by name. More is said to `experiment_text`.
    """

    def run(
        orders: Any = good,
        *,
        url: str = "orders.csv",
        files: Mapping[str, Any] | None = None,
        as_of: Any = None,
        **parts: Any,
    ) -> Sources:
        for name, content in {url: orders, **(files or {})}.items():
            path = tmp_path / name
            if isinstance(content, pa.Table):
                path.parent.mkdir(parents=True, exist_ok=True)
                pq.write_table(content, path)
            elif isinstance(content, bytes):
                path.write_bytes(content)
            elif content is not None:
                path.write_text(content, encoding="utf-8")
        text = experiment_text(url=url, **parts)
        return load(config.parse(text, tmp_path / "shop.toml"), as_of)

    return run


@pytest.fixture(scope="session")
def table_of() -> Callable[..., pa.Table]:
    """One order of a customer, for Parquet; `more` are columns with their one value."""

    def run(who: str, **more: Any) -> pa.Table:
        row = {"who": who, "when": "2024-01-01", "paid": 1} | more
        return pa.table({name: [value] for name, value in row.items()})

    return run


@pytest.fixture(scope="session")
def rows() -> Callable[..., list[tuple[Any, ...]]]:
    """Columns of a canonical table, row by row."""

    def found(sources: Sources, table: str, *columns: str) -> list[tuple[Any, ...]]:
        found = sources.connection.table(table).to_pyarrow().select(list(columns)).to_pylist()
        return [tuple(row.values()) for row in found]

    return found


@pytest.fixture(scope="session")
def rejected() -> Callable[[Sources], list[tuple[Any, ...]]]:
    """What could not be used, row by row, without the places in files of a folder."""

    def found(sources: Sources) -> list[tuple[Any, ...]]:
        rejects = sources.rejects[REJECT_COLUMNS]
        plain = rejects.astype(object).where(rejects.notna(), None)
        return list(plain.itertuples(index=False, name=None))

    return found


@pytest.fixture(scope="session")
def refusal() -> Callable[..., str]:
    """The words of the SourceError that a call has to raise."""

    def words(run: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
        with pytest.raises(SourceError) as caught:
            run(*args, **kwargs)
        return str(caught.value)

    return words
