"""The service as a process of its own: start it, wait until it answers, stop it.

Imports neither BentoML nor anything that the service needs beyond its bundle.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # ships no types

from features.errors import CoterieError, RequestError
from features.termination import terminable
from training.prediction.bundle import Bundle

SERVICE = "serving.service:Coterie"
HOST = "127.0.0.1"
START_SECONDS = 90.0  # until it answers: importing and compiling take two or three when idle
GRACE_SECONDS = 10  # for requests under way when it is stopped
_LOG_LINES = 20
PR_SET_PDEATHSIG = 1  # of linux/prctl.h


@dataclasses.dataclass(frozen=True)
class Service:
    """A running service. `log` is the file that takes what it prints."""

    url: str
    log: Path

    def ask(self, path: str, payload: Any = None, timeout: float = 60.0) -> dict[str, Any]:
        """The JSON answer: of GET `path`, or with a payload of POST `path`.

        Raises RequestError with the service's own words where it refuses.
        """
        body = None if payload is None else json.dumps(payload).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, body, headers)
        try:
            with _opener().open(request, timeout=timeout) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                error = json.load(refusal)["error"]
            raise RequestError(error["rule"], error["seen"], error["remedy"]) from None


@contextlib.contextmanager
def running(
    bundle_folder: Path,
    port: int | None = None,
    host: str = HOST,
    command: tuple[str, ...] = ("serve", SERVICE),
    environment: Mapping[str, str] | None = None,
) -> Iterator[Service]:
    """A service of this bundle, ready to answer; stopped at the end of the block.

    Parameters
    ----------
    bundle_folder : a bundle, verified first (BundleError)
    port : None for any free one
    command : what BentoML is told, where it is not the source of this project
    environment : variables to add to this process's own

    Raises CoterieError where the port is taken, or the service does not come up (with the end of
    its log).
    """
    bundle = Bundle.load(bundle_folder)
    bundle.require_current()
    port = _checked(host, port)
    with tempfile.TemporaryDirectory(prefix="coterie-") as folder:
        own = bundle.save(Path(folder) / "bundle")  # a worker started anew must read the same one
        log = Path(folder) / "service.log"
        with log.open("wb") as output:
            process = _start(own, host, port, Path(folder), command, environment, output.fileno())
        try:
            service = Service(f"http://{_in_url(host)}:{port}", log)
            _wait(service, process)
            yield service
        finally:
            _stop(process)


def serve_forever(bundle_folder: Path, host: str = HOST, port: int = 3000) -> None:
    """Serve this bundle in the foreground, until Ctrl-C or a SIGTERM; then returns.

    Raises BundleError for a bundle that cannot be served, CoterieError where the port is taken or
    the service ends by itself.
    """
    bundle = Bundle.load(bundle_folder)
    bundle.require_current()
    port = _checked(host, port)
    with tempfile.TemporaryDirectory(prefix="coterie-") as folder, terminable():
        own = bundle.save(Path(folder) / "bundle")  # a worker started anew must read the same one
        process = _start(own, host, port, Path(folder), ("serve", SERVICE))
        try:
            status = process.wait()
        except KeyboardInterrupt:
            return
        finally:
            _stop(process)
    raise CoterieError(
        "A service runs until it is stopped.",
        f"it ended with exit status {status}",
        "read what it printed above",
    )


def _start(
    bundle_folder: Path,
    host: str,
    port: int,
    home: Path,
    command: tuple[str, ...],
    environment: Mapping[str, str] | None = None,
    output: int | None = None,
) -> subprocess.Popen[bytes]:
    told = {
        "COTERIE_BUNDLE": str(Path(bundle_folder).resolve()),
        "BENTOML_DO_NOT_TRACK": "true",
        # A service empties its home's folder of metrics at the start: never another service's.
        "BENTOML_HOME": str(home),
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
        **(environment or {}),
    }
    options = ("--host", host, "--port", str(port), "--timeout-graceful-shutdown")
    return subprocess.Popen(
        [sys.executable, "-m", "bentoml", *command, *options, str(GRACE_SECONDS)],
        cwd=Path(__file__).resolve().parent.parent,
        env={**os.environ, **told},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,  # Ctrl-C reaches us alone; we stop it in order
        preexec_fn=_end_with_parent if sys.platform == "linux" else None,
    )


def _end_with_parent() -> None:
    """Have the kernel ask this process to end when the one that started it is killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _wait(service: Service, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError):
            _opener().open(service.url + "/readyz", timeout=5).close()
            return
        time.sleep(0.1)
    ended = process.poll()
    seen = "exit status " + str(ended) if ended is not None else f"silence for {START_SECONDS:g} s"
    tail = "\n".join(service.log.read_text(errors="replace").splitlines()[-_LOG_LINES:])
    raise CoterieError(
        "A service answers soon after its start.", seen, f"see the end of its log:\n{tail}"
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the process to end, and after the time of grace end it and all that it started.

    BentoML's workers lead sessions of their own, so that the group is not enough.
    """
    try:
        started = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        started = []
    if process.poll() is None:
        process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_SECONDS + 5)
    process.kill()
    process.wait()
    for child in started:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()  # psutil knows by its start whether this id is still the same process


def _checked(host: str, port: int | None) -> int:
    """The port, or any free one for None; CoterieError where it cannot be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port or 0))
            return probe.getsockname()[1]
    except (OSError, OverflowError) as problem:
        taken = isinstance(problem, OSError) and problem.errno == errno.EADDRINUSE
        raise CoterieError(
            "A service listens on an address and port of its own.",
            f"{host}:{port} is in use already" if taken else f"{host}:{port}: {problem}",
            "choose another port, or stop what listens there" if taken
            else "choose an address of this machine, and a port from 1024 to 65535",
        ) from None  # fmt: skip


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy to ourselves


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
