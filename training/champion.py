"""The champion at work: the model that the commands score, explain and serve with."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from features.errors import SourceError
from features.settings.experiment import Experiment
from features.sources import Sources
from training import reading, tracking, unseen
from training.prediction.bundle import Bundle
from training.screen import Screen
from training.windows import splits

MOST_NAMED = 5  # champions that an error names


@dataclasses.dataclass(frozen=True)
class Question:
    """What is asked of a champion: its bundle, the data, and the moment to stand at (naive UTC)."""

    bundle: Bundle
    read: Sources
    moment: pd.Timestamp


def named(name: str | None) -> Bundle:
    """The champion of an experiment; of the one trained last, where none is named."""
    asked = name or next(iter(tracking.registered()), None)
    bundle = tracking.champion(asked) if asked else None
    if bundle is None:
        there = ", ".join(tracking.registered()[:MOST_NAMED])
        raise SourceError(
            "There must be a champion to work with.",
            f"none{f' of {name!r}' if name else ''} in {tracking.shown_uri()}"
            + (f", but of {there}" if there else ""),
            "train one: coterie retrain FILE, or coterie demo",
        )
    return bundle


def seen_beyond(bundle: Bundle, as_of: pd.Timestamp | None) -> pd.Timestamp | None:
    """Until when the bundle was trained, where that is a day or more after `as_of`."""
    told = bundle.manifest.get("trained_until")
    if as_of is None or told is None:
        return None
    until = pd.Timestamp(told)
    return until if as_of <= until - pd.Timedelta(days=1) else None


def question(
    experiment: Experiment, as_of: pd.Timestamp | None, screen: Screen, out: Path | None
) -> Question:
    """An experiment's data for its champion, at `as_of` or else at the end of the data.

    Rejects go to `out`, where it is given. Raises SourceError where there is no champion, or the
    data are of another kind than those it was trained with; says where its horizon is another, and
    where it was trained on what followed `as_of`.
    """
    bundle = named(experiment.name)
    _require_same_kind(bundle, experiment)
    days = bundle.manifest["horizon_days"]
    if days != experiment.horizon_days:
        screen.say(
            f"The champion predicts {days} days ahead, not the {experiment.horizon_days} of "
            f"{experiment.path}: retrain to change that."
        )
    out_then, out_now = bundle.manifest.get("left_out", {}), experiment.left_out()
    if out_then != out_now:
        screen.say(
            f"The champion was learned without {_named(out_then)}; {experiment.path} leaves out "
            f"{_named(out_now)}: retrain, or leave out the same rows.",
            "yellow",
        )
    until = seen_beyond(bundle, as_of)
    if as_of is not None and until is not None:
        screen.say(
            f"The champion was trained until {until:%Y-%m-%d}, on what followed "
            f"{as_of:%Y-%m-%d} too: what it says of that day is no test of it."
        )
    read = reading.read_sources(experiment, as_of, screen, out)
    for sentence in unseen.told(bundle.spec, read):
        screen.say(sentence, "yellow")
    return Question(bundle, read, as_of if as_of is not None else splits.now_of(read))


def _named(left_out: Mapping[str, Mapping[str, Sequence[str]]]) -> str:
    """Rows left out, in words."""
    told = [
        f"{', '.join(map(repr, values))} in {column!r} of {source}"
        for source, columns in left_out.items()
        for column, values in columns.items()
    ]
    return f"the rows with {'; '.join(told)}" if told else "no rows"


def _require_same_kind(bundle: Bundle, experiment: Experiment) -> None:
    for key in ("currency", "time_zone"):
        trained, asked = bundle.manifest[key], getattr(experiment, key)
        if trained != asked:
            raise SourceError(
                f"A model scores data of the {key} that it was trained with.",
                f"{key} {asked!r} in {experiment.path}, {trained!r} in the champion",
                "correct the experiment file, or retrain",
            )


def served() -> Path:
    """Where the service and `bentoml build` look for the champion's bundle."""
    given = os.environ.get("COTERIE_BUNDLE")
    return Path(given) if given else tracking.home() / "serving" / "champion"
