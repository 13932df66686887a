"""Databases to read from: a SQLite file, and a PostgreSQL server of the session."""

import dataclasses
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def lite(tmp_path):
    """Writes rows (who, when, paid) into the table `t` of a SQLite file."""

    def write(*rows, columns="who, 'when', paid"):
        with sqlite3.connect(tmp_path / "s.db") as con:
            con.execute(f"CREATE TABLE t ({columns})")
            con.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
        con.close()
        return "sqlite://s.db?table=t"

    return write


@dataclasses.dataclass(frozen=True)
class Postgres:
    """A PostgreSQL server of the session. Whoever writes to it makes a schema of its own.

    Users: ann, who owns it and is trusted; wary, whose password is "open sesame".
    """

    port: int

    def connect(self) -> Any:
        import psycopg

        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="ann", dbname="postgres", autocommit=True
        )

    def url(self, table: str, user: str = "ann") -> str:
        return f"postgres://{user}@127.0.0.1:{self.port}/postgres?table={table}"


def _postgres_binaries() -> Path | None:
    folders = [
        *(Path(found).parent for found in [shutil.which("initdb")] if found),
        *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True),
    ]
    return next((f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()), None)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server on loopback, ended with the session; where none is installed, tests are skipped."""
    binaries = _postgres_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL: initdb is nowhere (apt install postgresql)")
    import psycopg

    # PostgreSQL refuses to run as root, and whoever else runs it cannot enter pytest's folder.
    own: dict[str, Any] = {}
    if os.geteuid() == 0:
        own = {"user": "nobody", "group": "nogroup", "extra_groups": []}
    with tempfile.TemporaryDirectory(prefix="coterie-postgres-") as folder:
        os.chmod(folder, 0o755)
        data = Path(folder) / "data"
        data.mkdir(mode=0o700)
        if own:
            shutil.chown(data, own["user"], own["group"])
        init = ["initdb", "-D", data, "-U", "ann", "-A", "trust", "-E", "UTF8", "--locale=C"]
        subprocess.run(
            [binaries / init[0], *init[1:], "--no-sync"], cwd=data, check=True,
            stdout=subprocess.DEVNULL, **own,
        )  # fmt: skip
        access = data / "pg_hba.conf"
        access.write_text(f"host all wary 127.0.0.1/32 scram-sha-256\n{access.read_text()}")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        log = (Path(folder) / "log").open("wb")
        process = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port), "-F",
             "-c", "unix_socket_directories="],
            cwd=data, stdout=log, stderr=log, **own,
        )  # fmt: skip
        server = Postgres(port)
        try:
            for _ in range(300):
                try:
                    with server.connect() as con:
                        con.execute("CREATE USER wary PASSWORD 'open sesame'")
                    break
                except psycopg.OperationalError:
                    assert process.poll() is None, (Path(folder) / "log").read_text()
                    time.sleep(0.1)
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
            log.close()
