"""How far a level comes back to its mean, learned from how windows followed one another."""

import numpy as np
import pytest

from training.fitting.reversion import share

DAYS = np.arange(8) * 30


def drawn(seed: int, *kinds: str) -> np.ndarray:
    """(8, kinds) levels that swing about a mean or walk away from it."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 1, (8, len(kinds)))
    return np.where([kind == "walks" for kind in kinds], noise.cumsum(axis=0), noise)


def mean_share(*kinds: str, days: np.ndarray = DAYS) -> float:
    return float(np.mean([share(drawn(seed, *kinds), days, 30) for seed in range(200)]))


def test_what_swings_comes_back_and_what_walks_does_not() -> None:
    assert mean_share("swings", "swings") > 0.7
    assert mean_share("walks", "walks") < 0.25
    assert 0.3 < mean_share("swings", "walks") < 0.6


def test_a_shop_that_grows_steadily_is_where_it_is() -> None:
    assert share(0.1 * DAYS[:, None], DAYS, 30) == 0.0


@pytest.mark.parametrize("days", [[0], [0, 10, 20]])
def test_windows_of_which_none_follows_another_tell_nothing(days: list[int]) -> None:
    levels = np.arange(float(len(days)))[:, None]
    assert share(levels, np.array(days), 30) == 0.5


def test_levels_that_never_move_tell_nothing() -> None:
    assert share(np.full((8, 3), 0.2), DAYS, 30) == 0.5
    assert share(0.2 + 1e-9 * drawn(3, "swings"), DAYS, 30) == 0.5  # but for rounding


def test_a_kind_that_is_not_known_of_some_window_tells_nothing() -> None:
    levels = drawn(3, "walks", "swings")
    levels[2, 1] = np.nan
    alone = share(np.column_stack([levels[:, 0], np.full(8, 0.2)]), DAYS, 30)
    assert share(levels, DAYS, 30) == alone != 0.5


def test_neither_units_nor_the_level_itself_change_the_share() -> None:
    levels = drawn(5, "walks", "swings")
    moved = levels * np.array([0.01, 40.0]) + np.array([3.0, -7.0])
    assert share(moved, DAYS, 30) == pytest.approx(share(levels, DAYS, 30))


def test_what_is_told_twice_or_far_apart_counts_once() -> None:
    levels = drawn(5, "walks")
    once = share(levels, DAYS, 30)
    assert share(np.repeat(levels, 2, axis=1), DAYS, 30) == pytest.approx(once)
    assert share(levels, 2 * DAYS, 30) == pytest.approx(once)


def test_windows_that_overlap_tell_less() -> None:
    """Of windows a third of their length apart that went all of the way back a third counts: of
    three windows after others steps and ways are 0, -.5 and -1, their mean square .41667.
    """
    levels = np.array([0.0, 1.0, 2.0, 0.0, 0.5, 1.0])[:, None]
    counts = 1.25 / (1.25 / 3) / 3
    made = share(levels, np.arange(6) * 10, 30)
    assert made == pytest.approx((0.5 + counts) / (1 + counts)) == pytest.approx(0.75)
