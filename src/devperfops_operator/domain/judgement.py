"""From evidence to a verdict. Pure; replays give the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.api.perfrun import LoadStatus, ObjectiveStatus, PerfRunStatus, Verdict
from devperfops_operator.api.quantity import format_percent, format_rate
from devperfops_operator.domain import wording
from devperfops_operator.domain.objectives import JudgedObjective, OverThreshold, RunPlan, claim
from devperfops_operator.domain.observed import Evidence, ObjectiveEvidence
from devperfops_operator.domain.verdict import VERDICTS, Reason, precedence
from devperfops_operator.wire.measurement import LoadEnd

RATE_WANTED = Fraction(95, 100)
"""Under this share of the planned rate a run shows nothing about the planned load."""
_MESSAGE_LENGTH = 1024  # that an event holds: status, event and report say the same, word for word


@dataclass(frozen=True, slots=True)
class Judgement:
    verdict: Verdict
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class _Finding:
    reason: Reason
    message: str


def decided(reason: Reason, message: str) -> Judgement:
    """A message may quote others, and is cut to what all who tell it can hold."""
    cut = message if len(message) <= _MESSAGE_LENGTH else f"{message[: _MESSAGE_LENGTH - 1]}…"
    return Judgement(VERDICTS[reason], reason, cut)


def evidence_of(objective: JudgedObjective, evidence: Evidence) -> ObjectiveEvidence:
    return evidence.objectives.get(objective.name, ObjectiveEvidence(Tally()))


def follow_objectives(
    plan: RunPlan, evidence: Evidence, before: tuple[ObjectiveStatus, ...], now: datetime
) -> tuple[ObjectiveStatus, ...]:
    """The objectives as they stand while the load runs. A Fail once latched stays, whatever comes later."""
    known = {status.name: status for status in before}
    return tuple(
        _follow(objective, evidence_of(objective, evidence), known.get(objective.name), now)
        for objective in plan.objectives
    )


def latched_failure(plan: RunPlan, evidence: Evidence) -> Judgement | None:
    """The sequential test's word, which needs no end of the test."""
    failed = [o for o in plan.critical_objectives if evidence_of(o, evidence).failed]
    if not failed:
        return None
    return decided(Reason.OBJECTIVE_FAILED, "; ".join(_failure(o, evidence_of(o, evidence)) for o in failed))


def judge(plan: RunPlan, evidence: Evidence, status: PerfRunStatus) -> Judgement:
    """The verdict at the end of the load: the first finding in the order of `Reason` decides."""
    failure = latched_failure(plan, evidence) or _remembered_failure(status)
    if failure is not None:
        return failure
    findings = sorted(_findings(plan, evidence, status), key=lambda finding: precedence(finding.reason))
    if findings:
        first = findings[0]
        also = [f for f in findings if f.reason is first.reason]
        return decided(first.reason, "; ".join(finding.message for finding in also))
    critical = plan.critical_objectives
    which = "all objectives" if len(critical) == len(plan.objectives) else "all critical objectives"
    met = "; ".join(f"{o.claim}: {wording.observed(o.counted, evidence_of(o, evidence))}" for o in critical)
    return decided(Reason.OBJECTIVES_MET, f"{which} are met: {met}")


def with_warnings(judgement: Judgement, objectives: Iterable[ObjectiveStatus]) -> Judgement:
    """The same judgement, whose message also tells of objectives that do not hold but decide nothing."""
    warnings = [
        f"warning (not critical): {o.message or claim(o.expect, o.transaction)}"
        for o in objectives
        if not o.critical and o.verdict not in {None, Verdict.PASS}
    ]
    return decided(judgement.reason, "; ".join([judgement.message, *warnings]))


