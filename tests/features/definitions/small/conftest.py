"""Small shops, written for one definition each, and what Coterie makes of their files."""

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from features import discovery, sources
from features.schema import SPINE
from features.settings import config
from features.snapshot import snapshot
from features.spec import FeatureSpec

Rows = Sequence[Sequence[Any]]
HEAD = """\
[experiment]
name = "small"
currency = "EUR"
time_zone = {zone}
horizon_days = 28
max_reject_share = 0.0
threads = 1
[orders]
url = "orders.csv"
[orders.columns]
customer_id = "who"
moment = "when"
amount = "paid"
"""


class Small:
    """A shop of a few rows: `files` hold a header and rows each, `text` is what stands after the
    columns who, when and paid of orders.csv.
    """

    def __init__(self, folder: Path, files: Mapping[str, Rows], text: str, zone: str) -> None:
        for name, rows in files.items():
            with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
                csv.writer(stream).writerows(rows)
        head = HEAD.format(zone=json.dumps(zone))
        self.experiment = config.parse(head + text, folder / "small.toml")
        self.read = sources.load(self.experiment)

    @property
    def spec(self) -> FeatureSpec:
        """Of every feature that its rows give rise to."""
        return discovery.everything(self.read, self.experiment)

    def learned(self, before: str) -> FeatureSpec:
        return discovery.learned(self.read, self.experiment, pd.Timestamp(before))

    def known_by(self, as_of: datetime) -> sources.Sources:
        """Its sources, read as they were at a moment (naive UTC)."""
        return sources.load(self.experiment, pd.Timestamp(as_of))

    def features(
        self,
        asked: Iterable[tuple[str, datetime | str]],
        spec: FeatureSpec | None = None,
        read: sources.Sources | None = None,
        columns: Sequence[str] | None = None,
    ) -> list[dict[str, Any]]:
        """Of customers at moments (naive UTC), in the order of the question; null is None."""
        pairs = [(who, pd.Timestamp(at).to_pydatetime()) for who, at in asked]
        names = [{"customer_id": who, "as_of": at} for who, at in pairs]
        spine = pa.Table.from_pylist(names, SPINE)
        connection = (read or self.read).connection
        made = snapshot(connection, spec or self.spec, spine, columns=columns)
        made = made.astype(object).where(made.notna(), None)
        records: list[Any] = made.to_dict("records")
        rows = {(row["customer_id"], row["as_of"].to_pydatetime()): row for row in records}
        return [rows[pair] for pair in pairs]


@pytest.fixture
def small(tmp_path: Path) -> Callable[..., Small]:
    """Write a shop's files and read them."""

    def written(text: str = "", zone: str = "UTC", **files: Rows) -> Small:
        return Small(tmp_path, files, text, zone)

    return written
