"""A volume that is made anew from a snapshot, under the same name, while nothing uses it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from devperfops_operator.api.data import VolumeReset
from devperfops_operator.api.perfrun import ClaimStatus, PerfRunStatus, ResetStatus
from devperfops_operator.domain.effects import CreateClaim, DeleteObject, RunDecision
from devperfops_operator.domain.manifests.common import RESET_LABEL
from devperfops_operator.domain.manifests.quiesced import claim_manifest
from devperfops_operator.domain.observed import EffectFailure, RunObserved, SeenClaim, SeenVolume

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
    refused = next((each.message for key, each in observed.failures.items() if _replaces(key, each)), None)
    problem = volume.unread or refused
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


def _replaces(key: str, failure: EffectFailure) -> bool:
    return failure.refused and key in {"CreateClaim", "DeletePersistentVolumeClaim"}


def replacing(observed: RunObserved, reset: ResetStatus, now: datetime) -> RunDecision:
    """Stored is what the new one is to be, then the old one goes: whoever is killed between can make it."""
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
    users = volume.claim.users if volume.claim is not None else ()
    if users:
        return f"pod {users[0]} uses claim {wanted.claim}: add its workload to spec.data.quiesce"
    return f"PersistentVolumeClaim {wanted.claim} is not replaced yet; see its events"


def _changed(status: PerfRunStatus, reset: ResetStatus, **changes: object) -> RunDecision:
    return RunDecision(status.model_copy(update={"reset": reset.model_copy(update=changes)}))
