"""How blocks that are compared hang together: what the run itself shows, and what earlier ones do.

A level that moves within minutes makes neighbouring blocks alike: ten of them tell hardly more than one. By
how much sums of 2, 4, 8 ... neighbours, the *batches*, vary more than those of independent blocks would is
the design effect. A run holds few long batches. Twenty runs hold many, and they tell, too, how much whole
runs differ: little, if what moves within a run is over when it ends.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from statistics import fmean, pvariance, variance
from typing import Final

from devperfops_operator.analysis.scatter import (
    ALIKE,
    AS_LONG,
    FEWEST,
    Scatter,
    Scatters,
    at_most,
    effect_of,
    joined,
    usual,
)

_LENGTHS: Final = tuple(2**power for power in range(1, 11))  # of a batch, in blocks
_FEW: Final = 3  # batches of this run that are something beside the usual ones
_UNSEEN: Final = 2  # times its own design effect: what one run may not have seen yet


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """What an earlier run showed. `mean`, `deviation`: of its blocks' values. `whole`: played to its end."""

    blocks: int
    mean: float
    deviation: float
    scatter: Scatters = field(default_factory=dict)
    whole: bool = True


@dataclass(frozen=True, slots=True)
class PastBatches:
    """What `runs` earlier runs tell; nothing if these are none.

    `usual`: of their batches; `of_whole`: the design effect of all blocks of a whole run, of which there are
    `whole_blocks`, at most; None: not known.
    """

    runs: int = 0
    usual: Scatters = field(default_factory=dict)
    of_whole: float | None = None
    whole_blocks: float = 0.0

    def so_far(self, own: Scatters) -> float:
        """At any look while blocks come."""
        if not self.usual:
            return _UNSEEN * own_effect(own)
        known = {length: scatter for length, scatter in own.items() if scatter.blocks >= _FEW}
        joint = joined(known, self.usual)
        return max([1.0, *(joint[length].ratio for length in known)])

    def at_end(self, own: Scatters, blocks: int) -> float:
        """Once `blocks` are all there will be. Ups and downs that are the usual ones may count for less."""
        if not self.usual:
            return own_effect(own)
        effect = effect_of(joined(own, self.usual))
        if self.of_whole is None or not self._alike(own, blocks):
            return effect
        return min(effect, max(1.0, self.of_whole))

    def _alike(self, own: Scatters, blocks: int) -> bool:
        expected = max([1.0, *(each.ratio for each in self.usual.values())])
        return own_effect(own) <= ALIKE * expected and blocks >= AS_LONG * self.whole_blocks


def scatter_of(values: Sequence[float], block_seconds: int) -> Scatters:
    """Of all batches of which there are two or more; nothing of values that are all the same."""
    spread = pvariance(values) if values else 0.0
    if not spread:
        return {}
    sums = [0.0, *accumulate(values)]
    lengths = [length for length in _LENGTHS if 2 * length <= len(values)]
    return {length * block_seconds: _batches(sums[::length], length * spread) for length in lengths}


def own_effect(own: Scatters) -> float:
    """By one run alone, at least 1: at its worst, of lengths of which it has some batches."""
    return max([1.0, *(scatter.ratio for scatter in own.values() if scatter.blocks >= FEWEST)])


def learned(runs: Collection[ComparedRun]) -> PastBatches:
    """Nothing of fewer than FEWEST: what one run tells for another must not cost more than it gains."""
    batches = usual([(run.blocks * run.deviation**2, run.scatter) for run in runs])
    if len(runs) < FEWEST or not batches:
        return PastBatches()
    whole = [run for run in runs if run.whole]
    blocks = fmean(run.blocks for run in whole) if whole else 0.0
    return PastBatches(len(runs), batches, _of_whole(whole, blocks), blocks)


def _batches(sums: Sequence[float], expected: float) -> Scatter:
    """`sums`: up to the end of each batch; `expected`: the variance of independent ones."""
    batches = [after - before for before, after in pairwise(sums)]
    return Scatter(variance(batches) / expected, len(batches))


def _of_whole(whole: Collection[ComparedRun], blocks: float) -> float | None:
    """`blocks`: of one of them, on average."""
    spread = fmean(run.deviation**2 for run in whole) if whole else 0.0
    if len(whole) < FEWEST or not spread:
        return None
    return at_most(variance(run.mean for run in whole) * blocks / spread, len(whole))
