"""Acting: the verdict stands; do what follows from it, and see the load ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

from devperfops_operator.api.perfgate import OnFail, OnInconclusive, PerfGate
from devperfops_operator.api.perfrun import (
    ActionStatus,
    ActionType,
    PerfRunStatus,
    Phase,
    PromotionStatus,
    Trigger,
    Verdict,
)
from devperfops_operator.domain.criteria import criteria_hash
from devperfops_operator.domain.effects import (
    Effect,
    MarkKnownGood,
    Promote,
    RollBack,
    RunDecision,
    SuspendJob,
)
from devperfops_operator.domain.manifests.template import without_restart
from devperfops_operator.domain.observed import Problem, RunObserved, Snapshot, Target
from devperfops_operator.domain.plan import resolve_load
from devperfops_operator.domain.run.actions import attempt, done, hold, known_good
from devperfops_operator.domain.run.keeping import keep_record
from devperfops_operator.domain.run.promoting import (
    Reached,
    Wait,
    next_move,
    plan_promotion,
    promised,
    reached,
    tidying,
)
from devperfops_operator.domain.run.restraint import OBSERVE_ONLY, on_fail, restrained
from devperfops_operator.domain.run.rollback import roll_back
from devperfops_operator.domain.run.steps import Step, end, step
from devperfops_operator.domain.run.under_load import all_delivered, store_finals, with_finals
from devperfops_operator.domain.verdict import Reason

_STOP_PATIENCE = timedelta(seconds=10)
_FINAL_WAIT = timedelta(seconds=130)
_LOOK_AGAIN = timedelta(seconds=1)
_CHANGES_NOTHING = "only a Pass opens the gate and only a Fail rolls back"


def acting(observed: RunObserved, gate: PerfGate, target: Target | None, now: datetime) -> RunDecision:
    status = _with_finals(observed, gate, now)
    if status.action is None:
        action = restrained(_choose(observed, gate, target, now), gate, status)
        return RunDecision(status.model_copy(update={"action": action}))
    if status.action.done_at is None:
        return _unless_held(_act(observed, status, status.action, target, now), observed, gate, target, now)
    stopping = _stopping(observed, status, now)
    if stopping is not None:
        return RunDecision(status, stopping, requeue_at=now + _LOOK_AGAIN)
    return keep_record(observed, status, now) or RunDecision(_completed(status, now))


def _with_finals(observed: RunObserved, gate: PerfGate, now: datetime) -> PerfRunStatus:
    """A stopped load still delivers its last counts; they complete the report and change no verdict."""
    status = observed.run.status
    if status.load is None or criteria_hash(gate.spec) != status.criteria_hash:
        return store_finals(status, observed.evidence, now)
    return with_finals(status, resolve_load(gate.spec), observed.evidence, now, ended_at=now)


def _unless_held(
    decision: RunDecision, observed: RunObserved, gate: PerfGate, target: Target | None, now: datetime
) -> RunDecision:
    """Before what runs is changed: since that was chosen the gate may have changed its mind."""
    if not any(isinstance(effect, RollBack | Promote) for effect in decision.effects):
        return decision
    action = restrained(_choose(observed, gate, target, now), gate, decision.status)
    if action.type is not ActionType.HOLD:
        return decision
    return RunDecision(decision.status.model_copy(update={"action": action}))


def _choose(observed: RunObserved, gate: PerfGate, target: Target | None, now: datetime) -> ActionStatus:
    status = observed.run.status
    match status.verdict:
        case Verdict.PASS:
            return _choose_after_pass(observed, gate, now)
        case Verdict.FAIL:
            return _choose_after_fail(observed, gate, target, now)
        case Verdict.INCONCLUSIVE:
            return _choose_after_inconclusive(observed, gate, target, now)
        case Verdict.ERROR:
            return hold("Error", _CHANGES_NOTHING, now)
        case None:
            raise ValueError("a run is Acting without a verdict")
        case _:
            assert_never(status.verdict)


def _choose_after_pass(observed: RunObserved, gate: PerfGate, now: datetime) -> ActionStatus:
    status, primary = observed.run.status, gate.spec.promote_to
    own = _own_snapshot(observed)
    promotion: PromotionStatus | None = None
    message = f"revision {status.revision} becomes known-good"
    if primary is not None and own is not None:
        if status.trigger is Trigger.MANUAL:
            message = f"a run asked for by hand reports and never changes Deployment {primary}"
            return hold("ManualRun", message, now)
        planned = plan_promotion(observed, primary, own.template)
        if isinstance(planned, Problem):
            return hold(planned.reason, planned.message, now, PromotionStatus(name=primary))
        promotion, message = planned, promised(planned, status)
    return ActionStatus(
        type=ActionType.PROMOTE,
        reason="Passed",
        message=message,
        to_revision=status.revision,
        decided_at=now,
        primary=promotion,
    )


def _choose_after_fail(
    observed: RunObserved, gate: PerfGate, target: Target | None, now: datetime
) -> ActionStatus:
    if observed.run.status.trigger is Trigger.MANUAL:
        return hold("ManualRun", "a run asked for by hand reports and never rolls back", now)
    if gate.spec.actions.on_fail is OnFail.HOLD:
        return hold("HoldAsked", "spec.actions.onFail is Hold", now)
    owner = target.git_owner if target is not None else None
    if on_fail(gate.spec.actions, owner) is OnFail.HOLD:
        message = (
            f"{owner} owns Deployment {gate.spec.target_ref.name} and would undo a rollback: revert the "
            "change in Git, or write spec.actions.onFail: Rollback to have it rolled back all the same"
        )
        return hold("GitOwned", message, now)
    return _go_back(observed, target, now)


def _choose_after_inconclusive(
    observed: RunObserved, gate: PerfGate, target: Target | None, now: datetime
) -> ActionStatus:
    """As the gate asks, which never makes it a Pass. A run whose target went away is repeated anyhow."""
    status, asked = observed.run.status, gate.spec.actions.on_inconclusive
    because = f"spec.actions.onInconclusive is {asked}"
    if status.reason == Reason.QUOTA_REGRESSION:
        return hold("QuotaRegression", "raise the quota, or have it waived, and run again", now)
    if asked is OnInconclusive.HOLD or status.reason == Reason.TARGET_GONE:
        return hold("Inconclusive", _CHANGES_NOTHING, now)
    if status.trigger is Trigger.MANUAL:
        return hold("ManualRun", f"of runs asked for by hand only a Pass counts, though {because}", now)
    promote = asked is OnInconclusive.PROMOTE
    chosen = _choose_after_pass(observed, gate, now) if promote else _go_back(observed, target, now)
    if chosen.type is ActionType.HOLD:
        return chosen
    message = f"{chosen.message}, though unproven: {because}"
    return ActionStatus.model_validate({**dict(chosen), "reason": "Inconclusive", "message": message})


def _go_back(observed: RunObserved, target: Target | None, now: datetime) -> ActionStatus:
    good, status = known_good(observed.snapshots), observed.run.status
    if good is None:
        return hold("NoKnownGood", "no revision has passed yet, so there is nothing to go back to", now)
    if good.revision == status.revision:
        return hold("KnownGoodFailed", "the judged revision is itself the known-good one", now)
    if target is not None and without_restart(target.template) == without_restart(good.template):
        return hold(
            "ConfigNotReversible",
            f"the pod template already is that of known-good revision {good.revision}; what differs is "
            f"the content of {_changed_since(good, target) or 'its ConfigMaps'}, "
            "which the operator does not change: put it back and restart the pods",
            now,
        )
    owner = target.git_owner if target is not None else None
    undone = f"; {owner} owns the Deployment and may undo that" if owner is not None else ""
    return ActionStatus(
        type=ActionType.ROLLBACK,
        reason="Failed",
        message=f"back to known-good revision {good.revision}{_what_stays(good, target)}{undone}",
        to_revision=good.revision,
        decided_at=now,
    )


def _what_stays(good: Snapshot, target: Target | None) -> str:
    """A template that is put back reads the ConfigMaps as they are now, which is a revision of its own."""
    changed = _changed_since(good, target)
    return f"; the content of {changed} stays as it is, and what then runs is judged anew" if changed else ""


def _changed_since(good: Snapshot, target: Target | None) -> str:
    """The known-good revision's ConfigMaps whose content is another by now; only those the target reads."""
    configs = target.configs if target is not None else ()
    changed = [
        config.name for config in configs if good.configs.get(config.name, config.digest) != config.digest
    ]
    return f"ConfigMap{'s' if len(changed) > 1 else ''} {', '.join(changed)}" if changed else ""


