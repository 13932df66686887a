"""What the models are to reach on the first cut-off of each data set, and whether they did.

Each figure is about what the best careful baseline for that cell reached with the same inputs; no
single baseline reached them all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

LEAST, MOST, WITHIN = "at least", "at most", "within ±"


@dataclasses.dataclass(frozen=True)
class Aim:
    """A figure to reach."""

    measure: str
    how: str
    value: float

    def held(self, seen: float) -> bool:
        """Whether the figure seen reaches it.

        >>> Aim("bias", WITHIN, 0.05).held(-0.06), Aim("AUC", LEAST, 0.8).held(0.8)
        (False, True)
        """
        if self.how == WITHIN:
            return abs(seen) <= self.value
        return seen >= self.value if self.how == LEAST else seen <= self.value


AIMS: Mapping[str, tuple[Aim, ...]] = {
    "cj90": (
        Aim("AUC", LEAST, 0.892), Aim("norm. Gini", LEAST, 0.872), Aim("bias", WITHIN, 0.05),
        Aim("Brier", MOST, 0.0455), Aim("RMSE", MOST, 259.7), Aim("decile MAPE", MOST, 0.08),
    ),
    "cj30": (
        Aim("AUC", LEAST, 0.891), Aim("norm. Gini", LEAST, 0.848), Aim("bias", WITHIN, 0.05),
        Aim("Brier", MOST, 0.0940),
    ),
    "cdnow273": (
        Aim("AUC", LEAST, 0.770), Aim("norm. Gini", LEAST, 0.722), Aim("bias", WITHIN, 0.10),
        Aim("ECE", MOST, 0.03), Aim("Brier", MOST, 0.1595),
    ),
    "cdnow181": (
        Aim("AUC", LEAST, 0.807), Aim("norm. Gini", LEAST, 0.763), Aim("bias", WITHIN, 0.10),
        Aim("Brier", MOST, 0.1287), Aim("RMSE", MOST, 56.5), Aim("decile MAPE", MOST, 0.215),
    ),
}  # fmt: skip
CONTRACTS = (Aim("AUC", LEAST, 0.850), Aim("Brier", MOST, 0.1333))
#: Intervals at level 80 %: the largest share outside, overall and in any fifth.
OUTSIDE, OUTSIDE_OF_A_FIFTH = 0.22, 0.26
