"""What a run shows while it works: one line a step, with progress where it lasts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.table import Table

EVERY_SECONDS = 2.0
LOG_WIDTH = 160
#: Is told of progress: of what, done, total.
Told = Callable[[str, int, int], None]


def quiet(of: str, done: int, total: int) -> None:
    """Tells nobody."""


class Screen:
    """Prints steps, tables and notes. On a terminal a step that runs shows a live line; elsewhere
    (a log file, CI) a line at most every two seconds.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or _console()
        self._number = 0

    @contextmanager
    def starting(self) -> Iterator[None]:
        """While libraries are loaded, which takes seconds: a terminal shows that it goes on."""
        if self.console.is_terminal:
            with self.console.status("Starting"):
                yield
        else:
            yield

    @contextmanager
    def step(self, what: str) -> Iterator[Told]:
        """A numbered step; yields the function to report progress with."""
        self._number += 1
        title = f"[bold]{self._number}. {escape(what)}[/bold]"
        begun = last = time.monotonic()
        if self.console.is_terminal:
            with self.console.status(title) as status:
                yield lambda of, done, total: status.update(
                    f"{title}: {_progress(of, done, total)}"
                )
        else:
            self.console.print(f"{title} ...")

            def told(of: str, done: int, total: int) -> None:
                nonlocal last
                if time.monotonic() - last >= EVERY_SECONDS:
                    last = time.monotonic()
                    self.console.print(f"   {last - begun:5.1f} s  {_progress(of, done, total)}")

            yield told
        self.console.print(f"{title} [dim]({time.monotonic() - begun:.1f} s)[/dim]")

    def say(self, text: str = "", style: str | None = None) -> None:
        """A line of its own."""
        self.console.print(escape(text), style=style, soft_wrap=True)

    def table(
        self,
        title: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        left: Sequence[int] = (0,),
    ) -> None:
        """A table; the columns of `left` are text, the others numbers, aligned right."""
        table = Table(
            title=title or None, title_justify="left", title_style="bold", box=None, pad_edge=False
        )
        for i, column in enumerate(columns):
            table.add_column(escape(column), justify="left" if i in left else "right")
        for row in rows:
            table.add_row(*(escape(cell) for cell in row))
        self.console.print(table)
        self.console.print()


def _console() -> Console:
    made = Console(highlight=False)
    return made if made.is_terminal else Console(highlight=False, width=LOG_WIDTH)


def _progress(what: str, done: int, total: int) -> str:
    return f"{what} {done}/{total}" if total > 1 else what
