"""What a gate's past runs tell of how compared blocks hang together, for the next one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from devperfops_operator.analysis.batches import ComparedRun, PastBatches, learned
from devperfops_operator.api.perfrun import (
    ComparedStatus,
    PastComparedStatus,
    PerfRun,
    PerfRunStatus,
    Verdict,
)
from devperfops_operator.domain.objectives import AgainstBaseline, Plan
from devperfops_operator.domain.past import percent, played_whole, scatters, tells, told_scatter

_MILLION: Final = 1_000_000


def compared(plan: Plan, runs: Iterable[PerfRun], criteria: str) -> tuple[PastComparedStatus, ...]:
    """Of objectives that compare with a baseline, by the runs that `domain.past` takes."""
    telling = [run.status for run in runs if tells(run.status, criteria)]
    names = [each.name for each in plan.objectives if isinstance(each.counted, AgainstBaseline)]
    told = {name: learned(list(_compared_runs(name, telling))) for name in names}
    return tuple(_status(name, past) for name, past in told.items() if past.runs)


def past_batches(status: PerfRunStatus) -> Mapping[str, PastBatches]:
    """As the run was told when it began, by objective."""
    return {past.name: _batches(past) for past in status.past_compared}


def told_compared(shown: ComparedRun) -> ComparedStatus:
    """What a comparison has shown, but for its scatter."""
    return ComparedStatus(
        blocks=shown.blocks, mean=round(_MILLION * shown.mean), deviation=round(_MILLION * shown.deviation)
    )


def _compared_runs(name: str, runs: Iterable[PerfRunStatus]) -> Iterator[ComparedRun]:
    for run in runs:
        for each in run.objectives:
            if each.name == name and each.verdict is not Verdict.FAIL and each.compared is not None:
                told = each.compared
                mean, deviation = told.mean / _MILLION, told.deviation / _MILLION
                yield ComparedRun(told.blocks, mean, deviation, scatters(each.scatter), played_whole(run))


def _status(name: str, past: PastBatches) -> PastComparedStatus:
    return PastComparedStatus(
        name=name,
        runs=past.runs,
        blocks=round(past.whole_blocks),
        scatter=told_scatter(past.usual),
        whole_percent=None if past.of_whole is None else percent(past.of_whole),
    )


def _batches(past: PastComparedStatus) -> PastBatches:
    of_whole = None if past.whole_percent is None else past.whole_percent / 100
    return PastBatches(past.runs, scatters(past.scatter), of_whole, past.blocks)
