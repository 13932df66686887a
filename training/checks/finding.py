"""One thing that is wrong with the data, and how much that matters."""

from __future__ import annotations

import dataclasses

from features.errors import CoterieError

BLOCKER, WARNING, HINT = "blocker", "warning", "hint"


@dataclasses.dataclass(frozen=True)
class Finding:
    """`weight` is blocker (training would be refused), warning or hint; the rest as in
    `features.errors.CoterieError`.

    example: one customer's own value, for a terminal and not for a page.
    """

    weight: str
    rule: str
    seen: str
    remedy: str
    example: str | None = None

    @classmethod
    def of(cls, problem: CoterieError) -> Finding:
        """The blocker that a refusal is."""
        return cls(BLOCKER, problem.rule, problem.seen, problem.remedy)

    def told(self) -> str:
        """What was seen, with the example."""
        return self.seen if self.example is None else f"{self.seen}, for instance {self.example!r}"
