"""What is wrong with amounts in several currencies: one that nobody named, a rate upside down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from features.ingestion.coins import Coin
from training.checks.finding import WARNING, Finding

LINES = 100  # of two currencies each, before their amounts are compared
TIMES = 10.0


def of_currencies(unnamed: Mapping[str, Sequence[str]], own: str) -> list[Finding]:
    """A warning for each column that `ingestion.currencies.unnamed` found."""
    return [
        Finding(
            WARNING, f"All amounts must be in {own}, or the column of their currency be named.",
            f"{column} holds {', '.join(codes[:5])}" + (", ..." if len(codes) > 5 else ""),
            f"where the amounts are in these currencies, name it: orders.columns.currency = "
            f'"{column}", and their rates in experiment.rates or a table of them in [rates]',
        )
        for column, codes in unnamed.items()
    ]  # fmt: skip


def of_coins(coins: Sequence[Coin], own: str) -> Iterator[Finding]:
    """A warning for each currency whose lines, converted, are far from those of our own."""
    many = {coin.currency: coin for coin in coins if coin.lines >= LINES}
    if own not in many:
        return
    usual = many.pop(own).median
    for code, coin in many.items():
        if usual / TIMES <= coin.median <= usual * TIMES:
            continue
        yield Finding(
            WARNING, "A line should be worth about as much in one currency as in another.",
            f"the median line in {code} is worth {_figure(coin.median)} {own} by its rate, the "
            f"median line in {own} is {_figure(usual)}",
            f"the rate may be upside down: write what one {code} is worth in {own}",
        )  # fmt: skip


def _figure(amount: float) -> str:
    return f"{amount:,.2f}" if amount >= 1 else f"{amount:.3g}"
