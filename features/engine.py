"""The database that a run's tables lie in: DuckDB, bounded in memory, or Spark.

Sources are read, cleaned and judged by DuckDB in either case. With the engine `spark` the three
canonical tables are then handed on, and what follows sees another Ibis backend in its place, with
the same tables and, within 1e-9, the same values.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import uuid
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import ibis

from features import scratch
from features.errors import ConfigError
from features.schema import SCHEMAS

if TYPE_CHECKING:
    from features.spark import Spark


#: What `engine` in an experiment file may say; the first where it says nothing.
ENGINES = ("duckdb", "spark")
#: The environment variable with the folder that all machines of a Spark cluster see.
FOLDER = "COTERIE_SPARK_FOLDER"


def connect(memory: str | None = None, threads: int | None = None) -> Any:
    """An Ibis DuckDB backend of its own, in memory and in a private folder for what does not fit.

    memory: such as "4GB", what tables and queries may take (the process itself comes on top);
    None for four fifths of the machine's. threads: None for one a core.
    """
    backend = ibis.duckdb.connect()
    con = backend.con
    con.execute("SET TimeZone = 'UTC'; SET autoinstall_known_extensions = false")
    con.execute("SET enable_progress_bar = false")  # on where DuckDB takes us for a notebook
    con.execute("SET temp_directory = ?", [str(scratch.folder(backend))])
    if memory is not None:
        con.execute("SET memory_limit = ?", [memory])
    if threads is not None:
        con.execute(f"SET threads = {int(threads)}")
    return backend


def takes(expression: str, value: str) -> bool:
    """Whether DuckDB can work out an SQL expression of one text, `$1`."""
    with duckdb.connect() as con:
        try:
            con.execute(f"SELECT CAST({expression} AS VARCHAR)", [value])
        except duckdb.Error:
            return False
    return True


def require(engine: str) -> None:
    """Raise ConfigError where an engine cannot run here: Spark without pyspark or without Java."""
    if engine == "duckdb":
        return
    if importlib.util.find_spec("pyspark") is None:
        raise ConfigError(
            'engine = "spark" needs the package pyspark.',
            "it is not installed",
            "run pip install -c constraints.txt -e '.[spark]' in Coterie's folder, or leave the "
            "key engine out",
        )
    if os.environ.get("SPARK_REMOTE"):
        return
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else "java"
    if shutil.which(java) is None:
        raise ConfigError(
            'engine = "spark" needs Java 17 or 21 on this machine.',
            f"no {java}, where JAVA_HOME points" if home else "no java on the PATH, no JAVA_HOME",
            "install a Java runtime (on Debian: apt install default-jre-headless), or set "
            "SPARK_REMOTE to the address of a Spark Connect server",
        )


def connection_of(engine: str, read: Any) -> Any:
    """The Ibis backend of an engine (one of `ENGINES`) with the tables of `read`.

    `read` is the Ibis DuckDB backend that the sources were read into: the answer itself for
    `duckdb`, closed for `spark`. For Spark the tables are written as Parquet to a folder of their
    own, below FOLDER where the environment names one, which is removed with the connection or at
    the end of the process.

    Raises ConfigError where `require` does, where no session starts, and for a cluster without
    FOLDER or that does not see it.
    """
    require(engine)
    if engine == "duckdb":
        return read
    from features.spark import connect as connect_spark  # pyspark comes with an extra

    spark = connect_spark()
    folder = _folder(spark)
    for name in SCHEMAS:
        file = folder / f"{name}.parquet"
        read.to_parquet(read.table(name), file)
        spark.take(name, file)
    read.disconnect()
    return spark


def repeat_sums(connection: Any) -> None:
    """Let every run add in the same order, so that its sums are the same to the last bit.

    On DuckDB that takes a single thread, and the rows of the source tables in one order: how they
    were read by several threads is another each time. Spark adds in the order in which its tasks
    end: there the last bits of a sum may differ from run to run, and `connection` is left as it is.
    """
    if connection.name == "duckdb":
        for name in {"orders", "events"} & set(connection.list_tables()):
            connection.con.execute(
                f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM {name} ORDER BY ALL"
            )
        connection.con.execute("SET threads = 1")


def _folder(spark: Spark) -> Path:
    """A new folder for the tables, seen by all that compute."""
    shared = os.environ.get(FOLDER)
    if shared:
        folder = Path(shared).absolute() / f"coterie-spark-{uuid.uuid4().hex}"
        try:
            folder.mkdir()
        except OSError as error:
            raise ConfigError(
                f"{FOLDER} must name a folder that can be written to.",
                str(error),
                "make the folder, or name another one",
            ) from error
        weakref.finalize(spark, shutil.rmtree, folder, ignore_errors=True)
        return folder
    if not spark.on_this_machine:
        raise ConfigError(
            "A Spark cluster reads the tables from a folder that all its machines see.",
            f"{spark.place}, and {FOLDER} is not set",
            f"set {FOLDER} to a folder on shared storage, the same path on every machine",
        )
    return scratch.folder(spark)
