"""The database that a run's tables lie in, bounded in memory: what does not fit goes to disk."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from typing import Any

import ibis

__all__ = ["connect"]


def connect(memory: str | None = None, threads: int | None = None) -> Any:
    """An Ibis DuckDB backend of its own, in memory and in a private folder for what does not fit.

    memory: such as "4GB", what tables and queries may take (the process itself comes on top);
    None for four fifths of the machine's. threads: None for one a core.
    """
    backend = ibis.duckdb.connect()
    spill = tempfile.mkdtemp(prefix="coterie-")
    weakref.finalize(backend, shutil.rmtree, spill, ignore_errors=True)
    con = backend.con
    con.execute("SET TimeZone = 'UTC'; SET autoinstall_known_extensions = false")
    con.execute("SET temp_directory = ?", [spill])
    if memory is not None:
        con.execute("SET memory_limit = ?", [memory])
    if threads is not None:
        con.execute(f"SET threads = {int(threads)}")
    return backend
