"""Types that stand for something else than they seem to: no value is read as another one."""

import datetime
import decimal
import sqlite3

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

TEN = datetime.datetime(2024, 7, 1, 10)
BERLIN = 'time_zone = "Europe/Berlin"'


def _orders(**columns):
    return pa.table({"who": ["a"], "when": [TEN], "paid": [1.0], **columns})


def test_moments_of_the_old_type_of_spark_are_utc(loaded, rows, tmp_path):
    pq.write_table(_orders(), tmp_path / "o.parquet", use_deprecated_int96_timestamps=True)
    old = loaded(None, url="o.parquet", head=BERLIN)
    assert rows(old, "orders", "moment", "local") == [(TEN, TEN.replace(hour=12))]
    new = loaded(_orders(), url="o.parquet", head=BERLIN)
    assert rows(new, "orders", "moment", "local") == [(TEN.replace(hour=8), TEN)]


def test_moments_with_and_without_a_zone_are_not_mixed(loaded, refusal):
    zoned = _orders().set_column(1, "when", pa.array([TEN], pa.timestamp("us", tz="UTC")))
    files = {"many/a.parquet": _orders(), "many/b.parquet": zoned}
    assert refusal(loaded, None, url="many", files=files) == (
        "orders: column 'when' of many must be readable as it was meant. Seen: moments in UTC in "
        "one file, without a zone in another. Remedy: write the files anew, with one plain type"
    )


def test_decimals_that_are_too_long_are_refused_where_they_are_needed(loaded, rows, refusal):
    wide = pa.array([decimal.Decimal("12.34")], pa.decimal256(50, 10))
    assert "decimal numbers of 50 digits, and 38 can be read" in refusal(
        loaded, _orders(paid=wide), url="o.parquet"
    )
    assert rows(loaded(_orders(other=wide), url="o.parquet"), "orders", "amount") == [(1.0,)]


def test_large_whole_ids_of_type_double_are_refused_and_not_merged(loaded, rows, rejected):
    ids = [1234567890123456.0, 2.0**53, 2.0**53 + 2]
    table = pa.table({"who": ids, "when": [TEN] * 3, "paid": [1.0] * 3})
    found = loaded(table, url="o.parquet", head="max_reject_share = 0.9")
    assert rows(found, "orders", "customer_id") == [("1234567890123456",)]
    assert [(row, reason) for _, row, _, _, reason in rejected(found)] == [
        (2, "is not a customer"), (3, "is not a customer"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("decimal_mark", "written", "amount"),
    [
        (",", "0.234", None), (",", "1.234", 1234.0), (",", "0,234", 0.234),
        (".", "0,125", None), (".", "1,125", 1125.0), (".", "0,125.5", None),
        (".", "-0,125", None), (".", "10,125", 10125.0),
    ],
)  # fmt: skip
def test_no_thousands_begin_with_a_nought(loaded, rows, decimal_mark, written, amount):
    text = f"who;when;paid\na;2024-01-01;{written}\nb;2024-01-01;5\n"
    form = f'delimiter = ";"\ndecimal = "{decimal_mark}"'
    found = rows(loaded(text, form=form, head="max_reject_share = 0.9"), "orders", "amount")
    assert found == [(5.0,)] if amount is None else [(amount,), (5.0,)]


def test_enumerations_and_json_are_cleaned_as_text(loaded, rows, tmp_path):
    with duckdb.connect(tmp_path / "s.duckdb") as con:
        con.execute("CREATE TYPE who AS ENUM ('NA', 'A ', 'A', 'é', 'e\u0301')")
        con.execute("CREATE TABLE t (who who, \"when\" DATE, paid ENUM ('1.5', '2'), what JSON)")
        for who in ("NA", "A ", "A", "é", "e\u0301"):
            con.execute("INSERT INTO t VALUES (?, DATE '2024-01-01', '1.5', '\"fruit\"')", [who])
    found = loaded(
        None, url="duckdb://s.duckdb?table=t", columns='category = "what"',
        head="max_reject_share = 0.9",
    )  # fmt: skip
    assert rows(found, "orders", "customer_id", "amount", "category") == [
        ("A", 1.5, "fruit"), ("A", 1.5, "fruit"), ("é", 1.5, "fruit"), ("é", 1.5, "fruit"),
    ]  # fmt: skip


def test_bytes_of_sqlite_are_text_and_large_whole_numbers_keep_their_digits(loaded, rows, tmp_path):
    with sqlite3.connect(tmp_path / "s.db") as con:
        con.execute("CREATE TABLE t (who, 'when', paid BLOB)")
        con.execute("INSERT INTO t VALUES (9007199254740993, '2024-01-01', CAST('2' AS BLOB))")
        con.execute("INSERT INTO t VALUES (1.5, '2024-01-01', CAST('3' AS BLOB))")
    con.close()
    found = loaded(None, url="sqlite://s.db?table=t")
    assert rows(found, "orders", "customer_id", "amount") == [
        ("9007199254740993", 2.0), ("1.5", 3.0),
    ]  # fmt: skip


@pytest.mark.parametrize("log", ["_delta_log", ".hoodie"])
def test_a_folder_whose_files_a_log_counts_is_refused(loaded, refusal, tmp_path, log):
    (tmp_path / "many" / log).mkdir(parents=True)
    assert refusal(loaded, None, url="many", files={"many/a.parquet": _orders()}) == (
        "Of a folder that a log describes, only the log says which files count. Seen: "
        f"{log} in many. Remedy: export the table's current version to a folder of its own"
    )


def test_a_folder_with_links_to_folders_is_refused(loaded, refusal, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "many").mkdir()
    (tmp_path / "many" / "y=2").symlink_to(tmp_path / "elsewhere")
    assert refusal(loaded, None, url="many", files={"many/a.parquet": _orders()}) == (
        "A folder as a source holds no links to other folders. Seen: y=2 in many. "
        "Remedy: name the folder that holds the files themselves"
    )
