"""Where a source's rows are: a URL of the experiment file resolved to files, or to a table.

package://NAME/path        a file that an installed package ships (the package is not imported)
file://path, path          a file or a folder of Parquet, relative to the experiment file
duckdb://path?table=NAME   a table or view of a DuckDB file, relative as well; so is sqlite://
postgres://user@host/db?table=SCHEMA.NAME   one of a server, or of anything else Ibis connects to
"""

import importlib.util
import re
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlencode

from features.errors import ConfigError, SourceError, closest

SUPPORTED = (
    "package://NAME/path, file://path or a plain path, to .csv, .tsv, .txt (each also with .gz), "
    ".parquet, or a folder of .parquet; or duckdb://path, sqlite://path, postgres://user@host/db, "
    "each with ?table=NAME"
)
_CSV = re.compile(r"\.(csv|tsv|txt)(\.gz)?$", re.IGNORECASE)
_PARQUET = re.compile(r"\.(parquet|pq)$", re.IGNORECASE)
# What lies beside data without being any.
_NO_DATA = re.compile(r"\.(crc|md)$|^(thumbs\.db|desktop\.ini)$", re.IGNORECASE)
_DATABASE = re.compile(r"\.(duckdb|ddb|db|sqlite3?)$", re.IGNORECASE)

_FEW = 3
#: What says which files of a table count: Delta Lake's and Hudi's.
_LOGS = ("_delta_log", ".hoodie")

