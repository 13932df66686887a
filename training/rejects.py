"""The file of rejects: every value that could not be used, with its row and its reason."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from features.staging import REJECT_COLUMNS

NAME = "rejects.csv"


def write(rejects: pd.DataFrame, folder: Path) -> Path | None:
    """Write `rejects.csv` into `folder`, which is there; of no rejects, remove an earlier one.

    A file of that name which is none of ours (it has other columns) stays. Returns the file's
    path, None where there is none.
    """
    file = folder / NAME
    if rejects.empty:
        if file.is_file() and _ours(file):
            file.unlink()
        return None
    rejects.to_csv(file, index=False)
    return file


def _ours(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.readline().strip() == ",".join(REJECT_COLUMNS).encode()