def close_objectives(
    plan: RunPlan, evidence: Evidence, before: tuple[ObjectiveStatus, ...], now: datetime
) -> tuple[ObjectiveStatus, ...]:
    """The objectives at the end of the load, each with its own verdict."""
    followed = follow_objectives(plan, evidence, before, now)
    return tuple(
        status
        if status.verdict is not None
        else _close(objective, evidence_of(objective, evidence), status, now)
        for objective, status in zip(plan.objectives, followed, strict=True)
    )


def achieved_rate(plan: RunPlan, evidence: Evidence, load: LoadStatus) -> Fraction | None:
    """Judged samples per minute over the judged window: all of it, or up to our stop or the last sample.

    JMeter counts its duration from before its first sample, so it may be through a little before the window
    is; a plan that ends far too early is found by its time. One that hangs ends late, and the window does not
    wait.
    """
    if load.judged_from is None:
        return None
    planned_end = load.judged_from + plan.duration - plan.ramp_up
    last_end = max((worker.last_end for worker in evidence.workers if worker.last_end), default=planned_end)
    end = load.stop_requested_at or last_end
    window = Fraction((min(end, planned_end) - load.judged_from).total_seconds())
    if window < 1:
        return None
    return Fraction(sum(worker.judged_samples for worker in evidence.workers) * 60) / window


def _follow(
    objective: JudgedObjective, evidence: ObjectiveEvidence, before: ObjectiveStatus | None, now: datetime
) -> ObjectiveStatus:
    test, tally = objective.test, evidence.tally
    latched = before is not None and before.verdict is Verdict.FAIL
    if latched and before is not None and tally.samples < before.samples:
        return before  # decided by evidence that a restart of ours took
    current = ObjectiveStatus(
        name=objective.name,
        expect=objective.expect,
        transaction=objective.transaction,
        critical=objective.critical,
        origin=objective.origin,
        observed=_observed(objective, evidence, before),
        exceedance=wording.share(tally) if tally.samples else None,
        bound=wording.bound(test, tally) if tally.samples else None,
        allowed=format_percent(test.allowed),
        samples=tally.samples,
        exceedances=tally.exceedances,
    )
    if latched and before is not None:
        kept = ("verdict", "reason", "message", "decided_at")
        return current.model_copy(update={field: getattr(before, field) for field in kept})
    if not evidence.failed:
        return current
    return _decide(current, decided(Reason.OBJECTIVE_FAILED, _failure(objective, evidence)), now)


def _observed(
    objective: JudgedObjective, evidence: ObjectiveEvidence, before: ObjectiveStatus | None
) -> str | None:
    """A percentile told once stands after a restart of ours: stored totals have no histogram."""
    lost = isinstance(objective.counted, OverThreshold) and evidence.quantile_ms is None
    if lost and before is not None and before.samples:
        return before.observed
    return wording.observed(objective.counted, evidence)


def _close(
    objective: JudgedObjective, evidence: ObjectiveEvidence, status: ObjectiveStatus, now: datetime
) -> ObjectiveStatus:
    finding = next(_objective_findings(objective, evidence), None)
    if finding is not None:
        return _decide(status, decided(finding.reason, finding.message), now)
    return _decide(status, decided(Reason.OBJECTIVES_MET, wording.exceedances(objective, evidence)), now)


def _decide(status: ObjectiveStatus, judgement: Judgement, now: datetime) -> ObjectiveStatus:
    return status.model_copy(
        update={
            "verdict": judgement.verdict,
            "reason": judgement.reason.value,
            "message": judgement.message,
            "decided_at": now,
        }
    )


def _failure(objective: JudgedObjective, evidence: ObjectiveEvidence) -> str:
    figure = wording.observed(objective.counted, evidence)
    return f"{objective.claim} does not hold: {figure}, {wording.exceedances(objective, evidence)}"


def _remembered_failure(status: PerfRunStatus) -> Judgement | None:
    failed = [o for o in status.objectives if o.critical and o.verdict is Verdict.FAIL]
    if not failed:
        return None
    return decided(
        Reason.OBJECTIVE_FAILED, "; ".join(o.message or claim(o.expect, o.transaction) for o in failed)
    )


