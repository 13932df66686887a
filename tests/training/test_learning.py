"""What a run says of itself at the head of its report card."""

from types import SimpleNamespace
from typing import Any

import pytest

from training import learning, season
from training.report_card import Section
from training.stretch import Stretch


def test_what_could_not_be_told_stands_at_the_head_of_the_card() -> None:
    said = "Churn could not be told on this data."
    evaluated: Any = SimpleNamespace(
        sections=(Section("Churn", {}, cautions=(said,)), Section("Spend", {})),
        bundle=SimpleNamespace(shrinkage=SimpleNamespace(rung="learned models")),
        study=None, cutoffs=3,
    )  # fmt: skip
    experiment: Any = SimpleNamespace(name="shop", note="")
    plan: Any = SimpleNamespace(horizon_days=30, window_days=30, rung="full", rows=list)
    none = season.Season(Stretch(), "no season")
    found: Any = SimpleNamespace(suspects=())
    head = learning._heading(experiment, plan, evaluated, (none, none), found)
    assert head[:2] == ("shop: horizon 30 days, rung 'full'", said)
    assert head[2].startswith("Cut-offs: ")
    assert "Served: no season The level of churn and spend is half way from" in " ".join(head)


@pytest.mark.parametrize(
    ("churn", "spend", "cutoffs", "halved"),
    [
        (False, False, 3, " The level of churn and spend is half"),
        (False, False, 1, " The level of churn is half"),
        (False, True, 3, " The level of churn is half"),
        (True, True, 3, ""),
    ],
)
def test_the_card_says_whose_level_is_served(
    churn: bool, spend: bool, cutoffs: int, halved: str
) -> None:
    ahead = season.Season(Stretch(), "", of_churn=churn, of_spend=spend)
    said = learning._untold(ahead, cutoffs)
    assert said.startswith(halved)
    assert bool(said) == bool(halved)
