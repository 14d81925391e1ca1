"""A past run under a gate as it is, or would be, now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from devperfops_operator.api.perfrun import ObjectiveStatus, PerfRun, PerfRunStatus, Verdict
from devperfops_operator.domain.judgement import (
    Judgement,
    close_objectives,
    latched_failure,
    weigh,
    with_warnings,
)
from devperfops_operator.domain.load_findings import Finding
from devperfops_operator.domain.objectives import JudgedObjective, RunPlan
from devperfops_operator.domain.observed import Evidence, ObjectiveEvidence
from devperfops_operator.domain.plan_findings import plan_findings
from devperfops_operator.domain.verdict import Reason

_ABOUT_OBJECTIVES = {
    Reason.OBJECTIVE_FAILED,
    Reason.OBJECTIVES_MET,
    Reason.UNANSWERED,
    Reason.NOT_ENOUGH_EVIDENCE,
    Reason.DRIFTING,
    Reason.NO_SAMPLES,
    Reason.AMBIGUOUS_QUERY,
    Reason.HISTOGRAM_EDGE_MISSING,
    Reason.PROMETHEUS_UNAVAILABLE,
    Reason.NOT_A_NUMBER,
    Reason.GOOD_EXCEEDS_TOTAL,
}


@dataclass(frozen=True, slots=True)
class Rejudged:
    """`verdict`: None if the record cannot tell; the message says why."""

    verdict: Verdict | None
    message: str
    objectives: Sequence[ObjectiveStatus] = ()


def rejudge(run: PerfRun, plan: RunPlan, found: Mapping[str, ObjectiveEvidence]) -> Rejudged:
    """`found`: what a replay gave, by objective. What was wrong with the load then still is.

    An objective that is not replayed stands as it was judged then, if it was the same.
    """
    status = run.status
    replayed = tuple(o for o in plan.objectives if o.name in found)
    others = [o for o in plan.objectives if o.name not in found]
    stand = {o.name: _as_then(o, status) for o in others}
    part, evidence = replace(plan, objectives=replayed), Evidence(objectives=found)
    ended = status.completed_at or run.metadata.creation_timestamp
    if ended is None:
        return Rejudged(None, "the run has not ended")
    objectives = (*close_objectives(part, evidence, (), ended), *filter(None, stand.values()))
    failed = latched_failure(part, evidence)
    if failed is not None:
        return _told(failed, objectives)
    unknown = [o.claim for o in others if o.critical and stand[o.name] is None]
    if unknown:
        return Rejudged(None, f"nothing is kept about {'; '.join(unknown)}", objectives)
    about = _still_so(status, [o for o in others if o.critical], stand)
    judgement = weigh(part, evidence, [*plan_findings(plan), *about])
    stopped = status.load is not None and status.load.stop_requested_at is not None
    if stopped and judgement.verdict is not status.verdict:
        known = "it failed" if status.verdict is Verdict.FAIL else "its objectives were shown to hold"
        message = f"its load was stopped when {known}; until then: {judgement.message}"
        return Rejudged(None, message, objectives)
    return _told(judgement, objectives)


def _told(judgement: Judgement, objectives: Sequence[ObjectiveStatus]) -> Rejudged:
    warned = with_warnings(judgement, objectives)
    return Rejudged(warned.verdict, warned.message, objectives)


def _as_then(objective: JudgedObjective, status: PerfRunStatus) -> ObjectiveStatus | None:
    wanted = objective.name, objective.expect, objective.transaction
    return next(
        (then for then in status.objectives if (then.name, then.expect, then.transaction) == wanted), None
    )


def _still_so(
    status: PerfRunStatus, others: Sequence[JudgedObjective], stand: Mapping[str, ObjectiveStatus | None]
) -> Iterator[Finding]:
    if status.reason is not None and status.reason not in {reason.value for reason in _ABOUT_OBJECTIVES}:
        yield Finding(Reason(status.reason), status.message or "")
    for objective in others:
        then = stand[objective.name]
        if then is not None and then.verdict is not Verdict.PASS:
            yield Finding(
                Reason(then.reason or Reason.NOT_ENOUGH_EVIDENCE),
                then.message or f"{objective.claim} was not shown",
            )
