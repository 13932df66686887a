"""What stands between the network and BentoML: limits, one shape of error, bounded metrics.

BentoML has no limit on a body, answers errors in five shapes, and counts requests under their raw
path, so that random paths would fill the memory with counters.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from _bentoml_sdk import Service  # type: ignore[import-untyped]  # ships no py.typed
from starlette.datastructures import Headers
from starlette.responses import JSONResponse

from features.errors import CoterieError, RequestError
from serving import errors

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY = 64 * 2**20  # bytes: what MAX_ROWS order lines of 250 bytes need
HEALTH = dict.fromkeys(("/livez", "/healthz", "/readyz", "/metrics"), "GET")
PATHS = {
    "/": "GET",
    "/assign": "POST",
    "/model": "GET or POST",
    "/docs.json": "GET",
    "/schema.json": "GET",
    **HEALTH,
}
_ELSEWHERE = "/elsewhere"  # stands for every unknown path in the metrics
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Fronted(Service[Any]):
    """A BentoML service whose every answer passes `Front`."""

    @property
    def doc(self) -> str:
        """What the service says of itself; BentoML's own text shows badges from elsewhere."""
        return str(self.inner.__doc__)

    def to_asgi(self, is_main: bool = True) -> Any:
        """The application that BentoML runs."""
        return Front(super().to_asgi(is_main))


class Front:
    """An ASGI application around BentoML's."""

    def __init__(self, app: App, max_body: int = MAX_BODY) -> None:
        self.app = app
        self.max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; scopes other than http go through as they are."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        path = scope["path"]
        if path in HEALTH and scope.get("method") in ("GET", "HEAD"):
            return await self.app(scope, receive, send)
        if path not in PATHS:
            scope = {**scope, "path": _ELSEWHERE, "raw_path": _ELSEWHERE.encode()}
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        refused = self._refused(scope)
        if refused is not None:
            return await _answer(*refused, scope, receive, send)
        body = _Body(receive, self.max_body, path == "/assign")
        await self.app(scope, body, _Rewriter(scope["method"], path, body, send))

    def _refused(self, scope: Scope) -> tuple[CoterieError, int] | None:
        """The error and status of a request whose head says enough."""
        headers = Headers(scope=scope)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > 18 or int(length) > self.max_body:
            return _too_large(self.max_body, length[:20]), 413
        if scope["method"] != "POST" or "POST" not in PATHS.get(scope["path"], ""):
            return None
        kind = headers.get("content-type", "application/json")
        if kind.split(";")[0].strip().lower() != "application/json":
            remedy = "send the header Content-Type: application/json"
            return RequestError("A body must be JSON.", errors.shown(kind), remedy), 415
        coding = headers.get("content-encoding", "identity")
        if coding.strip().lower() != "identity":
            remedy = "send it as it is"
            return RequestError("A body must not be compressed.", errors.shown(coding), remedy), 415
        return None


class _Body:
    """Receives a request's body, and ends it where it grows larger than allowed or its client goes
    away: an exception would be a traceback in the log for every such client. Of a body that is not
    `wanted` nothing is handed on: BentoML would log what it cannot read of it.
    """

    def __init__(self, receive: Receive, limit: int, wanted: bool) -> None:
        self.limit = limit
        self.seen = 0
        self._receive = receive
        self._wanted = wanted
        self._ended = False

    @property
    def ended(self) -> bool:
        """Whether all of it came, or as much as is taken."""
        return self._ended

    @property
    def too_large(self) -> bool:
        return self.seen > self.limit

    async def __call__(self) -> Message:
        message = await self._receive()
        self.seen += len(message.get("body", b""))
        gone = message["type"] == "http.disconnect"
        if not self._ended and (gone or self.too_large):
            self._ended = True
            return {"type": "http.request", "body": b"", "more_body": False}
        self._ended = self._ended or not message.get("more_body", False)
        return message if gone or self._wanted else {**message, "body": b""}


class _Rewriter:
    """Sends good answers on, and puts errors that are not ours into our shape. Whatever is answered
    to a body over the limit becomes that it is too large.
    """

    def __init__(self, method: str, path: str, body: _Body, send: Send) -> None:
        self.method = method if method in _METHODS else "another method"
        self.path = path
        self._body = body
        self._send = send
        self._start: Message | None = None
        self._kept = bytearray()

    async def __call__(self, message: Message) -> None:
        wrong = message.get("status", 0) >= 400 or self._body.too_large
        if message["type"] == "http.response.start" and wrong:
            self._start = message
        elif self._start is None:
            await self._send(message)
        elif message["type"] == "http.response.body":
            self._kept += message.get("body", b"")
            if not message.get("more_body", False):
                await self._rewritten(self._start)

    async def _rewritten(self, start: Message) -> None:
        status, content = start["status"], bytes(self._kept)
        if status == 504 and self.method == "POST" and not self._body.ended:
            status = 408
        headers = []
        if status == 405 and self.path in PATHS:
            headers.append((b"allow", PATHS[self.path].replace(" or ", ", ").encode()))
        if self._body.too_large:
            status = 413
            limit = self._body.limit
            error: CoterieError | None = _too_large(limit, f"more than {limit:,}")
        else:
            error = self._error(status, content)
        if error is not None:
            content = json.dumps({"error": errors.as_dict(error)}).encode()
        headers += [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(content)).encode()),
        ]
        if status in (408, 413):
            headers.append((b"connection", b"close"))
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        body = b"" if self.method == "HEAD" else content
        await self._send({"type": "http.response.body", "body": body})

    def _error(self, status: int, content: bytes) -> CoterieError | None:
        """What to say instead of `content`; None where it is ours already."""
        try:
            said = json.loads(content)
        except ValueError:
            said = None
        if isinstance(said, dict) and isinstance(said.get("error"), dict):
            return None
        return errors.of_status(status, self.method, self.path, _problem(said), PATHS)


def _problem(said: Any) -> str:
    """What pydantic found wrong with a body, from BentoML's answer.

    >>> _problem({"error": "...", "detail": [{"loc": [], "msg": "Invalid JSON: EOF"}]})
    'Invalid JSON: EOF'
    """
    detail = said.get("detail") if isinstance(said, dict) else None
    first = detail[0] if isinstance(detail, list) and detail else None
    return str(first.get("msg"))[:200] if isinstance(first, dict) else "one that is not"


def _too_large(limit: int, seen: str) -> RequestError:
    return RequestError(
        f"A body has at most {limit:,} bytes.", f"{seen} bytes", "send several requests"
    )


async def _answer(
    error: CoterieError, status: int, scope: Scope, receive: Receive, send: Send
) -> None:
    headers = {"connection": "close"} if status == 413 else {}
    response = JSONResponse({"error": errors.as_dict(error)}, status, headers)
    await response(scope, receive, send)
