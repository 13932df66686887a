"""What a run says of itself at the head of its report card."""

from types import SimpleNamespace
from typing import Any

from training import learning, season
from training.report_card import Section
from training.stretch import Stretch


def test_what_could_not_be_told_stands_at_the_head_of_the_card() -> None:
    said = "Churn could not be told on this data."
    evaluated: Any = SimpleNamespace(
        sections=(Section("Churn", {}, cautions=(said,)), Section("Spend", {})),
        bundle=SimpleNamespace(shrinkage=SimpleNamespace(rung="learned models")),
        study=None,
    )
    experiment: Any = SimpleNamespace(name="shop", note="")
    plan: Any = SimpleNamespace(horizon_days=30, window_days=30, rung="full", rows=list)
    none = season.Season(Stretch(), "no season")
    found: Any = SimpleNamespace(suspects=())
    head = learning._heading(experiment, plan, evaluated, (none, none), found)
    assert head[:2] == ("shop: horizon 30 days, rung 'full'", said)
    assert head[2].startswith("Cut-offs: ")