def _findings(plan: RunPlan, evidence: Evidence, status: PerfRunStatus) -> Iterator[_Finding]:
    yield from _worker_findings(plan, status)
    yield from _load_findings(plan, evidence, status)
    for objective in plan.critical_objectives:
        yield from _objective_findings(objective, evidence_of(objective, evidence))


def _worker_findings(plan: RunPlan, status: PerfRunStatus) -> Iterator[_Finding]:
    stored = {worker.index: worker for worker in status.workers}
    for index in range(plan.workers):
        worker = stored.get(index)
        if worker is None:
            yield _Finding(
                Reason.EVIDENCE_LOST,
                f"worker {index} never delivered its final counts; see the logs of its pod",
            )
        elif worker.end is LoadEnd.DIED:
            yield _Finding(
                Reason.JMETER_DIED,
                f"JMeter of worker {index} ended before its test did; see jmeter.log in its pod's logs",
            )
        elif worker.end is LoadEnd.STOPPED:  # and not by a Fail, which would have been latched
            yield _Finding(
                Reason.OVERRAN,
                f"JMeter of worker {index} did not end by itself; the plan must stop after Duration",
            )
        elif worker.truncated:
            yield _Finding(Reason.JTL_TRUNCATED, f"the last result of worker {index} is cut off")


def _load_findings(plan: RunPlan, evidence: Evidence, status: PerfRunStatus) -> Iterator[_Finding]:
    load = status.load
    rate = achieved_rate(plan, evidence, load) if load is not None else None
    if not rate:
        yield _Finding(Reason.NO_SAMPLES, "JMeter wrote no sample in the judged part of the test")
        return
    samples = sum(worker.judged_samples for worker in evidence.workers)
    if samples == sum(worker.judged_errors for worker in evidence.workers):
        yield _Finding(
            Reason.ALL_FAILED,
            f"every one of the {samples} judged samples failed, so the target has served no load",
        )
    if plan.rate_per_minute is not None and rate < plan.rate_per_minute * RATE_WANTED:
        yield _Finding(
            Reason.RATE_NOT_REACHED,
            f"the load reached {format_rate(rate)} of the planned {format_rate(plan.rate_per_minute)}; "
            "under 95% a verdict would be about another load (more threads, or a target that answers faster)",
        )
    if load is not None and load.ended_at is not None and load.judged_from is not None:
        judged = load.ended_at - load.judged_from
        planned = plan.duration - plan.ramp_up
        if judged < planned * float(RATE_WANTED):
            yield _Finding(
                Reason.ENDED_EARLY,
                f"JMeter ended after {judged.total_seconds():.0f} s of the "
                f"{planned.total_seconds():.0f} s to be judged; the plan must run for Duration",
            )


def _objective_findings(objective: JudgedObjective, evidence: ObjectiveEvidence) -> Iterator[_Finding]:
    if evidence.gap is not None:
        yield _Finding(Reason(evidence.gap.reason), f"{objective.claim}: {evidence.gap.message}")
    elif not evidence.tally.samples:
        yield _Finding(Reason.NO_SAMPLES, f"{objective.claim}: there are no samples to judge")
    elif not objective.test.passes(evidence.tally):
        yield _Finding(
            Reason.NOT_ENOUGH_EVIDENCE,
            f"{objective.claim} is not shown to hold: {wording.exceedances(objective, evidence)}, so up to "
            f"{wording.bound(objective.test, evidence.tally)} cannot be ruled out"
            f"{_samples_hint(objective, evidence.tally)}",
        )


def _samples_hint(objective: JudgedObjective, tally: Tally) -> str:
    needed = objective.test.samples_to_pass()
    if tally.samples >= needed:
        return ""
    return f"; a Pass needs at least {needed} samples, so test longer or at a higher rate"