# Engines without tables of their own, and the two whose files are opened here.
_NO_SERVERS = ("datafusion", "duckdb", "polars", "sqlite")
_VARIABLE = r"\$\{\w+\}"
# Up to the last @, since a password may hold any sign.
_PASSWORD = re.compile(r"^([a-z][\w+.-]*://[^:/@?]*:)(.*)@", re.IGNORECASE | re.DOTALL)
# Of a web address whatever stands before the @, be it a token alone.
_TOKEN = re.compile(r"^(https?://)([^:/@?]+)(?=@)", re.IGNORECASE)
_SECRET_KEY = re.compile(
    r"([?&;#](?:[\w.-]*(?:passw(?:or)?d|pwd|passcode|passphrase|secret|token|signature|credentials?"
    r"|(?:api|access|account|private|secret|shared)[_-]?key)|sig|pat|pw)=)([^&]*)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Location:
    """Existing files of one format, in the order in which their rows are numbered, or a table.

    url: as written; it holds no password (see `without_secret`). paths: none for a server.
    folder: what holds the paths, None where a file is named. partitions: year and month of a folder
    with files such as year=2024/month=05/part.parquet.
    table: its name, behind those of the schema and the catalog where they are given.
    server: the address to connect to, with names of environment variables as ${NAME}.
    """

    url: str
    format: Literal["csv", "parquet", "duckdb", "sqlite", "server"]
    paths: tuple[Path, ...] = ()
    table: tuple[str, ...] = ()
    server: str = ""
    folder: Path | None = None
    partitions: tuple[str, ...] = ()


def without_secret(key: str, url: str) -> str:
    """The URL, if it holds no password or token: the experiment file is stored with every run.

    The name of an environment variable, written ${NAME}, may stand for one. `key` is the URL's
    in the experiment file. Raises ConfigError, which shows *** instead.

    >>> without_secret("orders.url", "postgres://ann:geheim@host/shop?table=orders")
    Traceback (most recent call last):
    features.errors.ConfigError: orders.url must not hold a password, since the experiment file is \
stored with every run. Seen: postgres://ann:***@host/shop?table=orders. Remedy: leave it out and \
set PGPASSWORD or use ~/.pgpass (postgres), or write ${NAME}, an environment variable's, instead
    """
    shown = url
    for pattern in (_PASSWORD, _TOKEN, _SECRET_KEY):
        for found in pattern.finditer(url):
            if not re.fullmatch(_VARIABLE, found[2]):
                shown = shown.replace(
                    found[0], found[0].replace(found[1] + found[2], found[1] + "***")
                )
    if shown == url:
        return url
    raise ConfigError(
        f"{key} must not hold a password, since the experiment file is stored with every run.",
        shown,
        "leave it out and set PGPASSWORD or use ~/.pgpass (postgres), or write ${NAME}, an "
        "environment variable's, instead",
    )


def plain(url: str) -> str:
    """An address that nothing here reads, to be shown: without user and options.

    >>> plain("https://ann:geheim@host/orders.csv?sig=geheim")
    'https://host/orders.csv'
    """
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{re.split('[?#;]', rest.rpartition('@')[2])[0]}"


def resolve(url: str, folder: Path) -> Location:
    """The files or the table that `url` stands for; plain paths are relative to `folder`.

    Raises SourceError for an unknown scheme or ending, a missing file, a folder without Parquet
    or with other files, a path that the system refuses and a database without a table. Nothing is
    opened.
    """
    try:
        return _location(url, folder)
    except OSError as error:
        shown = url if len(url) <= 80 else f"{url[:77]}..."
        raise SourceError(
            "A source's file must be within reach.",
            f"{shown}: {error.strerror}",
            "check the path, and that this user may read there",
        ) from error


def _location(url: str, folder: Path) -> Location:
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if not separator:
        path = folder / _at_home(url)
    elif scheme == "file":
        path = folder / unquote(rest)
    elif scheme == "package":
        path = _in_package(url, rest)
    elif scheme in ("duckdb", "sqlite") or scheme in servers():
        return _table(url, scheme, rest, folder)
    else:
        raise SourceError(
            f"A source cannot be read from {scheme}:// addresses.", plain(url), f"use {SUPPORTED}"
        )
    if path.is_dir():
        found = _parquet_in(url, path)
        return Location(url, "parquet", found, folder=path, partitions=_partitions(path, found))
    if not path.exists():
        raise _no_file(url, path)
    if _CSV.search(path.name):
        return Location(url, "csv", (path,))
    if _PARQUET.search(path.name):
        return Location(url, "parquet", (path,))
    if _DATABASE.search(path.name):
        raise SourceError(
            "Of a database, a source is one table or view.",
            url,
            f"write duckdb://{url}?table=NAME, or sqlite://{url}?table=NAME",
        )
    raise SourceError(
        "A source's format is told by its ending.", path.name, f"convert it; use {SUPPORTED}"
    )


def _at_home(url: str) -> Path:
    """The path, with the home that ~ or ~NAME stands for."""
    try:
        return Path(url).expanduser()
    except RuntimeError as error:
        raise SourceError(
            "The home that a path begins with must be known.",
            url,
            "write the whole path; ./ before a file whose name begins with ~",
        ) from error


def servers() -> frozenset[str]:
    """The schemes that Ibis connects to, whether their drivers are installed or not."""
    names = {point.name for point in entry_points(group="ibis.backends")}
    return frozenset(names - set(_NO_SERVERS) | {"postgresql"})


def no_table(location: Location, known: set[str]) -> SourceError:
    """The error of a database without the table, with the nearest of those that it has."""
    by_name = {name.rpartition(".")[2]: name for name in sorted(known, reverse=True)}
    near = closest(location.table[-1], by_name)
    few = ", ".join(sorted(known)[:10])
    remedy = f"name one of {few}" if few else "check which database it is"
    if near is not None:
        remedy = f"did you mean table={by_name[near]}?"
    return SourceError("A source's table must exist.", location.url, remedy)


def _table(url: str, scheme: str, rest: str, folder: Path) -> Location:
    place, _, query = rest.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    table = tuple(options.pop("table", "").split("."))
    if not all(table) or (not place.strip("/") and scheme not in servers()):
        raise SourceError(
            "Of a database, a source is one table or view.",
            url,
            "write its name at the end: ?table=NAME, or ?table=SCHEMA.NAME",
        )
    if scheme in servers():
        others = f"?{urlencode(options, safe='${}/:')}" if options else ""
        return Location(url, "server", table=table, server=f"{scheme}://{place}{others}")
    if options:
        raise SourceError(
            f"A {scheme}:// address has no option but table.", url, f"remove {next(iter(options))}"
        )
    path = folder / unquote(place)
    if not path.is_file():
        raise _no_file(url, path)
    return Location(url, "duckdb" if scheme == "duckdb" else "sqlite", (path,), table)


def _in_package(url: str, rest: str) -> Path:
    name, _, inner = rest.partition("/")
    if not name.isidentifier() or not inner:
        raise SourceError(
            "A package address names a package and a file in it.",
            url,
            "write package://NAME/path/in/package",
        )
    try:
        # For a top-level name find_spec looks the package up without importing it.
        spec = importlib.util.find_spec(name)
    except ValueError:  # of what is loaded, but from no package, such as __main__
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise SourceError(
            "The package of a source must be installed.", url, f"install {name}, or correct it"
        )
    roots = [Path(root) for root in spec.submodule_search_locations]
    if ".." in Path(inner).parts:
        raise SourceError("A package address stays in its package.", url, "remove the ..")
    return next((root / inner for root in roots if (root / inner).exists()), roots[0] / inner)


def _parquet_in(url: str, folder: Path) -> tuple[Path, ...]:
    if folder.resolve().parent == folder.resolve():  # it would be looked through for minutes
        raise SourceError(
            "A folder as a source holds Parquet files.",
            f"{url} is the root of all folders",
            "name the folder that they are in",
        )
    for log in _LOGS:
        if (folder / log).is_dir():
            raise SourceError(
                "Of a folder that a log describes, only the log says which files count.",
                f"{log} in {url}",
                "export the table's current version to a folder of its own",
            )
    files = [path for path in sorted(folder.rglob("*")) if not _hidden(path, folder)]
    if linked := [str(p.relative_to(folder)) for p in files if p.is_symlink() and p.is_dir()]:
        raise SourceError(
            "A folder as a source holds no links to other folders.",
            f"{', '.join(linked[:_FEW])} in {url}",
            "name the folder that holds the files themselves",
        )
    files = [path for path in files if path.is_file() and not _NO_DATA.search(path.name)]
    found = tuple(path for path in files if _PARQUET.search(path.name))
    if not found:
        raise SourceError(
            "A folder as a source holds Parquet files.", f"none in {url}", "name a file instead"
        )
    others = [str(p.relative_to(folder)) for p in files if not _PARQUET.search(p.name)]
    if others:
        few = ", ".join(others[:_FEW]) + (f" and {len(others) - _FEW} more" * (len(others) > _FEW))
        raise SourceError(
            "A folder as a source holds Parquet files alone.",
            f"{few} in {url}",
            "make Parquet of what is to be read, and move the rest, or begin its name with _",
        )
    return found


def _hidden(path: Path, folder: Path) -> bool:
    """Whether programs that write folders mean a path to be skipped; _year=2024 is a partition."""
    return any(
        part.startswith(".") or (part.startswith("_") and "=" not in part)
        for part in path.relative_to(folder).parts
    )


def _partitions(folder: Path, found: tuple[Path, ...]) -> tuple[str, ...]:
    """The names before = in the paths below the folder; case counts for nothing."""
    inner = (part for path in found for part in path.relative_to(folder).parts[:-1])
    names = (name for name, sign, _ in (part.partition("=") for part in inner) if name and sign)
    return tuple({name.lower(): name for name in names}.values())


def _no_file(url: str, path: Path) -> SourceError:
    beside = [other.name for other in path.parent.glob("*")] if path.parent.is_dir() else []
    near = closest(path.name, sorted(beside))
    remedy = f"did you mean {near}?" if near else "check the path"
    seen = url if url == str(path) else f"{url} ({path})"
    return SourceError("A source's file must exist.", seen, remedy)
