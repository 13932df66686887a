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
    assert cut[-1] == 100.0


def test_a_few_large_customers_of_a_small_shop_are_no_slips() -> None:
    spend = np.concatenate([np.linspace(50.0, 150.0, 60), [4_000.0, 5_000.0]])
    np.testing.assert_array_equal(capped(spend)[60:], [3_000.0, 3_000.0])
    np.testing.assert_array_equal(capped(np.append(np.linspace(50.0, 150.0, 60), 2_900.0))[60:],
                                  [2_900.0])  # fmt: skip


def test_of_a_handful_the_outlier_is_no_measure_of_itself() -> None:
    for many in (1, 2):
        spend = np.concatenate([np.linspace(1.0, 60.0, 30), np.full(many, 1e9)])
        np.testing.assert_array_equal(capped(spend)[30:], np.full(many, 60.0))
    np.testing.assert_array_equal(capped(np.array([0.0, 7.0])), [0.0, 7.0])


def test_nobody_spent() -> None:
    np.testing.assert_array_equal(capped(np.zeros(3)), np.zeros(3))
