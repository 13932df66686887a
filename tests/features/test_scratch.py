"""Folders for customers' rows, and what a killed process leaves."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from features import scratch


class Owner:
    """Something that a folder goes with."""


@pytest.fixture(autouse=True)
def parent(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def other(parent):
    """A process with a folder and a customer's rows in it."""
    code = (
        "import sys; from features import scratch; own = type('Owner', (), {})()\n"
        "(scratch.folder(own) / 'spilled').write_text('cust-1')\n"
        "print('made', flush=True)\n"
        "sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], env={"TMPDIR": str(parent)}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout.readline() == "made\n"
    yield process
    process.kill()
    process.communicate()


def rows(parent: Path) -> list[str]:
    return [path.name for path in parent.glob("coterie-*/rows/*")]


def test_a_folder_is_private_and_goes_with_its_owner(parent):
    owner = Owner()
    made = scratch.folder(owner)
    assert made.is_dir()
    assert made.parent.stat().st_mode & 0o077 == 0
    del owner
    assert list(parent.iterdir()) == []


def test_what_a_killed_process_leaves_is_removed_by_the_next(parent, other):
    other.kill()
    other.wait()
    assert rows(parent) == ["spilled"]
    owner = Owner()
    assert list(parent.glob("coterie-*/rows")) != [scratch.folder(owner)]
    assert rows(parent) == []
    assert len(list(parent.iterdir())) == 1


def test_what_another_process_uses_stays(parent, other):
    owner = Owner()
    scratch.folder(owner)
    assert rows(parent) == ["spilled"]
    other.communicate()  # it ends by itself
    assert other.returncode == 0
    assert rows(parent) == []


def test_a_link_that_bears_the_name_is_left_alone(parent):
    elsewhere = parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "held").write_text("not ours")
    (parent / "coterie-rows-x").symlink_to(elsewhere)
    owner = Owner()
    scratch.folder(owner)
    assert (elsewhere / "held").read_text() == "not ours"
