"""Which process records a run, said so that a later one can tell whether it was killed."""

from __future__ import annotations

import os
import platform
import re

import psutil  # type: ignore[import-untyped]  # ships no types


def told() -> str:
    """This machine, this process and its start, in a line."""
    return f"{platform.node()} {os.getpid()} {psutil.Process().create_time():.2f}"


def killed(said: str) -> bool:
    """Whether what was `told` is of a process of this machine that is no more; of any other, or of
    another text, nothing is known.
    """
    read = re.fullmatch(r"(\S+) (\d+) (\d+\.\d+)", said)
    if read is None or read[1] != platform.node():
        return False
    try:
        process = psutil.Process(int(read[2]))
        # Who waits to be noticed as dead is; and an id is given again, to one with another start.
        dead = process.status() == psutil.STATUS_ZOMBIE
        return dead or abs(process.create_time() - float(read[3])) >= 2
    except psutil.NoSuchProcess:
        return True
