"""Which engine computes the features, and what is refused where it cannot be had."""

import gc
import importlib.machinery
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import ibis
import pytest

from features import engine
from features.engine import FOLDER, connection_of, repeat_sums, require
from features.errors import ConfigError


def refused(call, *args):
    with pytest.raises(ConfigError) as caught:
        call(*args)
    return str(caught.value)


@pytest.fixture
def pyspark(monkeypatch):
    """A package of that name, whether one is installed or not."""
    package = ModuleType("pyspark")
    package.__spec__ = importlib.machinery.ModuleSpec("pyspark", None)
    monkeypatch.setitem(sys.modules, "pyspark", package)


def test_duckdb_goes_on_with_what_was_read():
    backend = ibis.duckdb.connect()
    assert connection_of("duckdb", backend) is backend


def test_spark_without_java_is_refused(monkeypatch, tmp_path, pyspark):
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    rest = (
        "Remedy: install a Java runtime (on Debian: apt install default-jre-headless), or set "
        "SPARK_REMOTE to the address of a Spark Connect server"
    )
    rule = 'engine = "spark" needs Java 17 or 21 on this machine.'
    assert refused(require, "spark") == f"{rule} Seen: no java on the PATH, no JAVA_HOME. {rest}"
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    java = tmp_path / "jdk" / "bin" / "java"
    seen = f"Seen: no {java}, where JAVA_HOME points."
    assert refused(require, "spark") == f"{rule} {seen} {rest}"
    java.parent.mkdir(parents=True)
    java.touch(0o755)
    assert require("spark") is None


def test_a_spark_connect_server_needs_no_java_here(monkeypatch, tmp_path, pyspark):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    assert "Seen: no java on the PATH, no JAVA_HOME. " in refused(require, "spark")
    monkeypatch.setenv("SPARK_REMOTE", "sc://spark.example:15002")
    assert require("spark") is None


# -------------------------------------------------------------------------- where the tables lie


class Session:
    """What is asked of a Spark session; a SimpleNamespace has no weak references."""

    def __init__(self, place: str, on_this_machine: bool) -> None:
        self.place = place
        self.on_this_machine = on_this_machine


CLUSTER = Session("spark://spark.example:7077", on_this_machine=False)


def test_a_cluster_needs_a_folder_that_all_machines_see(monkeypatch):
    monkeypatch.delenv(FOLDER, raising=False)
    assert refused(engine._folder, CLUSTER) == (
        "A Spark cluster reads the tables from a folder that all its machines see. Seen: "
        "spark://spark.example:7077, and COTERIE_SPARK_FOLDER is not set. Remedy: set "
        "COTERIE_SPARK_FOLDER to a folder on shared storage, the same path on every machine"
    )


def test_the_tables_of_a_cluster_get_a_folder_of_their_own_in_the_shared_one(monkeypatch, tmp_path):
    monkeypatch.setenv(FOLDER, str(tmp_path))
    folders = {engine._folder(CLUSTER), engine._folder(CLUSTER)}
    assert set(tmp_path.iterdir()) == folders
    assert len(folders) == 2


def test_a_shared_folder_that_is_not_there_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv(FOLDER, str(tmp_path / "nowhere"))
    words = refused(engine._folder, CLUSTER)
    assert words.startswith(
        f"{FOLDER} must name a folder that can be written to. Seen: [Errno 2] No such file or "
        f"directory: '{Path(tmp_path, 'nowhere')}"
    )
    assert words.endswith("Remedy: make the folder, or name another one")


def test_the_tables_of_this_machine_lie_where_nobody_else_looks(monkeypatch, tmp_path):
    monkeypatch.delenv(FOLDER, raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    spark = Session("local[*]", on_this_machine=True)
    folder = engine._folder(spark)
    assert folder.is_relative_to(tmp_path)
    assert folder.stat().st_mode & 0o077 == 0


# --------------------------------------------------------------------------------- same sums


def test_repeatable_sums_take_one_thread_of_duckdb_and_leave_others_as_they_are():
    backend = ibis.duckdb.connect()
    repeat_sums(backend)
    assert backend.con.sql("SELECT current_setting('threads')").fetchall() == [(1,)]
    repeat_sums(SimpleNamespace(name="pyspark"))


# ---------------------------------------------------------------------- what bounds DuckDB


def test_memory_and_threads_are_bounded_as_asked():
    con = engine.connect("512MiB", 1).con
    asked = "SELECT current_setting('memory_limit'), current_setting('threads')"
    assert con.execute(asked).fetchone() == ("512.0 MiB", 1)


@pytest.mark.slow
def test_what_does_not_fit_goes_to_a_private_folder_that_goes_with_the_database():
    backend = engine.connect("64MiB", 1)
    (folder,) = backend.con.execute("SELECT current_setting('temp_directory')").fetchone()
    backend.con.execute(
        "CREATE TABLE wide AS SELECT hash(i)::VARCHAR || repeat('x', 40) AS t "
        "FROM range(4000000) r(i)"
    )
    assert backend.con.execute("SELECT count(DISTINCT t) FROM wide").fetchone() == (4_000_000,)
    assert list(Path(folder).iterdir()) != []
    assert Path(folder).stat().st_mode & 0o077 == 0
    backend.disconnect()
    del backend
    gc.collect()
    assert not Path(folder).exists()


def test_nothing_is_installed_from_the_network():
    con = engine.connect().con
    asked = "SELECT current_setting('autoinstall_known_extensions')"
    assert con.execute(asked).fetchone() == (False,)
