"""The front alone, before a small application that errs in BentoML's five ways."""

import asyncio
import json
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from serving.front import MAX_BODY, PATHS, Front

SHAPE = {"type", "rule", "seen", "remedy"}


async def assign(request: Request) -> Response:
    body = await request.body()
    said: dict[bytes, Response] = {
        b"list": JSONResponse([{"error": "a list"}], 400),
        b"text": PlainTextResponse("Bad Request", 400),
        b"detail": JSONResponse({"error": "1 error", "detail": [{"msg": "not so"}]}, 400),
        b"ours": JSONResponse({"error": {"type": "RequestError"}, "more": 1}, 400),
        b"late": JSONResponse({"error": "Not able to process"}, 504),
        b"down": JSONResponse({"error": "overloaded"}, 503),
        b"pieces": StreamingResponse(iter([b'{"error": {"type": ', b'"RequestError"}}']), 400),
    }
    if body == b"boom":
        raise ValueError("secret")
    return said.get(body, PlainTextResponse(str(len(body))))


async def elsewhere(request: Request) -> Response:
    return PlainTextResponse(request.url.path)


async def readyz(request: Request) -> Response:
    return PlainTextResponse("not yet", 503)


APP = Starlette(
    routes=[
        Route("/assign", assign, methods=["POST"]),
        Route("/model", assign, methods=["POST"]),
        Route("/readyz", readyz),
        Route("/elsewhere", elsewhere),
    ]
)


@pytest.fixture
def client() -> TestClient:
    return TestClient(Front(APP, max_body=100), raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("body", "status", "kind", "seen"),
    [
        (b"list", 400, "RequestError", "one that is not"),
        (b"text", 400, "RequestError", "one that is not"),
        (b"detail", 400, "RequestError", "not so"),
        (b"late", 504, "CoterieError", "it took longer"),
        (b"down", 503, "CoterieError", "it is not, or no longer"),
        (b"boom", 500, "CoterieError", "an unexpected error in the service"),
    ],
)
def test_every_error_below_gets_our_shape(
    client: TestClient, body: bytes, status: int, kind: str, seen: str
) -> None:
    answer = client.post("/assign", content=body)
    error = answer.json()["error"]
    assert (answer.status_code, set(error)) == (status, SHAPE)
    assert (error["type"], error["seen"]) == (kind, seen)
    assert "secret" not in answer.text


def test_our_own_errors_pass_as_they_are(client: TestClient) -> None:
    answer = client.post("/assign", content=b"ours")
    assert answer.json() == {"error": {"type": "RequestError"}, "more": 1}


def test_our_own_error_may_come_in_pieces(client: TestClient) -> None:
    answer = client.post("/assign", content=b"pieces")
    assert answer.json() == {"error": {"type": "RequestError"}}


def test_an_error_says_once_what_it_is_and_keeps_the_connection(client: TestClient) -> None:
    answer = client.get("/assign")
    assert answer.status_code == 405
    assert answer.headers.get_list("content-type") == ["application/json"]
    assert answer.headers.get_list("content-length") == [str(len(answer.content))]
    assert answer.headers["allow"] == "POST"
    assert "connection" not in answer.headers
    refused = client.post("/assign", content=b"{}", headers={"content-type": "text/plain"})
    assert "connection" not in refused.headers


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_method_that_is_not_for_this_path_is_named(client: TestClient, method: str) -> None:
    assert client.request(method, "/assign").json()["error"]["seen"] == method
    assert client.request("X" * 900, "/assign").json()["error"]["seen"] == "another method"


def test_a_path_says_all_methods_that_it_answers(client: TestClient) -> None:
    answer = client.put("/model")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert client.post("/readyz").headers["allow"] == "GET"
    assert client.post("/readyz").json()["error"]["rule"] == "/readyz answers GET."


def test_an_error_for_head_has_no_body() -> None:
    start, body = asked("HEAD", "/assign")
    assert start["status"] == 405
    assert int(dict(start["headers"])[b"content-length"]) > 0
    assert body["body"] == b""


