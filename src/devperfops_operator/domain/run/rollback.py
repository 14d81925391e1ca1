"""Rolling back: the template first, then the records of who set what in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from devperfops_operator.api.perfrun import ActionStatus, ActionType, PerfRun, PerfRunStatus, Phase
from devperfops_operator.domain.effects import RestoreOwnership, RollBack, RunDecision
from devperfops_operator.domain.manifests.ownership import Restoration
from devperfops_operator.domain.manifests.template import without_restart
from devperfops_operator.domain.observed import RunObserved, Snapshot, Target
from devperfops_operator.domain.run.actions import attempt, hold, refused
from devperfops_operator.domain.run.steps import Step, step, told


def rollback_under_way(run: PerfRun) -> bool:
    """Whether the target's template, or its records, are still to be put back."""
    action = run.status.action
    pending = action is not None and action.type is ActionType.ROLLBACK and action.done_at is None
    return pending and run.status.phase is Phase.ACTING


def snapshot_to_put_back(snapshots: tuple[Snapshot, ...], action: ActionStatus | None) -> Snapshot | None:
    """The known-good snapshot a rollback goes to; None: there is none any more."""
    wanted = action.to_revision if action is not None else None
    good = [each for each in snapshots if each.known_good and each.revision == wanted]
    return max(good, key=lambda snapshot: snapshot.number, default=None)


def roll_back(
    observed: RunObserved, status: PerfRunStatus, action: ActionStatus, target: Target | None, now: datetime
) -> RunDecision:
    """The template is told to be back as soon as it is; what comes after that changes no outcome."""
    good, put_back = snapshot_to_put_back(observed.snapshots, action), told(status, Step.ROLLED_BACK)
    if target is None or good is None:
        gone = "the Deployment" if target is None else "the known-good snapshot"
        return _finished(status, action, now) if put_back else _held(status, f"{gone} was deleted", now)
    if without_restart(target.template) == without_restart(good.template):
        if put_back is None:
            return RunDecision(step(status, now, Step.ROLLED_BACK, action.message))
        return _restore_records(observed, status, action, target, now)
    if put_back is not None:  # and replaced: whoever did that owns the template now
        return _finished(status, action, now)
    if target.revision != status.revision:
        return _overtaken(status, target, now)
    return attempt(observed, status, _patch(observed, target, good), now)


def _patch(observed: RunObserved, target: Target, good: Snapshot) -> RollBack:
    patch = RollBack(
        namespace=observed.run.metadata.namespace,
        deployment=target.name,
        expected=target.template,
        replacement=good.template,
        annotation=None if observed.restoration is None else observed.restoration.annotation,
    )
    failure = observed.failures.get(patch.key)
    if failure is not None and failure.refused:  # it may be about the annotation, which is worth less
        return replace(patch, annotation=None)
    return patch


def _restore_records(
    observed: RunObserved, status: PerfRunStatus, action: ActionStatus, target: Target, now: datetime
) -> RunDecision:
    left = observed.restoration
    if left is None:
        return _finished(status, action, now)
    if left.managed_fields is None:
        return _finished(status, action, now, _trace(left, action))
    effect = RestoreOwnership(
        namespace=observed.run.metadata.namespace,
        deployment=target.name,
        resource_version=left.resource_version,
        managed_fields=left.managed_fields,
    )
    refusal = refused(observed, effect)
    if refusal is None:
        return attempt(observed, status, effect, now)
    return _finished(status, action, now, _kept(action, refusal.message))


def _trace(left: Restoration, action: ActionStatus) -> str | None:
    """What the next apply may make of records that are not as they were; None: they are."""
    if left.unknown:
        return _kept(action, "its snapshot does not tell who had set what; the next run's does")
    if left.annotation is not None:
        return _kept(action, "its last-applied annotation could not be put back")
    return None


def _kept(action: ActionStatus, why: str) -> str:
    return (
        f"the next apply may keep fields of revision {action.to_revision} that its manifest lacks, "
        f"or conflict with devperfops-operator: {why}"
    )


def _finished(
    status: PerfRunStatus, action: ActionStatus, now: datetime, trace: str | None = None
) -> RunDecision:
    changes: dict[str, object] = {"done_at": now}
    if trace is None:
        return RunDecision(status.model_copy(update={"action": action.model_copy(update=changes)}))
    changes["message"] = f"{action.message}; {trace}"[:1024]
    return RunDecision(step(status, now, Step.TRACES_LEFT, trace, action=action.model_copy(update=changes)))


def _held(status: PerfRunStatus, message: str, now: datetime) -> RunDecision:
    return RunDecision(status.model_copy(update={"action": hold("NothingToRollBack", message, now)}))


def _overtaken(status: PerfRunStatus, target: Target, now: datetime) -> RunDecision:
    message = f"revision {target.revision} replaced the failed {status.revision} before it was rolled back"
    return RunDecision(status.model_copy(update={"action": hold("NewRevision", message, now)}))
