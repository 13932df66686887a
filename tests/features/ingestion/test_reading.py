import gzip
import re

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

T = pd.Timestamp
NOWHERE = "__HIVE_DEFAULT_PARTITION__"
FILL = "Remedy: check the export that wrote it"


def test_files_may_be_zipped_foreign_or_many(loaded, tmp_path, rows, good):
    expected = [("a",), ("b",)]
    assert rows(loaded(gzip.compress(good.encode()), url="o.csv.gz"), "orders", "customer_id") == (
        expected
    )
    tabs = good.replace(",", "\t")
    assert rows(loaded(tabs, url="o.tsv"), "orders", "customer_id") == expected
    for encoding in ("utf-8-sig", "utf-16"):
        found = loaded(good.encode(encoding), url=f"{encoding}.txt")
        assert rows(found, "orders", "customer_id") == expected
    latin = good.replace("\nb", "\nMüller").encode("latin-1")
    assert rows(loaded(latin, url="l.csv"), "orders", "customer_id") == [("a",), ("Müller",)]
    table = pa.table({"who": ["a"], "when": ["2024-01-01"], "paid": [1]})
    sources = loaded(table, url="many/1.parquet")
    pq.write_table(table, tmp_path / "many" / "2.parquet")
    assert loaded(None, url="many").ingested[0].rows_kept == 2 * sources.ingested[0].rows_kept
    assert loaded(None, url=f"file://{tmp_path}/many").ingested[0].rows_kept == 2
    mixed = good.replace("10\n", "10\r\n").encode()
    assert rows(loaded(mixed, url="m.csv"), "orders", "customer_id") == expected
    odd = loaded(good, url="we[i]rd *na?me.csv")
    assert rows(odd, "orders", "customer_id") == expected


def test_a_broken_parquet_file_is_unreadable(loaded, refusal):
    assert re.fullmatch(
        rf"A source must be readable\. Seen: o\.parquet: .*o\.parquet.*\. {FILL}",
        refusal(loaded, b"no parquet at all", url="o.parquet"),
    )


def test_a_broken_zip_is_unreadable(loaded, refusal, good):
    assert refusal(loaded, good, url="o.csv.gz") == (
        f"A source must be readable. Seen: o.csv.gz: Not a gzipped file (b'wh'). {FILL}"
    )


def test_a_line_too_long_for_the_database_is_named(loaded, refusal, good):
    text = good + "a,2024-01-03," + "9" * 3_000_000 + "\n"
    for encoding in ("utf-8", "cp1252"):
        sent = text.replace("\nb", "\nMüller").encode(encoding)
        assert refusal(loaded, sent) == (
            "A row of a CSV file has at most 2,000,000 bytes. Seen: orders.csv: row 3 has "
            "3,000,014. Remedy: shorten the text in it, or leave that column out of the export"
        )


def test_too_little_memory_is_not_the_files_fault(loaded, refusal):
    assert re.fullmatch(
        r"A source must fit through the memory that the database may take\. Seen: orders\.csv: "
        r"Out of Memory Error: .* Remedy: raise experiment\.memory or leave it out, or set "
        r"experiment\.threads = 1",
        refusal(loaded, head='memory = "2MB"'),
    )


def test_a_header_that_can_be_none_is_refused(loaded, refusal, good):
    for form in ("", 'delimiter = ","'):
        assert refusal(loaded, "x" * 10_000_000 + good, form=form) == (
            "The first line of a source names its columns. Seen: orders.csv: a name there is "
            f"longer than 131,072 characters. {FILL}"
        )


# ----------------------------------------------------------------------------------- partitions


def test_a_partition_is_a_column_of_text(loaded, rows, table_of):
    files = {
        f"x=0/many/Year={year}/shop={shop}/1.parquet": table_of(f"{year} {shop}")
        for year, shop in (("2023", "007"), ("2024", "a%20b"), ("2024", NOWHERE))
    }
    files["x=0/many/2.parquet"] = table_of("beside")
    columns = 'store = "shop"\nquantity = "Year"'
    sources = loaded(None, url="x=0/many", files=files, columns=columns)
    assert rows(sources, "orders", "customer_id", "store", "quantity") == [
        ("beside", None, None),
        ("2023 007", "007", 2023),
        (f"2024 {NOWHERE}", None, 2024),
        ("2024 a%20b", "a b", 2024),
    ]


def test_a_moment_may_be_a_partition(loaded, rows, table_of):
    files = {
        f"many/day={day}/1.parquet": table_of("a").drop_columns("when")
        for day in ("2024-01-02", "2024-01-03")
    }
    sources = loaded(None, url="many", files=files, when="day")
    assert rows(sources, "orders", "moment") == [(T("2024-01-02"),), (T("2024-01-03"),)]


def test_a_column_of_the_files_wins_over_a_partition(loaded, rows, table_of):
    files = {"many/YEAR=2024/shop=b/1.parquet": table_of("a", year=2023)}
    columns = 'store = "shop"\nquantity = "year"'
    sources = loaded(None, url="many", files=files, columns=columns)
    assert rows(sources, "orders", "store", "quantity") == [("b", 2023)]


def test_a_file_beside_the_partitions_takes_none_from_above(loaded, rows, table_of):
    files = {
        "x=0/many/loose.parquet": table_of("a"), "x=0/many/x=1/1.parquet": table_of("b"),
        "x=0/many/x=2/1.parquet": table_of("c"),
    }  # fmt: skip
    read = loaded(None, url="x=0/many", files=files, columns='store = "x"')
    found = sorted(rows(read, "orders", "customer_id", "store"))
    assert found == [("a", None), ("b", "1"), ("c", "2")]


def test_above_the_folder_nothing_is_a_partition(loaded, refusal, table_of):
    files = {"x=0/many/y=1/1.parquet": table_of("a")}
    seen = refusal(loaded, None, url="x=0/many", files=files, columns='store = "x"')
    assert seen.startswith("orders: column 'x' must exist in x=0/many. Seen: the columns who,")
    assert "paid, y. Remedy" in seen
