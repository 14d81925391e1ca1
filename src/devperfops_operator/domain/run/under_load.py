"""Running and Judging: while evidence comes in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import (
    HeldStatus,
    HostStatus,
    LevelTotals,
    LoadStatus,
    ObjectiveTotals,
    PerfRunStatus,
    Phase,
    PlanStatus,
    WakesStatus,
    WorkerStatus,
)
from devperfops_operator.api.quantity import format_duration, format_rate
from devperfops_operator.domain.coverage import coverage_status
from devperfops_operator.domain.effects import RunDecision
from devperfops_operator.domain.judgement import (
    Judgement,
    beside_sla,
    close_objectives,
    decided,
    evidence_of,
    failure,
    follow_objectives,
    judge,
    judge_so_far,
    score,
    with_warnings,
)
from devperfops_operator.domain.levels import levels_status, told_by_level, with_levels
from devperfops_operator.domain.load_findings import (
    achieved_rate,
    findings_so_far,
    loading_target,
    longest_pause,
    names,
    node_findings,
)
from devperfops_operator.domain.objectives import RunPlan
from devperfops_operator.domain.observed import (
    Evidence,
    RunJob,
    RunObserved,
    WorkerEvidence,
)
from devperfops_operator.domain.plan import resolve_load
from devperfops_operator.domain.quota.gating import under_quota
from devperfops_operator.domain.run.polling import Played, Window, last_reads, polls, with_gaps
from devperfops_operator.domain.run.steps import Step, entered, step, to_acting, told
from devperfops_operator.domain.run.target_watch import close_target, follow_target, mixed_target
from devperfops_operator.domain.sent import with_sent
from devperfops_operator.domain.verdict import Reason
from devperfops_operator.wire.kept_plan import KeptPlan
from devperfops_operator.wire.measurement import Final, JMeterState
from devperfops_operator.wire.threads import Held
from devperfops_operator.wire.wakes import Wakes

_TICK = timedelta(seconds=1)
_PROGRESS = timedelta(seconds=2)
_UNRESPONSIVE = timedelta(seconds=30)
_HEARD_RECENTLY = timedelta(seconds=10)
_OVERRUN = timedelta(seconds=60)
_BLOCKS_BEHIND = timedelta(seconds=2)  # the last ones of the planned time are here by then
_FINAL_WAIT = timedelta(seconds=130)
_FINAL_WAIT_JOB_GONE = timedelta(seconds=10)
_CAUSE_WAIT = timedelta(seconds=5)
_MENDED_BY_MORE = {Reason.NOT_ENOUGH_EVIDENCE, Reason.DRIFTING}  # of the same load
_CAUSED_BY_POD = {Reason.EVIDENCE_LOST, Reason.JMETER_DIED}


def running(observed: RunObserved, gate: PerfGate, now: datetime) -> RunDecision:
    plan, evidence = resolve_load(gate.spec), observed.evidence
    status = store_finals(observed.run.status, evidence, now)
    status = _told_start(status, plan, evidence, now)
    status = follow_target(observed, status, _judged_from(status, plan, now), now)
    judgement = (
        failure(plan, evidence, status)
        or mixed_target(status)
        or _spoilt(evidence)
        or _unresponsive(observed, status, plan, now)
    )
    if judgement is not None:
        return RunDecision(_stop_now(status, plan, evidence, judgement, now))
    if all_delivered(status) or _given_up(observed, status, plan, now):
        return RunDecision(_load_ended(status, plan, evidence, now))
    if _all_shown(plan, evidence):
        stopped = figures(status, plan, evidence, now, stop_requested_at=now, ended_at=now)
        if not any(findings_so_far(plan, evidence, _load(stopped))):
            return RunDecision(_enough(stopped, plan, now))
    if _at_planned_end(status, plan, now):
        return RunDecision(_extended(status, plan, evidence, now))
    status = _progress(status, plan, evidence, now)
    return RunDecision(status, polls(observed, plan, _window(status, plan), now), requeue_at=now + _TICK)


def judging(observed: RunObserved, gate: PerfGate, now: datetime) -> RunDecision:
    plan, evidence = resolve_load(gate.spec), observed.evidence
    status = with_finals(observed.run.status, plan, evidence, now)
    status = close_target(observed, status, _window(status, plan), now)
    if _finals_outstanding(observed, status, now):
        return RunDecision(status, requeue_at=now + _TICK)
    window = _window(status, plan)
    reads = last_reads(observed, plan, window, now, _played(plan, evidence, _load(status)))
    if reads is not None:
        return RunDecision(status, reads, requeue_at=now + _TICK)
    evidence = with_levels(with_sent(with_gaps(observed, plan, window), plan, status, now), plan)
    objectives = close_objectives(plan, evidence, status.objectives, now)
    judgement = judge(plan, evidence, status)
    if _cause_outstanding(judgement, observed.job, status, now):
        return RunDecision(status, requeue_at=now + _TICK)
    judgement = with_warnings(_with_cause(judgement, observed.job), objectives)
    judgement = under_quota(beside_sla(judgement, status.resolved), observed.quota)
    judgement = told_by_level(judgement, plan, objectives)
    status = _with_load(status, levels=levels_status(plan, evidence, objectives)) if plan.shape else status
    coverage = coverage_status(plan, evidence)
    taken = None if observed.quota is None else observed.quota.consumption
    found = {"objectives": objectives, "coverage": coverage, "score": score(objectives), "consumption": taken}
    return RunDecision(to_acting(status, judgement, now, **found))


def _played(plan: RunPlan, evidence: Evidence, load: LoadStatus) -> Played | None:
    """None: nothing is known of the load's requests."""
    rate = achieved_rate(plan, evidence, load)
    last = max((worker.last_end for worker in evidence.workers if worker.last_end), default=None)
    until = load.stop_requested_at or last
    return None if rate is None or until is None else Played(float(rate / 60), until)


