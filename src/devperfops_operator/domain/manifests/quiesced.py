"""What a reset scales to zero and replaces: reading it, and the claim that takes an old one's place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from devperfops_operator.api.data import WorkloadKind
from devperfops_operator.api.perfrun import ClaimStatus
from devperfops_operator.api.quantity import parse_any_quantity
from devperfops_operator.domain.manifests.common import RESET_LABEL
from devperfops_operator.domain.observed import SeenClaim, SeenWorkload

Raw = Mapping[str, Any]

_RETENTION: Final = "persistentVolumeClaimRetentionPolicy"  # of StatefulSets
_API_GROUP: Final = "snapshot.storage.k8s.io"


def read_workload(kind: WorkloadKind, stored: Raw, pods: Iterable[Raw]) -> SeenWorkload:
    """`pods`: those that its selector matches."""
    metadata, status = stored["metadata"], stored.get("status", {})
    wanted = stored["spec"].get("replicas", 1)
    seen = status.get("observedGeneration", 0) >= metadata["generation"]
    return SeenWorkload(
        kind=kind,
        name=metadata["name"],
        version=metadata["resourceVersion"],
        replicas=wanted,
        pods=sum(_runs(pod) for pod in pods),
        ready=bool(seen and status.get("readyReplicas", 0) >= wanted),
        may_be_reset=_may_be_reset(metadata),
        drops_claims=stored["spec"].get(_RETENTION, {}).get("whenScaled") == "Delete",
    )


def read_claim(stored: Raw, pods: Iterable[Raw], snapshot: str, least: str = "0") -> SeenClaim:
    """`pods`: those of its namespace. `snapshot`: that the next one is to be made from; it takes `least`.

    A pod that has ended counts: Kubernetes keeps a deleted claim until such a pod is gone, too.
    """
    metadata, spec = stored["metadata"], stored["spec"]
    source = spec.get("dataSource") or {}
    return SeenClaim(
        uid=metadata["uid"],
        may_be_reset=_may_be_reset(metadata),
        deleting="deletionTimestamp" in metadata,
        bound=stored.get("status", {}).get("phase") == "Bound",
        snapshot=source.get("name", "") if source.get("kind") == "VolumeSnapshot" else "",
        as_status=ClaimStatus(
            name=metadata["name"],
            uid=metadata["uid"],
            snapshot=snapshot,
            labels=metadata.get("labels", {}),
            storage_class_name=spec.get("storageClassName"),
            access_modes=tuple(spec["accessModes"]),
            volume_mode=spec.get("volumeMode"),
            storage=max(spec["resources"]["requests"]["storage"], least, key=parse_any_quantity),
        ),
        users=tuple(pod["metadata"]["name"] for pod in pods if metadata["name"] in _claims(pod)),
    )


def snapshot_problem(name: str, stored: Raw | None) -> str | None:
    """Why no volume can be made from the VolumeSnapshot (yet); None: one can."""
    if stored is None:
        return f"there is no VolumeSnapshot {name}"
    if "deletionTimestamp" in stored["metadata"]:
        return f"VolumeSnapshot {name} is being deleted"
    status = stored.get("status", {})
    if status.get("readyToUse"):
        return None
    why = status.get("error", {}).get("message")
    return f"VolumeSnapshot {name} is not ready to use" + (f": {why}" if why else "")


def restore_size(snapshot: Raw | None) -> str:
    """What a volume made from it takes: more than was asked for where the storage rounds sizes up."""
    return str((snapshot or {}).get("status", {}).get("restoreSize", "0"))


def claim_manifest(claim: ClaimStatus, namespace: str) -> dict[str, Any]:
    """Of the same name, so that what uses it need not be changed."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": claim.name, "namespace": namespace, "labels": claim.labels},
        "spec": {
            "accessModes": list(claim.access_modes),
            "resources": {"requests": {"storage": claim.storage}},
            "dataSource": {"apiGroup": _API_GROUP, "kind": "VolumeSnapshot", "name": claim.snapshot},
            **({"volumeMode": claim.volume_mode} if claim.volume_mode is not None else {}),
            **(
                {"storageClassName": claim.storage_class_name} if claim.storage_class_name is not None else {}
            ),
        },
    }


def _may_be_reset(metadata: Raw) -> bool:
    return bool(metadata.get("labels", {}).get(RESET_LABEL) == "true")


def _runs(pod: Raw) -> bool:
    return pod.get("status", {}).get("phase") not in {"Succeeded", "Failed"}


def _claims(pod: Raw) -> set[str]:
    volumes = pod["spec"].get("volumes", [])
    return {each["persistentVolumeClaim"]["claimName"] for each in volumes if "persistentVolumeClaim" in each}
