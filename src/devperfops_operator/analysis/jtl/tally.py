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
            return cls.summed(keys, np.stack([ones, *columns], axis=1))
        found, counts = np.unique(keys, return_counts=True)
        return cls(found, counts[:, None])

    @classmethod
    def merged(cls, tallies: Sequence[Self]) -> Self:
        """There must be a tally; all have the same columns."""
        *small, large = sorted(tallies, key=lambda tally: len(tally.keys))
        if len(large.keys) <= sum(len(tally.keys) for tally in small):
            return cls._joined(tallies)
        return large._plus(cls._joined(small)) if small else large  # noqa: SLF001  its own

    @classmethod
    def _joined(cls, tallies: Sequence[Self]) -> Self:
        keys = np.concatenate([tally.keys for tally in tallies])
        return cls.summed(keys, np.concatenate([tally.sums for tally in tallies]))

    def _plus(self, small: Self) -> Self:
        """Without sorting again: a fraction of the memory."""
        place = np.searchsorted(self.keys, small.keys)
        known = self.keys[np.minimum(place, len(self.keys) - 1)] == small.keys
        sums = self.sums.copy()
        sums[place[known]] += small.sums[known]
        new, added = place[~known], small.sums[~known]
        return type(self)(np.insert(self.keys, new, small.keys[~known]), np.insert(sums, new, added, axis=0))

    @classmethod
    def summed(cls, keys: Ints, rows: Ints) -> Self:
        """Of keys in any order, several times the same among them, and the sums of each."""
        if not len(keys):
            return cls(keys, rows)
        order = np.argsort(keys)
        keys, rows = keys[order], rows[order]
        first = np.flatnonzero(np.diff(keys, prepend=keys[0] - 1))
        return cls(keys[first], np.add.reduceat(rows, first, axis=0))

    def between(self, low: int, high: int) -> Self:
        """The part with low <= key < high."""
        begin, end = np.searchsorted(self.keys, [low, high])
        return type(self)(self.keys[begin:end], self.sums[begin:end])