def asked(method: str, path: str, *headers: tuple[bytes, bytes]) -> list[Any]:
    """What the front sends, without a client that mends it."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http", "method": method, "path": path, "headers": headers, "query_string": b"",
        "raw_path": path.encode(), "http_version": "1.1", "scheme": "http",
    }  # fmt: skip
    asyncio.run(Front(APP, max_body=100)(scope, receive, send))
    return sent


def test_a_websocket_is_refused_by_the_application(client: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/assign"):
        pass


def test_the_kind_of_a_body_is_asked_only_where_one_is_taken(client: TestClient) -> None:
    text = {"content-type": "text/plain"}
    assert client.get("/assign", headers=text).status_code == 405
    assert client.get("/x", headers=text).text == "/elsewhere"
    assert client.post("/readyz", content=b"x", headers=text).status_code == 405
    other = client.post("/x", content=b"x", headers=text)
    assert (other.status_code, other.json()["error"]["seen"]) == (405, "POST")


def test_health_stays_as_it_is(client: TestClient) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "not yet")


def test_unknown_paths_reach_the_application_under_one_name(client: TestClient) -> None:
    assert client.get("/x").text == client.get("/" + "y" * 900).text == "/elsewhere"


@pytest.mark.parametrize("name", ["content-length", "chunked"])
def test_a_body_over_the_limit_is_refused(client: TestClient, name: str) -> None:
    content: Any = b"x" * 101 if name == "content-length" else iter([b"x" * 60, b"x" * 60])
    answer = client.post("/assign", content=content)
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"
    assert answer.json()["error"]["rule"] == "A body has at most 100 bytes."
    assert client.post("/assign", content=iter([b"x" * 50, b"x" * 50])).text == "100"


def test_a_body_of_just_the_limit_is_answered(client: TestClient) -> None:
    assert client.post("/assign", content=b"x" * 100).text == "100"


def test_what_is_whole_before_the_limit_is_no_answer_to_a_body_over_it(client: TestClient) -> None:
    whole = [b"x" * 100]
    assert client.post("/assign", content=iter(whole)).status_code == 200
    assert client.post("/assign", content=iter([*whole, b" "])).status_code == 413


def test_of_a_body_that_is_not_wanted_nothing_is_handed_on(client: TestClient) -> None:
    assert client.post("/model", content=b"secret").text == "0"
    assert client.post("/model", content=iter([b"x" * 60, b"x" * 60])).status_code == 413


def test_a_client_that_goes_away_in_its_body_raises_nothing_for_the_log() -> None:
    rest = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> dict[str, Any]:
        return rest.pop(0)

    async def send(message: Any) -> None:
        pass

    scope = {"type": "http", "method": "POST", "path": "/assign", "headers": []}
    asyncio.run(Front(APP)(scope, receive, send))
    assert rest == []


@pytest.mark.parametrize(
    ("method", "path", "whole", "status", "kind"),
    [
        ("POST", "/assign", False, 408, "RequestError"),
        ("POST", "/assign", True, 504, "CoterieError"),
        ("GET", "/model", False, 504, "CoterieError"),
    ],
)
def test_a_body_that_does_not_come_is_not_called_a_slow_answer(
    method: str, path: str, whole: bool, status: int, kind: str
) -> None:
    sent = []

    async def late(scope: Any, receive: Any, send: Any) -> None:
        if method == "POST":
            await receive()
        await JSONResponse({"error": "Not able to process"}, 504)(scope, receive, send)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{", "more_body": not whole}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": []}
    asyncio.run(Front(late)(scope, receive, send))
    assert (sent[0]["status"], json.loads(sent[1]["body"])["error"]["type"]) == (status, kind)
    assert ((b"connection", b"close") in sent[0]["headers"]) == (status == 408)


def test_a_body_over_the_limit_is_not_read_to_its_end() -> None:
    read, sent = [], []

    async def receive() -> dict[str, Any]:
        read.append(1)
        return {"type": "http.request", "body": b"x" * 40, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/assign", "headers": [], "query_string": b"",
        "raw_path": b"/assign", "http_version": "1.1", "scheme": "http",
    }  # fmt: skip
    asyncio.run(Front(APP, max_body=100)(scope, receive, send))  # raises nothing for the log
    assert len(read) == 3
    assert sent[0]["status"] == 413
    assert json.loads(sent[1]["body"])["error"]["seen"] == "more than 100 bytes"


@pytest.mark.parametrize("length", ["-1", "abc", "9" * 40, "9" * 5000, "1e3", "101"])
def test_a_length_that_is_none_or_too_large_is_refused_unread(length: str) -> None:
    sent = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        raise AssertionError("not to be read")

    headers = [(b"content-length", length.encode())]
    scope = {"type": "http", "method": "POST", "path": "/assign", "headers": headers}
    asyncio.run(Front(APP, max_body=100)(scope, receive, send))
    assert sent[0]["status"] == 413
    assert json.loads(sent[1]["body"])["error"]["seen"] == f"{length[:20]} bytes"


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": "application/vnd.bentoml+pickle"},
        {"content-type": ""},
        {"content-encoding": "gzip"},
    ],
)
def test_a_body_that_is_not_plain_json_is_refused(
    client: TestClient, headers: dict[str, str]
) -> None:
    answer = client.post("/assign", content=b"{}", headers=headers)
    assert answer.status_code == 415
    assert set(answer.json()["error"]) == SHAPE


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8"])
def test_json_is_let_through(client: TestClient, kind: str) -> None:
    assert client.post("/assign", content=b"{}", headers={"content-type": kind}).text == "2"


def test_the_limits_fit_each_other() -> None:
    from serving.schemas import MAX_ROWS

    assert MAX_ROWS * 250 <= MAX_BODY < MAX_ROWS * 300
    assert "/assign" in PATHS
