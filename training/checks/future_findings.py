"""What is said of rows that lie after today, where nobody asked for another moment to stand at."""

from __future__ import annotations

from features.ingestion.intake import Ingested, tomorrow
from training.checks.finding import HINT, WARNING, Finding


def of_future(account: Ingested, orders: str) -> list[Finding]:
    """A finding on one source's rows after today; a warning where it is that of the `orders`."""
    if not account.later:
        return []
    return [
        Finding(
            WARNING if account.source == orders else HINT,
            f"{account.source}: nothing can have happened later than today.",
            f"{account.later:,} of {account.rows_judged:,} rows from {tomorrow():%Y-%m-%d} (UTC) "
            "on",
            "they are left out: if they are slips, correct the moments (moment_format); to read "
            "them, say with --as-of where to stand",
        )
    ]
