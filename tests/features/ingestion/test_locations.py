"""Where a source lies: a file, a folder, a table of a database."""

import sys
from pathlib import Path

import pytest

from features.errors import SourceError
from features.ingestion.locations import resolve, without_secret


def test_a_missing_file_names_its_nearest(loaded, tmp_path, refusal, good):
    (tmp_path / "orders.csv").write_text(good)
    assert refusal(loaded, None, url="order.csv") == (
        f"A source's file must exist. Seen: order.csv ({tmp_path / 'order.csv'}). "
        "Remedy: did you mean orders.csv?"
    )


def test_a_folder_without_parquet_is_refused(loaded, tmp_path, refusal):
    (tmp_path / "many").mkdir()
    assert refusal(loaded, None, url="many") == (
        "A folder as a source holds Parquet files. Seen: none in many. Remedy: name a file instead"
    )


def test_a_folder_is_read_whole_however_its_files_end(loaded, rows, table_of):
    files = {f"many/{name}": table_of(name) for name in ("a.parquet", "b.PARQUET", "c.pq")}
    sources = loaded(None, url="many", files=files)
    assert rows(sources, "orders", "customer_id") == [("a.parquet",), ("b.PARQUET",), ("c.pq",)]


def test_a_folder_with_files_of_other_kinds_is_refused(loaded, tmp_path, refusal, table_of):
    files = {"many/a.parquet": table_of("a"), "many/b.csv": "who,when,paid\n"}
    text = "A folder as a source holds Parquet files alone. Seen: {} in many. Remedy: make Parquet "
    text += "of what is to be read, and move the rest, or begin its name with _"
    assert refusal(loaded, None, url="many", files=files) == text.format("b.csv")
    (tmp_path / "many" / "in").mkdir()
    more = {"many/c.json": "{}", "many/in/d.csv.gz": b"", "many/part-0": b"", "many/x.avro": b""}
    assert refusal(loaded, None, url="many", files=more) == text.format(
        "b.csv, c.json, in/d.csv.gz and 2 more"
    )


def test_what_is_hidden_or_marks_a_folder_is_no_part_of_it(loaded, tmp_path, rows, table_of):
    for name in ("_temporary/0", ".ipynb_checkpoints", "_part=1"):
        (tmp_path / "_many" / name).mkdir(parents=True)
    files = {
        "_many/a.parquet": table_of("a"),
        "_many/_part=1/b.parquet": table_of("b"),
        "_many/_temporary/0/c.parquet": table_of("c"),
        "_many/.ipynb_checkpoints/d.parquet": table_of("d"),
        "_many/_e.parquet": table_of("e"),
        "_many/_SUCCESS": "",
        "_many/a.parquet.crc": b"crc",
        "_many/.b.csv": "",
        "_many/README.md": "orders",
    }
    sources = loaded(None, url="_many", files=files)
    assert sorted(rows(sources, "orders", "customer_id")) == [("a",), ("b",)]


def test_a_home_that_nobody_has_is_refused(loaded, refusal):
    assert refusal(loaded, None, url="~nobody-of-this-name/x.csv") == (
        "The home that a path begins with must be known. Seen: ~nobody-of-this-name/x.csv. "
        "Remedy: write the whole path; ./ before a file whose name begins with ~"
    )


@pytest.mark.parametrize("scheme", ["", "file://", "duckdb://", "package://features/"])
def test_a_path_that_the_system_refuses_is_told_in_words(loaded, refusal, scheme):
    url = f"{scheme}{300 * 'a'}.csv?table=t"
    assert refusal(loaded, None, url=url) == (
        f"A source's file must be within reach. Seen: {url[:77]}...: File name too long. "
        "Remedy: check the path, and that this user may read there"
    )


def test_what_is_loaded_but_from_no_package_is_refused(loaded, refusal, monkeypatch):
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)  # as of a console script
    assert refusal(loaded, None, url="package://__main__/x.csv") == (
        "The package of a source must be installed. Seen: package://__main__/x.csv. "
        "Remedy: install __main__, or correct it"
    )


