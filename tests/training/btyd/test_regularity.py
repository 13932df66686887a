"""How regular customers are, told by what followed."""

import numpy as np
import pandas as pd
import pytest

from training.btyd import prior, regularity
from training.prediction.rhythm import Rhythm
from training.prediction.structure import known_of

DAYS = 30


def shop(deviation: float, as_of: str = "2024-01-01", customers: int = 600) -> pd.DataFrame:
    """Snapshot rows of customers whose gaps deviate by so much of their mean."""
    rng = np.random.default_rng(3)
    shape = 1 / deviation**2
    rows = []
    for i in range(customers):
        T, gap, at, x, last, came = rng.uniform(100, 400), rng.gamma(4, 10), 0.0, 0, 0.0, np.nan
        while rng.random() > 0.08:
            at += gap * rng.gamma(shape, 1 / shape)
            if at > T:
                came = at - T if at <= T + DAYS else np.nan
                break
            x, last = x + 1, at
        rows.append((f"C{i}", x + 1, float(x), T, T - last, 20.0 * (x + 1), came))
    names = ["customer_id", "orders", "frequency", "T_days", "recency_days", "spend"]
    frame = pd.DataFrame(rows, columns=[*names, "days_to_order"])
    return frame.assign(as_of=pd.Timestamp(as_of))


def test_orders_at_random_are_told_as_such() -> None:
    assert regularity.chosen(shop(1.0), DAYS) == 1


@pytest.mark.parametrize(("deviation", "least"), [(0.7, 2), (0.35, 4)])
def test_regular_orders_are_told_from_others(deviation: float, least: int) -> None:
    assert regularity.chosen(shop(deviation), DAYS) >= least


def test_where_every_law_is_refused_nothing_is_told() -> None:
    once = shop(0.35).assign(frequency=0.0, orders=1)
    assert regularity.fit(once, 2) is None
    assert regularity.chosen(once, DAYS) == 1


def test_who_has_not_ordered_tells_nothing() -> None:
    known = shop(0.35)
    nobody = known.iloc[:1].assign(orders=0, spend=np.nan, days_to_order=np.nan)
    nobody[["frequency", "T_days", "recency_days"]] = np.nan
    both = pd.concat([nobody, known])
    assert regularity.chosen(both, DAYS) == regularity.chosen(known, DAYS) > 1
    assert regularity.fit(both, 4) == regularity.fit(known, 4)


@pytest.mark.parametrize(
    ("scores", "k"),
    [
        ((0.1, 0.0995, 0.05), 1),  # half a hundredth is no gain, and nobody looks beyond
        ((0.1, 0.09, None, 0.05), 2),  # the third law is refused
        (tuple(0.9**i for i in range(9)), 27),
    ],
)
def test_the_first_law_that_gains_little_ends_the_search(
    scores: tuple[float | None, ...], k: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = dict(zip(regularity.KS, scores, strict=False))
    left = iter([score for score in scores if score is not None])
    monkeypatch.setattr(
        regularity, "fit", lambda _, k: Rhythm(k, 2.0, 12.0, 0.5, 6.0) if told[k] else None
    )
    monkeypatch.setattr(regularity, "integrated_brier", lambda *_: next(left))
    assert regularity.chosen(shop(1.0, customers=20), DAYS) == k


def test_of_many_customers_some_of_all_tell_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    monkeypatch.setattr(regularity, "MOST", 250)
    monkeypatch.setattr(regularity, "fit", lambda some, _: seen.append(some.customer_id.tolist()))
    regularity.chosen(shop(1.0), DAYS)
    assert seen == [[f"C{i}" for i in range(0, 600, 3)]]


@pytest.mark.slow
def test_every_cut_off_has_the_rhythm_that_the_first_one_tells() -> None:
    early = shop(0.35, "2023-06-01")
    late = shop(0.35, "2023-09-01").assign(days_to_order=np.nan)  # its outcomes tell nothing
    now = shop(0.35, "2024-01-01", 500).drop(columns="days_to_order")
    (past, today), latest = prior.augment([pd.concat([early, late]), now], DAYS)
    assert latest is not None
    assert latest.rhythm is not None
    assert latest.rhythm == regularity.fit(now, regularity.chosen(early, DAYS))
    said = latest.rhythm.p_order(known_of(now), DAYS)
    assert today["structural_return"].to_numpy() == pytest.approx(said)
    first = prior.fit(early, DAYS, latest)
    assert first is not None
    assert past["structural_return"].to_numpy()[: len(early)] == pytest.approx(
        first.columns(known_of(early))["structural_return"]
    )
    plain = prior.fit(early, DAYS)
    assert plain is not None
    assert plain.rhythm is None
    assert prior.fit(early, DAYS, plain) == plain


@pytest.mark.slow
def test_where_one_cut_off_is_refused_a_rhythm_none_has_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    early, now = shop(0.35, "2023-06-01"), shop(0.35, "2024-01-01")
    own = regularity.fit
    monkeypatch.setattr(
        regularity,
        "fit",
        lambda some, k: None if some.as_of.iloc[0] == now.as_of[0] else own(some, k),
    )
    _, latest = prior.augment([early, now.drop(columns="days_to_order")], DAYS)
    assert latest == prior.fit(now, DAYS)
    (past, _), _ = prior.augment([early, now.drop(columns="days_to_order")], DAYS)
    plain = prior.fit(early, DAYS)
    assert plain is not None
    assert past["structural_return"].to_numpy() == pytest.approx(
        plain.columns(known_of(early))["structural_return"]
    )
