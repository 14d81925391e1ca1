"""What a gate's past runs tell of the service, for the next one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from devperfops_operator.analysis.past import PastEffect, PastRun, least_effect, long_range, whole_effect
from devperfops_operator.api.perfrun import (
    PastStatus,
    PerfRun,
    PerfRunStatus,
    Phase,
    Verdict,
    WholeRunsStatus,
)
from devperfops_operator.domain.objectives import Plan
from devperfops_operator.domain.verdict import UNSPOILT

_MOST_PERCENT = 1_000_000


def learned(plan: Plan, runs: Iterable[PerfRun], criteria: str) -> tuple[PastStatus, ...]:
    """Of runs by the same criteria, whose test was valid. A revision that failed shows no usual service."""
    telling = [run.status for run in runs if _tells(run.status, criteria)]
    counted = {objective.name: list(_counts(objective.name, telling)) for objective in plan.objectives}
    return tuple(_status(name, counts) for name, counts in counted.items() if counts)


def past_effects(status: PerfRunStatus) -> Mapping[str, PastEffect]:
    """As the run was told when it began, by objective."""
    return {past.name: _effect(past) for past in status.past}


def _tells(status: PerfRunStatus, criteria: str) -> bool:
    ended = status.phase is Phase.COMPLETED and status.criteria_hash == criteria
    return ended and status.reason in UNSPOILT


def _counts(name: str, runs: Iterable[PerfRunStatus]) -> Iterator[PastRun]:
    for run in runs:
        whole = run.load is None or run.load.stop_requested_at == run.load.planned_end_at
        for each in run.objectives:
            known = each.name == name and each.verdict is not Verdict.FAIL and each.samples
            if known and each.independent_samples is not None:
                yield PastRun(each.samples, each.exceedances, each.independent_samples, whole)


def _status(name: str, counts: Sequence[PastRun]) -> PastStatus:
    samples, of_whole = _samples(counts), whole_effect(counts)
    return PastStatus(
        name=name,
        runs=len(counts),
        samples=samples,
        independent_samples=_worth(samples, least_effect(counts)),
        long_range_percent=min(_MOST_PERCENT, round(100 * long_range(counts))),
        whole=None if of_whole is None else _whole_runs([each for each in counts if each.whole], of_whole),
    )


def _whole_runs(counts: Sequence[PastRun], effect: float) -> WholeRunsStatus:
    samples = _samples(counts)
    return WholeRunsStatus(runs=len(counts), samples=samples, independent_samples=_worth(samples, effect))


def _samples(counts: Sequence[PastRun]) -> int:
    return sum(count.samples for count in counts)


def _worth(samples: int, effect: float) -> int:
    return max(1, math.floor(samples / effect))


def _effect(past: PastStatus) -> PastEffect:
    least, whole = past.samples / max(1, past.independent_samples), past.whole
    found = PastEffect(least, max(100, past.long_range_percent) / 100)
    if whole is None:
        return found
    of_whole = whole.samples / max(1, whole.independent_samples)
    return replace(found, of_whole=of_whole, whole_samples=whole.samples // max(1, whole.runs))
