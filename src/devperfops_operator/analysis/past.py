"""How much a service's samples hang together, as far as its past runs tell.

A run sees what comes often enough to happen in it. A stall of three seconds every five minutes or so is
absent from one run of ten minutes in seven; its samples look independent then, and are not.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from devperfops_operator.analysis.timeline import design_effect_of

_FEWEST: Final = 6  # runs whose variance is worth anything


@dataclass(frozen=True, slots=True)
class PastRun:
    """What one counted. `independent`: as how many samples, by what it saw itself."""

    samples: int
    exceedances: int
    independent: int


def past_effect(runs: Collection[PastRun]) -> float:
    """The design effect by which the next run's samples must be divided at least; 1 or more.

    The larger of two: the effect within runs, all of them together, and that of runs as blocks, which shows
    what lasts longer than any block within.
    """
    return max(1.0, _within(runs), _between(runs))


def _within(runs: Collection[PastRun]) -> float:
    """Weighted by exceedances, because each run's variance is its effect times about as many of these."""
    exceedances = sum(run.exceedances for run in runs)
    if not exceedances:
        return 1.0
    return sum(run.exceedances * run.samples / max(1, run.independent) for run in runs) / exceedances


def _between(runs: Collection[PastRun]) -> float:
    if len(runs) < _FEWEST:
        return 1.0
    return design_effect_of([(run.samples, run.exceedances) for run in runs])
