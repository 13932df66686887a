"""The benchmarks are scripts, and no package: their folder is on the path for these tests alone."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

HOME = Path(__file__).parent.parent.parent / "benchmarks"


@pytest.fixture(scope="session")
def script() -> Iterator[Callable[[str], ModuleType]]:
    """A module of `benchmarks` by its name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(HOME), *sys.path])
        yield importlib.import_module
