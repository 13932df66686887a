"""Customers of several rows, drawn with all of them: the cluster bootstrap (Davison & Hinkley 1997,
section 3.8; Field & Welsh 2007).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

LEAST = 20  # of one size; draws of fewer tell no interval


class Groups:
    """Groups of rows drawn with replacement, as many as there are, each with all its rows. Those of
    several rows are `few` where they count for less than `LEAST` of one size.
    """

    def __init__(self, groups: npt.NDArray[Any]) -> None:
        _, first, member = np.unique(groups, return_index=True, return_inverse=True)
        # Numbered as they appear, so that groups of one row are drawn as the rows would be.
        self.member = np.argsort(np.argsort(first))[member]
        self.sizes = np.bincount(self.member)
        self.order = np.argsort(self.member, kind="stable")
        self.starts = np.cumsum(self.sizes) - self.sizes
        alike = len(groups) ** 2 / max(int((self.sizes**2).sum()), 1)
        self.few = len(self.sizes) < len(groups) and alike < LEAST

    def _drawn(self, generator: np.random.Generator) -> npt.NDArray[np.int64]:
        return generator.integers(0, len(self.sizes), len(self.sizes))

    def counts(self, generator: np.random.Generator) -> npt.NDArray[np.intp]:
        """(n,) how often each row is drawn."""
        often = np.bincount(self._drawn(generator), minlength=len(self.sizes))
        return often[self.member]

    def rows(self, generator: np.random.Generator) -> npt.NDArray[np.intp]:
        """The places of the rows drawn, of the same draw as `counts` makes."""
        groups = self._drawn(generator)
        sizes = self.sizes[groups]
        begins = self.starts[groups] - (np.cumsum(sizes) - sizes)
        return self.order[np.repeat(begins, sizes) + np.arange(sizes.sum())]
