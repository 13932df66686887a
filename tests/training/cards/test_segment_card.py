"""Segments as predictors, beside others: what the report card says of them."""

import numpy as np
import pandas as pd
import pytest

from training.cards import segment_card
from training.cards.report_card import OURS, ReportCard


def window(seed: int, rows: int = 600) -> pd.DataFrame:
    """Outcomes of customers of whom a quarter do not return."""
    rng = np.random.default_rng(seed)
    returned = rng.random(rows) < 0.75
    spend = returned * rng.lognormal(3, 0.6, rows)
    return pd.DataFrame({"future_orders": returned.astype(int), "future_spend": spend})


THEN, NOW = window(1), window(2)
GONE = (NOW["future_orders"] == 0).to_numpy(float)
SPENT = NOW["future_spend"].to_numpy(float)


def test_segments_stand_beside_rival_segments() -> None:
    rank = np.argsort(np.argsort(SPENT)) * 4 // len(NOW)  # the outcome itself, in four parts
    then = np.argsort(np.argsort(THEN["future_spend"].to_numpy())) * 4 // len(THEN)
    noise = np.random.default_rng(7).integers(0, 4, len(NOW))
    designs = (then[:, None], rank[:, None])  # rules that see the outcome tell who is where
    section = segment_card.segment_section(
        THEN, NOW, (then, rank), {"noise": (noise, noise)}, designs, None, 7
    )
    ours, theirs = section.rows[OURS], section.rows["noise"]
    assert ours["η² log spend"] > 0.7 > 0.1 > theirs["η² log spend"]
    assert ours["min share"] == pytest.approx(0.25)
    assert ours["gain 10 %"] > theirs["gain 10 %"]
    assert ours["told by 12 rules"] == 1.0 > 0.5 > theirs["told by 12 rules"]
    assert all(c.better for c in section.comparisons)
    assert section.notes[0] == "4 segments, the same number for every rival."
    turned = segment_card.segment_section(
        THEN, NOW, (noise, noise), {"the outcome": (then, rank)}, designs, None, 7
    )
    assert not any(c.better for c in turned.comparisons)
    fewer = segment_card.segment_section(
        THEN, NOW, (then, rank), {"half": (then // 2, rank // 2)}, designs, None, 7
    )
    assert fewer.notes[0] == "4 segments, the same number for every rival but half (2)."


def test_how_segments_tell_who_leaves_has_an_interval_too() -> None:
    gone, then = (GONE > 0).astype(int), (THEN.future_orders == 0).to_numpy(int)
    noise = np.random.default_rng(7).integers(0, 2, len(NOW))
    designs = (then[:, None], gone[:, None])
    for ours, other, better in (((then, gone), (noise, noise), True),
                                ((noise, noise), (then, gone), False)):  # fmt: skip
        section = segment_card.segment_section(THEN, NOW, ours, {"other": other}, designs, None, 7)
        (told,) = (c for c in section.comparisons if c.measure == "churn AUC")
        assert told.better == better
        assert told.certain
        assert abs(told.difference) > 0.4
        shown = section.shown()["other"][list(section.rows["other"]).index("churn AUC")]
        assert shown.endswith(told.mark)
        assert told.mark
    staying = NOW.assign(future_orders=1)
    nobody = segment_card.segment_section(
        THEN, staying, (then, gone), {"other": (noise, noise)}, designs, None, 7
    )
    assert "churn AUC" not in {c.measure for c in nobody.comparisons}


def test_rival_segments_that_hold_more_still_win() -> None:
    kept = {f"{OURS}, warm": 0.868, f"{OURS}, cold": 0.893, "k-means": 0.97, "noise": 0.3}
    section = segment_card.stability_section(kept, {**kept, "k-means": 0.8}, 28, 9_000)
    assert {c.rival for c in section.comparisons} == {"k-means", "noise"}
    assert [c.sentence() for _, c in ReportCard((), (section,)).losses()] == [
        "k-means beats Coterie on keeping customers in their segment by 0.1020 (0.970 against "
        "0.868; no interval: of one retrain)"
    ]


def test_segments_that_a_random_split_equals_are_a_caution() -> None:
    rank = np.argsort(np.argsort(SPENT)) * 4 // len(NOW)
    turns = np.arange(len(NOW)) % 4
    for labels, cautions in ((rank, 0), (turns, 1)):
        designs = (labels[:, None], labels[:, None])
        made = segment_card.segment_section(THEN, NOW, (labels, labels), {}, designs, None, 7)
        assert len(made.cautions) == cautions
