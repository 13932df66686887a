"""What a run shows while it works."""

import io

import pytest
from rich.console import Console

from training.screen import Screen


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_shows_that_libraries_are_loaded_and_a_log_holds_no_word_of_it(
    terminal: bool,
) -> None:
    out = io.StringIO()
    screen = Screen(Console(file=out, force_terminal=terminal, width=80))
    with screen.starting():
        pass
    assert ("Starting" in out.getvalue()) == terminal
    screen.say("done")
    assert out.getvalue().endswith("done\n")
