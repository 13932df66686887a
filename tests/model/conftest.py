"""What the tests of a trained bundle share."""

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from training.fitting import fit


@pytest.fixture(scope="package")
def predicted(small_run: Any) -> pd.DataFrame:
    """Everyone's assignment now. Shared: not to be changed."""
    made: pd.DataFrame = small_run.bundle.predict(fit.table(small_run.rows)).to_pandas()
    return made


@pytest.fixture
def copy(small_run: Any, tmp_path: Path) -> Path:
    """A bundle folder that may be changed."""
    return Path(shutil.copytree(small_run.folder, tmp_path / "bundle"))
