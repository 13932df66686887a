"""What the user got wrong is told as rule, value seen and remedy, never as a traceback; what is
asked to end ends in order.
"""

from __future__ import annotations

import errno
import signal
import sys
from typing import Any

import click

from features.errors import CoterieError
from features.termination import Terminated, terminable

#: What a disk says of a write, without a name: full, beyond a quota, broken.
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


class Commands(click.Group):
    """Tells a CoterieError, and a file that cannot be had, in words and ends with status 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with terminable():
                return super().invoke(ctx)
        except Terminated:
            sys.exit(128 + signal.SIGTERM)
        except CoterieError as error:
            problem = error
        except OSError as error:
            if error.filename is None and error.errno not in DISK:
                raise
            problem = CoterieError(
                "What is read or written must be within reach.",
                f"{error.filename or 'a file'}: {error.strerror}",
                "check the path, its rights, and the room on the disk",
            )
        click.secho(problem.rule, err=True, fg="red", bold=True)
        click.echo(f"  Seen:   {problem.seen}", err=True)
        click.echo(f"  Remedy: {problem.remedy}", err=True)
        sys.exit(2)
