"""What is said of amounts in several currencies."""

import pytest

from features.ingestion.coins import Coin
from training.checks.currency_findings import of_coins
from training.checks.finding import WARNING, Finding


@pytest.mark.parametrize(
    ("coins", "median"),
    [
        ((Coin("EUR", 100, 20.0), Coin("PLN", 100, 200.01)), "200.01"),
        ((Coin("EUR", 100, 20.0), Coin("PLN", 100, 1.99)), "1.99"),
        ((Coin("AUD", 100, 30.0), Coin("EUR", 100, 20.0), Coin("PLN", 100, 0.05)), "0.05"),
    ],
)
def test_a_currency_whose_lines_are_worth_ten_times_as_much_has_its_rate_upside_down(
    coins: tuple[Coin, ...], median: str
) -> None:
    assert list(of_coins(coins, "EUR")) == [
        Finding(
            WARNING, "A line should be worth about as much in one currency as in another.",
            f"the median line in PLN is worth {median} EUR by its rate, the median line in EUR is "
            "20.00",
            "the rate may be upside down: write what one PLN is worth in EUR",
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    "coins",
    [
        (Coin("EUR", 100, 20.0), Coin("PLN", 100, 200.0), Coin("USD", 100, 2.0)),
        (Coin("EUR", 99, 20.0), Coin("PLN", 5_000, 900.0)),
        (Coin("EUR", 5_000, 20.0), Coin("PLN", 99, 900.0)),
        (Coin("PLN", 100, 1.0), Coin("USD", 100, 900.0)),
    ],
    ids=["ten times", "too few of ours", "too few of theirs", "none of ours"],
)
def test_currencies_that_are_alike_or_rare_are_not_compared(coins: tuple[Coin, ...]) -> None:
    assert list(of_coins(coins, "EUR")) == []
