"""The service as a process of its own."""

import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import serving
from features.errors import RequestError
from serving import process
from serving.schemas import EXAMPLE

ROOT = Path(serving.__file__).parent.parent
FITTING = ("torch", "sklearn", "scipy", "lightgbm", "mlflow", "onnxmltools", "matplotlib")


@pytest.fixture(scope="module")
def service(bundle_folder: Path) -> Iterator[process.Service]:
    with process.running(bundle_folder) as one:
        yield one


def test_it_answers(service: process.Service) -> None:
    assert service.url.startswith("http://127.0.0.1:")
    (one,) = service.ask("/assign", EXAMPLE)["assignments"]
    assert one["customer_id"] == "17"
    assert service.ask("/model")["segments"]


def test_its_refusal_is_an_error_here(service: process.Service) -> None:
    with pytest.raises(RequestError, match=r"customers must be a list"):
        service.ask("/assign", {"customers": []})
    with pytest.raises(RequestError, match=r"did you mean /model\?"):
        service.ask("/models")


def test_random_paths_make_no_counters(service: process.Service) -> None:
    for i in range(20):
        with pytest.raises(RequestError):
            service.ask(f"/random-{i}")
    with urllib.request.urlopen(service.url + "/metrics") as answer:
        metrics = answer.read().decode()
    assert "random" not in metrics
    assert 'endpoint="/elsewhere",http_response_code="404"' in metrics


def test_a_body_over_the_limit_is_refused_without_reading_it(service: process.Service) -> None:
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as link:
        link.sendall(
            b"POST /assign HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 1000000000\r\n\r\n{"
        )
        told = link.recv(65536).decode()
    assert told.startswith("HTTP/1.1 413")


def test_the_log_names_no_customer(service: process.Service) -> None:
    with pytest.raises(RequestError):
        service.ask("/assign", {"customers": [{"customer_id": "Ms Secret", "orders": "x"}]})
    assert "Secret" not in service.log.read_text()


def test_a_taken_port_is_told(service: process.Service, bundle_folder: Path) -> None:
    port = int(service.url.rsplit(":", 1)[1])
    listening = [
        c.pid
        for c in psutil.net_connections("inet")
        if c.laddr and c.laddr.port == port and c.status == "LISTEN" and c.pid
    ]
    told: dict[str, str] = psutil.Process(listening[0]).environ()
    return told
