"""DuckDB files, and what of any database is no table."""

import duckdb


def test_a_duckdb_file_is_let_go_and_views_and_schemas_are_read(loaded, tmp_path, rows):
    with duckdb.connect(tmp_path / "s.duckdb") as con:
        con.execute("CREATE SCHEMA sales; CREATE TABLE sales.lines (who TEXT, day DATE, paid INT)")
        con.execute("INSERT INTO sales.lines VALUES ('a', '2024-01-01', 4), ('b', NULL, 9)")
        con.execute(
            'CREATE VIEW dated AS SELECT who, day AS "when", paid FROM sales.lines '
            "WHERE day IS NOT NULL"
        )
        con.execute('CREATE VIEW sales.large AS SELECT who, current_date AS "when", paid '
                    "FROM sales.lines WHERE paid > 5")  # fmt: skip
    found = loaded(None, url="duckdb://s.duckdb?table=dated")
    assert rows(found, "orders", "customer_id", "amount") == [("a", 4.0)]
    found = loaded(None, url=f"duckdb://{tmp_path}/s.duckdb?table=sales.large")
    assert rows(found, "orders", "customer_id", "amount") == [("b", 9.0)]
    with duckdb.connect(tmp_path / "s.duckdb") as con:  # to write: nobody else has it open
        con.execute("DROP VIEW dated")


def test_a_decimal_is_an_identifier_with_all_its_digits(loaded, tmp_path, rows):
    with duckdb.connect(tmp_path / "s.duckdb") as con:
        con.execute(
            "CREATE TABLE t AS SELECT 90071992547409931234::DECIMAL(38, 4) AS who, "
            "1.5::DECIMAL(3, 2) AS paid, DATE '2024-01-01' AS \"when\""
        )
    found = loaded(None, url="duckdb://s.duckdb?table=t")
    assert rows(found, "orders", "customer_id", "amount") == [("90071992547409931234", 1.5)]


def test_what_is_no_table_is_refused(loaded, tmp_path, refusal, lite, good):
    with duckdb.connect(tmp_path / "s.duckdb") as con:
        con.execute("CREATE TABLE orders (who TEXT, \"when\" DATE, paid INT); CREATE SCHEMA x; "
                    "CREATE TABLE x.visits (who TEXT); CREATE TABLE gone (i INT); "
                    "CREATE VIEW broken AS FROM gone; DROP TABLE gone")  # fmt: skip
    lite(("a", "2024-01-01", 1))
    (tmp_path / "corrupt.duckdb").write_bytes(b"no database" * 1_000)
    exists, readable = "A source's table must exist.", "A source must be readable."
    one = "Of a database, a source is one table or view."
    name = "write its name at the end: ?table=NAME, or ?table=SCHEMA.NAME"
    for url, rule, seen, remedy in (
        ("duckdb://s.duckdb?table=order", exists, "", "did you mean table=orders?"),
        ("duckdb://s.duckdb?table=x.vists", exists, "", "did you mean table=x.visits?"),
        ("sqlite://s.db?table=q", exists, "", "name one of t"),
        ("sqlite://s.db?table=main.t", exists, "", "did you mean table=t?"),
        ("duckdb://s.duckdb", one, "", name),
        ("duckdb://s.duckdb?table=", one, "", name),
        ("sqlite://?table=t", one, "", name),
        ("s.duckdb", one, "",
         "write duckdb://s.duckdb?table=NAME, or sqlite://s.duckdb?table=NAME"),
        ("sqlite://s.db?table=t&mode=rw", "A sqlite:// address has no option but table.", "",
         "remove mode"),
        ("sqlite://t.db?table=t", "A source's file must exist.", f" ({tmp_path / 't.db'})",
         "did you mean s.db?"),
        ("sqlite://corrupt.duckdb?table=t", readable, ": file is not a database",
         "check that it is a SQLite file, whole and of the right name"),
        ("duckdb://corrupt.duckdb?table=t", readable,
         f': IO Error: The file "{tmp_path / "corrupt.duckdb"}" exists, but it is not a valid '
         "DuckDB database file",
         "check that it is a DuckDB file, whole and of a version that this one reads"),
        ("duckdb://s.duckdb?table=broken", readable, ": Catalog Error: Table with name gone does "
         "not exist", "correct the view, or name a table"),
        ("duckdb://s.duckdb?table=orders", "A source has rows.", " has none",
         "check what fills it"),
    ):  # fmt: skip
        assert refusal(loaded, None, url=url) == f"{rule} Seen: {url}{seen}. Remedy: {remedy}"


def test_a_corrupt_duckdb_file_and_one_that_is_being_written_are_told_apart(
    loaded, tmp_path, refusal
):
    (tmp_path / "s.duckdb").write_bytes(b"DUCK" * 3_000)
    url = "duckdb://s.duckdb?table=orders"
    seen = refusal(loaded, None, url=url)
    assert seen.startswith(
        f"A source must be readable. Seen: {url}: IO Error: Corrupt database file: "
    )
    assert seen.endswith(
        "Remedy: check that it is a DuckDB file, whole and of a version that this one reads"
    )
    (tmp_path / "s.duckdb").unlink()
    with duckdb.connect(tmp_path / "s.duckdb") as con:
        con.execute("CREATE TABLE orders (who TEXT)")
        seen = refusal(loaded, None, url=url)
    assert seen.endswith("Remedy: end the program that has it open for writing, or read a copy")