def _cause_outstanding(
    judgement: Judgement, job: RunJob | None, status: PerfRunStatus, now: datetime
) -> bool:
    """The agent tells that JMeter died about when the kubelet tells why; lost evidence was waited for."""
    if judgement.reason is not Reason.JMETER_DIED or job is None or job.problem is not None:
        return False
    return now - (entered(status, Phase.JUDGING) or now) < _CAUSE_WAIT


def _with_cause(judgement: Judgement, job: RunJob | None) -> Judgement:
    """In the words of the pod that went wrong: of an evicted one there are no logs."""
    if judgement.reason not in _CAUSED_BY_POD or job is None or job.problem is None:
        return judgement
    return decided(judgement.reason, f"{judgement.message} ({job.problem})")


def with_finals(
    status: PerfRunStatus, plan: RunPlan, evidence: Evidence, now: datetime, **changes: datetime
) -> PerfRunStatus:
    """Likewise after the load: last counts complete its figures, and change no verdict."""
    stored = store_finals(status, evidence, now)
    if len(stored.workers) == len(status.workers):
        return stored
    return figures(stored, plan, evidence, now, **changes)


def store_finals(status: PerfRunStatus, evidence: Evidence, now: datetime) -> PerfRunStatus:
    """Workers whose FINAL and every block are here; only once stored is a FINAL acknowledged."""
    if status.load is None:
        return status  # there was no load, so what its agents say at their end is no measurement
    stored = {worker.index for worker in status.workers}
    new = [worker for worker in evidence.workers if worker.complete and worker.index not in stored]
    if not new:
        return status
    workers = (*status.workers, *(_totals(worker, now) for worker in new))
    if len(workers) < status.load.workers:
        return status.model_copy(update={"workers": workers})
    return step(status, now, Step.LOAD_ENDED, _delivered(workers), workers=workers)


def all_delivered(status: PerfRunStatus) -> bool:
    """Whether every worker's FINAL is stored."""
    return status.load is not None and len(status.workers) >= status.load.workers


def _delivered(workers: Sequence[WorkerStatus]) -> str:
    """One line for them all, however many."""
    who = names([worker.index for worker in workers]) if len(workers) == 1 else f"{len(workers)} workers"
    rows, errors = sum(worker.rows for worker in workers), sum(worker.errors for worker in workers)
    ends = Counter(worker.end for worker in workers)
    how = ", ".join(end if len(ends) == 1 else f"{count} {end}" for end, count in ends.items())
    return f"{who} delivered {rows} results, {errors} failed: {how}"


def _totals(worker: WorkerEvidence, now: datetime) -> WorkerStatus:
    if worker.final is None:
        raise ValueError(f"worker {worker.index} has no FINAL yet")
    return WorkerStatus(
        index=worker.index,
        rows=worker.final.rows,
        errors=worker.final.errors,
        judged_samples=worker.judged_samples,
        judged_errors=worker.judged_errors,
        blocks=worker.final.blocks,
        end=worker.final.end,
        truncated=worker.final.truncated,
        fault=worker.fault,
        held=_held(worker.final.held),
        wakes=_wakes(worker.wakes),
        plan=_plan(worker.final.plan),
        levels=_levels(worker, worker.final),
        hosts=tuple(HostStatus(host=host, samples=samples) for host, samples in worker.hosts.items()),
        first_start=worker.first_start,
        last_end=worker.last_end,
        ended_at=now,
        ran_ms=worker.final.ran_ms,
        objectives=tuple(
            ObjectiveTotals(
                name=name,
                samples=tally.samples,
                exceedances=tally.exceedances,
                exceedance_seconds=tally.exceedance_seconds,
                unanswered=worker.unanswered.get(name, 0),
            )
            for name, tally in worker.tallies.items()
        ),
    )


