"""The one shape of an error over HTTP, and the one mapping of our errors to a status.

    {"error": {"type": "RequestError", "rule": ..., "seen": ..., "remedy": ...}}

`type` is a class of `features.errors`: RequestError where the request is to be changed (status
4xx), BundleError where the model cannot be used (503), CoterieError for anything else (5xx).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from features.errors import BundleError, CoterieError, RequestError, closest

_STATUS: tuple[tuple[type[CoterieError], int], ...] = (
    (RequestError, 400),
    (BundleError, 503),
    (CoterieError, 500),
)
_SHOWN = 80


def as_dict(error: CoterieError) -> dict[str, str]:
    """What stands below the key `error`.

    >>> as_dict(RequestError("A rule.", "this", "do that"))
    {'type': 'RequestError', 'rule': 'A rule.', 'seen': 'this', 'remedy': 'do that'}
    """
    return {
        "type": type(error).__name__,
        "rule": error.rule,
        "seen": error.seen,
        "remedy": error.remedy,
    }


def status_of(error: CoterieError) -> int:
    """The HTTP status of an error of ours.

    >>> status_of(RequestError("A rule.", "this", "do that"))
    400
    """
    return next(status for kind, status in _STATUS if isinstance(error, kind))


def misspelt(path: str, key: str, known: Iterable[str]) -> RequestError:
    """The error of a key that nobody knows; `path` is where it stands, itself included.

    >>> print(misspelt("orders[3].ammount", "ammount", ["moment", "amount"]))
    orders[3].ammount is not a known key. Seen: 'ammount' (known keys: moment, amount). \
Remedy: did you mean 'amount'?
    """
    known = list(known)
    near = closest(key[:_SHOWN], known)
    return RequestError(
        f"{path} is not a known key.",
        f"{shown(key)} (known keys: {', '.join(known)})",
        f"did you mean {near!r}?" if near else "remove it",
    )


def shown(value: Any) -> str:
    """A value that was sent, in at most some eighty characters, whatever it is.

    >>> shown("abc"), shown(True), shown(None), shown([1, 2]), shown({"a": 1}), shown(10**300)
    ("'abc'", 'true', 'null', 'a list of 2', 'an object with the keys a', 'a number of 997 bits')
    """
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int):
        bits = value.bit_length()
        return str(value) if bits <= 128 else f"a number of {bits} bits"
    if isinstance(value, str):
        return repr(value if len(value) <= _SHOWN else value[: _SHOWN - 3] + "...")
    if isinstance(value, Mapping):
        keys = ", ".join(str(key)[:20] for key in list(value)[:5])
        return f"an object with the keys {keys}" if value else "an empty object"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return repr(value)[:_SHOWN]


def of_status(
    status: int, method: str, path: str, seen: str, known: Mapping[str, str]
) -> CoterieError:
    """The error that stands for an answer of the web server below us, by its status.

    `seen` is what that answer said, used for a status without words of its own here, and never
    for a 5xx: what goes wrong inside stays in the log. `known` maps our paths to their methods.
    """
    if status == 404:
        near = closest(path, known)
        return RequestError(
            "This service answers at " + ", ".join(known) + ".",
            shown(path),
            f"did you mean {near}?" if near else "ask one of these",
        )
    if status == 405:
        return RequestError(
            f"{path} answers {known.get(path, 'other methods')}.", method, "use that method"
        )
    if status == 408:
        return RequestError(
            "A body comes whole, soon after its head.",
            "not all of it came",
            "send it again, with the length that it has",
        )
    if status in (503, 504):
        slow = status == 504
        return CoterieError(
            "An answer takes only so long." if slow else "The service must be ready to answer.",
            "it took longer" if slow else "it is not, or no longer",
            "send fewer customers or order lines at once" if slow else "ask again in a while",
        )
    if status >= 500:
        return CoterieError(
            "A request that follows the rules is answered.",
            "an unexpected error in the service",
            "look into the service's log, and report what it says",
        )
    return RequestError("A request must be readable.", seen, "see /docs.json for what is asked")
