"""Measures of when: from paper, and from every pair."""

import numpy as np
import pytest

from training.measures import survival

SILENT = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])


def test_silence_ends_with_the_order_itself() -> None:
    made = survival.silent_until([0.0, 7.0, 7.5, np.nan], [7, 14])
    assert made.tolist() == [[0, 0], [0, 0], [1, 0], [1, 1]]


def test_the_integrated_brier_score_from_paper() -> None:
    curve = np.tile([0.9, 0.5, 0.2], (4, 1))
    # by day: (3 * .01 + .81) / 4, .25, (3 * .04 + .64) / 4
    assert survival.integrated_brier(SILENT, curve) == pytest.approx((0.21 + 0.25 + 0.19) / 3)


def test_a_curve_that_knows_earns_nothing() -> None:
    assert survival.integrated_brier(SILENT, SILENT) == 0
    assert survival.integrated_brier(SILENT, np.full((4, 3), 0.5)) == 0.25


def test_concordance_is_that_of_every_pair() -> None:
    rng = np.random.default_rng(7)
    came = np.where(rng.random(120) < 0.3, np.nan, rng.uniform(0, 30, 120))
    silent = survival.silent_until(came, np.arange(1, 31))
    score = np.round(np.nan_to_num(came, nan=30) + rng.normal(0, 15, 120))
    day = silent.sum(axis=1)  # days of silence: 30 is the last that is known
    right = pairs = 0.0
    for i in range(120):
        for j in range(120):
            if day[i] < day[j]:
                pairs += 1
                right += (score[i] < score[j]) + 0.5 * (score[i] == score[j])
    assert survival.concordance(silent, score) == pytest.approx(right / pairs)


def test_who_never_came_is_not_compared_with_who_never_came() -> None:
    silent = np.array([[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
    assert survival.concordance(silent, [5.0, 9.0, 1.0]) == 1.0
    assert np.isnan(survival.concordance(np.ones((3, 2)), [5.0, 9.0, 1.0]))


def test_a_score_that_knows_nothing_earns_a_half() -> None:
    assert survival.concordance(SILENT, np.zeros(4)) == 0.5


@pytest.mark.parametrize(
    ("silent", "curve", "words"),
    [
        (SILENT, SILENT[:, :2], r"Seen shapes: \(4, 3\) and \(4, 2\)"),
        (SILENT, SILENT + 0.1, "lies between 0 and 1"),
        (SILENT, np.full((4, 3), np.nan), "lies between 0 and 1"),
        (SILENT[:, ::-1], SILENT, "Who has ordered stays so"),
        (SILENT[0], SILENT[0], r"one row a customer, n >= 1. Seen: \(3,\)"),
    ],
)
def test_a_wrong_call_is_refused(silent: np.ndarray, curve: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        survival.integrated_brier(silent, curve)


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="one finite number a customer"):
        survival.concordance(SILENT, [1.0, np.nan, 2.0, 3.0])
