import numpy as np
import pytest

from training.fitting import clustering
from training.measures.separation import adjusted_rand
from training.prediction.segments import Segmentation


def planted(
    k: int, seed: int, rows: int = 1_500, apart: float = 3.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Scores (rows, 2), spend, churned 0/1 and the true group of k groups along the diagonal."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, k, rows)
    scores = apart * group[:, None] + rng.normal(0, 0.35, (rows, 2))
    spend = np.exp(1.5 * group + rng.normal(0, 0.2, rows))
    churned = (rng.random(rows) < (0.9 - 0.8 * group / max(k - 1, 1))).astype(float)
    return scores, spend, churned, group


# ------------------------------------------------------------------------------------------ the fit


@pytest.mark.parametrize("k", [2, 3, 5, 8])
def test_planted_groups_are_found(k: int) -> None:
    scores, _, _, group = planted(k, 1)
    assert adjusted_rand(clustering.fit(scores, k, 7).labels(scores), group) > 0.99


def test_the_same_customers_give_the_same_segments_in_any_order_and_with_any_seed() -> None:
    scores = planted(4, 1, apart=0.8)[0]
    one = clustering.fit(scores, 5, seed=7)
    shuffled = np.random.default_rng(3).permutation(len(scores))
    two = clustering.fit(scores[shuffled], 5, seed=99)
    assert two.centroids == pytest.approx(one.centroids, abs=1e-6)
    assert np.array_equal(two.labels(scores), one.labels(scores))


def test_segments_are_in_order_of_value() -> None:
    scores = planted(4, 1)[0]
    heights = clustering.fit(scores, 4, 7).centroids.sum(axis=1)
    assert (np.diff(heights) < 0).all()


def test_a_warm_start_keeps_scale_and_order() -> None:
    scores = planted(4, 1)[0]
    first = clustering.fit(scores, 4, 7)
    turned = Segmentation(first.centroids[::-1].copy(), first.mean, first.scale, first.spread)
    again = clustering.fit(scores + 0.05, 4, 7, turned)
    assert np.array_equal(again.mean, first.mean)
    assert np.array_equal(again.labels(scores + 0.05), turned.labels(scores))


def test_a_start_with_another_number_of_segments_is_no_start() -> None:
    scores = planted(4, 1)[0]
    first = clustering.fit(scores, 3, 7)
    cold, warm = clustering.fit(scores, 4, 7), clustering.fit(scores, 4, 7, first)
    assert np.array_equal(cold.centroids, warm.centroids)


def test_customers_all_alike_give_finite_segments() -> None:
    made = clustering.fit(np.zeros((50, 2)) + [[1.0, 2.0]] + np.eye(50, 2) * 1e-9, 2, 7)
    assert np.isfinite(made.centroids).all()
    assert made.spread > 0


def test_memberships_are_shares_and_the_label_has_the_largest() -> None:
    scores = planted(4, 1, apart=1.0)[0]
    made = clustering.fit(scores, 4, 7)
    shares = made.memberships(scores)
    assert shares.sum(axis=1) == pytest.approx(np.ones(len(scores)))
    assert ((shares >= 0) & (shares <= 1)).all()
    assert np.array_equal(shares.argmax(axis=1), made.labels(scores))
    far = made.memberships(np.array([[1e6, -1e6]]))
    assert np.isfinite(far).all()


# ------------------------------------------------------------------------------ the number of them


@pytest.mark.parametrize("k", [3, 4, 5])
def test_as_many_segments_as_were_planted(k: int) -> None:
    scores, spend, churned, _ = planted(k, 1)
    chosen, table = clustering.choose(planted(k, 2)[0], scores, spend, churned, 7)
    assert chosen == k
    assert [c.k for c in table] == list(clustering.CHOICES)
    assert next(c for c in table if c.k == k).agreement == pytest.approx(1.0, abs=0.01)


def test_no_segment_is_smaller_than_the_least_share_while_another_choice_is_steady() -> None:
    scores, spend, churned, group = planted(4, 1)
    keep = (group < 3) | (np.arange(len(group)) % 30 == 0)  # the best group shrinks to 1 %
    chosen, table = clustering.choose(scores[keep], scores[keep], spend[keep], churned[keep], 7)
    taken = next(c for c in table if c.k == chosen)
    assert any(c.least_share < clustering.LEAST_SHARE for c in table)
    assert taken.least_share >= clustering.LEAST_SHARE
    assert taken.agreement >= clustering.LEAST_AGREEMENT


def test_only_the_steady_are_eligible() -> None:
    scores, spend, churned, _ = planted(3, 1)
    _, table = clustering.choose(planted(3, 2)[0], scores, spend, churned, 7)
    for c in table:
        steady = c.agreement >= clustering.LEAST_AGREEMENT
        assert c.eligible == (steady and c.least_share >= clustering.LEAST_SHARE)


def test_the_least_steady_segment_is_told() -> None:
    scores, spend, churned, _ = planted(4, 1)
    _, table = clustering.choose(planted(4, 2)[0], scores, spend, churned, 7)
    told = {c.k: c.worst_jaccard for c in table}
    assert told[4] > 0.99  # the planted groups come back whole from every draw
    assert told[7] < 0.85  # groups that were never there do not
    assert all(0 < worst <= 1 for worst in told.values())


def test_the_champions_number_is_held_unless_another_is_clearly_better() -> None:
    scores, spend, churned, _ = planted(4, 1, apart=1.2)
    train = planted(4, 2, apart=1.2)[0]
    free, table = clustering.choose(train, scores, spend, churned, 7)
    best = max(c.score for c in table if c.eligible)
    near = [c.k for c in table if c.eligible and c.score >= best - 0.02]
    far = [c.k for c in table if c.eligible and c.score < best - 0.02]
    assert near
    for k in near:
        assert clustering.choose(train, scores, spend, churned, 7, held=k)[0] == k
    for k in far:
        assert clustering.choose(train, scores, spend, churned, 7, held=k)[0] == free


def test_choosing_is_repeatable() -> None:
    scores, spend, churned, _ = planted(4, 1, rows=400)
    one, two = (clustering.choose(scores, scores, spend, churned, 7) for _ in range(2))
    assert one == two


def test_too_few_different_customers_are_two_segments() -> None:
    scores = np.repeat(np.array([[0.0, 0.0], [1.0, 1.0]]), 50, axis=0)
    ones = np.ones(100)
    assert clustering.choose(scores, scores, ones, ones, 7) == (2, [])


def test_where_nobody_spent_there_is_still_a_choice() -> None:
    scores, _, _, _ = planted(3, 1)
    nothing = np.zeros(len(scores))
    chosen, table = clustering.choose(scores, scores, nothing, nothing + 1, 7)
    assert chosen in clustering.CHOICES
    assert all(np.isfinite(c.score) for c in table)


def test_where_nobody_or_everybody_left_value_alone_decides() -> None:
    scores, spend, _, _ = planted(3, 1)
    chosen, table = clustering.choose(scores, scores, spend, np.zeros(len(spend)), 7)
    assert chosen == 3
    assert {c.churn_auc for c in table} == {0.5}
