"""A run's next step, decided from what is observed: the shell writes the status, then does the effects."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import PerfRun, PerfRunStatus, Phase
from devperfops_operator.domain.criteria import criteria_hash
from devperfops_operator.domain.effects import DeleteJob, RunDecision
from devperfops_operator.domain.errors import InvalidSpec
from devperfops_operator.domain.judgement import Judgement, decided
from devperfops_operator.domain.manifests.common import MANAGED_BY
from devperfops_operator.domain.observed import RunJob, RunObserved, Target
from devperfops_operator.domain.plan import resolve_plan
from devperfops_operator.domain.resolved import awaits
from devperfops_operator.domain.run.acting import acting
from devperfops_operator.domain.run.actions import known_good
from devperfops_operator.domain.run.before_load import awaiting_rollout, pending, preparing, starting
from devperfops_operator.domain.run.live import watching
from devperfops_operator.domain.run.quiescing import cannot_give_back, release, with_debts
from devperfops_operator.domain.run.resetting import resetting
from devperfops_operator.domain.run.rollback import rollback_under_way, snapshot_to_put_back
from devperfops_operator.domain.run.steps import Step, end, to_acting, wait, with_conditions
from devperfops_operator.domain.run.target_watch import pods_wanted
from devperfops_operator.domain.run.telling import owed, tell, to_tell, untold
from devperfops_operator.domain.run.under_load import all_delivered, judging, running
from devperfops_operator.domain.verdict import Reason

_GATE_WAIT = timedelta(seconds=10)
_CLEAN_UP = timedelta(seconds=2)

__all__ = [
    "decide_run",
    "final_stored",
    "known_good",
    "owed",
    "pods_wanted",
    "rollback_under_way",
    "snapshot_to_put_back",
    "stop_wanted",
    "untold",
]


def decide_run(observed: RunObserved, now: datetime) -> RunDecision:
    """At most one transition a call: each phase is stored before the next step is taken."""
    decision = _decide(observed, now)
    decision = replace(decision, effects=(*decision.effects, *release(observed)))
    if decision.status == observed.run.status:
        return decision
    status = with_conditions(observed, decision.status, now)
    if status.phase.terminal and not observed.run.status.phase.terminal:
        receivers = to_tell(observed.run, observed.settings.receivers)
        status = status.model_copy(update={"notifications": receivers})
    return replace(decision, status=status, requeue_at=decision.requeue_at or now)


def stop_wanted(run: PerfRun) -> bool:
    """Whether its workers should stop loading."""
    status = run.status
    ended = status.phase is Phase.JUDGING or status.phase.terminal
    return ended or status.verdict is not None or run.spec.cancel


def final_stored(run: PerfRun, worker: int) -> bool:
    """Whether this worker has nothing more to deliver."""
    return run.status.phase.terminal or any(stored.index == worker for stored in run.status.workers)


def _decide(observed: RunObserved, now: datetime) -> RunDecision:
    status, gate = observed.run.status, observed.gate
    if status.phase.terminal:
        return _settled(observed, tell(observed, now), now)
    if gate is None or _gone(gate, observed.run):
        return _without_gate(observed, now)
    called_off = _called_off(observed.run)
    if called_off is not None:
        return _ended(status, now, Phase.CANCELLED, Step.CANCELLED, called_off)
    if status.phase is Phase.ACTING:
        return _acting(observed, gate, now)
    unfit = _unfit(observed, gate)
    if unfit is not None:
        return RunDecision(to_acting(status, unfit, now))
    target = _existing(observed.target)
    return _superseded(observed, gate, target, now) or _advance(observed, gate, target, now)


def _acting(observed: RunObserved, gate: PerfGate, now: datetime) -> RunDecision:
    """What the reset owes comes back first; where that is refused, the run need not wait for it."""
    status = observed.run.status
    if status.reset is not None and not cannot_give_back(observed):
        return _settled(observed, RunDecision(status), now)
    return acting(observed, gate, observed.target, now)


def _settled(observed: RunObserved, decision: RunDecision, now: datetime) -> RunDecision:
    """A reset that still goes on must be over before what it wants quiet comes back."""
    clean_up = _clean_up(observed)
    if not clean_up:
        return with_debts(observed, decision, now)
    again = decision.requeue_at
    if observed.run.status.reset is not None:
        again = min(filter(None, (again, now + _CLEAN_UP)))
    return replace(decision, effects=(*clean_up, *decision.effects), requeue_at=again)


def _without_gate(observed: RunObserved, now: datetime) -> RunDecision:
    """The gate of a new run may be as new, and the watch of gates a little behind that of runs."""
    run, made = observed.run, observed.run.metadata.creation_timestamp
    if observed.gate is None and run.status.phase is Phase.PENDING and made and now < made + _GATE_WAIT:
        return wait(observed, made + _GATE_WAIT)
    message = f"PerfGate {run.spec.gate} does not exist (any more)"
    return _ended(run.status, now, Phase.CANCELLED, Step.GATE_NOT_FOUND, message)


def _called_off(run: PerfRun) -> str | None:
    """Why somebody wants no more of it; None: nobody does."""
    if run.metadata.deletion_timestamp is not None:
        return "the run is being deleted"
    return "cancelled on request" if run.spec.cancel and run.status.verdict is None else None


def _gone(gate: PerfGate, run: PerfRun) -> bool:
    """Whether the run's gate is being deleted, or was, and has a namesake."""
    owners = [owner for owner in run.metadata.owner_references if owner.name == gate.metadata.name]
    disowned = any(owner.kind == gate.kind and owner.uid != gate.metadata.uid for owner in owners)
    return disowned or gate.metadata.deletion_timestamp is not None


