"""Segments keep their ids and names over retrains; a new id was never an old one."""

import numpy as np
import pandas as pd

from features.spec import FeatureSpec
from training.final import _named
from training.fitting import fit, identity
from training.prediction.bundle import to_columns
from training.prediction.segments import Segment, Segmentation

SPEC = FeatureSpec()
N = 120


class Champion:
    """All that naming asks of the model before."""

    def __init__(self, segments: tuple[Segment, ...], next_segment: int) -> None:
        self.segments = segments
        self.next_segment = next_segment


def customers() -> pd.DataFrame:
    """Feature rows of `N` customers, with nothing known but what naming reads."""
    from features import catalog

    values: dict[str, object] = {"customer_id": [f"C{i}" for i in range(N)]}
    for feature in catalog.features(SPEC):
        if feature.dtype == "category":
            values[feature.name] = ["active"] * N
        else:
            values[feature.name] = np.linspace(0.0, 50.0, N)
    return pd.DataFrame(values).assign(as_of=pd.Timestamp("2024-01-01"))


NOW = customers()
ESTIMATES = {
    "churn_probability": np.linspace(0.0, 0.9, N),
    "expected_orders": np.linspace(9.0, 0.0, N),
    "expected_spend": np.linspace(500.0, 0.0, N),
}


def generation(labels: np.ndarray, before: Champion | None, old: np.ndarray | None) -> Champion:
    """The next model's segments; customers are labelled `labels` by it, `old` by the one before."""
    k = int(labels.max()) + 1
    matching = None
    if before is not None and old is not None:
        matching = identity.match(old, labels, len(before.segments), k)
    segmentation = Segmentation(np.zeros((k, 2)), np.zeros(2), np.ones(2), 1.0)
    customers_now = to_columns(fit.table(NOW))
    made = _named(ESTIMATES, labels, customers_now, SPEC, segmentation, before, matching)  # type: ignore[arg-type]
    return Champion(*made)


def parts(*bounds: int) -> np.ndarray:
    """Labels 0, 1, 2, ... of consecutive customers, cut at `bounds`."""
    return np.searchsorted(np.array(bounds), np.arange(N), side="right")


def ids(champion: Champion) -> list[str]:
    return [s.id for s in champion.segments]


def names(champion: Champion) -> list[str]:
    return [s.name for s in champion.segments]


def test_a_first_model_numbers_its_segments_from_one() -> None:
    first = generation(parts(40, 80), None, None)
    assert ids(first) == ["S1", "S2", "S3"]
    assert first.next_segment == 4
    assert len(set(names(first))) == 3


def test_the_same_segments_in_another_order_keep_ids_and_names() -> None:
    first = generation(parts(40, 80), None, None)
    turned = np.array([2, 0, 1])[parts(40, 80)]
    second = generation(turned, first, parts(40, 80))
    assert ids(second) == ["S2", "S3", "S1"]
    assert names(second) == [names(first)[1], names(first)[2], names(first)[0]]
    assert second.next_segment == 4


def test_a_name_stays_even_when_the_portrait_has_changed() -> None:
    first = generation(parts(40, 80), None, None)
    other = Champion(tuple(Segment(s.id, f"old {s.id}", {}) for s in first.segments), 4)
    assert names(generation(parts(40, 80), other, parts(40, 80))) == ["old S1", "old S2", "old S3"]


def test_a_born_segment_gets_a_new_id_and_an_own_name() -> None:
    first = generation(parts(40, 80), None, None)
    second = generation(parts(40, 80, 100), first, parts(40, 80))
    assert ids(second)[:2] == ["S1", "S2"]
    assert sorted(ids(second)[2:]) == ["S3", "S4"]
    assert len(set(names(second))) == 4
    assert second.next_segment == 5


def test_the_id_of_a_dead_segment_is_never_given_again() -> None:
    first = generation(parts(40, 80), None, None)
    second = generation(parts(80), first, parts(40, 80))
    assert set(ids(second)) < {"S1", "S2", "S3"}
    assert second.next_segment == 4
    third = generation(parts(40, 80), second, parts(80))
    fourth = generation(np.arange(N) % 3, third, parts(40, 80))  # nothing goes on
    used = [set(ids(g)) for g in (first, second, third, fourth)]
    assert used[2] - used[1] == {"S4"}
    assert used[3] == {"S5", "S6", "S7"}
