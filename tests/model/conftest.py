"""What the tests of a trained bundle share."""

from typing import Any

import pandas as pd
import pytest

from training import fit


@pytest.fixture(scope="package")
def predicted(small_run: Any) -> pd.DataFrame:
    """Everyone's assignment now. Shared: not to be changed."""
    made: pd.DataFrame = small_run.bundle.predict(fit.table(small_run.rows)).to_pandas()
    return made
