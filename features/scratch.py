"""Private folders for customers' rows: of what does not fit into memory, and of what Spark reads.

A folder goes with whoever it was made for, or with its process. A process that is killed leaves
its folders, and nobody holds their lock any more: the next one that makes a folder removes them.
"""

import contextlib
import os
import shutil
import tempfile
import weakref
from pathlib import Path

from filelock import FileLock, Timeout

_HELD, _BEING_MADE = "coterie-rows-", "coterie-new-"
_LOCK = "held"


def folder(owner: object) -> Path:
    """A new folder below the system's temporary one that no other user may look into.

    It goes with `owner`, at the latest at the end of the process.
    """
    _sweep(Path(tempfile.gettempdir()))
    made = Path(tempfile.mkdtemp(prefix=_BEING_MADE))
    lock = FileLock(made / _LOCK)
    lock.acquire()
    # Only now under the name that others look for: what bears it is held, or was left.
    held = made.rename(made.with_name(made.name.replace(_BEING_MADE, _HELD, 1)))
    weakref.finalize(owner, _remove, held, lock)
    rows = held / "rows"
    rows.mkdir(mode=0o700)
    return rows


def _remove(held: Path, lock: FileLock) -> None:
    shutil.rmtree(held, ignore_errors=True)
    lock.release()


def _sweep(parent: Path) -> None:
    """Remove the folders of this user that no process holds."""
    for left in parent.glob(f"{_HELD}*"):
        with contextlib.suppress(OSError, Timeout):
            found = left.lstat()
            if left.is_symlink() or found.st_uid != os.getuid():
                continue
            with FileLock(left / _LOCK, timeout=0):
                shutil.rmtree(left, ignore_errors=True)
