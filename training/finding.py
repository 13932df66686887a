"""One thing that is wrong with the data, and how much that matters."""

from __future__ import annotations

import dataclasses

from features.errors import CoterieError

BLOCKER, WARNING, HINT = "blocker", "warning", "hint"


@dataclasses.dataclass(frozen=True)
class Finding:
    """`weight` is blocker (training would be refused), warning or hint; the rest as in
    `features.errors.CoterieError`.
    """

    weight: str
    rule: str
    seen: str
    remedy: str

    @classmethod
    def of(cls, problem: CoterieError) -> Finding:
        """The blocker that a refusal is."""
        return cls(BLOCKER, problem.rule, problem.seen, problem.remedy)
