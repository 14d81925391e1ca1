"""Pending, AwaitingRollout, Preparing, Starting: until the workers are told when to begin.

Between the last two come the data, in `resetting`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import LoadStatus, PerfRunStatus, Phase, Trigger
from devperfops_operator.api.quantity import format_duration, format_rate
from devperfops_operator.api.rules import AUTO
from devperfops_operator.domain.criteria import criteria_hash
from devperfops_operator.domain.effects import CreateObject, DeleteJob, RunDecision
from devperfops_operator.domain.errors import SnapshotTooLarge
from devperfops_operator.domain.judgement import decided
from devperfops_operator.domain.loading import Loading, loading
from devperfops_operator.domain.manifests.job import job_manifest
from devperfops_operator.domain.manifests.snapshot import run_snapshot, snapshot_name
from devperfops_operator.domain.objectives import LivePlan
from devperfops_operator.domain.observed import (
    RunJob,
    RunObserved,
    Target,
    WorkerEvidence,
)
from devperfops_operator.domain.past import learned, recalled
from devperfops_operator.domain.past_compared import compared
from devperfops_operator.domain.plan import load_of, resolve_load, resolve_plan
from devperfops_operator.domain.quota.gating import unknown
from devperfops_operator.domain.resolved import kept_for_run, sentence, with_resolved
from devperfops_operator.domain.run.live import begun
from devperfops_operator.domain.run.steps import Step, entered, queues, refusal, step, to_acting, told, wait
from devperfops_operator.domain.verdict import Reason

_LOOK_AGAIN = timedelta(seconds=2)
_LOOK_AGAIN_LATEST = timedelta(seconds=30)
_LOOK_AGAIN_QUEUED = timedelta(minutes=5)
_LINES_OF_QUEUEING = 64  # of a timeline, which is bounded, for pods that come and go
_ASKED_RECENTLY = timedelta(seconds=5)
_START_DELAY = timedelta(seconds=1)
"""Long enough for every worker to have asked again, short enough not to be noticed."""


def pending(observed: RunObserved, gate: PerfGate, target: Target, now: datetime) -> RunDecision:
    status, claim = observed.run.status, gate.status.run
    own = claim is not None and claim.name == observed.run.metadata.name
    judged = {
        "trigger": Trigger.ROLLOUT if own else Trigger.MANUAL,
        "revision": target.revision,
        "template_hash": target.template_hash,
        "criteria_hash": criteria_hash(gate.spec),
    }
    if own and claim is not None and claim.rejected and claim.criteria_hash == judged["criteria_hash"]:
        rejected = decided(Reason.REVISION_REJECTED, claim.rejected)
        return RunDecision(to_acting(status, rejected, now, **judged))
    why = f"revision {target.revision} of {target.name}"
    asked = "its rollout was seen" if own else (observed.run.spec.reason or "asked for by hand")
    message = f"{why} is to be judged: {asked}"
    return RunDecision(step(status, now, Step.ACCEPTED, message, phase=Phase.AWAITING_ROLLOUT, **judged))


def awaiting_rollout(observed: RunObserved, gate: PerfGate, target: Target, now: datetime) -> RunDecision:
    status, rollout = observed.run.status, target.rollout
    if rollout.problem is not None:
        return RunDecision(to_acting(status, decided(Reason.ROLLOUT_STALLED, rollout.problem.message), now))
    if not rollout.complete:
        return _await_rollout(observed, rollout.message, now)
    load = loading(target, now)
    if load is not None:
        return _await_config(observed, load, now)
    if observed.blocked_by is not None:
        return _queue(observed, gate, observed.blocked_by, now)
    return RunDecision(
        step(
            status,
            now,
            Step.ROLLOUT_COMPLETE,
            rollout.message,
            phase=Phase.PREPARING,
            template_hash=target.template_hash,
        )
    )


def _await_rollout(observed: RunObserved, message: str, now: datetime) -> RunDecision:
    """Looks at the pods less and less often."""
    waited = now - (entered(observed.run.status, Phase.AWAITING_ROLLOUT) or now)
    until = now + min(max(_LOOK_AGAIN, waited / 10), _LOOK_AGAIN_LATEST)
    return _wait_outside(observed, until, f"its rollout is no longer complete: {message}", now)


def _await_config(observed: RunObserved, load: Loading, now: datetime) -> RunDecision:
    """Tells once what it waits for; then the kubelet's time, or whoever restarts the pods, lets it go on."""
    status = observed.run.status
    told_already = told(status, Step.CONFIG_NOT_LOADED) is not None
    if told_already or not load.stuck:
        return _wait_outside(observed, load.until or now + _LOOK_AGAIN_LATEST, load.message, now)
    return RunDecision(step(status, now, Step.CONFIG_NOT_LOADED, load.message))


