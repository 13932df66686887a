"""What is said of values whose rows were to be left out, and that no row has."""

from __future__ import annotations

from features.ingestion.intake import Ingested
from training.checks.finding import WARNING, Finding

MOST_NAMED = 5


def of_left_out(account: Ingested) -> list[Finding]:
    """A warning, where there are any; customers' ids are counted, and one is an example."""
    if not account.unmatched:
        return []
    ids = [value for column, value in account.unmatched if column == account.customer]
    told = [f"{v!r} of {c!r}" for c, v in account.unmatched if c != account.customer]
    said = told[:MOST_NAMED] + ([f"{len(told) - MOST_NAMED:,} more"] if told[MOST_NAMED:] else [])
    if ids:
        said.append(f"{len(ids):,} of {account.customer!r}")
    return [
        Finding(
            WARNING, f"{account.source}: what is to be left out should be there.",
            f"in no row: {'; '.join(said)}",
            "write the values as the source has them, or remove them from leave_out",
            ids[0] if ids else None,
        )
    ]  # fmt: skip
