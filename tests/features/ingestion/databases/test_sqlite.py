import sqlite3

from features.ingestion import sqlite


def test_a_sqlite_column_is_what_its_values_are(loaded, lite, rows, rejected):
    day = "2024-01-01"
    url = lite(
        (1, day, 1), (2.0, day, 2.5), ("x", day, "3"), (None, day, 4), ("y", 20240101, "free"),
        columns="who, 'when' DATE, paid REAL",
    )  # fmt: skip
    found = loaded(None, url=url, head="max_reject_share = 0.9")
    assert rows(found, "orders", "customer_id", "amount") == [("1", 1.0), ("2", 2.5), ("x", 3.0)]
    assert rejected(found) == [
        ("orders", 4, "who", None, "is empty"),
        ("orders", 5, "when", "20240101", "is not a moment"),
    ]


def test_rows_come_in_batches_and_keep_their_order(loaded, lite, rows, monkeypatch):
    monkeypatch.setattr(sqlite, "_ROWS", 2)
    url = lite(*((f"c{i}", "2024-01-01", i) for i in range(5)))
    found = loaded(None, url=url)
    assert rows(found, "orders", "customer_id") == [(f"c{i}",) for i in range(5)]


def test_text_of_sqlite_that_is_no_utf_8_is_windows_1252(loaded, tmp_path, rows):
    with sqlite3.connect(tmp_path / "s.db") as con:
        con.execute("CREATE TABLE t AS SELECT CAST(x'4DFC6C6C6572' AS TEXT) AS who, "
                    "'2024-01-01' AS \"when\", 1 AS paid")  # fmt: skip
    con.close()
    assert rows(loaded(None, url="sqlite://s.db?table=t"), "orders", "customer_id") == [("Müller",)]


def test_a_locked_sqlite_file_is_refused(loaded, lite, tmp_path, refusal, monkeypatch):
    monkeypatch.setattr(sqlite, "_PATIENCE", 0.05)
    url = lite(("a", "2024-01-01", 1))
    writer = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    try:
        assert refusal(loaded, None, url=url) == (
            f"A source must be readable. Seen: {url}: database is locked. "
            "Remedy: wait until the program that writes to it is done, or read a copy"
        )
    finally:
        writer.close()
