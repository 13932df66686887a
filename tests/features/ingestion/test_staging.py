import duckdb
import pandas as pd
import pyarrow as pa

from features.ingestion.joining import join
from features.settings import config
from features.sources import load

T = pd.Timestamp


def test_joined_columns_and_summed_discounts(loaded, rows, rejected):
    orders = (
        "who,when,paid,sku,n,rebate,coupon\n"
        "a,2024-01-01,5,1,2,-0.5,0.25\n"
        "b,2024-01-01,6,9,,,\n"
        "c,2024-01-01,7,,x,1,\n"
    )
    sources = loaded(
        orders,
        columns='product_id = "sku"\ncategory = "kind"\nquantity = "n"\n'
        'discount = ["rebate", "coupon"]\n[[orders.join]]\nurl = "p.parquet"\n'
        'on = { left = "sku", right = "id" }\ncolumns = ["kind"]',
        files={"p.parquet": pa.table({"id": [1.0, 2.0], "kind": ["fruit", "NaN"]})},
    )
    names = ("customer_id", "product_id", "category", "quantity", "discount")
    assert rows(sources, "orders", *names) == [
        ("a", "1", "fruit", 2.0, 0.75),
        ("b", "9", None, None, None),
        ("c", None, None, None, 1.0),
    ]
    assert rejected(sources) == [
        ("orders", 3, "n", "x", "is not a number; the rest of the row is kept")
    ]
    assert sources.ingested[0].rows_rejected == 0


def test_names_of_columns_are_quoted(tmp_path, rows, experiment_text):
    (tmp_path / "o.csv").write_text('"the ""who""",when; then,"pa\'id",select\na,2024-01-01,1,2\n')
    text = experiment_text(url="o.csv", columns='brand = "select"')
    text = text.replace('"who"', "'the \"who\"'").replace('"when"', '"when; then"')
    text = text.replace('"paid"', '"pa\'id"')
    sources = load(config.parse(text, tmp_path / "shop.toml"))
    assert rows(sources, "orders", "customer_id", "amount", "brand") == [("a", 1.0, "2")]


def test_columns_may_bear_our_own_names(tmp_path, rows, experiment_text):
    text = "problem,amount,moment,row,customer_id\na,2024-01-01,5,x,77\nb,2024-01-02,6,y,88\n"
    (tmp_path / "o.csv").write_text(text)
    toml = experiment_text(url="o.csv", form='line_id = "row"', columns='brand = "row"')
    toml = toml.replace('"who"', '"problem"').replace('"when"', '"amount"')
    toml = toml.replace('"paid"', '"moment"') + 'category = "customer_id"'
    sources = load(config.parse(toml, tmp_path / "shop.toml"))
    assert rows(sources, "orders", "customer_id", "moment", "amount", "brand", "category") == [
        ("a", T("2024-01-01"), 5.0, "x", "77"),
        ("b", T("2024-01-02"), 6.0, "y", "88"),
    ]


# ------------------------------------------------------------------------- rows that cannot be used


def test_unusable_rows_are_listed_and_the_rest_goes_on(loaded, rows, rejected):
    text = (
        "who,when,paid\n"
        "a,2024-01-01,1\n"
        ",2024-01-02,2\n"
        "NULL,2024-01-03,3\n"
        "b,yesterday,4\n"
        "b,2024-02-30,5\n"
        "b,9999-12-31,5\n"
        "c,2024-01-04\n"
        "c,2024-01-04,6,7\n"
        "d,,7\n"
        "d,2024-01-05,free\n"
        'd,2024-01-05,"1,5"\n'
        "d,2024-01-05,\n"
        "e,2024-01-05,inf\n"
        "e,2024-01-06,NaN\n"
        "f,2024-01-07,-1e1\n"
        'f,2024-01-08,"1,234.50"\n'
    )
    sources = loaded(text, head="max_reject_share = 0.9")
    assert rows(sources, "orders", "customer_id", "amount") == [
        ("a", 1.0),
        ("f", -10.0),
        ("f", 1234.5),
    ]
    assert rejected(sources) == [
        ("orders", 2, "who", None, "is empty"),
        ("orders", 3, "who", "NULL", "is empty"),
        ("orders", 4, "when", "yesterday", "is not a moment"),
        ("orders", 5, "when", "2024-02-30", "is not a moment"),
        ("orders", 6, "when", "9999-12-31", "is not a moment"),
        ("orders", 7, "(whole row)", "c,2024-01-04", "the number of fields is wrong"),
        ("orders", 8, "(whole row)", "c,2024-01-04,6,7", "the number of fields is wrong"),
        ("orders", 9, "when", None, "is empty"),
        ("orders", 10, "paid", "free", "is not a number"),
        ("orders", 11, "paid", "1,5", "is not a number"),
        ("orders", 12, "paid", None, "is empty"),
        ("orders", 13, "paid", "inf", "is not a number"),
        ("orders", 14, "paid", "NaN", "is empty"),
    ]
    account = sources.ingested[0]
    assert (account.rows_read, account.rows_kept, account.rows_rejected) == (16, 3, 13)