def _act(
    observed: RunObserved, status: PerfRunStatus, action: ActionStatus, target: Target | None, now: datetime
) -> RunDecision:
    match action.type:
        case ActionType.HOLD:
            return _hold_still(observed, status, action, now)
        case ActionType.PROMOTE:
            return _promote(observed, status, action, now)
        case ActionType.ROLLBACK:
            return roll_back(observed, status, action, target, now)
        case _:
            assert_never(action.type)


def _hold_still(
    observed: RunObserved, status: PerfRunStatus, action: ActionStatus, now: datetime
) -> RunDecision:
    """Nothing that runs is changed; that a revision passed is remembered also where it is only observed."""
    own = _own_snapshot(observed)
    learnt = action.reason == OBSERVE_ONLY and status.verdict is Verdict.PASS
    if learnt and own is not None and not own.known_good:
        return attempt(observed, status, MarkKnownGood(observed.run.metadata.namespace, own.name), now)
    return RunDecision(done(status, action, Step.HELD, now))


def _own_snapshot(observed: RunObserved) -> Snapshot | None:
    name = observed.run.status.snapshot
    return next((snapshot for snapshot in observed.snapshots if snapshot.name == name), None)


def _promote(
    observed: RunObserved, status: PerfRunStatus, action: ActionStatus, now: datetime
) -> RunDecision:
    own = _own_snapshot(observed)
    if own is None:
        message = f"snapshot {status.snapshot} was deleted; test the revision again"
        return _give_up(status, action, Problem("SnapshotGone", message), now)
    if own.known_good:
        tidy = tidying(observed)
        if tidy:
            return RunDecision(status, tidy, requeue_at=now + _LOOK_AGAIN)
        return RunDecision(done(status, action, Step.PROMOTED, now))
    return _move(observed, status, action, own, now)


