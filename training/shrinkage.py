"""Where events are few, learned estimates are drawn towards a simple model's; numpy only.

The ladder: learned models alone; drawn towards MBG/NBD and Gamma-Gamma, which know how customers
age before anything is learned; towards means of RFM cells, where those models are refused. Below
100 customers a window nothing is estimated (`training.snapshots.require_enough`).
"""

from __future__ import annotations

import dataclasses

import numpy as np

#: Events of the rarer outcome in training at which learned and simple count the same.
HALF = 100.0
#: A share of less than this changes nothing, and is none.
LEAST = 0.05


@dataclasses.dataclass(frozen=True)
class Shrinkage:
    """`share` in [0, 1) is the weight of the simple model; `events` are what it is chosen by."""

    share: float = 0.0
    events: int = 0
    simple: str = "MBG/NBD and Gamma-Gamma"

    @property
    def rung(self) -> str:
        """The rung of the ladder, in words.

        >>> Shrinkage().rung
        'learned models'
        >>> Shrinkage(0.5, 100).rung
        'learned models, drawn 50% towards MBG/NBD and Gamma-Gamma: only 100 events'
        """
        if not self.share:
            return "learned models"
        drawn = f"drawn {self.share:.0%} towards {self.simple}"
        return f"learned models, {drawn}: only {self.events:,} events"


def chosen(future_orders: np.ndarray, structural: bool) -> Shrinkage:
    """By the outcomes of the training rows (n,) of customers with an order; an event is a row of
    the rarer outcome, an order in the window or none.
    """
    ordered = int((future_orders > 0).sum())
    events = min(ordered, len(future_orders) - ordered)
    share = HALF / (HALF + events)
    simple = Shrinkage.simple if structural else "means of RFM cells"
    return Shrinkage(share if share >= LEAST else 0.0, events, simple)


def drawn(learned: np.ndarray, simple: np.ndarray, share: float) -> np.ndarray:
    """(n,) between both; as learned where the simple model knows nothing (nan)."""
    return np.where(np.isnan(simple), learned, (1.0 - share) * learned + share * simple)
