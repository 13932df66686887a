"""The BentoML service: `assign` and `model`, over HTTP.

Start it with `coterie serve`, or `bentoml serve serving.service:Coterie --host 127.0.0.1`. The
bundle comes from the folder that COTERIE_BUNDLE names, else from `champion` beside this file.
"""

from __future__ import annotations

import os

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "true")  # before bentoml is imported
os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is: two threads wait for each other

import asyncio
import gc
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import bentoml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from features.errors import BundleError, CoterieError
from serving import errors, facts
from serving.assign import Assigner, parse
from serving.front import Fronted
from serving.schemas import AssignAnswer, AssignRequest
from training.prediction.bundle import Bundle

TIMEOUT = 30  # seconds an answer may take
CHAMPION = Path(__file__).parent / "champion"


def bundle_folder() -> Path:
    """Where the served bundle lies."""
    return Path(os.environ.get("COTERIE_BUNDLE") or CHAMPION)


def load() -> Bundle:
    """The served bundle, verified. Raises BundleError."""
    folder = bundle_folder()
    if not folder.is_dir():
        raise BundleError(
            "A service needs a bundle to serve.",
            f"no folder {folder}",
            "run `coterie retrain FILE`, or name a bundle's folder in COTERIE_BUNDLE",
        )
    return Bundle.load(folder)


async def _page(request: Request) -> Response:
    return HTMLResponse(
        request.app.state.page, headers={"content-security-policy": "default-src 'none'; "
                                         "style-src 'unsafe-inline'"}
    )  # fmt: skip


async def _facts(request: Request) -> Response:
    return JSONResponse(request.app.state.facts)


async def _docs(request: Request) -> Response:
    described = cast(Fronted, Coterie).openapi_spec.asdict()
    shape = {"type": "object", "properties": {"error": {"$ref": "#/components/schemas/Error"}}}
    for name in ("InvalidArgument", "NotFound", "InternalServerError"):
        described["components"]["schemas"][name] = shape
    return JSONResponse(described)


pages = Starlette(routes=[Route("/", _page), Route("/model", _facts), Route("/docs.json", _docs)])


@bentoml.service(
    name="coterie-service",  # "coterie" would make `bentoml serve coterie:TAG` import coterie/
    service_class=Fronted,
    workers=1,
    traffic={"timeout": TIMEOUT},
    logging={"access": {"enabled": False}},
    http={"host": "127.0.0.1"},
)
@bentoml.asgi_app(pages)
class Coterie:
    """Predictive customer segmentation: histories in, segments, risk of leaving and value out."""

    @bentoml.on_deployment
    @staticmethod
    def check() -> None:
        """Stop before anything is started where the bundle cannot be served."""
        try:
            load().require_current()
        except CoterieError as error:
            print(error, file=sys.stderr)
            sys.exit(2)

    def __init__(self) -> None:
        bundle = load()
        self._assigner = Assigner(bundle)
        # One thread computes, so that the event loop stays free for /livez and /readyz.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="assign")
        pages.state.facts, pages.state.page = facts.facts(bundle), facts.page(bundle)
        # Collecting what is never garbage cost 50 to 137 ms each second.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)

    @bentoml.api(output_spec=AssignAnswer)
    async def assign(self, request: AssignRequest, /) -> Response:
        """Customers with their raw histories in, one assignment each out, in their order."""
        loop = asyncio.get_running_loop()
        try:
            answer = await loop.run_in_executor(self._thread, self._answer, request.body)
        except CoterieError as error:
            return JSONResponse({"error": errors.as_dict(error)}, errors.status_of(error))
        return JSONResponse(answer, 400 if "error" in answer else 200)

    def _answer(self, body: bytes) -> dict[str, Any]:
        return self._assigner(parse(body))

    @bentoml.api
    async def model(self) -> dict[str, Any]:
        """What this model is: version, horizon, time zone, features, segments, evaluation."""
        return pages.state.facts