def _move(
    observed: RunObserved, status: PerfRunStatus, action: ActionStatus, own: Snapshot, now: datetime
) -> RunDecision:
    primary = action.primary
    move = Reached() if primary is None else next_move(observed, primary, own.template, now)
    match move:
        case Promote():
            return attempt(observed, status, move, now)
        case PromotionStatus():
            return RunDecision(_patched(status, action, move, now))
        case Wait(until):
            return RunDecision(status, requeue_at=until)
        case Reached():
            mark = MarkKnownGood(observed.run.metadata.namespace, own.name)
            return attempt(observed, status, mark, now)
        case Problem():
            return _give_up(status, action, move, now)
        case _:
            assert_never(move)


def _give_up(status: PerfRunStatus, action: ActionStatus, problem: Problem, now: datetime) -> RunDecision:
    held = hold(problem.reason, problem.message, now, action.primary)
    return RunDecision(status.model_copy(update={"action": held}))


def _patched(
    status: PerfRunStatus, action: ActionStatus, promotion: PromotionStatus, now: datetime
) -> PerfRunStatus:
    message = action.message.replace(promised(promotion, status), reached(promotion, status))
    patched = action.model_copy(update={"primary": promotion, "message": message})
    text = f"Deployment {promotion.name} has got revision {status.revision}; its rollout is awaited"
    return step(status, now, Step.PRIMARY_PATCHED, text, action=patched)


def _stopping(observed: RunObserved, status: PerfRunStatus, now: datetime) -> tuple[Effect, ...] | None:
    """What it takes to end the load; None when it has ended and its last counts are stored."""
    stop_at = status.load.stop_requested_at if status.load is not None else None
    job = observed.job
    if stop_at is None or job is None or job.finished or all_delivered(status):
        return None
    if now > stop_at + _STOP_PATIENCE + _FINAL_WAIT:
        return None
    if now > stop_at + _STOP_PATIENCE and not job.suspended:
        return (SuspendJob(observed.run.metadata.namespace, job.name),)
    return ()


def _completed(status: PerfRunStatus, now: datetime) -> PerfRunStatus:
    action = status.action
    done = f"{action.type}: {action.message}" if action is not None else ""
    return end(status, now, Phase.COMPLETED, Step.COMPLETED, f"{status.verdict}; {done}")