@pytest.mark.parametrize("url", ["/", "file:///"])
def test_the_root_of_all_folders_is_not_searched(loaded, refusal, monkeypatch, url):
    monkeypatch.setattr(Path, "rglob", None)
    assert refusal(loaded, None, url=url) == (
        f"A folder as a source holds Parquet files. Seen: {url} is the root of all folders. "
        "Remedy: name the folder that they are in"
    )


# --------------------------------------------------------------------------------- no passwords


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgres://ann:geheim@host/shop?table=t", "postgres://ann:***@host/shop?table=t"),
        ("postgres://ann:g/h@e:1m?@host/shop?table=t", "postgres://ann:***@host/shop?table=t"),
        ("postgres://host/shop?table=t&password=geheim", "postgres://host/shop?table=t&password=***"),
        ("databricks://h?access_token=geheim&table=t", "databricks://h?access_token=***&table=t"),
        ("snowflake://:geheim@account?table=t", "snowflake://:***@account?table=t"),
        ("snowflake://u@a?table=t&client_secret=geheim", "snowflake://u@a?table=t&client_secret=***"),
        ("snowflake://u@a?apiKey=geheim&table=t", "snowflake://u@a?apiKey=***&table=t"),
        ("trino://u@h?aws-secret-access-key=geheim", "trino://u@h?aws-secret-access-key=***"),
        ("https://h/x.csv?se=2024&sig=geheim%3D", "https://h/x.csv?se=2024&sig=***"),
        ("https://h/x.csv?X-Amz-Signature=geheim", "https://h/x.csv?X-Amz-Signature=***"),
        ("https://geheim@h/x.csv", "https://***@h/x.csv"),
        ("https://ann:geheim@h/x.csv", "https://ann:***@h/x.csv"),
    ],
)  # fmt: skip
def test_a_password_in_the_experiment_file_is_refused_and_not_shown(url, shown, complaint):
    remedy = (
        "Remedy: leave it out and set PGPASSWORD or use ~/.pgpass (postgres), or write ${NAME}, an "
        "environment variable's, instead"
    )
    aliases = f'[aliases]\nurl = "{url}"\nold = "a"\nnew = "b"'
    join = f'[[orders.join]]\nurl = "{url}"\non = "a"\ncolumns = ["b"]'
    for key, parts in (
        ("orders.url", {"url": url}),
        ("aliases.url", {"columns": aliases}),
        ("orders.join[1].url", {"columns": join}),
    ):
        assert complaint(**parts) == (
            f"{key} must not hold a password, since the experiment file is stored with every run. "
            f"Seen: {shown}. {remedy}"
        )


@pytest.mark.parametrize(
    "url",
    [
        "postgres://ann@host:5432/shop?sslmode=require&table=sales.orders",
        "postgres://ann:${PG_PASSWORD}@host/shop?table=orders",
        "databricks://host?access_token=${TOKEN}&table=orders",
        "https://${TOKEN}@host/orders.csv",
        "postgres://ann@host/shop?sslkey=client.key&passfile=here&table=orders",
        "snowflake://ann@account?authenticator=oauth&private_key_file=key.p8&table=t",
        "orders@home.csv",
        "package://shop/data/a@b.csv",
    ],
)
def test_an_address_without_a_password_is_taken_as_it_is(url):
    assert without_secret("orders.url", url) == url


def test_of_an_address_that_cannot_be_read_neither_user_nor_options_are_shown(loaded, refusal):
    seen = refusal(loaded, None, url="s3://ann@bucket/orders.csv?k=geheim").partition(" Remedy")[0]
    assert seen == ("A source cannot be read from s3:// addresses. Seen: s3://bucket/orders.csv.")


def test_a_servers_options_are_kept_and_its_table_is_not_one(tmp_path):
    url = "postgres://ann@host:5432/shop?sslmode=require&table=sales.orders&options=-c%20x"
    location = resolve(url, tmp_path)
    assert location.table == ("sales", "orders")
    assert location.server == "postgres://ann@host:5432/shop?sslmode=require&options=-c+x"
    assert (location.url, location.paths) == (url, ())


def test_a_whole_path_that_is_missing_is_said_once(tmp_path):
    with pytest.raises(SourceError) as refusal:
        resolve(str(tmp_path / "nothing.csv"), tmp_path)
    assert str(refusal.value) == (
        f"A source's file must exist. Seen: {tmp_path / 'nothing.csv'}. Remedy: check the path"
    )
