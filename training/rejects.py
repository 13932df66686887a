"""The file of rejects: every value that could not be used, with its row and its reason."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from features.ingestion.parts import PLACE_COLUMNS
from features.ingestion.staging import REJECT_COLUMNS
from training.whole import replacing

NAME = "rejects.csv"


def write(rejects: pd.DataFrame, folder: Path) -> Path | None:
    """Write `rejects.csv` into `folder`, which is there; of no rejects, remove an earlier one.

    Where a source is a folder, two columns more tell the file of it and the row there. A file of
    that name which is none of ours (it has other columns) stays. Returns the file's path, None
    where there is none.
    """
    file = folder / NAME
    if rejects.empty:
        if file.is_file() and _ours(file):
            file.unlink()
        return None
    placed = "file" in rejects and bool(rejects["file"].notna().any())
    columns = [*REJECT_COLUMNS, *PLACE_COLUMNS] if placed else REJECT_COLUMNS
    with replacing(file) as staging:
        rejects.to_csv(staging, index=False, columns=columns)
    return file


def _ours(file: Path) -> bool:
    with file.open("rb") as opened:
        header = opened.readline().strip().decode(errors="replace")
    plain = ",".join(REJECT_COLUMNS)
    return header in (plain, ",".join([plain, *PLACE_COLUMNS]))
