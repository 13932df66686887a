"""Every error that Coterie raises on purpose.

CoterieError            rule, value seen, remedy
├── ConfigError         the experiment file
├── SourceError         a source that makes the run meaningless
├── HistoryError        a history too short for the horizon
├── FitError            a model that these customers do not determine
├── BundleError         a bundle that cannot be trusted or read
└── RequestError        what an application sent (HTTP 4xx)

The command line prints one and exits with status 2; `serving/errors.py` is the one place that maps
them to HTTP. This file imports nothing of ours.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any


class CoterieError(Exception):
    """What went wrong, in the user's words.

    `rule` is a whole sentence with its full stop; `seen` and `remedy` have none.

    >>> print(CoterieError("A horizon is at least one day.", "0", "set horizon_days to 30"))
    A horizon is at least one day. Seen: 0. Remedy: set horizon_days to 30
    """

    def __init__(self, rule: str, seen: str, remedy: str) -> None:
        # All three go to Exception, so that the error survives pickling between processes.
        super().__init__(rule, seen, remedy)
        self.rule = rule
        self.seen = seen
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.rule} Seen: {self.seen}. Remedy: {self.remedy}"


class ConfigError(CoterieError):
    """The experiment file says something that cannot be meant."""


class SourceError(CoterieError):
    """A source is missing, empty, of the wrong type throughout, or has too many unusable rows.

    `rejects` is the frame of unusable rows where there were too many of them, else None.
    """

    rejects: Any = None


class HistoryError(CoterieError):
    """The history is too short for what is asked of it."""


class FitError(CoterieError):
    """A model cannot be fitted: too few customers, or a likelihood without a maximum."""


class BundleError(CoterieError):
    """A bundle cannot be trusted or read."""


class RequestError(CoterieError):
    """An application sent something that cannot be answered."""


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, whatever its case; None when none is near.

    >>> closest("custmer", ["amount", "Customer", "date"])
    'Customer'
    >>> closest("zzz", ["amount"]) is None
    True
    """
    by_lower = {name.lower(): name for name in reversed(list(known))}
    near = get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.65)
    return by_lower[near[0]] if near else None
