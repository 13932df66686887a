from datetime import datetime

import pyarrow as pa
import pytest

from features.schema import ATTRIBUTES, EVENTS, ORDERS, SPINE, order_id_of

US = pa.timestamp("us")


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (
            ORDERS,
            [
                ("customer_id", pa.string(), False),
                ("moment", US, False),
                ("local", US, False),
                ("amount", pa.float64(), False),
                ("order_id", pa.string(), False),
                ("product_id", pa.string(), True),
                ("category", pa.string(), True),
                ("brand", pa.string(), True),
                ("store", pa.string(), True),
                ("quantity", pa.float64(), True),
                ("discount", pa.float64(), True),
                ("channel", pa.string(), True),
                ("arrived", US, True),
            ],
        ),
        (
            EVENTS,
            [
                ("customer_id", pa.string(), False),
                ("moment", US, False),
                ("kind", pa.string(), False),
                ("channel", pa.string(), True),
                ("arrived", US, True),
            ],
        ),
        (
            ATTRIBUTES,
            [
                ("customer_id", pa.string(), False),
                ("name", pa.string(), False),
                ("value", pa.string(), True),
                ("valid_from", US, True),
            ],
        ),
        (SPINE, [("customer_id", pa.string(), False), ("as_of", US, False)]),
    ],
)
def test_tables_have_exactly_these_fields(schema, expected):
    assert [(field.name, field.type, field.nullable) for field in schema] == expected


def test_lines_of_one_moment_share_an_order_id():
    assert order_id_of(datetime(2024, 5, 9, 17, 30)) == "2024-05-09T17:30:00"
    assert order_id_of(datetime(2024, 5, 9, 17, 30, 0, 1500)) == "2024-05-09T17:30:00.001500"
