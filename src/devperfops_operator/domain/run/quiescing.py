"""What the reset scales to zero, and gives back whatever becomes of the run.

How many replicas there were is stored with the run, which a finalizer holds, before anything is scaled.
From then on it is owed, and given back once the data are reset or the run is in any other phase.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from devperfops_operator.api.data import Data
from devperfops_operator.api.perfrun import Phase, QuiescedStatus, ResetStatus
from devperfops_operator.domain.effects import CreateClaim, Effect, HoldRun, RunDecision, Scale
from devperfops_operator.domain.manifests.common import FINALIZER, RESET_LABEL
from devperfops_operator.domain.manifests.quiesced import claim_manifest
from devperfops_operator.domain.observed import EffectFailure, RunObserved, SeenWorkload
from devperfops_operator.domain.run.replacing import held_by
from devperfops_operator.domain.run.steps import Step, step

_LOOK_AGAIN: Final = timedelta(seconds=2)
_TRY_AGAIN: Final = timedelta(seconds=10)
_RIGHTS: Final = (
    "the operator has this right with deploy/kustomize/components/quiesce (Helm: dataReset.quiesce: true)"
)


def unfit_to_quiesce(observed: RunObserved, data: Data) -> str | None:
    """Why nothing may be scaled; None: it may, or it is already."""
    if not data.quiesce or observed.run.status.reset is not None:
        return None
    return next((why for each in observed.workloads if (why := _unfit(each))), None)


def _unfit(workload: SeenWorkload) -> str | None:
    if workload.unread is not None:
        return f"{workload} cannot be read: {workload.unread}; {_RIGHTS}"
    if workload.missing:
        return f"{workload} of spec.data.quiesce does not exist"
    if not workload.may_be_reset:
        return (
            f"{workload} is not marked as one that may be scaled to zero, so it is left alone: label it "
            f"{RESET_LABEL}=true"
        )
    if workload.drops_claims:
        return (
            f"{workload} of spec.data.quiesce would lose its volumes: write whenScaled: Retain into its "
            "persistentVolumeClaimRetentionPolicy"
        )
    if workload.replicas == 0:
        return (
            f"{workload} of spec.data.quiesce has 0 replicas already, so it is not known how many to give "
            "back: scale it up, or leave it out"
        )
    return None


def refused_to_quiesce(observed: RunObserved) -> str | None:
    """How what quiescing needs was refused, with the remedy; None: it was not."""
    failures = observed.failures.items()
    words = (each.message for key, each in failures if each.refused and _quiesces(key))
    return next((f"{message}; {_RIGHTS}" for message in words), None)


def _quiesces(key: str) -> bool:
    return key == "HoldRun" or key.startswith("Scale/")


def remembered(observed: RunObserved, now: datetime) -> RunDecision:
    """The run is held, then the numbers are stored."""
    run = observed.run
    if FINALIZER not in run.metadata.finalizers:
        return RunDecision(run.status, (HoldRun(run, held=True),), requeue_at=now + _LOOK_AGAIN)
    owed = tuple(
        QuiescedStatus(kind=each.kind, name=each.name, replicas=each.replicas) for each in observed.workloads
    )
    told = ", ".join(f"{each} ({each.replicas})" for each in owed)
    message = f"scaled to zero while the data are reset: {told}"
    return RunDecision(step(run.status, now, Step.QUIESCED, message, reset=ResetStatus(workloads=owed)))


def quieting(observed: RunObserved, now: datetime) -> RunDecision | None:
    """Scales to zero, again if somebody else scales up, and waits for the last pod; None: all is quiet."""
    if all(each.replicas == 0 and each.pods == 0 and each.unread is None for each in observed.workloads):
        return None
    namespace = observed.run.metadata.namespace
    effects = tuple(
        Scale(each.kind, namespace, each.name, each.version, 0)
        for each in observed.workloads
        if each.replicas > 0
    )
    return RunDecision(observed.run.status, effects, requeue_at=now + _LOOK_AGAIN)


def restless(observed: RunObserved) -> str | None:
    """What is not quiet, for people; None: all is."""
    for each in observed.workloads:
        if each.unread is not None:
            return f"{each} cannot be read: {each.unread}"
        if each.replicas > 0:
            return f"somebody scales {each} up again, to {each.replicas}: GitOps, or an autoscaler"
        if each.pods > 0:
            return f"{each.pods} pods of {each} have not ended"
    return None


def giving_back(observed: RunObserved) -> tuple[Effect, ...] | None:
    """What is still to be done for it, which may be to wait; None: all is given back.

    A workload that has replicas was scaled up by us or somebody else, who may know better by now.
    """
    reset, volume, namespace = observed.run.status.reset, observed.volume, observed.run.metadata.namespace
    if reset is None:
        return None
    claim = volume.claim if volume is not None else None
    if reset.claim is not None and claim is None:
        known = volume is not None and volume.unread is None
        return (CreateClaim(claim_manifest(reset.claim, namespace)),) if known else ()
    if claim is not None and claim.deleting:
        return ()
    seen = {(each.kind, each.name): each for each in observed.workloads}
    away = [each for each in reset.workloads if _away(seen.get((each.kind, each.name)))]
    if not away:
        return None
    return tuple(
        Scale(each.kind, namespace, each.name, seen[each.kind, each.name].version, each.replicas)
        for each in away
        if seen[each.kind, each.name].unread is None
    )


def _away(workload: SeenWorkload | None) -> bool:
    if workload is None or workload.missing:
        return False
    return workload.unread is not None or workload.replicas == 0


def with_debts(observed: RunObserved, decision: RunDecision, now: datetime) -> RunDecision:
    """The decision of a run that has left ResettingData, and what it owes: tried for ever, if need be."""
    reset = observed.run.status.reset
    if reset is None:
        return decision
    effects = giving_back(observed)
    if effects is None:
        return replace(decision, status=decision.status.model_copy(update={"reset": None}))
    failure, problem = _failure(observed, effects), _why_not(observed, effects)
    changed = reset.model_copy(update={"problem": problem and problem[:2048]})
    due = now if failure is None else failure.last + _TRY_AGAIN
    return RunDecision(
        decision.status.model_copy(update={"reset": changed}),
        (*decision.effects, *(effects if due <= now else ())),
        requeue_at=min(filter(None, (decision.requeue_at, max(due, now + _LOOK_AGAIN)))),
    )


def cannot_give_back(observed: RunObserved) -> bool:
    """Whether that was refused, or only people can go on: then a run need not wait for it to end."""
    failure = _failure(observed, giving_back(observed) or ())
    refused = failure is not None and failure.refused
    return refused or _kept(observed) is not None or any(each.unread for each in observed.workloads)


def _why_not(observed: RunObserved, effects: tuple[Effect, ...]) -> str | None:
    failure = _failure(observed, effects)
    unread = next((f"{each}: {each.unread}" for each in observed.workloads if each.unread), None)
    return failure.message if failure is not None else _kept(observed) or unread


def _kept(observed: RunObserved) -> str | None:
    """Who uses a claim that is deleted already; it stays until they are gone."""
    claim = observed.volume.claim if observed.volume is not None else None
    return held_by(claim) if claim is not None and claim.deleting and claim.users else None


def _failure(observed: RunObserved, effects: tuple[Effect, ...]) -> EffectFailure | None:
    return next((observed.failures[each.key] for each in effects if each.key in observed.failures), None)


def release(observed: RunObserved) -> tuple[HoldRun, ...]:
    """A run that owes nothing (any more) may go."""
    run = observed.run
    owes = run.status.reset is not None or run.status.phase is Phase.RESETTING_DATA
    return (HoldRun(run, held=False),) if FINALIZER in run.metadata.finalizers and not owes else ()
