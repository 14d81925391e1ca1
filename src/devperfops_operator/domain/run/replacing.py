"""A volume that is made anew from a snapshot, under the same name, while nothing uses it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from devperfops_operator.api.data import VolumeReset
from devperfops_operator.api.perfrun import ClaimStatus, PerfRunStatus, ResetStatus
from devperfops_operator.domain.effects import CreateClaim, DeleteObject, RunDecision
from devperfops_operator.domain.manifests.common import RESET_LABEL
from devperfops_operator.domain.manifests.quiesced import claim_manifest
from devperfops_operator.domain.observed import RunObserved, SeenClaim, SeenVolume

_LOOK_AGAIN: Final = timedelta(seconds=2)
_RIGHTS: Final = (
    "the operator has this right with deploy/kustomize/components/volume-snapshots "
    "(Helm: dataReset.volumeSnapshots: true)"
)


def unfit_to_replace(observed: RunObserved, wanted: VolumeReset) -> str | None:
    """Why the claim is left alone, for good; None: nothing speaks against it."""
    volume, reset = observed.volume, observed.run.status.reset
    if volume is None:
        return None
    drop = observed.failures.get("DeletePersistentVolumeClaim")
    problem = volume.unread or (drop.message if drop is not None and drop.refused else None)
    if problem is not None:
        return f"claim {wanted.claim} cannot be read or replaced: {problem}; {_RIGHTS}"
    owed = reset.claim if reset is not None else None
    return _unmarked(volume.claim, wanted) if owed is None else _strange(volume.claim, owed)


def _unmarked(claim: SeenClaim | None, wanted: VolumeReset) -> str | None:
    if claim is None:
        return f"there is no PersistentVolumeClaim {wanted.claim}"
    if claim.may_be_reset:
        return None
    return (
        f"PersistentVolumeClaim {wanted.claim} is not marked as one that may be reset, so it is left "
        f"alone: if all in it may be lost, label it {RESET_LABEL}=true"
    )


def _strange(claim: SeenClaim | None, owed: ClaimStatus) -> str | None:
    if claim is None or claim.uid == owed.uid or claim.snapshot == owed.snapshot:
        return None
    return f"somebody else has made PersistentVolumeClaim {owed.name} meanwhile, not from the snapshot"


def replacing(observed: RunObserved, reset: ResetStatus, now: datetime) -> RunDecision:
    """Stored is what the new one is to be, then the old one goes: whoever is killed between can make it.

    A refusal to make it is no reason to give up: quotas count the old one for a moment after it is gone.
    """
    status, volume = observed.run.status, observed.volume or SeenVolume()
    claim, namespace = volume.claim, observed.run.metadata.namespace
    waiting = RunDecision(status, requeue_at=now + _LOOK_AGAIN)
    if reset.claim is None:
        ready = claim is not None and not claim.users and volume.snapshot_problem is None
        return _changed(status, reset, claim=claim.as_status) if claim is not None and ready else waiting
    if claim is None:
        create = CreateClaim(claim_manifest(reset.claim, namespace))
        return RunDecision(status, (create,), requeue_at=now + _LOOK_AGAIN)
    if claim.uid != reset.claim.uid:
        return _changed(status, reset, done_at=now)
    if claim.deleting:
        return waiting
    drop = DeleteObject("PersistentVolumeClaim", namespace, reset.claim.name, claim.uid)
    return RunDecision(status, (drop,), requeue_at=now + _LOOK_AGAIN)


def waits_for(observed: RunObserved, wanted: VolumeReset) -> str:
    """Why the volume is not replaced yet, for people."""
    volume = observed.volume or SeenVolume()
    if volume.snapshot_problem is not None:
        return volume.snapshot_problem
    if volume.claim is not None and volume.claim.users:
        return held_by(volume.claim)
    refused = observed.failures.get("CreateClaim")
    if volume.claim is None and refused is not None:
        return f"the new PersistentVolumeClaim {wanted.claim} is refused: {refused.message}"
    return f"PersistentVolumeClaim {wanted.claim} is not replaced yet; see its events"


def held_by(claim: SeenClaim) -> str:
    """Who keeps the claim from being deleted, with the remedy."""
    return (
        f"pod {claim.users[0]} uses claim {claim.as_status.name}: add its workload to spec.data.quiesce, or "
        "delete the pod if it has ended"
    )


def unbound(observed: RunObserved) -> str | None:
    """The new claim that has no volume, for people; None: it has one."""
    claim = observed.volume.claim if observed.volume is not None else None
    if claim is None or claim.bound:
        return None
    return (
        f"no volume is bound to the new PersistentVolumeClaim {claim.as_status.name}, made from "
        f"VolumeSnapshot {claim.snapshot}: its events say why"
    )


def _changed(status: PerfRunStatus, reset: ResetStatus, **changes: object) -> RunDecision:
    return RunDecision(status.model_copy(update={"reset": reset.model_copy(update=changes)}))
