"""A Spark session as an Ibis backend that the features can be computed on.

Ibis's own, but for what the features need and it does not do: exact moments, floats that stay
floats, a spine from memory, and answers taken as Arrow. Importing this module needs pyspark;
`features.engine` says so where there is none.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from ibis.backends.pyspark import Backend
from ibis.backends.sql.compilers.pyspark import PySparkCompiler
from ibis.formats.pyarrow import PyArrowData
from py4j.protocol import Py4JError
from pyspark import SparkConf
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from features.errors import ConfigError

#: Of a session on this machine, where the user's own settings leave them open: nobody else can
#: reach it, and it prints nothing between the lines of a run.
LOCAL = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
}


class _Compiler(PySparkCompiler):  # type: ignore[misc] # ibis ships no types
    """Ibis's SQL for Spark, with DuckDB's values where the two differ."""

    __slots__ = ()

    def visit_ExtractEpochSeconds(self, op: ops.ExtractEpochSeconds, *, arg: Any) -> Any:
        # Ibis takes unix_timestamp, in whole seconds.
        micros = self.f.unix_micros(self.cast(arg, dt.timestamp))
        return self.cast(micros, dt.float64) / self.cast(1_000_000, dt.float64)

    def visit_ArrayIndex(self, op: ops.ArrayIndex, *, arg: Any, index: Any) -> Any:
        # Ibis takes element_at, which stops the query where DuckDB says null.
        return self.f.try_element_at(arg, index + 1)

    def visit_IsInf(self, op: ops.IsInf, *, arg: Any) -> Any:
        # Ibis (12.0) compares the expressions, not the values, and always answers no.
        return self.f.abs(arg).eq(self.POS_INF)

    def visit_NonNullLiteral(self, op: ops.Literal, *, value: Any, dtype: dt.DataType) -> Any:
        # To Spark a plain 3.0 is a decimal, and so is a count divided by it, cut to a few places.
        if dtype.is_floating() and math.isfinite(value):
            return self.cast(value, dtype)
        return super().visit_NonNullLiteral(op, value=value, dtype=dtype)


class Spark(Backend):  # type: ignore[misc] # ibis ships no types
    """Tables known to one Spark session; `place` names the master or the remote server."""

    compiler = _Compiler()
    place = ""
    on_this_machine = True

    def take(self, name: str, file: Path) -> None:
        """Know a Parquet file as a table; ConfigError where the session does not see it."""
        try:
            # With its scheme: a cluster's plain paths may lie in a file system of its own.
            self.read_parquet(f"file://{file.as_posix()}", table_name=name)
        except PySparkException as error:
            raise ConfigError(
                "A Spark cluster reads the tables from a folder that all its machines see.",
                f"{self.place} cannot read {file}: {_why(error)}",
                "name a folder on shared storage in COTERIE_SPARK_FOLDER, the same path everywhere",
            ) from error

    def create_table(
        self, name: str, /, obj: Any = None, *, temp: bool | None = None, **more: Any
    ) -> ir.Table:
        """As Ibis has it; `temp` (with an Arrow table, replacing any) is a view of the session."""
        if not temp:
            return super().create_table(name, obj, **more)
        self._session.createDataFrame(obj).createOrReplaceTempView(name)
        return self.table(name)

    def to_pyarrow(self, expr: ir.Expr, /, **more: Any) -> Any:
        # Ibis goes through pandas, where a null and a NaN, or an int and a float, are one.
        table = expr.as_table()
        self._run_pre_execute_hooks(table)
        found = self.raw_sql(self.compile(table, **more)).toArrow()
        return expr.__pyarrow_result__(PyArrowData.convert_table(found, table.schema()))

    def execute(self, expr: ir.Expr, /, **more: Any) -> Any:
        frame: pd.DataFrame = self.to_pyarrow(expr.as_table(), **more).to_pandas()
        return expr.__pandas_result__(frame)

    def _register_in_memory_table(self, op: ops.InMemoryTable) -> None:
        rows: pa.Table = op.data.to_pyarrow(op.schema)
        self._session.createDataFrame(rows).createOrReplaceTempView(op.name)


def connect() -> Spark:
    """A session with views and settings of its own, on what the environment names.

    That is, the first that there is: the session that runs already, SPARK_REMOTE (a Spark Connect
    server), the master of spark-defaults.conf, PYSPARK_SUBMIT_ARGS or MASTER, all cores of this
    machine. Raises ConfigError where it does not start.
    """
    Spark.register_options()
    try:
        remote = os.environ.get("SPARK_REMOTE")
        session = SparkSession.builder.create() if remote else _classic()
        place = remote or session.sparkContext.master
    except (PySparkException, Py4JError, ImportError, OSError) as error:
        raise ConfigError(
            'engine = "spark" needs a Spark session that starts.',
            _why(error),
            "see what Spark printed above: it needs Java 17 or 21 here, or a server that answers",
        ) from error
    made: Spark = Spark().connect(session)
    made.place = place
    made.on_this_machine = place.startswith("local")
    return made


def _classic() -> SparkSession:
    builder = SparkSession.builder.appName("coterie")
    if SparkSession.getActiveSession() is None:
        given = SparkConf()  # with spark-defaults.conf and what spark-submit is told
        if given.get("spark.master", "local[*]").startswith("local"):
            for key, value in LOCAL.items():
                builder = builder.config(key, given.get(key, value))
    return builder.getOrCreate().newSession()


def _why(error: Exception) -> str:
    """In one line. The first of py4j's says only that a call failed."""
    lines = str(error).strip().splitlines()
    return lines[1 if isinstance(error, Py4JError) and len(lines) > 1 else 0].removeprefix(": ")
