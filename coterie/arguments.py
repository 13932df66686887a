"""What may stand on the command line, and what is said of what may not."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from features.errors import SourceError

if TYPE_CHECKING:
    import pandas as pd

FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)


class Moment(click.ParamType):
    """A moment as ISO 8601 text, no other; without a zone it is UTC."""

    name = "moment"

    def convert(self, value: Any, param: Any, ctx: Any) -> pd.Timestamp:
        import pandas as pd

        try:
            moment = pd.Timestamp(dt.datetime.fromisoformat(value))  # 01.06.2026 says which month?
            return moment.tz_convert("UTC").tz_localize(None) if moment.tz else moment
        except (ValueError, TypeError):
            self.fail(
                f"{value!r} is not a moment like 2024-05-09 or 2024-05-09T17:00:00+02:00",
                param,
                ctx,
            )


def toml(ctx: click.Context, param: click.Parameter, file: str) -> Path:
    """The experiment file, refused where it is none by its name."""
    path = _here(file, "An experiment file is on this machine.", "save it here, name that file")
    if path.suffix.lower() != ".toml":
        if not path.exists():
            from features.settings.config import missing

            raise missing(path)
        raise SourceError(
            "An experiment file is TOML.", f"{path}", f"write one with: coterie init {path}"
        )
    return path


def table(ctx: click.Context, param: click.Parameter, file: str) -> Path:
    """The file, or the folder of Parquet, that `init` describes."""
    return _here(
        file,
        "`coterie init` reads a CSV or Parquet file of this machine.",
        "write its path; of a database, save some rows as CSV, run init on that file, and put the "
        "address into the experiment file",
    )


def _encoding(ctx: click.Context, param: click.Parameter, name: str | None) -> str | None:
    """The name of an encoding, refused where there is none of that name."""
    if name is not None:
        from features.ingestion.encoding import NAMES, known

        if not known(name):
            raise SourceError(
                "--encoding must be the name of a text encoding.",
                repr(name),
                f"write for instance {NAMES}",
            )
    return name


def _here(file: str, rule: str, remedy: str) -> Path:
    """The path, unless it is an address; of that, what may be a password is not shown."""
    if "://" not in file or os.path.exists(file):
        return Path(file)
    from features.ingestion.locations import plain

    raise SourceError(rule, plain(file), remedy)


experiment_file = click.argument("file", type=click.Path(dir_okay=False), callback=toml)
as_of_option = click.option(
    "--as-of",
    type=Moment(),
    help="See nothing at or after this moment (UTC)  [default: all until today]",
)
encoding_option = click.option(
    "--encoding",
    callback=_encoding,
    help="Of a CSV file, such as cp1250  [default: found out, or Windows-1252]",
)


def out_option(what: str) -> Any:
    """The folder for what a command writes."""
    return click.option(
        "--out", type=FOLDER, default=Path("out"), show_default=True, help=f"Folder for {what}"
    )
