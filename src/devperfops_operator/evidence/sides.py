"""Samples whose percentile is compared with another: failed ones are slower than any."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from devperfops_operator.wire.histogram import quantile
from devperfops_operator.wire.measurement import LabelStats


@dataclass(slots=True)
class Side:
    """A histogram of the samples that succeeded, and how many failed."""

    succeeded: Counter[int] = field(default_factory=Counter)
    failed: int = 0

    def add(self, stats: Iterable[LabelStats]) -> None:
        for each in stats:
            self.succeeded.update(each.histogram)
            self.succeeded.subtract(each.failed)
            self.failed += each.errors

    def merge(self, other: Side) -> None:
        self.succeeded.update(other.succeeded)
        self.failed += other.failed

    @property
    def samples(self) -> int:
        return self.succeeded.total() + self.failed

    def quantile(self, share: Fraction) -> float | None:
        """In milliseconds; inf: more failed than lie beyond it. None: no sample."""
        if not self.samples:
            return None
        rank, succeeded = math.ceil(share * self.samples), self.succeeded.total()
        return math.inf if rank > succeeded else quantile(self.succeeded, Fraction(rank, succeeded))
