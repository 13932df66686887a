"""What is asked for a customer of the source tables: all that was known, and nothing later."""

from datetime import datetime
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa

from features.schema import SCHEMAS
from serving import history
from serving.question import question

AS_OF = datetime(2024, 6, 1)
MAY, JULY = datetime(2024, 5, 1), datetime(2024, 7, 1)


def asked(**rows: list[dict[str, Any]]) -> dict[str, Any]:
    backend = ibis.duckdb.connect()
    for name, schema in SCHEMAS.items():
        backend.create_table(name, pa.Table.from_pylist(rows.get(name, []), schema))
    return question(backend, ["a"], pd.Timestamp(AS_OF))


def line(amount: float, moment: datetime = MAY, **more: Any) -> dict[str, Any]:
    return {"customer_id": "a", "moment": moment, "local": moment, "amount": amount,
            "order_id": "1", **more}  # fmt: skip


def test_only_what_had_happened_and_arrived_is_sent_and_the_service_reads_it() -> None:
    event = {"customer_id": "a", "moment": MAY, "kind": "visit"}
    sent = asked(
        orders=[line(1.0, store="Köln"), line(2.0, arrived=MAY), line(3.0, arrived=AS_OF),
                line(4.0, JULY), line(5.0, JULY, arrived=MAY)],
        events=[event, {**event, "arrived": JULY}],
    )  # fmt: skip
    assert sent["as_of"] == "2024-06-01T00:00:00"
    (customer,) = sent["customers"]
    first = {"moment": "2024-05-01T00:00:00Z", "amount": 1.0, "order_id": "1", "store": "Köln"}
    assert customer["orders"][0] == first
    assert [row["amount"] for row in customer["orders"]] == [1.0, 2.0]
    assert customer["orders"][1]["arrived"] == "2024-05-01T00:00:00Z"
    assert len(customer["events"]) == 1
    assert history.read(customer)["orders"][0]["store"] == "Köln"


def test_a_row_of_as_of_is_later_and_an_undated_attribute_was_always_known() -> None:
    home = {"customer_id": "a", "name": "home", "value": "Köln"}
    sent = asked(
        orders=[line(1.0, AS_OF)], attributes=[home, {**home, "value": "Bonn", "valid_from": AS_OF}]
    )
    (customer,) = sent["customers"]
    assert customer["orders"] == []
    assert customer["attributes"] == [{"name": "home", "value": "Köln"}]
