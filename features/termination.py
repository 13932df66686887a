"""SIGTERM, by which a service manager or a container ends a process, as an exception."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class Terminated(KeyboardInterrupt):
    """A SIGTERM came: to be treated as Ctrl-C where nobody asks which of the two it was."""


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """A SIGTERM raises Terminated within the block, and so leaves through all that is open: else an
    MLflow run would be running for ever, and temporary folders would stay.

    In another thread than the main one, which alone takes signals, nothing is changed.
    """

    def end(number: int, frame: FrameType | None) -> None:
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
