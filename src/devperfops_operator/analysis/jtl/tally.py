"""Sums by key: added in any order, they are the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from devperfops_operator.analysis.jtl.split import Ints


@dataclass(frozen=True, slots=True)
class Tally:
    """`keys` (n) ascend; `sums` (n, 1 + m): how many there were of each, and the sums of m columns."""

    keys: Ints
    sums: Ints

    @classmethod
    def of(cls, keys: Ints, *columns: Ints) -> Self:
        if columns:
            ones = np.ones(len(keys), np.int64)
            return cls._summed(keys, np.stack([ones, *columns], axis=1))
        found, counts = np.unique(keys, return_counts=True)
        return cls(found, counts[:, None])

    @classmethod
    def merged(cls, tallies: Sequence[Tally]) -> Self:
        """There must be a tally; all have the same columns."""
        keys = np.concatenate([tally.keys for tally in tallies])
        return cls._summed(keys, np.concatenate([tally.sums for tally in tallies]))

    @classmethod
    def _summed(cls, keys: Ints, rows: Ints) -> Self:
        if not len(keys):
            return cls(keys, rows)
        order = np.argsort(keys)
        ascending = keys[order]
        first = np.flatnonzero(np.diff(ascending, prepend=ascending[0] - 1))
        return cls(ascending[first], np.add.reduceat(rows[order], first, axis=0))

    def between(self, low: int, high: int) -> Self:
        """The part with low <= key < high."""
        begin, end = np.searchsorted(self.keys, [low, high])
        return type(self)(self.keys[begin:end], self.sums[begin:end])
