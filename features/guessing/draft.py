"""What is asked, and what is found, about a file of orders that nobody has described yet."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from features.settings.experiment import Format


@dataclass(frozen=True)
class Question:
    """What neither names nor values tell. `choices` empty: any answer; `default` on no answer.

    A `default` that is empty means that nothing can be taken for granted: without an answer the
    guess is refused.
    """

    key: str
    text: str
    choices: tuple[str, ...]
    default: str


Ask = Callable[[Question], str]


@dataclass(frozen=True)
class Role:
    """The column found for a role; `confidence` from 0 (a guess) to 1 (name and values agree)."""

    column: str
    confidence: float


@dataclass(frozen=True)
class Guess:
    """What `guessing.template` writes: columns by role, form, currency, horizon, facts, notes.

    nameless: of the rows those that name no customer.
    """

    path: Path
    name: str
    roles: Mapping[str, Role]
    form: Format
    currency: str
    currencies: tuple[str, ...]
    horizon_days: int
    rows: int
    nameless: int
    customers: int
    span_days: float
    median_gap_days: float | None
    unused: tuple[str, ...]
    notes: tuple[str, ...]


def named(path: Path) -> str:
    """What an experiment on a file is called.

    >>> named(Path("My Orders II.csv.gz"))
    'my_orders_ii'
    """
    stem = path.name.split(".")[0]
    return re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_") or "orders"
