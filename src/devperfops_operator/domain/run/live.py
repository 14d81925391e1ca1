"""Running and Judging of a run that plays no load: real users' traffic is watched for a while.

There is nobody to wait for and nothing to stop: the judged time begins with the phase and ends by the clock,
and Prometheus keeps what was counted in it. So an operator that was away reads it all when it is back.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import LiveStatus, PerfRunStatus, Phase
from devperfops_operator.api.quantity import format_duration
from devperfops_operator.domain.coverage import coverage_status
from devperfops_operator.domain.effects import RunDecision
from devperfops_operator.domain.judgement import (
    beside_sla,
    close_objectives,
    follow_objectives,
    judge,
    latched_failure,
    score,
    with_warnings,
)
from devperfops_operator.domain.objectives import LivePlan
from devperfops_operator.domain.observed import Evidence, RunObserved
from devperfops_operator.domain.plan import resolve_live
from devperfops_operator.domain.quota.gating import under_quota
from devperfops_operator.domain.run.polling import Window, last_reads, polls, with_gaps
from devperfops_operator.domain.run.steps import Step, step, to_acting
from devperfops_operator.domain.run.target_watch import close_target, follow_target

_TICK = timedelta(seconds=1)
_PROGRESS = timedelta(seconds=2)


def begun(plan: LivePlan, now: datetime) -> dict[str, Any]:
    """What changes in the status when the judged time begins."""
    return {"phase": Phase.RUNNING, "live": LiveStatus(judged_from=now, ends_at=now + plan.duration)}


def watching(observed: RunObserved, gate: PerfGate, live: LiveStatus, now: datetime) -> RunDecision:
    """Running, then Judging."""
    decide = _running if observed.run.status.phase is Phase.RUNNING else _judging
    return decide(observed, gate, live, now)


def _running(observed: RunObserved, gate: PerfGate, live: LiveStatus, now: datetime) -> RunDecision:
    plan, evidence = resolve_live(gate.spec), observed.evidence
    status = follow_target(observed, observed.run.status, live.judged_from, now)
    failure = latched_failure(plan, evidence)
    if failure is not None:
        ended = live.model_copy(update={"ended_at": min(now, live.ends_at)})
        status = _figures(status, ended, plan, evidence, now)
        return RunDecision(to_acting(status, with_warnings(failure, status.objectives), now))
    if now >= live.ends_at:
        ended = live.model_copy(update={"ended_at": live.ends_at})
        message = f"traffic was watched for {format_duration(live.ends_at - live.judged_from)}"
        status = _figures(status, ended, plan, evidence, now)
        return RunDecision(step(status, now, Step.WATCH_ENDED, message, phase=Phase.JUDGING))
    if live.progress_at is None or now - live.progress_at >= _PROGRESS:
        status = _figures(status, live, plan, evidence, now)
    return RunDecision(status, polls(observed, plan, _window(live), now), requeue_at=now + _TICK)


def _judging(observed: RunObserved, gate: PerfGate, live: LiveStatus, now: datetime) -> RunDecision:
    plan, window = resolve_live(gate.spec), _window(live)
    status = close_target(observed, observed.run.status, window, now)
    reads = last_reads(observed, plan, window, now)
    if reads is not None:
        return RunDecision(status, reads, requeue_at=now + _TICK)
    evidence = with_gaps(observed, plan, window)
    objectives = close_objectives(plan, evidence, status.objectives, now)
    judgement = with_warnings(judge(plan, evidence, status), objectives)
    judgement = under_quota(beside_sla(judgement, status.resolved), observed.quota)
    coverage = coverage_status(plan, evidence)
    taken = None if observed.quota is None else observed.quota.consumption
    found = {"objectives": objectives, "coverage": coverage, "score": score(objectives), "consumption": taken}
    return RunDecision(to_acting(status, judgement, now, **found))


def _window(live: LiveStatus) -> Window:
    return Window(live.judged_from, live.ends_at, live.ended_at)


def _figures(
    status: PerfRunStatus, live: LiveStatus, plan: LivePlan, evidence: Evidence, now: datetime
) -> PerfRunStatus:
    """The objectives as they stand now."""
    objectives = follow_objectives(plan, evidence, status.objectives, now)
    taken = live.model_copy(update={"progress_at": now})
    return status.model_copy(update={"live": taken, "objectives": objectives})
