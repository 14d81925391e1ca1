"""What a gate's past runs tell of the service, for the next one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from devperfops_operator.analysis.past import (
    PastEffect,
    PastRun,
    between,
    least_effect,
    long_range,
    usual_scatter,
    whole_effect,
)
from devperfops_operator.analysis.runs import FEWEST_RUNS, PastTimes
from devperfops_operator.analysis.scatter import Scatter, Scatters
from devperfops_operator.api.perfrun import (
    MAX_PAST_TIMES,
    ObjectiveStatus,
    PastStatus,
    PastTimesStatus,
    PerfRun,
    PerfRunStatus,
    Phase,
    ScatterStatus,
    Verdict,
    WholeRunsStatus,
)
from devperfops_operator.domain.objectives import AgainstPast, JudgedObjective, Plan
from devperfops_operator.domain.verdict import UNSPOILT

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)
_MOST_PERCENT = 1_000_000


def learned(plan: Plan, runs: Iterable[PerfRun], criteria: str) -> tuple[PastStatus, ...]:
    """Of runs by the same criteria, whose test was valid. A revision that failed shows no usual service."""
    telling = [run.status for run in runs if tells(run.status, criteria)]
    counted = {objective.name: list(_counts(objective, telling)) for objective in plan.objectives}
    return tuple(_status(name, counts) for name, counts in counted.items() if counts)


def recalled(plan: Plan, runs: Iterable[PerfRun], criteria: str) -> tuple[PastTimesStatus, ...]:
    """Likewise for objectives that compare with earlier runs: those that passed.

    While there are too few of these nothing can pass, and all count that did not fail.
    """
    newest_last = sorted(runs, key=lambda run: run.metadata.creation_timestamp or _BEFORE_ALL)
    telling = [run.status for run in newest_last if tells(run.status, criteria)]
    names = [objective.name for objective in plan.objectives if isinstance(objective.counted, AgainstPast)]
    return tuple(_times(name, telling) for name in names)


def past_times(status: PerfRunStatus) -> Mapping[str, PastTimes]:
    """As the run was told when it began, by objective."""
    return {past.name: PastTimes(past.times_ms, past.samples) for past in status.past_times}


def past_effects(status: PerfRunStatus) -> Mapping[str, PastEffect]:
    """As the run was told when it began, by objective."""
    return {past.name: _effect(past) for past in status.past}


def own_scatters(status: PerfRunStatus) -> Mapping[str, Scatters]:
    """What the run itself had shown when its status was stored, by objective."""
    return {each.name: scatters(each.scatter) for each in status.objectives}


def told_scatter(scatters: Scatters) -> tuple[ScatterStatus, ...]:
    return tuple(
        ScatterStatus(seconds=width, blocks=each.blocks, percent=percent(each.ratio))
        for width, each in scatters.items()
    )


def scatters(stored: Iterable[ScatterStatus]) -> Scatters:
    return {each.seconds: Scatter(each.percent / 100, each.blocks) for each in stored if each.blocks > 1}


def tells(status: PerfRunStatus, criteria: str) -> bool:
    ended = status.phase is Phase.COMPLETED and status.criteria_hash == criteria
    return ended and status.reason in UNSPOILT


def played_whole(run: PerfRunStatus) -> bool:
    """Whether it was not stopped before its planned end."""
    return run.load is None or run.load.stop_requested_at == run.load.planned_end_at


def _counts(objective: JudgedObjective, runs: Iterable[PerfRunStatus]) -> Iterator[PastRun]:
    for run in runs:
        for each in run.objectives:
            same = (each.name, each.expect) == (objective.name, objective.expect)
            known = same and each.verdict is not Verdict.FAIL and each.samples
            if known and each.independent_samples is not None:
                scatter = scatters(each.scatter)
                yield PastRun(
                    each.samples, each.exceedances, each.independent_samples, scatter, played_whole(run)
                )


def _times(name: str, runs: Iterable[PerfRunStatus]) -> PastTimesStatus:
    usual = [each for run in runs for each in run.objectives if each.name == name and _usual(each, run)]
    known = usual[-MAX_PAST_TIMES:]
    times = tuple(each.time_ms for each in known if each.time_ms is not None)
    samples = sum(each.samples for each in known) // max(1, len(known))
    return PastTimesStatus(name=name, times_ms=times, samples=samples)


def _usual(each: ObjectiveStatus, run: PerfRunStatus) -> bool:
    """Whether it shows what is usual: it passed, or came when there was nothing to compare with yet."""
    if each.time_ms is None:
        return False
    before = next((past.times_ms for past in run.past_times if past.name == each.name), ())
    beginning = len(before) < FEWEST_RUNS and each.verdict is not Verdict.FAIL
    return beginning or each.verdict is Verdict.PASS


def _status(name: str, counts: Sequence[PastRun]) -> PastStatus:
    samples, of_whole = _samples(counts), whole_effect(counts)
    return PastStatus(
        name=name,
        runs=len(counts),
        samples=samples,
        independent_samples=_worth(samples, least_effect(counts)),
        long_range_percent=percent(long_range(counts)),
        between_percent=percent(between(counts)),
        scatter=told_scatter(usual_scatter(counts)),
        whole=None if of_whole is None else _whole_runs([each for each in counts if each.whole], of_whole),
    )


def _whole_runs(counts: Sequence[PastRun], effect: float) -> WholeRunsStatus:
    samples = _samples(counts)
    return WholeRunsStatus(runs=len(counts), samples=samples, independent_samples=_worth(samples, effect))


def percent(ratio: float) -> int:
    return min(_MOST_PERCENT, round(100 * ratio))


def _samples(counts: Sequence[PastRun]) -> int:
    return sum(count.samples for count in counts)


def _worth(samples: int, effect: float) -> int:
    return max(1, math.floor(samples / effect))


def _effect(past: PastStatus) -> PastEffect:
    least, whole = past.samples / max(1, past.independent_samples), past.whole
    found = PastEffect(
        least,
        max(100, past.long_range_percent) / 100,
        usual=scatters(past.scatter),
        between=max(100, past.between_percent) / 100,
    )
    if whole is None:
        return found
    of_whole = whole.samples / max(1, whole.independent_samples)
    return replace(found, of_whole=of_whole, whole_samples=whole.samples // max(1, whole.runs))
