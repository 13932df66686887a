"""What could not be told from chance is said, and nothing else is."""

import numpy as np
import pytest

from training.cards import chance
from training.measures import metrics

TRUTH = np.array([0.0, 1.0] * 100)


def ranked(score: np.ndarray) -> tuple[str, ...]:
    return chance.ranking("Churn", "AUC", metrics.roc_auc, 0.5, TRUTH, score, 7)


def test_a_ranking_that_knows_is_not_cautioned_of() -> None:
    assert ranked(TRUTH) == ()


def test_one_score_for_everybody_is_chance() -> None:
    assert ranked(np.full(200, 0.3)) == (
        "Churn is told no better than by chance: AUC 0.500 (95 % interval 0.500 to 0.500), where "
        "chance alone gives 0.5.",
    )


def test_a_ranking_turned_round_is_no_better_than_chance() -> None:
    (said,) = ranked(-TRUTH)
    assert "AUC 0.000 (95 % interval 0.000 to 0.000)" in said


def test_a_ranking_within_noise_is_no_better_than_chance() -> None:
    # By Hanley & McNeil (1982) the standard error of an AUC of .5 among 100 and 100 is .041.
    (said,) = ranked(np.random.default_rng(3).random(200))
    assert said.startswith("Churn is told no better than by chance: AUC 0.")


def test_probabilities_that_differ_are_not_one() -> None:
    assert chance.same(np.full(3, 0.256))
    assert not chance.same(np.array([0.256, 0.257]))


@pytest.mark.parametrize(
    ("first", "said"),
    [
        # Rank sums 10 and 11 of six: H = 12 / 42 (100 + 121) / 3 - 21 = .048, p = .83 of chi2(1).
        ([1, 4, 5], ["(Kruskal-Wallis, p = 0.83), whatever their names say."]),
        # Rank sums 6 and 15: H = 3.86, p = .0495.
        ([1, 2, 3], []),
    ],
)
def test_segments_like_a_random_split_are_told_so(first: list[int], said: list[str]) -> None:
    spend = np.arange(1.0, 7.0)
    labels = np.where(np.isin(spend, first), "a", "b")
    found = chance.split(spend, labels)
    assert [text[-len(end) :] for text, end in zip(found, said, strict=True)] == said


def test_one_segment_or_equal_spend_is_no_split() -> None:
    spend = np.arange(6.0)
    assert chance.split(spend, np.zeros(6)) == ()
    assert chance.split(np.zeros(6), spend) == ()
