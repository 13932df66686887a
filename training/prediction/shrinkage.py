"""Where events are few, learned estimates are drawn towards a simple model's; numpy only.

The ladder: learned models alone; drawn towards MBG/NBD and Gamma-Gamma, which know how customers
age before anything is learned; towards means of RFM cells, where those models are refused. Below
100 customers a window nothing is estimated (`training.snapshots.require_enough`).
"""

from __future__ import annotations

import dataclasses

import numpy as np

#: Events in training at which the learned models and the simple one count the same.
HALF = 50.0
#: A share of less than this changes next to nothing, and is none.
LEAST = 0.05
#: Of churn the structural model keeps this share however many the events: it errs in another way.
ALWAYS = 0.1


@dataclasses.dataclass(frozen=True)
class Shrinkage:
    """`churn` and `value` in [0, 1] are the weights of the simple model in churn, and in orders and
    spend; `events` and `spent` are the training rows that they are chosen by. What
    the simple model says of spend counts up to `most`, the greatest that came (currency): a history
    with one amount beyond all others would drown everybody.
    """

    churn: float = 0.0
    value: float = 0.0
    events: int = 0
    spent: int = 0
    most: float = 0.0
    simple: str = "MBG/NBD and Gamma-Gamma"

    @property
    def rung(self) -> str:
        """The rung of the ladder, in words.

        >>> Shrinkage().rung
        'learned models'
        >>> Shrinkage(0.5, 0.0, 50, 4_000).rung
        'learned models, churn drawn 50% (50 events) towards MBG/NBD and Gamma-Gamma'
        """
        few = self.churn not in (0.0, ALWAYS)
        drawn = [f"churn drawn {self.churn:.0%} ({self.events:,} events)"] if few else []
        drawn += [f"value {self.value:.0%} ({self.spent:,} who spent)"] if self.value else []
        towards = f" towards {self.simple}" if drawn else ""
        return ", ".join(["learned models", *drawn]) + towards


def chosen(orders: np.ndarray, spend: np.ndarray, structural: bool) -> Shrinkage:
    """By the outcomes of the training rows, each (n,), of customers with an order before. Churn has
    as many events as there are rows of its rarer outcome (an order in the window, or none), value
    as many as spent anything. Where it is `structural`, the simple model always has a say in churn.
    """
    ordered, spent = int((orders > 0).sum()), int((spend > 0).sum())
    events = min(ordered, len(orders) - ordered)
    shares = [HALF / (HALF + count) for count in (events, spent)]
    churn, value = (share if share >= LEAST else 0.0 for share in shares)
    churn = max(churn, ALWAYS) if structural else churn
    simple = Shrinkage.simple if structural else "means of RFM cells"
    return Shrinkage(churn, value, events, spent, float(spend.max(initial=0.0)), simple)


def drawn(learned: np.ndarray, simple: np.ndarray, share: float) -> np.ndarray:
    """(n,) between both; as learned where the simple model knows nothing (nan)."""
    return np.where(np.isnan(simple), learned, (1.0 - share) * learned + share * simple)
