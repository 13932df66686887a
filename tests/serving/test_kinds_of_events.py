"""A kind of event is read as `features.sources` reads it."""

from datetime import datetime
from typing import Any

import duckdb
import pytest

from features.ingestion import cleaning
from features.spec import FeatureSpec
from serving import history
from serving.intake import Intake


@pytest.mark.parametrize("kind", ["1.0", " mail ", "Add to cart", "None", "-2.0"])
def test_a_kind_of_event_is_read_as_in_training(kind: str) -> None:
    with duckdb.connect() as con:
        sql = cleaning.text("x", "VARCHAR")
        read = con.execute(f"SELECT {sql} FROM (SELECT '{kind}' AS x)").fetchone()
    assert read is not None
    spec = FeatureSpec(event_kinds=(read[0],))
    event: dict[str, Any] = {"moment": "2024-05-09T17:30:00Z", "kind": kind}
    sent = history.read({"customer_id": "a", "events": [event]})
    taken = Intake(spec, "UTC")({"a": sent}, datetime(2024, 6, 1))
    assert taken.events["kind"].to_pylist() == [read[0]]
    assert dict(taken.warnings) == {}
