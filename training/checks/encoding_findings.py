"""What is said of files whose encoding was taken for granted."""

from __future__ import annotations

from features.ingestion.encoding import ASSUMED
from features.ingestion.intake import Ingested
from training.checks.finding import WARNING, Finding


def of_encodings(account: Ingested) -> list[Finding]:
    """A warning for each file of a source that is not UTF-8 and whose encoding is not named."""
    return [
        Finding(
            WARNING, "The encoding of a source that is not UTF-8 should be named.",
            f"{url}, read as Windows-1252",
            f'if this is right, write encoding = "{ASSUMED}" beside its url, else what it was '
            'written in, such as encoding = "cp1250"',
            word,
        )
        for url, word in account.assumed
    ]  # fmt: skip
