"""Columns of types that Parquet and databases have and text files have not."""

import datetime as dt

import pyarrow as pa


def test_bytes_are_text_or_nothing(loaded, refusal, rows):
    day, paid = pa.array([dt.date(2024, 1, 1)]), [1]
    table = pa.table({"who": pa.array(["Zoë".encode()], pa.binary()), "when": day, "paid": paid})
    assert rows(loaded(table, url="o.parquet"), "orders", "customer_id") == [("Zoë",)]
    table = pa.table({"who": pa.array([b"\x93\xff\x00"], pa.binary()), "when": day, "paid": paid})
    assert refusal(loaded, table, url="o.parquet") == (
        "orders: column 'who' must hold text, numbers or moments. "
        "Seen: bytes that are no text, for instance \\x93\\xFF\\x00. Remedy: bring it as text, "
        "for instance in hexadecimal digits, or name another column"
    )


def test_a_column_of_several_values_is_refused_where_it_is_used(loaded, refusal, rows):
    table = pa.table(
        {"who": [{"id": "a"}], "when": [dt.date(2024, 1, 1)], "paid": [1], "id": ["b"]}
    )
    assert refusal(loaded, table, url="o.parquet") == (
        "orders: column 'who' must hold plain values. Seen: struct(id varchar). "
        "Remedy: bring the field of it that is meant as a column of its own, or as a view's"
    )
    renamed = table.rename_columns(["nested", "when", "paid", "who"])
    assert rows(loaded(renamed, url="o.parquet"), "orders", "customer_id") == [("b",)]