def _wait_outside(observed: RunObserved, until: datetime, why: str, now: datetime) -> RunDecision:
    """A run that cannot use its turn lets others have it."""
    status = observed.run.status
    if queues(status) and len(status.timeline) < _LINES_OF_QUEUEING:
        return RunDecision(step(status, now, Step.LEFT_QUEUE, why))
    return wait(observed, until)


def _queue(observed: RunObserved, gate: PerfGate, ahead: str, now: datetime) -> RunDecision:
    """Whoever ends or leaves the queue wakes the next; looking again is for what nobody tells."""
    status = observed.run.status
    if queues(status):
        return wait(observed, now + _LOOK_AGAIN_QUEUED)
    environment = gate.spec.environment
    where = f"environment {environment}" if environment else "a namespace"
    return RunDecision(step(status, now, Step.QUEUED, f"waits for {ahead}: one load at a time in {where}"))


def preparing(observed: RunObserved, gate: PerfGate, target: Target, now: datetime) -> RunDecision:
    status, run = observed.run.status, observed.run.metadata
    if observed.inputs.problem is not None:
        problem = observed.inputs.problem
        return RunDecision(to_acting(status, decided(Reason(problem.reason), problem.message), now))
    unread = unknown(observed.quota)
    if unread is not None:
        return RunDecision(to_acting(status, unread, now))
    name = snapshot_name(run)
    if any(snapshot.name == name for snapshot in observed.snapshots):
        return RunDecision(_kept(observed, gate, name, now))
    refused = refusal(observed, "CreateControllerRevision")
    if refused is not None:
        return RunDecision(to_acting(status, decided(Reason.SNAPSHOT_REFUSED, refused.message), now))
    number = 1 + max((snapshot.number for snapshot in observed.snapshots), default=0)
    try:
        manifest = run_snapshot(gate, target, run, number)
    except SnapshotTooLarge as error:
        return RunDecision(to_acting(status, decided(Reason.SNAPSHOT_REFUSED, str(error)), now))
    return RunDecision(status, (CreateObject(manifest),), requeue_at=now + _LOOK_AGAIN)


def _kept(observed: RunObserved, gate: PerfGate, snapshot: str, now: datetime) -> PerfRunStatus:
    """Next comes the load, with its data before it, or the time in which traffic is watched."""
    status, resolved = observed.run.status, kept_for_run(observed.inputs)
    plan = resolve_plan(with_resolved(gate.spec, resolved))
    message = f"revision {status.revision} is kept as {snapshot}"
    following: dict[str, Any] = {"phase": Phase.RESETTING_DATA if gate.spec.data else Phase.STARTING}
    if isinstance(plan, LivePlan):
        following = begun(plan, now)
        message += f"; the traffic of real users is judged for {format_duration(plan.duration)} from now on"
    if resolved is not None:
        message += f"; {sentence(resolved)}"
    earlier, criteria = observed.earlier, status.criteria_hash or ""
    following |= {
        "past": learned(plan, earlier, criteria),
        "past_times": recalled(plan, earlier, criteria),
        "past_compared": compared(plan, earlier, criteria),
    }
    return step(status, now, Step.SNAPSHOT_TAKEN, message, snapshot=snapshot, resolved=resolved, **following)


