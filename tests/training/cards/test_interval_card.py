"""What the card says of intervals, where how many lie outside and by how much is known."""

import numpy as np
import pytest

from training.cards import interval_card
from training.cards.interval_card import FIFTHS, RIVAL
from training.cards.report_card import ReportCard, Section
from training.measures import metrics

ROWS = 2_000
EXPECTED = np.linspace(10, 1_000, ROWS)


def section(
    truth: np.ndarray, low: np.ndarray, high: np.ndarray, learned: np.ndarray | None = None
) -> Section:
    predicted = {
        "expected_spend": EXPECTED, "expected_spend_low": low, "expected_spend_high": high,
    }  # fmt: skip
    then = EXPECTED, truth if learned is None else learned
    return interval_card.interval_section(then, truth, predicted, 0.8, "EUR", 7)


def spread(seed: int) -> np.ndarray:
    """Spend evenly within half of the mean on either side."""
    return EXPECTED * np.random.default_rng(seed).uniform(0.5, 1.5, ROWS)


def test_plain_split_conformal_by_hand() -> None:
    expected = np.full(9, 100.0)
    spend = np.array([101, 98, 103, 96, 105, 94, 107, 92, 109.0])
    # ceil(10 x .8) = 8: the eighth smallest of 1 to 9
    assert interval_card.plain_width(expected, spend, 0.8) == 8
    assert interval_card.plain_width(expected[:3], spend[:3], 0.8) == 3  # rank 4 of 3


def test_shares_outside_and_scores_are_told_for_all_and_by_fifth() -> None:
    truth = spread(1)
    made = section(truth, 0.6 * EXPECTED, 1.4 * EXPECTED)  # the central 80 %
    assert list(made.rows) == ["all customers", *FIFTHS]
    outside = (truth < 0.6 * EXPECTED) | (truth > 1.4 * EXPECTED)
    assert made.rows["all customers"]["outside"] == pytest.approx(outside.mean())
    for i, name in enumerate(FIFTHS):
        rows = slice(400 * i, 400 * (i + 1))
        missed = np.maximum(0.6 * EXPECTED - truth, 0) + np.maximum(truth - 1.4 * EXPECTED, 0)
        score = (0.8 * EXPECTED + 10 * missed)[rows].mean()
        assert made.rows[name]["score"] == pytest.approx(score)
        assert made.rows[name]["outside"] == pytest.approx(outside[rows].mean())


def test_plain_intervals_have_one_width_and_do_not_fall_below_nothing() -> None:
    truth, then = spread(1), spread(2)
    width = interval_card.plain_width(EXPECTED, then, 0.8)
    made = section(truth, truth, truth, then)
    low, high = np.maximum(EXPECTED - width, 0), EXPECTED + width
    row = made.rows["all customers"]
    assert row["plain: score"] == metrics.interval_scores(truth, low, high, 0.8).mean()
    assert row["plain: outside"] == pytest.approx(((truth < low) | (truth > high)).mean())
    assert row["plain: outside"] == pytest.approx(0.2, abs=0.04)
    assert f"expected spend ± {width:,.2f} EUR for everybody" in made.notes[0]


def test_intervals_that_know_the_spread_beat_plain_ones_and_padded_ones_do_not() -> None:
    truth = spread(1)
    right = section(truth, 0.6 * EXPECTED, 1.4 * EXPECTED)
    assert {c.rival for c in right.comparisons} == {RIVAL}
    by_name = {c.measure: c for c in right.comparisons}
    assert len(by_name) == 6
    assert by_name["interval score (lowest fifth)"].better
    assert by_name["interval score (lowest fifth)"].certain
    padded = section(truth, 0 * EXPECTED, 3 * EXPECTED)
    assert padded.rows["all customers"]["outside"] == 0
    lost = ReportCard((), (padded,)).losses()
    assert "interval score (highest fifth)" in {c.measure for _, c in lost if c.certain}
    assert lost[0][1].sentence().startswith(f"{RIVAL} beats Coterie on interval score (")


def test_the_first_note_says_how_to_read_the_table() -> None:
    note = section(spread(1), 0 * EXPECTED, 3 * EXPECTED).notes[0]
    assert note.startswith(
        "The 80% interval may leave 20% of the outcomes outside; it left 0.0%. The score (EUR, "
        "Gneiting & Raftery 2007; lower is better) is its width and 10 times what an outcome lies "
        "outside by, so that padding costs too. Plain: expected spend ± "
    )


def test_a_window_unlike_the_one_it_learned_from_is_said_to_be_one() -> None:
    truth = spread(1)
    truth[1_600:] *= 1.5
    notes = section(truth, 0.6 * EXPECTED, 1.4 * EXPECTED).notes
    outside = ((truth < 0.6 * EXPECTED) | (truth > 1.4 * EXPECTED))[1_600:].mean()
    assert notes[-1].startswith("More than chance explains lay outside in: ")
    assert (
        f"highest fifth ({outside:.1%}; predicted {EXPECTED[1_600:].sum():,.0f}, realised "
        f"{truth[1_600:].sum():,.0f})"
    ) in notes[-1]
    assert "second fifth" not in notes[-1]
    assert notes[-1].endswith(
        "The test window was not like the calibration window, be it by season or by age, and the "
        "next one need not be either."
    )


def test_a_window_like_it_is_not() -> None:
    assert len(section(spread(1), 0.6 * EXPECTED, 1.4 * EXPECTED).notes) == 1


def test_where_most_spend_nothing_the_score_is_said_to_decide() -> None:
    truth = spread(1)
    truth[:800] = 0
    notes = section(truth, 0 * EXPECTED, 1.4 * EXPECTED).notes
    assert notes[1] == (
        "Most spent nothing in the lowest fifth and second fifth: an interval from 0 holds more "
        "than its share there by nature, and the score alone decides."
    )
