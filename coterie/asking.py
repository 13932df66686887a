"""Who answers what neither the names nor the values of a file tell: options, or a person."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from features.guessing.draft import Ask, Question


def asking(given: Mapping[str, str | None]) -> Ask:
    """Answers with what is `given` for a question's key, else with what is typed; where nobody is
    at the terminal, with the default, which is said.
    """

    def ask(question: Question) -> str:
        answer = given.get(question.key)
        if answer:
            return answer
        if not sys.stdin.isatty():
            if not question.default:
                return ""
            click.echo(f"{question.text}  Nobody to ask here: taking {question.default!r}.")
            return question.default
        kind = click.Choice(question.choices) if question.choices else str
        return str(click.prompt(question.text, default=question.default or None, type=kind))

    return ask
