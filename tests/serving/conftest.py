"""The service over the bundle of the small run (`bundle_folder` in `tests/conftest.py`)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from serving.assign import Assigner
from training.prediction.bundle import Bundle


@pytest.fixture(scope="session")
def bundle(bundle_folder: Path) -> Bundle:
    """The bundle in memory. Shared: not to be changed."""
    return Bundle.load(bundle_folder)


@pytest.fixture(scope="session")
def assigner(bundle: Bundle) -> Assigner:
    """Answers with the bundle. It keeps nothing between two requests, so that it can be shared."""
    return Assigner(bundle)


@pytest.fixture(scope="session")
def client(bundle_folder: Path) -> Iterator[TestClient]:
    """The service over HTTP, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COTERIE_BUNDLE", str(bundle_folder))
        from serving.service import Coterie

        app: Any = Coterie.to_asgi()
        with TestClient(app, raise_server_exceptions=False) as one:
            yield one


@pytest.fixture
def customer() -> dict[str, Any]:
    """A customer as an application sends one, fresh for each test."""
    return {
        "customer_id": "17",
        "orders": [
            {"moment": "2024-03-01T10:00:00Z", "amount": 20.0, "category": "A"},
            {"moment": "2024-04-02T18:20:00Z", "amount": 24.9, "category": "B"},
            {"moment": "2024-05-09T17:30:00Z", "amount": 31.5, "discount": 2.0},
        ],
        "events": [{"moment": "2024-05-01T00:00:00Z", "kind": "visit"}],
    }
