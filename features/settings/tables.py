"""A table of the experiment file, read key by key, strictly.

What has been read is remembered; `refuse_others` raises for any key that nobody asked for.
"""

import operator
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from features.errors import ConfigError, closest

_HOLDS = {
    "at least": operator.ge,
    "at most": operator.le,
    "above": operator.gt,
    "below": operator.lt,
}


class Table:
    """One TOML table and the dotted name that it has in the file.

    >>> table = Table({"horizon_days": 30, "sed": 7}, "experiment")
    >>> table.integer("horizon_days", low=1), table.integer("seed", 7)
    (30, 7)
    >>> table.refuse_others()
    Traceback (most recent call last):
    features.errors.ConfigError: experiment.sed is not a known key. Seen: sed (known keys: \
horizon_days, seed). Remedy: did you mean experiment.seed?
    """

    def __init__(self, content: Any, name: str) -> None:
        if not isinstance(content, dict):
            raise ConfigError(
                f"{name} must be a table.", _shown(content), f"write a section [{name}]"
            )
        self._content: Mapping[str, Any] = content
        self._name = name
        self._known: list[str] = []

    def full(self, key: str) -> str:
        """The dotted name of a key."""
        return f"{self._name}.{key}" if self._name else key

    def __iter__(self) -> Iterator[str]:
        """The keys that the file holds here."""
        return iter(self._content)

    def known(self, key: str) -> None:
        """Count a key as read."""
        if key not in self._known:
            self._known.append(key)

    def peek(self, key: str) -> Any:
        """The raw value, or None; does not count as read."""
        return self._content.get(key)

    def refuse_others(self) -> None:
        """Raise ConfigError for a key that has not been read."""
        for key in self._content:
            if key not in self._known:
                near = closest(key, self._known)
                raise ConfigError(
                    f"{self.full(key)} is not a known key.",
                    f"{key} (known keys: {', '.join(self._known)})",
                    f"did you mean {self.full(near)}?" if near else "remove it",
                )

    def _take(self, key: str, what: str, default: Any = None) -> Any:
        self.known(key)
        if key in self._content:
            return self._content[key]
        if default is None:
            near = closest(key, self._content)
            hint = f"{near} may be it misspelt; " if near and near not in self._known else ""
            raise ConfigError(
                f"{self.full(key)} is required.",
                f"keys here: {', '.join(self._content) or 'none'}",
                f"{hint}add {key}: {what}",
            )
        return default

    def _refuse(self, key: str, what: str, value: Any) -> ConfigError:
        return ConfigError(f"{self.full(key)} must be {what}.", _shown(value), "correct the value")

    def table(self, key: str, default: Mapping[str, Any] | None = None) -> "Table":
        """A nested table."""
        return Table(self._take(key, "a table", default), self.full(key))

    def section(self, key: str) -> "Table | None":
        """A nested table, or None where the key is absent."""
        self.known(key)
        return self.table(key) if key in self._content else None

    def tables(self, key: str) -> list["Table"]:
        """A list of tables, `[[key]]` in the file; empty where there is none."""
        value = self._take(key, "a list of tables", ())
        if not isinstance(value, list | tuple):
            raise ConfigError(
                f"{self.full(key)} must be a list of tables.",
                _shown(value),
                f"write [[{self.full(key)}]] with two brackets on each side",
            )
        # Counted from 1, as a reader of the file counts.
        return [Table(inner, f"{self.full(key)}[{i}]") for i, inner in enumerate(value, 1)]

    def text(self, key: str, default: str | None = None) -> str:
        """A text; not empty unless the default is."""
        value = self._take(key, "a text", default)
        if not isinstance(value, str) or (not value.strip() and default is None):
            raise self._refuse(key, "a text that is not empty", value)
        return value

    def optional(self, key: str) -> str | None:
        """A text, or None where the key is absent."""
        self.known(key)
        return self.text(key) if key in self._content else None

    def texts(
        self, key: str, default: tuple[str, ...] | None = None, *, blank: bool = False
    ) -> tuple[str, ...]:
        """A text or a list of texts, none twice, and none of them empty unless `blank` is true."""
        value = self._take(key, "a list of texts", default)
        values = (value,) if isinstance(value, str) else value
        usable = isinstance(values, list | tuple)
        good = usable and all(isinstance(v, str) and (v or blank) for v in values)
        if not good or len(set(values)) < len(values) or (not values and default is None):
            none = "at least one and none twice" if blank else "none of them empty or twice"
            raise self._refuse(key, f"a list of texts, {none}", value)
        return tuple(values)

    def matching(self, key: str, pattern: str, what: str) -> str:
        """A text of a given pattern, which `what` puts in words."""
        value = self.text(key)
        if not re.fullmatch(pattern, value):
            raise self._refuse(key, what, value)
        return value

    def slug(self, key: str) -> str:
        """A name that can stand in file names."""
        return self.matching(
            key, r"[a-z0-9][a-z0-9_-]*", "a name of small letters, digits, - and _"
        )

    def choice(self, key: str, known: tuple[str, ...]) -> str:
        """One of the known texts, required."""
        value = self.text(key)
        if value not in known:
            raise self._refuse(key, f"one of {', '.join(known)}", value)
        return value

    def one_of(self, key: str, known: tuple[str, ...]) -> str | None:
        """One of the known texts, or None where the key is absent."""
        self.known(key)
        value = self._content.get(key)
        if value is None:
            return None
        if value not in known:
            raise self._refuse(key, f"one of {', '.join(map(repr, known))}", value)
        return str(value)

    def integer(
        self, key: str, default: int | None = None, low: int = 0, high: int | None = None
    ) -> int:
        """A whole number from `low` to `high`."""
        value = self._take(key, "a whole number", default)
        if not isinstance(value, int) or isinstance(value, bool):
            good = False
        else:
            good = value == default or (value >= low and (high is None or value <= high))
        if not good:
            bounds = f"from {low} to {high}" if high is not None else f"of at least {low}"
            raise self._refuse(key, f"a whole number {bounds}", value)
        return int(value)

    def integers(self, key: str, default: tuple[int, ...], low: int, high: int) -> tuple[int, ...]:
        """A list of whole numbers from `low` to `high`, none twice; given in ascending order."""
        value = self._take(key, "a list of whole numbers", default)
        good = isinstance(value, list | tuple) and all(
            isinstance(v, int) and not isinstance(v, bool) and low <= v <= high for v in value
        )
        if not good or not value or len(set(value)) < len(value):
            what = f"a list of whole numbers from {low} to {high}, none of them twice"
            raise self._refuse(key, what, value)
        return tuple(sorted(value))

    def number(
        self,
        key: str,
        default: float | None = None,
        *,
        low: float | None = None,
        high: float | None = None,
        above: float | None = None,
        below: float | None = None,
    ) -> float:
        """A number within bounds: `low` and `high` included, `above` and `below` not."""
        value = self._take(key, "a number", default)
        good = isinstance(value, int | float) and not isinstance(value, bool)
        limits = {"at least": low, "at most": high, "above": above, "below": below}
        stated = {word: limit for word, limit in limits.items() if limit is not None}
        if not good or not all(_HOLDS[word](value, limit) for word, limit in stated.items()):
            what = " and ".join(f"{word} {limit:g}" for word, limit in stated.items())
            raise self._refuse(key, f"a number {what}".strip(), value)
        return float(value)

    def dates(self, key: str) -> tuple[str, ...]:
        """A list of days, ISO text or TOML dates; given as ISO text in the order of time."""
        value = self._take(key, 'a list of days such as ["2024-12-25"]')
        try:
            if not isinstance(value, list) or not value:
                raise ValueError
            days = sorted(date.fromisoformat(str(day)) for day in value)
            if not 1900 <= days[0].year <= days[-1].year <= 2199:  # as for moments
                raise ValueError
            return tuple(day.isoformat() for day in days)
        except ValueError as error:
            what = 'a list of days such as ["2024-12-25"]'
            raise self._refuse(key, what, value) from error


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
