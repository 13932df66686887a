"""A file that is written whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # ships no types

STAGING = ".new-"


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of `file` at the end of the block. Whoever is
    killed before, or runs into an error, leaves the file as it was; of two at once the later wins.

    What is no file (a pipe, a terminal) is written to as it comes.
    """
    if file.exists() and not file.is_file():
        yield file
        return
    file = file.resolve()  # a link stays one
    staging = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        yield staging
        if file.exists():
            shutil.copymode(file, staging)
        with staging.open("rb") as written:
            os.fsync(written.fileno())
        staging.replace(file)
    finally:
        staging.unlink(missing_ok=True)


def staging(folder: Path) -> Path:
    """A folder within `folder` for what is not to be seen yet; those of killed processes go."""
    for left in folder.glob(f"{STAGING}*"):
        process = left.name.removeprefix(STAGING)
        if process.isdecimal() and not psutil.pid_exists(int(process)):
            shutil.rmtree(left)
    made = folder / f"{STAGING}{os.getpid()}"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    return made


def move(staging: Path, folder: Path) -> None:
    """What `staging` holds takes the place of what has its names in `folder`; nothing is left of
    `staging`. Each takes it at once; whoever is killed in between leaves some of either.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for new in sorted(staging.iterdir()):
        old = folder / new.name
        if old.is_dir():
            shutil.rmtree(old)
        new.replace(old)
    staging.rmdir()