def _held(held: Held | None) -> HeldStatus | None:
    return None if held is None else HeldStatus(**held.to_json())


def _wakes(wakes: Wakes | None) -> WakesStatus | None:
    return None if wakes is None else WakesStatus(**wakes.to_json())


def _levels(worker: WorkerEvidence, final: Final) -> tuple[LevelTotals, ...]:
    """Of a load with a shape; a steady one has none above the first."""
    if not final.held_above:
        return ()
    held = (final.held, *final.held_above)
    return tuple(
        LevelTotals(samples=worker.levels.get(index, 0), held=_held(each)) for index, each in enumerate(held)
    )


def _plan(plan: KeptPlan | None) -> PlanStatus | None:
    return None if plan is None else PlanStatus(sha256=plan.sha256, size=plan.size, unkept=plan.unkept)


def _load(status: PerfRunStatus) -> LoadStatus:
    if status.load is None:
        raise ValueError("a run under load has no load in its status")
    return status.load


def _with_load(status: PerfRunStatus, **changes: object) -> PerfRunStatus:
    return status.model_copy(update={"load": _load(status).model_copy(update=changes)})


def _told_start(status: PerfRunStatus, plan: RunPlan, evidence: Evidence, now: datetime) -> PerfRunStatus:
    """Notes that JMeter runs, and from when on its rows are judged (by the clock of the load's node)."""
    if told(status, Step.LOAD_RUNNING) is None and any(
        worker.jmeter is not JMeterState.WAITING for worker in evidence.workers
    ):
        status = step(status, now, Step.LOAD_RUNNING, "JMeter has started its test")
    first = min((worker.first_start for worker in evidence.workers if worker.first_start), default=None)
    if first is None or _load(status).judged_from is not None:
        return status
    return _with_load(status, judged_from=first + plan.ramp_up, ends_at=now + plan.duration)


def _spoilt(evidence: Evidence) -> Judgement | None:
    """A load whose results cannot be trusted any more proves nothing by going on."""
    first = next(node_findings(evidence), None)
    return decided(first.reason, first.message) if first is not None else None


def _unresponsive(
    observed: RunObserved, status: PerfRunStatus, plan: RunPlan, now: datetime
) -> Judgement | None:
    """Requests are out and none comes back: a hanging release writes no rows."""
    since = told(status, Step.LOAD_RUNNING)
    workers = loading_target(plan, observed.evidence)
    loading = [worker for worker in workers if worker.jmeter is JMeterState.RUNNING]
    if since is None or not loading or observed.target is None or not observed.target.ready:
        return None
    if not all(worker.heard_at is not None and now - worker.heard_at < _HEARD_RECENTLY for worker in loading):
        return None
    last = max([since, *(worker.answered_at for worker in workers if worker.answered_at)])
    slowest = max((threshold.elapsed_ms for threshold in plan.thresholds), default=0)
    pause = longest_pause(plan.rate_per_minute, sum(worker.rows for worker in workers), last - since)
    limit = max(_UNRESPONSIVE, timedelta(milliseconds=slowest), pause)
    if now - last <= limit:
        return None
    return decided(
        Reason.UNRESPONSIVE,
        f"no request has come back for {(now - last).total_seconds():.0f} s though the load goes on and "
        f"{observed.target.name} is ready: the target hangs",
    )


def _stop_now(
    status: PerfRunStatus, plan: RunPlan, evidence: Evidence, judgement: Judgement, now: datetime
) -> PerfRunStatus:
    status = figures(status, plan, evidence, now, stop_requested_at=now)
    return to_acting(status, with_warnings(judgement, status.objectives), now)


def _given_up(observed: RunObserved, status: PerfRunStatus, plan: RunPlan, now: datetime) -> bool:
    """The load should be over and is not, or its Job is gone."""
    ends_at = _load(status).ends_at or now + plan.duration
    return observed.job is None or observed.job.finished or now > ends_at + _OVERRUN


def _load_ended(status: PerfRunStatus, plan: RunPlan, evidence: Evidence, now: datetime) -> PerfRunStatus:
    status = figures(status, plan, evidence, now, ended_at=now)
    load = _load(status)
    message = f"{load.judged_samples} of {load.samples} samples are to be judged"
    if not all_delivered(status):
        message += f"; {len(status.workers)} of {load.workers} workers have delivered all of theirs so far"
    return step(status, now, Step.LOAD_ENDED, message, phase=Phase.JUDGING)


