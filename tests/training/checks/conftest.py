"""Sound data, and one part of it changed."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.coverage import Column, Dating
from features.health import Health
from features.ingestion.intake import Ingested
from features.population import Amounts, Population
from features.rhythm import Hours, Series
from features.settings import config
from features.settings.experiment import Experiment

DAY = pd.Timestamp("2024-01-01")
SOUND = Health(
    ingested=(Ingested("orders", "orders.csv", 10_000, 10_000, 0, 0, DAY, DAY),),
    reasons=(),
    columns=(Column("orders", "category", 10_000, 9_000, 12),),
    dating=(Dating("home", 900, 0, 0, 0),),
    series=(Series("orders", 10_000, pd.Series([5.0], pd.DatetimeIndex([DAY])), (), None),),
    hours=Hours((1,) * 7 + (100,) * 17, 0.0),
    population=Population(1_000, 1_000, 300, 700, 0, 5, 5_000, ((1, 1_000),), 0.1),
    amounts=Amounts(10_000, 10, 100, -5.0, 10.0, 12.0, 60.0, 200.0, 120_000.0, ()),
    start=DAY,
    end=DAY,
)


@pytest.fixture(scope="session")
def experiment(experiment_text: Callable[..., str]) -> Experiment:
    text = experiment_text(
        head='time_zone = "Europe/Berlin"',
        columns='category = "kind of thing"',
        people='home = { lens = "geographic", kind = "category" }',
    )
    return config.parse(text, Path("shop.toml"))


@pytest.fixture(scope="session")
def sound() -> Health:
    """Data of which nothing is to be said."""
    return SOUND


@pytest.fixture(scope="session")
def having() -> Callable[..., Health]:
    """The sound health, one part of it changed."""

    def changed(part: str, **change: Any) -> Health:
        old = getattr(SOUND, part)
        one = old[0] if isinstance(old, tuple) else old
        new = dataclasses.replace(one, **change)
        return dataclasses.replace(SOUND, **{part: (new,) if isinstance(old, tuple) else new})

    return changed
