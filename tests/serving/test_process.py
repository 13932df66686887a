"""The service as a process of its own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import serving
from features.errors import BundleError, CoterieError, RequestError
from serving import process
from serving.front import MAX_BODY
from serving.schemas import EXAMPLE
from training.prediction.bundle import Bundle

ROOT = Path(serving.__file__).parent.parent
FITTING = ("torch", "sklearn", "scipy", "lightgbm", "mlflow", "onnxmltools", "matplotlib")


@pytest.fixture(scope="module")
def service(bundle_folder: Path) -> Iterator[process.Service]:
    with process.running(bundle_folder) as one:
        yield one


@pytest.mark.slow
def test_it_answers(service: process.Service) -> None:
    assert service.url.startswith("http://127.0.0.1:")
    (one,) = service.ask("/assign", EXAMPLE)["assignments"]
    assert one["customer_id"] == "17"
    assert service.ask("/model")["segments"]


@pytest.mark.slow
def test_its_refusal_is_an_error_here(service: process.Service) -> None:
    with pytest.raises(RequestError, match=r"customers must be a list"):
        service.ask("/assign", {"customers": []})
    with pytest.raises(RequestError, match=r"did you mean /model\?"):
        service.ask("/models")


@pytest.mark.slow
def test_random_paths_make_no_counters(service: process.Service) -> None:
    for i in range(20):
        with pytest.raises(RequestError):
            service.ask(f"/random-{i}")
    with urllib.request.urlopen(service.url + "/metrics") as answer:
        metrics = answer.read().decode()
    assert "random" not in metrics
    assert 'endpoint="/elsewhere",http_response_code="404"' in metrics


@pytest.mark.slow
def test_a_body_over_the_limit_is_refused_without_reading_it(service: process.Service) -> None:
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as link:
        link.sendall(
            b"POST /assign HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 1000000000\r\n\r\n{"
        )
        told = link.recv(65536).decode()
    assert told.startswith("HTTP/1.1 413")


@pytest.mark.slow
def test_a_body_that_grows_over_the_limit_is_told_so_without_a_traceback(
    service: process.Service,
) -> None:
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as link:
        link.sendall(
            b"POST /assign HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        piece = b"100000\r\n" + b" " * 2**20 + b"\r\n"
        for _ in range(MAX_BODY // 2**20):
            link.sendall(piece)
        link.sendall(b"1\r\n \r\n")
        told = link.recv(65536).decode()
    assert told.startswith("HTTP/1.1 413")
    assert "Traceback" not in service.log.read_text()


@pytest.mark.slow
def test_the_log_names_no_customer(service: process.Service) -> None:
    with pytest.raises(RequestError):
        service.ask("/assign", {"customers": [{"customer_id": "Ms Secret", "orders": "x"}]})
    service.ask("/model", [{"customer_id": "Ms Secret"}])
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as link:
        link.sendall(
            b"POST /assign HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b'Content-Length: 99\r\n\r\n{"customers": [{"customer_id": "Ms Secret"'
        )
        time.sleep(0.2)
    assert service.ask("/model")["segments"]
    said = service.log.read_text()
    assert "Secret" not in said
    assert "Traceback" not in said


@pytest.mark.slow
def test_a_taken_port_is_told(service: process.Service, bundle_folder: Path) -> None:
    port = int(service.url.rsplit(":", 1)[1])
    with (
        pytest.raises(CoterieError, match=rf"127.0.0.1:{port} is in use already.*another port, or"),
        process.running(bundle_folder, port),
    ):
        pass
    with pytest.raises(CoterieError, match="in use already"):
        process.serve_forever(bundle_folder, port=port)


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 99_999), ("203.0.113.1", 8000)])
def test_an_impossible_address_is_told(bundle_folder: Path, host: str, port: int) -> None:
    with (
        pytest.raises(CoterieError, match=r"address and port of its own\..*of this machine, and a"),
        process.running(bundle_folder, port, host),
    ):
        pass


def test_a_bundle_that_is_none_is_told_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(BundleError), process.running(tmp_path):
        pass
    with pytest.raises(BundleError):
        process.serve_forever(tmp_path)


def test_what_does_not_come_up_shows_the_end_of_its_log(bundle_folder: Path) -> None:
    with (
        pytest.raises(CoterieError, match=r"exit status 2(?s:.)*No such command 'sevre'"),
        process.running(bundle_folder, command=("sevre",)),
    ):
        pass


@pytest.mark.slow
def test_it_runs_from_any_folder_and_nothing_is_left_after_it(
    bundle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(bundle_folder, tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    mine = psutil.Process()
    before = {p.pid for p in mine.children(recursive=True)}
    with process.running(Path("model")) as one:
        assert one.ask("/model")["features"]
        during = {p.pid for p in mine.children(recursive=True)} - before
        assert len(during) >= 2  # BentoML's supervisor and its worker
    assert [pid for pid in during if psutil.pid_exists(pid)] == []
    assert not one.log.exists()
    assert list(tmp_path.iterdir()) == [tmp_path / "model"]


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.slow
def test_without_a_bundle_the_service_does_not_start(tmp_path: Path) -> None:
    command = ("-m", "bentoml", "serve", process.SERVICE, "--host", "127.0.0.1", "--port", "0")
    missing = tmp_path / "nowhere"
    with start(*command, COTERIE_BUNDLE=str(missing), BENTOML_HOME=str(tmp_path)) as one:
        said, _ = one.communicate(timeout=60)
    assert one.returncode == 2
    assert f"A service needs a bundle to serve. Seen: no folder {missing}. Remedy: run" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
@pytest.mark.slow
def test_in_the_foreground_it_ends_quietly(bundle_folder: Path, number: signal.Signals) -> None:
    # Tests that a script runs in the background inherit that SIGINT is ignored.
    program = (
        "import signal, sys; from pathlib import Path; from serving.process import serve_forever; "
        "signal.signal(signal.SIGINT, signal.default_int_handler); "
        "serve_forever(Path(sys.argv[1]), port=int(sys.argv[2])); print('ended')"
    )
    port = str(process._checked("127.0.0.1", None))
    with start("-c", program, str(bundle_folder), port) as one:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not _ready(port):
            time.sleep(0.1)
        one.send_signal(number)
        try:
            said, _ = one.communicate(timeout=60)
        finally:
            one.terminate()
    assert one.returncode == 0, said
    assert said.splitlines()[-1] == "ended"
    assert "Traceback" not in said
    assert not _ready(port)


def _ready(port: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
            return True
    except OSError:
        return False


@pytest.mark.slow
def test_it_never_loads_what_fits(bundle_folder: Path) -> None:
    program = (
        "import json, sys\n"
        "from serving.service import Coterie\n"
        "from serving.schemas import EXAMPLE\n"
        "from starlette.testclient import TestClient\n"
        "with TestClient(Coterie.to_asgi()) as client:\n"
        "    status = client.post('/assign', json=EXAMPLE).status_code\n"
        "print(json.dumps([status, sorted({name.split('.')[0] for name in sys.modules})]))\n"
    )
    with start("-W", "ignore", "-c", program, COTERIE_BUNDLE=str(bundle_folder)) as one:
        said, _ = one.communicate(timeout=60)
    told: Any = json.loads(said.splitlines()[-1])
    assert told[0] == 200
    assert set(told[1]) & set(FITTING) == set()
    assert "bentoml" in told[1]


def test_the_starter_loads_neither_bentoml_nor_the_service() -> None:
    program = (
        "import sys, serving.process\n"
        "print(sorted({'bentoml', '_bentoml_sdk', 'serving.service'} & set(sys.modules)))\n"
    )
    with start("-c", program) as one:
        said, _ = one.communicate(timeout=60)
    assert said == "[]\n"


@pytest.mark.slow
def test_a_service_keeps_its_model_whatever_becomes_of_the_folder(
    bundle_folder: Path, tmp_path: Path
) -> None:
    folder = Bundle.load(bundle_folder).save(tmp_path / "champion")
    with process.running(folder) as one:
        shutil.rmtree(folder)
        port = int(one.url.rsplit(":", 1)[1])
        listening = [
            c.pid
            for c in psutil.net_connections("inet")
            if c.laddr and c.laddr.port == port and c.status == "LISTEN" and c.pid
        ]
        own = Path(psutil.Process(listening[0]).environ()["COTERIE_BUNDLE"])
        assert own.is_relative_to(one.log.parent)
        assert Bundle.load(own).files == Bundle.load(bundle_folder).files


def test_a_bundle_of_other_features_is_refused_before_anything_is_started(
    bundle_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bundle, "current", False)
    monkeypatch.setattr(process, "_start", lambda *_: pytest.fail("started"))
    with pytest.raises(BundleError, match="the features that it was trained with"):
        process.serve_forever(bundle_folder)
    with pytest.raises(BundleError), process.running(bundle_folder):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own way")
@pytest.mark.slow
def test_a_killed_parent_leaves_no_service(bundle_folder: Path, tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from serving import process\n"
        f"with process.running(Path({str(bundle_folder)!r})) as one:\n"
        "    print(one.url, flush=True); time.sleep(60)"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}  # what a killed process leaves goes too
    parent = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    assert parent.stdout.readline().startswith(b"http://127.0.0.1:")
    started = psutil.Process(parent.pid).children(recursive=True)
    assert started
    parent.kill()
    parent.wait()
    parent.stdout.close()
    _, alive = psutil.wait_procs(started, timeout=30)
    assert [process.pid for process in alive] == []