def _all_shown(plan: RunPlan, evidence: Evidence) -> bool:
    """Whether the load need not go on for the verdict. What it covers is known at its end only."""
    critical = [evidence_of(objective, evidence) for objective in plan.critical_objectives]
    shown = all(each.shown and each.late is None for each in critical)
    asked = plan.coverage is not None and plan.coverage.judged
    return not asked and bool(critical) and shown


def _at_planned_end(status: PerfRunStatus, plan: RunPlan, now: datetime) -> bool:
    """Whether it is to be seen now, once, whether the load must go on."""
    load = _load(status)
    if plan.planned is None or load.planned_end_at is not None or load.judged_from is None:
        return False
    return now >= (load.ends_at or now + plan.duration) - plan.duration + plan.planned + _BLOCKS_BEHIND


def _extended(status: PerfRunStatus, plan: RunPlan, evidence: Evidence, now: datetime) -> PerfRunStatus:
    """More of the same load helps where nothing but evidence is missing."""
    seen = figures(status, plan, evidence, now, planned_end_at=now)
    judgement = judge_so_far(plan, evidence, _with_load(seen, stop_requested_at=_planned_end(seen, plan)))
    if judgement.reason in _MENDED_BY_MORE:
        longest = format_duration(plan.duration)
        return step(
            seen, now, Step.EXTENDED, f"the load goes on, up to {longest} in all: {judgement.message}"
        )
    stopped = figures(seen, plan, evidence, now, stop_requested_at=now, ended_at=now)
    if judgement.reason is Reason.OBJECTIVES_MET:
        return _enough(stopped, plan, now)
    return step(stopped, now, Step.NOT_EXTENDED, judgement.message, phase=Phase.JUDGING)


def _planned_end(status: PerfRunStatus, plan: RunPlan) -> datetime | None:
    """By the clock of the load's node. What came after it is not all here yet, so no rate is taken of it."""
    judged_from = _load(status).judged_from
    if judged_from is None or plan.planned is None:
        return None
    return judged_from + plan.planned - plan.ramp_up


def _enough(status: PerfRunStatus, plan: RunPlan, now: datetime) -> PerfRunStatus:
    judged_from = _load(status).judged_from or now
    took, planned = format_duration(now - judged_from), format_duration(plan.judged)
    message = (
        f"all critical objectives are shown to hold after {took} of judged load; "
        f"the rest of {planned} is not needed"
    )
    return step(status, now, Step.ENOUGH_EVIDENCE, message, phase=Phase.JUDGING)


def _progress(status: PerfRunStatus, plan: RunPlan, evidence: Evidence, now: datetime) -> PerfRunStatus:
    """Figures for whoever watches; written at most every other second."""
    taken_at = _load(status).progress_at
    if taken_at is not None and now - taken_at < _PROGRESS:
        return status
    return figures(status, plan, evidence, now)


def figures(
    status: PerfRunStatus, plan: RunPlan, evidence: Evidence, now: datetime, **changes: datetime
) -> PerfRunStatus:
    """Load and objectives as they stand now; `changes` are further fields of the load."""
    load = _load(status).model_copy(update=changes)
    rate = achieved_rate(plan, evidence, load)
    counted = {
        "progress_at": now,
        "achieved_rate": None if rate is None else format_rate(rate),
        "samples": sum(worker.rows for worker in evidence.workers),
        "judged_samples": sum(worker.judged_samples for worker in evidence.workers),
        "errors": sum(worker.errors for worker in evidence.workers),
    }
    objectives = follow_objectives(plan, evidence, status.objectives, now)
    return status.model_copy(update={"load": load.model_copy(update=counted), "objectives": objectives})


def _finals_outstanding(observed: RunObserved, status: PerfRunStatus, now: datetime) -> bool:
    if all_delivered(status):
        return False
    gone = observed.job is None or observed.job.finished
    since = entered(status, Phase.JUDGING) or now
    return now - since < (_FINAL_WAIT_JOB_GONE if gone else _FINAL_WAIT)


def _judged_from(status: PerfRunStatus, plan: RunPlan, now: datetime) -> datetime:
    """When the judged time begins by our clock: that of the load's node may be another."""
    return (_load(status).ends_at or now + plan.duration) - plan.duration + plan.ramp_up


def _window(status: PerfRunStatus, plan: RunPlan) -> Window | None:
    """None: no sample has come yet that would begin it."""
    load = _load(status)
    if load.judged_from is None:
        return None
    return Window(load.judged_from, load.judged_from + plan.judged, load.ended_at)