def starting(observed: RunObserved, gate: PerfGate, _target: Target, now: datetime) -> RunDecision:
    status, job = observed.run.status, observed.job
    if job is not None and job.run_uid != observed.run.metadata.uid:
        return _without_namesake(observed, job, now)
    plan = resolve_load(gate.spec)
    ready = [worker for worker in observed.evidence.workers if _ready(worker, now)]
    if job is not None and not job.finished and len(ready) == plan.workers:
        return RunDecision(_started(observed, gate, now))
    problem = _start_problem(observed, now)
    if problem is not None:
        reason, message = problem
        drop = DeleteJob(observed.run.metadata.namespace, observed.run.metadata.name)
        return RunDecision(to_acting(status, decided(reason, message), now), (drop,) if job else ())
    if job is None:
        manifest = job_manifest(observed.run, gate, plan, observed.inputs, observed.settings)
        return RunDecision(status, (CreateObject(manifest),), requeue_at=now + _LOOK_AGAIN)
    return wait(observed, now + _LOOK_AGAIN)


def _ready(worker: WorkerEvidence, now: datetime) -> bool:
    """Asks for the start, and has not stopped asking: its pod may be gone since."""
    return worker.prepared and worker.heard_at is not None and now - worker.heard_at < _ASKED_RECENTLY


def _without_namesake(observed: RunObserved, job: RunJob, now: datetime) -> RunDecision:
    """The Job of a deleted run of the same name must be gone before ours can be made."""
    problem = _start_problem(replace(observed, job=None), now)
    if problem is not None:
        return RunDecision(to_acting(observed.run.status, decided(*problem), now))
    drop = DeleteJob(observed.run.metadata.namespace, job.name)
    return RunDecision(observed.run.status, (drop,), requeue_at=now + _LOOK_AGAIN)


def _started(observed: RunObserved, gate: PerfGate, now: datetime) -> PerfRunStatus:
    plan, start_at = resolve_load(gate.spec), now + _START_DELAY
    mean = plan.mean_rate_per_minute
    rate = None if mean is None else format_rate(mean)
    load = LoadStatus(
        threads=plan.threads,
        workers=plan.workers,
        host=observed.inputs.host,
        planned_rate=rate,
        start_at=start_at,
        ends_at=start_at + plan.duration,
    )
    jmeter = load_of(gate.spec).jmeter
    auto = " (as its objectives need at this rate)" if jmeter.duration == AUTO else ""
    longer = f", up to {format_duration(plan.duration)} if evidence is missing then" if plan.planned else ""
    among = f" on {plan.workers} workers" if plan.workers > 1 else ""
    again = ", and as many the baseline," if plan.against_baseline else ""
    average = " on the average" if plan.shape is not None else ""
    message = (
        f"{plan.threads} threads{among} load {observed.inputs.host}:{observed.inputs.port}{again} "
        f"with {rate or 'whatever they reach'}{average} for "
        f"{format_duration(plan.planned or plan.duration)}{auto}{longer}, "
        f"judged after {format_duration(plan.ramp_up)}"
    )
    return step(observed.run.status, now, Step.WORKERS_READY, message, phase=Phase.RUNNING, load=load)


def _start_problem(observed: RunObserved, now: datetime) -> tuple[Reason, str] | None:
    status, job = observed.run.status, observed.job
    refused = refusal(observed, "CreateJob")
    if refused is not None:
        return Reason.JOB_REFUSED, f"the load test's Job was refused: {refused.message}"
    missing = observed.inputs.problem
    if job is None and missing is not None:
        return Reason(missing.reason), missing.message
    if job is not None and job.refusal is not None:
        return Reason(job.refusal.reason), job.refusal.message
    because = (
        job.problem if job is not None and job.problem else "the reason is not known; see its pod's logs"
    )
    if job is not None and job.finished:
        return Reason.START_TIMEOUT, f"the load test ended before it began: {because}"
    waited = now - (entered(status, Phase.STARTING) or now)
    if waited > observed.settings.start_timeout:
        limit = format_duration(observed.settings.start_timeout)
        return Reason.START_TIMEOUT, f"the load test did not start within {limit}: {because}"
    return None
