"""What a stranger is told of each command, and how soon."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import Result

import coterie

Run = Callable[..., Result]


def test_help_names_every_command_and_the_way_to_own_data(must: Run) -> None:
    shown = must("--help").output
    for command in ("demo", "init", "retrain", "score", "explain", "prove", "serve", "ui"):
        assert re.search(rf"^  {command} ", shown, re.MULTILINE), command
    for line in ("coterie init orders.csv", "coterie retrain orders.toml", "coterie serve"):
        assert line in shown


@pytest.mark.parametrize(
    "command", ["demo", "init", "retrain", "score", "explain", "prove", "serve", "ui"]
)
def test_every_command_and_option_is_explained(command: str, must: Run) -> None:
    shown = must(command, "-h").output
    assert shown.startswith(f"Usage: main {command} [OPTIONS]")
    options = [o for o in coterie.main.commands[command].params if isinstance(o, click.Option)]
    assert all(o.help for o in options)


def test_the_installed_command_answers_at_once_and_loads_nothing() -> None:
    command = Path(sys.executable).with_name("coterie")
    shown = subprocess.run([command, "--help"], capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("Usage: coterie [OPTIONS] COMMAND")
    code = (
        "import sys, coterie;"
        "print([m for m in ('pandas', 'torch', 'mlflow', 'bentoml', 'ibis') if m in sys.modules])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "[]"
