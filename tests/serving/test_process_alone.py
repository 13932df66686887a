"""What starts, finds and ends a process, without a service in it."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest

from features.errors import CoterieError
from serving import process


def python(program: str, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def said_by(one: subprocess.Popen[bytes]) -> str:
    assert one.stdout is not None
    return one.stdout.readline().decode().strip()


def test_a_process_is_asked_to_end_before_it_is_ended(tmp_path: Path) -> None:
    program = (
        "import signal, sys, time; from pathlib import Path\n"
        "def end(*_): Path(sys.argv[1]).write_text('in order'); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end); print('ready', flush=True); time.sleep(60)"
    )
    with python(program, str(tmp_path / "ended")) as one:
        assert said_by(one) == "ready"
        process._stop(one)
    assert (tmp_path / "ended").read_text() == "in order"
    assert one.returncode == 0


@pytest.mark.slow
def test_what_does_not_end_when_asked_is_ended_with_all_that_it_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "sleep = [sys.executable, '-c', 'import time; time.sleep(60)']\n"
        "child = [sys.executable, '-c', f'import subprocess; subprocess.run({sleep!r})']\n"
        "subprocess.Popen(child, start_new_session=True); print('ready', flush=True)\n"
        "time.sleep(60)"
    )
    monkeypatch.setattr(process, "GRACE_SECONDS", -4.8)  # of its 5 seconds more, .2 are left
    with python(program) as one:
        assert said_by(one) == "ready"
        deadline = time.monotonic() + 30
        started: list[psutil.Process] = []
        while len(started) < 2 and time.monotonic() < deadline:
            started = psutil.Process(one.pid).children(recursive=True)
        assert len(started) == 2
        process._stop(one)
        _, alive = psutil.wait_procs(started, timeout=10)
        for left in alive:
            left.kill()
    assert one.returncode == -signal.SIGKILL
    assert alive == []


def test_a_service_that_ends_by_itself_is_told_and_signals_are_as_before(
    bundle_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-c", "raise SystemExit(3)"]
    monkeypatch.setattr(process, "_start", lambda *_: subprocess.Popen(command))
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(CoterieError, match=r"runs until it is stopped.*ended with exit status 3"):
        process.serve_forever(bundle_folder, port=process._checked("127.0.0.1", None))
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_port_that_a_service_has_just_left_can_be_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = listening.accept()
            accepted.close()  # who closes first keeps the port for a minute
            assert client.recv(1) == b""
    assert process._checked("127.0.0.1", port) == port


def test_an_address_of_ip_6_stands_in_brackets() -> None:
    assert process._in_url("::1") == "[::1]"
    assert process._in_url("127.0.0.1") == "127.0.0.1"


@pytest.fixture
def asked() -> Iterator[HTTPServer]:
    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"here": true}')

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_proxy_is_not_asked_for_this_machine(
    asked: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # where nothing listens
    monkeypatch.delenv("no_proxy", raising=False)
    service = process.Service(f"http://127.0.0.1:{asked.server_port}", tmp_path / "log")
    assert service.ask("/model") == {"here": True}
