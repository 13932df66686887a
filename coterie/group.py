"""What the user got wrong is told as rule, value seen and remedy, never as a traceback."""

from __future__ import annotations

import sys
from typing import Any

import click

from features.errors import CoterieError


class Commands(click.Group):
    """Tells a CoterieError, and a file that cannot be had, in words and ends with status 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CoterieError as error:
            problem = error
        except OSError as error:
            if error.filename is None:
                raise
            problem = CoterieError(
                "What is read or written must be within reach.",
                f"{error.filename}: {error.strerror}",
                "check the path, its rights, and the room on the disk",
            )
        click.secho(problem.rule, err=True, fg="red", bold=True)
        click.echo(f"  Seen:   {problem.seen}", err=True)
        click.echo(f"  Remedy: {problem.remedy}", err=True)
        sys.exit(2)
