"""What a model was fitted to see: plain values that fix the feature columns, kept in its bundle."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable
from typing import Any

#: In `Goal.completed_by`: any order, whatever kinds of event there are.
ORDER = "order"


@dataclasses.dataclass(frozen=True)
class Attribute:
    """One attribute; `kind` is one of `settings.experiment.KINDS`.

    order : of kind `ordered`: its values, low to high
    levels : of kind `region`: what its parts are, coarse to fine, such as country, state, city
    separator : of kind `region`: the character between the parts of a value ("DE/BY/München")
    columns : the source's columns, of a `region` one a level, of a `location` latitude and
        longitude; empty: the one column of the attribute's name
    """

    name: str
    lens: str
    kind: str
    order: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    separator: str = "/"
    columns: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Occasion:
    """A named occasion: its `dates` (ISO, local), each widened by days before and after."""

    name: str
    dates: tuple[str, ...]
    days_before: int = 7
    days_after: int = 0


@dataclasses.dataclass(frozen=True)
class Response:
    """A rate: events of the kinds `of` over events of the kinds `per`, which they answer."""

    name: str
    of: tuple[str, ...]
    per: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Goal:
    """What a customer set out for: events of `kinds`.

    Where `completed_by` names kinds of event (or `ORDER`), a goal that none of them follows
    within `within_days` is abandoned.
    """

    name: str
    kinds: tuple[str, ...]
    completed_by: tuple[str, ...] = ()
    within_days: int = 0

    @property
    def events(self) -> tuple[str, ...]:
        """All kinds of event that it names."""
        return (*self.kinds, *(kind for kind in self.completed_by if kind != ORDER))


@dataclasses.dataclass(frozen=True)
class Place:
    """A point of reference, in decimal degrees (WGS 84)."""

    name: str
    latitude: float
    longitude: float


@dataclasses.dataclass(frozen=True)
class FeatureSpec:
    """Which columns the lenses make: learned once from early data, then frozen.

    `present` names the optional columns of the order lines that the source fills; a lens whose
    source is absent (no event kinds, no attributes, no occasions) drops out. Kinds that a
    response or a goal names are in `event_kinds`. `period_days` is the length of a period of
    `lenses.periods`; 0: there are none.
    """

    present: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    order_channels: tuple[str, ...] = ()
    event_kinds: tuple[str, ...] = ()
    event_channels: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    occasions: tuple[Occasion, ...] = ()
    responses: tuple[Response, ...] = ()
    goals: tuple[Goal, ...] = ()
    places: tuple[Place, ...] = ()
    period_days: int = 0

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> FeatureSpec:
        """The spec of what `to_dict` gave."""
        made: dict[str, Any] = {
            key: inner if isinstance(inner, int) else _frozen(_OF.get(key), inner)
            for key, inner in values.items()
        }
        return cls(**made)


_OF: dict[str, Callable[..., Any]] = {
    "attributes": Attribute, "occasions": Occasion, "responses": Response, "goals": Goal,
    "places": Place,
}  # fmt: skip


def _frozen(made_of: Callable[..., Any] | None, values: Iterable[Any]) -> tuple[Any, ...]:
    if made_of is None:
        return tuple(values)
    return tuple(
        made_of(**{k: tuple(v) if isinstance(v, list | tuple) else v for k, v in inner.items()})
        for inner in values
    )


def continued(old: FeatureSpec, learned: FeatureSpec) -> FeatureSpec:
    """The old spec, with the dates and the periods of today, where it still describes the same
    sources.

    Else the one learned now. What is largest or commonest may have changed its order meanwhile:
    the old columns stay, so that a model can start from its predecessor.
    """
    named = ("present", "attributes", "responses", "goals", "places")
    same = all(getattr(old, field) == getattr(learned, field) for field in named)
    same = same and set(old.event_kinds) == set(learned.event_kinds)
    today = {occasion.name: occasion for occasion in learned.occasions}
    same = same and _without_dates(old) == _without_dates(learned)
    if not same:
        return learned
    occasions = tuple(today[occasion.name] for occasion in old.occasions)
    return dataclasses.replace(old, occasions=occasions, period_days=learned.period_days)


def _without_dates(spec: FeatureSpec) -> set[Occasion]:
    return {dataclasses.replace(occasion, dates=()) for occasion in spec.occasions}


def slugs(names: Iterable[str]) -> list[str]:
    """Column-safe, unique names, in order.

    >>> slugs(["DRUG GM", "Drug-GM", "Käse", "!"])
    ['drug_gm', 'drug_gm_2', 'käse', 'x']
    """
    made: list[str] = []
    for name in names:
        stem = re.sub(r"\W+", "_", name.lower()).strip("_") or "x"
        slug, n = stem, 1
        while slug in made:
            n += 1
            slug = f"{stem}_{n}"
        made.append(slug)
    return made
