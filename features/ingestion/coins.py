"""What an order line costs in each currency, once it is converted."""

from dataclasses import dataclass

import duckdb

_MOST = 1_000_000  # lines that a median is taken of


@dataclass(frozen=True)
class Coin:
    """Order lines above 0 in one currency: how many, and the median in the experiment's currency.

    Of more than a million lines an even share is looked at, chosen by their place in the source.
    """

    currency: str
    lines: int
    median: float


def measured(con: duckdb.DuckDBPyConnection, rate: str, later: str, lines: int) -> tuple[Coin, ...]:
    """The currencies of `judged_rows`, of about so many lines, in their order; none of only one.

    SQL: `rate`, what a line's currency is worth; `later`, whether it is left out as of `as_of`.
    """
    step = -(-lines // _MOST)
    found = con.execute(
        f"SELECT currency, count(*), median(amount * {rate}) FROM judged_rows WHERE problem IS "
        f'NULL AND NOT {later} AND amount > 0 AND hash("row") % {step} = 0 '
        "GROUP BY currency ORDER BY currency"
    ).fetchall()
    return tuple(Coin(*each) for each in found) if len(found) > 1 else ()
