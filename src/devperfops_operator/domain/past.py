"""What a gate's past runs tell of the service, for the next one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

from devperfops_operator.analysis.past import PastRun, past_effect
from devperfops_operator.api.perfrun import (
    ObjectiveStatus,
    PastStatus,
    PerfRun,
    PerfRunStatus,
    Phase,
    Verdict,
)
from devperfops_operator.domain.objectives import Plan
from devperfops_operator.domain.verdict import Reason

_VALID = {Reason.OBJECTIVES_MET.value, Reason.NOT_ENOUGH_EVIDENCE.value}


def learned(plan: Plan, runs: Iterable[PerfRun], criteria: str) -> tuple[PastStatus, ...]:
    """Of runs by the same criteria, whose test was valid. A revision that failed shows no usual service."""
    objectives = [o for run in runs if _tells(run.status, criteria) for o in run.status.objectives]
    told = {o.name: list(_counts(o.name, objectives)) for o in plan.objectives}
    return tuple(_status(name, counts) for name, counts in told.items() if counts)


def effects(status: PerfRunStatus) -> Mapping[str, float]:
    """The design effects its past runs had told when the run began, by objective."""
    return {past.name: past.samples / max(1, past.independent_samples) for past in status.past}


def _tells(status: PerfRunStatus, criteria: str) -> bool:
    ended = status.phase is Phase.COMPLETED and status.criteria_hash == criteria
    return ended and status.reason in _VALID


def _counts(name: str, objectives: Iterable[ObjectiveStatus]) -> Iterator[PastRun]:
    for each in objectives:
        known = each.name == name and each.verdict is not Verdict.FAIL and each.samples
        if known and each.independent_samples is not None:
            yield PastRun(each.samples, each.exceedances, each.independent_samples)


def _status(name: str, counts: list[PastRun]) -> PastStatus:
    samples = sum(count.samples for count in counts)
    worth = max(1, math.floor(samples / past_effect(counts)))
    return PastStatus(name=name, runs=len(counts), samples=samples, independent_samples=worth)
