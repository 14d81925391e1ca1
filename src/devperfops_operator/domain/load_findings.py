"""Whether the load was the planned one: a verdict about another load is none about this gate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from operator import itemgetter
from typing import Final

from devperfops_operator.api.perfrun import LoadStatus, PerfRunStatus, WorkerStatus
from devperfops_operator.api.quantity import format_rate
from devperfops_operator.domain.objectives import RunPlan
from devperfops_operator.domain.observed import Evidence, WorkerEvidence
from devperfops_operator.domain.shares import divide
from devperfops_operator.domain.verdict import Reason
from devperfops_operator.wire.measurement import Fault, LoadEnd

RATE_WANTED: Final = Fraction(95, 100)
"""Under this share of the planned rate a run shows nothing about the planned load."""
START_SKEW: Final = timedelta(seconds=5)
"""So far apart workers may begin."""
_MISSED_IN_A_ROW: Final = 20  # at a steady rate chance leaves out that many once in e^20 times


@dataclass(frozen=True, slots=True)
class Finding:
    reason: Reason
    message: str


def load_findings(plan: RunPlan, evidence: Evidence, status: PerfRunStatus) -> Iterator[Finding]:
    """Everything that makes the load another one than planned, at its end."""
    load = status.load
    if load is None:
        yield _NOTHING
        return
    yield from _worker_findings(plan, status)
    yield from findings_so_far(plan, evidence, load)
    if load.stop_requested_at is None:
        yield from _time_findings(plan, status, load)


def findings_so_far(plan: RunPlan, evidence: Evidence, load: LoadStatus) -> Iterator[Finding]:
    """Likewise, of what is known before it."""
    yield from node_findings(evidence)
    rate = achieved_rate(plan, evidence, load)
    if not rate:
        yield _NOTHING
        return
    yield from _start_findings(plan, evidence)
    yield from _sample_findings(plan, evidence, rate)


def node_findings(evidence: Evidence) -> Iterator[Finding]:
    """What spoils the results from then on, so that a load need not go on to its end."""
    for reason, fault, sentence in _NODE_FAULTS:
        found = [worker.index for worker in evidence.workers if worker.fault is fault]
        if found:
            yield Finding(reason, sentence.format(names(found)))


def achieved_rate(plan: RunPlan, evidence: Evidence, load: LoadStatus) -> Fraction | None:
    """Judged samples per minute of the target: `rate_of` its workers."""
    return rate_of(loading_target(plan, evidence), plan, evidence, load)


def loading_target(plan: RunPlan, evidence: Evidence) -> list[WorkerEvidence]:
    """Workers that do not play against a baseline."""
    return [worker for worker in evidence.workers if worker.index not in plan.baseline_workers]


def rate_of(
    workers: Iterable[WorkerEvidence], plan: RunPlan, evidence: Evidence, load: LoadStatus
) -> Fraction | None:
    """Judged samples per minute: each worker's over its own judged window, together; None: not known yet.

    JMeter counts its duration from before its first sample, so it may be through a little before the window
    is; a plan that ends far too early is found by its time. One that hangs ends late, and the window does not
    wait. A worker that is through before the others does not count for less.
    """
    if load.judged_from is None:
        return None
    last_end = max((worker.last_end for worker in evidence.workers if worker.last_end), default=None)
    end = load.stop_requested_at or last_end
    rates = [_rate(plan, worker, load.judged_from, end) for worker in workers]
    known = [rate for rate in rates if rate is not None]
    return sum(known, Fraction()) if known else None


def longest_pause(rate_per_minute: Fraction | None, rows: int, span: timedelta) -> timedelta:
    """That chance makes between two results, at a rate as planned or, without one, as it was so far."""
    if rate_per_minute is not None:
        return _MISSED_IN_A_ROW * timedelta(minutes=float(1 / rate_per_minute))
    return _MISSED_IN_A_ROW * span / rows if rows else timedelta()


def names(workers: Sequence[int]) -> str:
    """`worker 0`, or `workers 0, 2 and 3`."""
    *others, last = map(str, workers)
    return f"workers {', '.join(others)} and {last}" if others else f"worker {last}"


def _rate(plan: RunPlan, worker: WorkerEvidence, begun: datetime, end: datetime | None) -> Fraction | None:
    judged_from = begun if worker.first_start is None else worker.first_start + plan.ramp_up
    planned_end = judged_from + plan.judged
    window = Fraction((min(end or planned_end, planned_end) - judged_from).total_seconds())
    return Fraction(worker.judged_samples * 60) / window if window >= 1 else None


_NOTHING: Final = Finding(Reason.NO_SAMPLES, "JMeter wrote no sample in the judged part of the test")
_NODE_FAULTS: Final[tuple[tuple[Reason, Fault, str], ...]] = (
    (
        Reason.DISK_FULL,
        Fault.DISK_FULL,
        (
            "results of {} are missing: No space left on device; free some of its node's disk, or keep the "
            "load from that node by nodeSelector"
        ),
    ),
    (
        Reason.CLOCK_STEPPED,
        Fault.CLOCK_STEPPED,
        (
            "the clock of the node of {} jumped under load, so the times of its results do not fit together; "
            "see how that node keeps its time"
        ),
    ),
)
_FAULTS: Final[tuple[tuple[Reason, Callable[[WorkerStatus], bool], str], ...]] = (
    (
        Reason.JMETER_DIED,
        lambda worker: worker.end is LoadEnd.DIED,
        "JMeter of {} ended before its test did; see jmeter.log in its pod's logs",
    ),
    (
        Reason.OVERRAN,
        lambda worker: worker.end is LoadEnd.STOPPED,
        "JMeter of {} did not end by itself; the plan must stop after Duration",
    ),
    (
        Reason.JTL_TRUNCATED,
        lambda worker: worker.end is LoadEnd.COMPLETED and worker.truncated,
        "the last result of {} is cut off",
    ),
    (
        Reason.NO_SAMPLES,
        lambda worker: worker.end is LoadEnd.COMPLETED and not worker.rows,
        "JMeter of {} wrote no sample at all",
    ),
)


def _worker_findings(plan: RunPlan, status: PerfRunStatus) -> Iterator[Finding]:
    stored = {worker.index for worker in status.workers}
    lost = [index for index in range(plan.workers) if index not in stored]
    if lost:
        yield Finding(
            Reason.EVIDENCE_LOST,
            f"{names(lost)} never delivered the final counts; see the logs of the pod",
        )
    asked = status.load is not None and status.load.stop_requested_at is not None
    for reason, at_fault, sentence in _FAULTS:
        if asked and reason is Reason.OVERRAN:
            continue
        found = [worker.index for worker in status.workers if at_fault(worker)]
        if found:
            yield Finding(reason, sentence.format(names(found)))


def _start_findings(plan: RunPlan, evidence: Evidence) -> Iterator[Finding]:
    """Clocks of nodes that differ look the same and are as bad: seconds of workers are put together."""
    begun = [(w.first_start, w) for w in evidence.workers if w.first_start is not None]
    if not begun:
        return
    first, earliest = min(begun, key=itemgetter(0))
    last, latest = max(begun, key=itemgetter(0))
    if last - first <= max([START_SKEW, *_pauses(plan, evidence)]):
        return
    ahead = _clock_ahead(latest, earliest)
    if ahead is not None and last - first - ahead <= START_SKEW:
        yield Finding(
            Reason.START_SKEW,
            f"the clock of worker {latest.index}'s node is about {ahead.total_seconds():.0f} s ahead of that "
            f"of worker {earliest.index}'s, so the seconds of their samples do not fit together; have these "
            "nodes keep the same time (NTP)",
        )
        return
    yield Finding(
        Reason.START_SKEW,
        f"worker {latest.index} wrote its first sample {(last - first).total_seconds():.1f} s after worker "
        f"{earliest.index}, by the clocks of their nodes; more than {START_SKEW.seconds} s are no common "
        "start (see whether the load's pods get enough CPU and whether the nodes' clocks agree)",
    )


def _clock_ahead(one: WorkerEvidence, other: WorkerEvidence) -> timedelta | None:
    """How far one's clock is ahead, to 2 s: by when we heard of what each had ended last. None: not known."""
    if one.last_end is None or one.answered_at is None or other.last_end is None or other.answered_at is None:
        return None
    return (one.last_end - one.answered_at) - (other.last_end - other.answered_at)


