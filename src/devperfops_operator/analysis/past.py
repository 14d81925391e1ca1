"""How much a service's samples hang together, as far as its past runs tell.

A run sees what comes often enough to happen in it. A stall of three seconds every five minutes or so is
absent from one run of ten minutes in seven; its samples look independent then, and are not.

The other way round a run cannot see that its clumps are regular. A stall that comes by the clock, or once at
the start, makes every run count nearly the same, however much its samples hang together within.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

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
from devperfops_operator.analysis.timeline import variance_ratio


@dataclass(frozen=True, slots=True)
class PastRun:
    """What one counted. `independent`: as how many samples, by what it saw itself.

    `scatter`: of its blocks. `whole`: it was not stopped before its planned end.
    """

    samples: int
    exceedances: int
    independent: int
    scatter: Scatters = field(default_factory=dict)
    whole: bool = True


@dataclass(frozen=True, slots=True)
class PastEffect:
    """`least`: the design effect of samples of this service, whatever a run itself sees.

    `long_range`: how many times more the runs vary than each of them sees, at least 1.
    `of_whole`: that of all samples of a whole run, of which there are `whole_samples`, at most; None: not
    known.
    `usual`: of the blocks of all those runs. `between`: the ratio of runs as blocks, at least 1.
    """

    least: float = 1.0
    long_range: float = 1.0
    of_whole: float | None = None
    whole_samples: int = 0
    usual: Scatters = field(default_factory=dict)
    between: float = 1.0

    def so_far(self, own: Scatters) -> float:
        """At any look; `own`: what the run has seen itself."""
        if not own or not self.usual:
            return max(effect_of(own), self.least)
        return max(self.between, effect_of(joined(own, self.usual)))

    def at_end(self, own: Scatters, samples: int) -> float:
        """When a run has come to its end. Regular clumps count for less, if they are the usual ones."""
        alike = effect_of(own) <= ALIKE * self.least and samples >= AS_LONG * self.whole_samples
        if self.of_whole is None or not alike:
            return self.so_far(own)
        return min(self.so_far(own), max(1.0, self.of_whole))


def least_effect(runs: Collection[PastRun]) -> float:
    """At least 1. The larger of two: the effect within runs, and, of some runs, that of runs as blocks.

    The latter shows what lasts longer than any block within.
    """
    return max(1.0, _within(runs), _between(runs).prudent)


def long_range(runs: Collection[PastRun]) -> float:
    """How many times more runs vary from each other than their samples within let expect; 1 of too few.

    A level that moves within minutes does that, and no stall: so a Fail is asked to be so much surer, and a
    service with stalls is failed as soon as any other.
    """
    return max(1.0, _between(runs).prudent / _within(runs))


def between(runs: Collection[PastRun]) -> float:
    """That of runs as blocks, as it is; 1 of too few."""
    return max(1.0, _between(runs).ratio)


def usual_scatter(runs: Collection[PastRun]) -> Scatters:
    """Of the blocks of all runs together, weighted as in `_within`."""
    return usual([(run.exceedances, run.scatter) for run in runs])


def whole_effect(runs: Collection[PastRun]) -> float | None:
    """The design effect of whole runs, which are blocks here, at most.

    None: of too few, or without an exceedance.
    """
    whole = [run for run in runs if run.whole]
    if len(whole) < FEWEST or not any(run.exceedances for run in whole):
        return None
    return max(1.0, at_most(variance_ratio(_blocks(whole)), len(whole)))


def _between(runs: Collection[PastRun]) -> Scatter:
    """Of runs as blocks; nothing of fewer than FEWEST."""
    if len(runs) < FEWEST:
        return Scatter(0.0, FEWEST)
    return Scatter(variance_ratio(_blocks(runs)), len(runs))


def _within(runs: Collection[PastRun]) -> float:
    """Weighted by exceedances, because each run's variance is its effect times about as many of these."""
    exceedances = sum(run.exceedances for run in runs)
    if not exceedances:
        return 1.0
    return sum(run.exceedances * run.samples / max(1, run.independent) for run in runs) / exceedances


def _blocks(runs: Collection[PastRun]) -> list[tuple[int, int]]:
    return [(run.samples, run.exceedances) for run in runs]
