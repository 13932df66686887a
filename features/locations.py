"""Where a source's files are: a URL of the experiment file resolved to paths.

package://NAME/path   a file that an installed package ships (the package is not imported)
file://path, path     a file or a folder of Parquet, relative to the experiment file
"""

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from features.errors import SourceError, closest

__all__ = ["Location", "resolve"]

SUPPORTED = (
    "package://NAME/path, file://path or a plain path, to .csv, .tsv, .txt (each also with .gz), "
    ".parquet, or a folder of .parquet"
)
_CSV = re.compile(r"\.(csv|tsv|txt)(\.gz)?$", re.IGNORECASE)
_PARQUET = re.compile(r"\.(parquet|pq)$", re.IGNORECASE)


@dataclass(frozen=True)
class Location:
    """Existing files of one format, in the order in which their rows are numbered."""

    url: str
    format: Literal["csv", "parquet"]
    paths: tuple[Path, ...]


def resolve(url: str, folder: Path) -> Location:
    """The files that `url` stands for; plain paths are relative to `folder`.

    Raises SourceError for an unknown scheme or ending, a missing file and a folder without Parquet.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        path = folder / Path(url).expanduser()
    elif scheme == "file":
        path = folder / unquote(rest)
    elif scheme == "package":
        path = _in_package(url, rest)
    else:
        raise SourceError(
            f"A source cannot be read from {scheme}:// addresses.", url, f"use {SUPPORTED}"
        )
    if path.is_dir():
        return Location(url, "parquet", _parquet_in(url, path))
    if not path.exists():
        raise SourceError("A source's file must exist.", f"{url} ({path})", _nearest(path))
    if _CSV.search(path.name):
        return Location(url, "csv", (path,))
    if _PARQUET.search(path.name):
        return Location(url, "parquet", (path,))
    raise SourceError(
        "A source's format is told by its ending.", path.name, f"convert it; use {SUPPORTED}"
    )


def _in_package(url: str, rest: str) -> Path:
    name, _, inner = rest.partition("/")
    if not name.isidentifier() or not inner:
        raise SourceError(
            "A package address names a package and a file in it.",
            url,
            "write package://NAME/path/in/package",
        )
    # For a top-level name find_spec looks the package up without importing it.
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise SourceError(
            "The package of a source must be installed.", url, f"install {name}, or correct it"
        )
    roots = [Path(root) for root in spec.submodule_search_locations]
    if ".." in Path(inner).parts:
        raise SourceError("A package address stays in its package.", url, "remove the ..")
    return next((root / inner for root in roots if (root / inner).exists()), roots[0] / inner)


def _parquet_in(url: str, folder: Path) -> tuple[Path, ...]:
    found = [path for path in sorted(folder.rglob("*.parquet")) if path.is_file()]
    if not found:
        raise SourceError(
            "A folder as a source holds Parquet files.", f"none in {url}", "name a file instead"
        )
    return tuple(found)


def _nearest(path: Path) -> str:
    beside = [other.name for other in path.parent.glob("*")] if path.parent.is_dir() else []
    near = closest(path.name, sorted(beside))
    return f"did you mean {near}?" if near else "check the path"