def _unfit(observed: RunObserved, gate: PerfGate) -> Judgement | None:
    """What makes it impossible to go on."""
    try:
        if not awaits(gate.spec):
            resolve_plan(gate.spec)
    except InvalidSpec as error:
        return decided(Reason.INVALID_SPEC, str(error))
    judged, name = observed.run.status.load or observed.run.status.live, gate.spec.target_ref.name
    if observed.target is not None:
        needed = judged is not None and judged.ended_at is None
        stopped = needed and observed.target.scaled_to_zero
        return decided(Reason.TARGET_GONE, f"Deployment {name} was scaled to zero") if stopped else None
    reason = Reason.TARGET_NOT_FOUND if judged is None else Reason.TARGET_GONE
    return decided(reason, f"Deployment {name} does not exist")


def _existing(target: Target | None) -> Target:
    if target is None:
        raise ValueError("a run without a target is decided before")
    return target


def _advance(observed: RunObserved, gate: PerfGate, target: Target, now: datetime) -> RunDecision:
    match observed.run.status.phase:
        case Phase.PENDING:
            return pending(observed, gate, target, now)
        case Phase.AWAITING_ROLLOUT:
            return awaiting_rollout(observed, gate, target, now)
        case Phase.PREPARING:
            return preparing(observed, gate, target, now)
        case Phase.RESETTING_DATA:
            return resetting(observed, gate, target, now)
        case Phase.STARTING:
            return starting(observed, gate, target, now)
        case Phase.RUNNING | Phase.JUDGING:
            return _judge_traffic(observed, gate, now)
        case Phase.ACTING | Phase.COMPLETED | Phase.SUPERSEDED | Phase.CANCELLED as phase:
            raise ValueError(f"{phase} is decided elsewhere")
        case _ as never:
            assert_never(never)


def _judge_traffic(observed: RunObserved, gate: PerfGate, now: datetime) -> RunDecision:
    """Of the gate's own load, or of real users."""
    status = observed.run.status
    if status.live is not None:
        return watching(observed, gate, status.live, now)
    decide = running if status.phase is Phase.RUNNING else judging
    return decide(observed, gate, now)


def _superseded(observed: RunObserved, gate: PerfGate, target: Target, now: datetime) -> RunDecision | None:
    """The revision, its pods or the gate changed: what is measured is not what was to be judged."""
    status = observed.run.status
    judged = status.revision or _meant_revision(observed)
    if judged is None and MANAGED_BY.items() <= observed.run.metadata.labels.items():
        message = "the gate wants another run by now"
        return _ended(status, now, Phase.SUPERSEDED, Step.NEW_REVISION, message)
    if judged is not None and target.revision != judged:
        message = f"revision {target.revision} replaced {judged}"
        return _ended(status, now, Phase.SUPERSEDED, Step.NEW_REVISION, message)
    if status.revision is not None and status.criteria_hash != criteria_hash(gate.spec):
        message = "the gate's target, load or objectives are others now"
        return _ended(status, now, Phase.SUPERSEDED, Step.GATE_CHANGED, message)
    measured = status.phase not in {Phase.PENDING, Phase.AWAITING_ROLLOUT}
    if measured and target.template_hash != status.template_hash:
        message = "the target's pods are being restarted, so the test would judge neither old nor new ones"
        return _ended(status, now, Phase.SUPERSEDED, Step.TARGET_RESTARTED, message)
    return None


def _meant_revision(observed: RunObserved) -> str | None:
    """The revision the operator made this run for; None for a run of somebody else."""
    current = observed.gate.status.run if observed.gate is not None else None
    return current.revision if current is not None and current.name == observed.run.metadata.name else None


def _ended(status: PerfRunStatus, now: datetime, phase: Phase, code: Step, message: str) -> RunDecision:
    return RunDecision(end(status, now, phase, code, message))


def _clean_up(observed: RunObserved) -> tuple[DeleteJob, ...]:
    """A Job that may still load or reset goes. One that has ended is kept for its logs until its TTL."""
    jobs = [job for job in (_may_load(observed), observed.data_job) if job is not None and not job.finished]
    return tuple(DeleteJob(observed.run.metadata.namespace, job.name) for job in jobs)


def _may_load(observed: RunObserved) -> RunJob | None:
    status, job = observed.run.status, observed.job
    load_ended = status.phase is Phase.COMPLETED and all_delivered(status)
    return None if job is not None and load_ended and not job.suspended else job