def _pauses(plan: RunPlan, evidence: Evidence) -> Iterator[timedelta]:
    """A worker's first sample may come so late though it began with the others."""
    shares = divide(plan)
    for worker in evidence.workers:
        if worker.first_start is not None and worker.last_end is not None:
            span = worker.last_end - worker.first_start
            yield longest_pause(shares[worker.index].rate_per_minute, worker.rows, span)


def _sample_findings(plan: RunPlan, evidence: Evidence, rate: Fraction) -> Iterator[Finding]:
    workers = loading_target(plan, evidence)
    samples = sum(worker.judged_samples for worker in workers)
    if samples == sum(worker.judged_errors for worker in workers):
        yield Finding(
            Reason.ALL_FAILED,
            f"every one of the {samples} judged samples failed, so the target has served no load",
        )
    if plan.rate_per_minute is not None and plan.shape is None and rate < plan.rate_per_minute * RATE_WANTED:
        yield Finding(
            Reason.RATE_NOT_REACHED,
            f"the load reached {format_rate(rate)} of the planned {format_rate(plan.rate_per_minute)}; "
            "under 95% a verdict would be about another load (more threads, or a target that answers faster)",
        )


def _time_findings(plan: RunPlan, status: PerfRunStatus, load: LoadStatus) -> Iterator[Finding]:
    """A timer that finds its next sample after Duration ends its thread at once: the last pause may lack."""
    shares, judged = divide(plan), plan.judged
    for worker in status.workers:
        ran = _ran(plan, worker, load)
        if ran is None:
            continue
        pause = longest_pause(shares[worker.index].rate_per_minute, worker.rows, ran)
        if plan.duration - ran > max(judged * float(1 - RATE_WANTED), pause):
            yield Finding(
                Reason.ENDED_EARLY,
                f"JMeter of worker {worker.index} ended after {ran.total_seconds():.0f} s of "
                f"{plan.duration.total_seconds():.0f} s; the plan must run for Duration",
            )


def _ran(plan: RunPlan, worker: WorkerStatus, load: LoadStatus) -> timedelta | None:
    """How long JMeter's test ran at least: it counts its duration from before its first sample.

    By its own log, by its node's clock, and by ours, which hears late where the network was cut. From the
    common beginning on: a worker's own first sample may come late by chance.
    """
    ended = worker.ended_at or load.ended_at  # an older operator stored the second only
    spans = []
    if worker.ran_ms is not None:
        spans.append(timedelta(milliseconds=worker.ran_ms))
    if load.ends_at is not None and ended is not None:
        spans.append(ended - (load.ends_at - plan.duration))
    if load.judged_from is not None and worker.last_end is not None:
        spans.append(worker.last_end - load.judged_from + plan.ramp_up)
    return max(spans, default=None)
