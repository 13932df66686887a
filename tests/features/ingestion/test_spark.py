"""What was read is handed on to Spark: sessions, tables and the files that they lie in."""

import gc
from datetime import datetime

import ibis
import pytest

from features.cutoffs import choose_cutoffs, order_days
from features.discovery import learn_spec
from features.engine import connection_of
from features.errors import ConfigError
from features.proof import prove
from features.schema import ATTRIBUTES, EVENTS, ORDERS

pytestmark = [
    pytest.mark.spark,
    pytest.mark.usefixtures("local_spark"),
    # pyspark leaves the sockets open that it takes answers from.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

SCHEMAS = {"orders": ORDERS, "events": EVENTS, "attributes": ATTRIBUTES}
T = datetime(2024, 6, 1)
SPARK = 'engine = "spark"'


def test_an_experiment_with_engine_spark_has_the_same_tables(loaded):
    orders = "who,when,paid,kind\na,2024-01-01,10,Käse\nb,2024-01-02 10:30:00.25,2.5,\n"
    columns = 'category = "kind"'
    read = loaded(orders, columns=columns)
    other = loaded(orders, columns=columns, head=SPARK)
    assert other.connection.name == "pyspark"
    assert (other.start, other.end, other.ingested) == (read.start, read.end, read.ingested)
    for name, schema in SCHEMAS.items():
        table, expected = (of.connection.table(name).to_pyarrow() for of in (other, read))
        assert table.schema.types == schema.types
        assert table.cast(schema).equals(expected.cast(schema))
    assert other.connection.table("orders").count().execute() == 2


def test_two_experiments_do_not_see_each_others_tables(loaded, good):
    one = loaded(good, head=SPARK)
    other = loaded("who,when,paid\nz,2024-03-01,7\n", head=SPARK)
    for of, expected in ((one, ["a", "b"]), (other, ["z"]), (one, ["a", "b"])):
        assert sorted(of.connection.table("orders").to_pyarrow()["customer_id"].to_pylist()) == (
            expected
        )


def test_the_tables_files_go_with_the_connection(loaded, tmp_path, monkeypatch):
    shared = tmp_path / "shared with all"
    shared.mkdir()
    monkeypatch.setenv("COTERIE_SPARK_FOLDER", str(shared))
    read = loaded(head=SPARK)
    (folder,) = shared.iterdir()
    assert {file.name for file in folder.iterdir()} == {f"{name}.parquet" for name in SCHEMAS}
    assert read.connection.table("orders").count().execute() == 2
    del read
    gc.collect()
    assert [*shared.iterdir()] == []


def test_a_session_that_does_not_see_the_folder_says_so(loaded, tmp_path):
    spark = loaded(head=SPARK).connection
    file = tmp_path / "elsewhere.parquet"
    with pytest.raises(ConfigError) as caught:
        spark.take("orders", file)
    assert str(caught.value).startswith(
        "A Spark cluster reads the tables from a folder that all its machines see. Seen: local[2] "
        f"cannot read {file}: [PATH_NOT_FOUND] "
    )
    assert str(caught.value).endswith(
        "Remedy: name a folder on shared storage in COTERIE_SPARK_FOLDER, the same path everywhere"
    )


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        (
            "An error occurred while calling None.x.\n: java.io.IOException: no way\n\tat y",
            "no way",
        ),
        ("Java gateway process exited", "Java gateway process exited"),
    ],
)
def test_a_session_that_does_not_start_says_why(monkeypatch, said, seen):
    from py4j.protocol import Py4JError  # comes with pyspark

    def fail():
        raise Py4JError(said)

    monkeypatch.setattr("features.spark._classic", fail)
    with pytest.raises(ConfigError) as caught:
        connection_of("spark", ibis.duckdb.connect())
    assert str(caught.value).startswith(
        'engine = "spark" needs a Spark session that starts. Seen: '
    )
    assert str(caught.value).endswith(
        f"{seen}. Remedy: see what Spark printed above: it needs Java 17 or 21 here, or a server "
        "that answers"
    )


def test_a_table_in_memory_and_a_named_one_meet(loaded):
    spark = loaded(head=SPARK).connection
    wanted = ibis.memtable({"customer_id": ["b", "c"]})
    found = spark.table("orders").semi_join(wanted, "customer_id").amount.to_pyarrow()
    assert found.to_pylist() == [2.5]


def test_the_proof_compares_spark_with_duckdb(loaded):
    days = [f"c{who},2024-03-{day:02},{day}" for day in range(1, 11) for who in range(9)]
    read = loaded("\n".join(["who,when,paid", *days]), head=SPARK)
    experiment_spec = learn_spec(
        read.connection.table("orders"), read.connection.table("events"), (), (), T
    )
    cutoffs = choose_cutoffs(order_days(read.connection), 2)
    proof = prove(read, experiment_spec, cutoffs, customers=5)
    assert proof.holds
    passed = [cut.as_of.day - 1 for cut in proof.cutoffs]
    assert [cut.rows.known for cut in proof.cutoffs] == [5 * days for days in passed]
    assert [cut.rows.hidden for cut in proof.cutoffs] == [5 * (10 - days) for days in passed]