def test_missing_and_endless_values_of_parquet_are_rejected(loaded, rows, rejected):
    table = pa.table(
        {
            "who": pa.array([1.0, None, float("nan"), 4.0, 5.0]),
            "when": pa.array([T("2024-01-01")] * 4 + [None], pa.timestamp("us")),
            "paid": [1.0, 1.0, 1.0, float("inf"), 1.0],
        }
    )
    sources = loaded(table, url="o.parquet", head="max_reject_share = 0.9")
    assert rows(sources, "orders", "customer_id") == [("1",)]
    assert rejected(sources) == [
        ("orders", 2, "who", None, "is empty"),
        ("orders", 3, "who", "nan", "is empty"),
        ("orders", 4, "paid", "inf", "is not a number"),
        ("orders", 5, "when", None, "is empty"),
    ]


PRODUCTS = "sku,kind\n1,A\n2,B\n3,C,oops\n4,D\n"
JOIN = '\n[[orders.join]]\nurl = "p.csv"\non = "sku"\ncolumns = ["kind"]'


def test_a_malformed_line_of_a_joined_file_is_its_own(loaded, rows, rejected):
    orders = "who,when,paid,sku\n" + "".join(
        f"c{i},2024-01-0{i},{'bad' if i == 4 else 10},{i}\n" for i in range(1, 6)
    )
    sources = loaded(
        orders,
        head="max_reject_share = 0.3",
        columns='category = "kind"' + JOIN,
        files={"p.csv": PRODUCTS},
    )
    assert rejected(sources) == [
        ("orders", 4, "paid", "bad", "is not a number"),
        ("p.csv", 3, "(whole row)", "3,C,oops", "the number of fields is wrong"),
    ]
    account = sources.ingested[0]
    assert (account.rows_read, account.rows_kept, account.rows_rejected) == (5, 4, 1)
    assert rows(sources, "orders", "customer_id", "category") == [
        ("c1", "A"),
        ("c2", "B"),
        ("c3", None),
        ("c5", None),
    ]


def test_too_many_malformed_lines_of_a_joined_file_stop_the_run(loaded, refusal):
    orders = "who,when,paid,sku\n" + "a,2024-01-01,1,1\n" * 9
    parts = {"columns": 'category = "kind"' + JOIN, "files": {"p.csv": PRODUCTS}}
    assert refusal(loaded, orders, **parts) == (
        "p.csv: at most 1.00% of the rows may be unusable. Seen: 1 of 4 rows (25.00%): "
        "(whole row) the number of fields is wrong (1). Remedy: correct the rows or the column "
        "names, or raise experiment.max_reject_share"
    )


def _numbered(folder, malformed):
    """Ten rows after the header, those of `malformed` a field too long: the numbers and texts of
    the others, and how many statements it took.
    """
    lines = [f"r{row},x,x" if row in malformed else f"r{row},x" for row in range(1, 11)]
    (folder / "o.csv").write_text("a,b\n" + "\n".join(lines) + "\n")
    con, asked = duckdb.connect(), []

    class Counting:
        def execute(self, sql, *parameters):
            asked.append(sql)
            return con.execute(sql, *parameters)

    raw = join(Counting(), "orders", "o.csv", folder, None, ["a"], [])
    assert [row for row, _ in raw.malformed] == malformed
    return con.execute('SELECT "#row", a FROM raw_rows').fetchall(), len(asked)


def test_rows_keep_the_numbers_of_the_file_however_many_lines_are_malformed(tmp_path):
    one, statements = _numbered(tmp_path, [4])
    assert one == [(row, f"r{row}") for row in (1, 2, 3, 5, 6, 7, 8, 9, 10)]
    # As many passes over the rows for six such lines, at the head, together and at the end.
    assert _numbered(tmp_path, [1, 2, 4, 5, 8, 10]) == (
        [(row, f"r{row}") for row in (3, 6, 7, 9)],
        statements,
    )
