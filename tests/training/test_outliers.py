import numpy as np

from training.outliers import capped


def test_ordinary_spend_is_left_alone() -> None:
    rng = np.random.default_rng(7)
    spend = np.where(rng.random(2_000) < 0.3, 0.0, rng.lognormal(3.0, 1.2, 2_000))
    np.testing.assert_array_equal(capped(spend), spend)


def test_a_slip_of_the_keyboard_is_cut_and_nothing_else() -> None:
    spend = np.concatenate([np.linspace(1.0, 100.0, 500), [0.0, 1e9]])
    cut = capped(spend)
    np.testing.assert_array_equal(cut[:-1], spend[:-1])
    assert cut[-1] == 20.0 * np.quantile(np.linspace(1.0, 100.0, 500), 0.99)


def test_nobody_spent() -> None:
    np.testing.assert_array_equal(capped(np.zeros(3)), np.zeros(3))
