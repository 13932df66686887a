"""What the service does where nobody says otherwise."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, cast

import pytest

import serving
from features.errors import BundleError
from serving.schemas import AssignRequest

ROOT = Path(serving.__file__).parent.parent


def test_it_tells_nobody_that_it_runs() -> None:
    program = (
        "import serving.service\n"
        "from bentoml._internal.utils.analytics.usage_stats import do_not_track\n"
        "print(do_not_track())\n"
    )
    silent = {k: v for k, v in os.environ.items() if k != "BENTOML_DO_NOT_TRACK"}
    command = [sys.executable, "-W", "ignore", "-c", program]
    said = subprocess.run(command, cwd=ROOT, env=silent, capture_output=True, text=True)
    assert said.stdout == "True\n", said.stderr


def test_it_listens_on_this_machine_alone_and_logs_no_request() -> None:
    from serving import service

    config = cast(Any, service.Coterie).config
    assert config["http"]["host"] == "127.0.0.1"
    assert config["logging"]["access"]["enabled"] is False


def test_a_folder_that_is_missing_is_told_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from serving.service import load

    monkeypatch.setenv("COTERIE_BUNDLE", str(tmp_path / "nowhere"))
    with pytest.raises(BundleError, match=r"needs a bundle to serve\..*nowhere.*coterie retrain"):
        load()


def test_one_request_is_computed_at_a_time(
    bundle_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from serving import service

    monkeypatch.setenv("COTERIE_BUNDLE", str(bundle_folder))
    one = cast(Any, service.Coterie).inner()
    running: list[bytes] = []
    at_once = []

    def answer(body: bytes) -> dict[str, Any]:
        running.append(body)
        at_once.append(len(running))
        time.sleep(0.05)
        running.remove(body)
        return {}

    async def ask(count: int) -> list[Any]:
        asked = [AssignRequest.model_validate_json(str(i)) for i in range(count)]
        return await asyncio.gather(*(one.assign(request) for request in asked))

    monkeypatch.setattr(one, "_answer", answer)
    assert [answer.status_code for answer in asyncio.run(ask(4))] == [200] * 4
    assert at_once == [1, 1, 1, 1]
