"""The Lease as the API server keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from devperfops_operator.domain.leadership import Lease
from devperfops_operator.domain.manifests.common import MANAGED_BY


def read_lease(raw: Mapping[str, Any]) -> Lease:
    metadata, spec = raw["metadata"], raw.get("spec") or {}
    return Lease(
        namespace=metadata["namespace"],
        name=metadata["name"],
        version=metadata["resourceVersion"],
        holder=spec.get("holderIdentity") or "",
        duration=timedelta(seconds=spec.get("leaseDurationSeconds") or 0),
        acquired_at=_moment(spec.get("acquireTime")),
        renewed_at=_moment(spec.get("renewTime")),
        transitions=spec.get("leaseTransitions") or 0,
    )


def lease_manifest(lease: Lease) -> dict[str, Any]:
    spec = {
        "holderIdentity": lease.holder or None,
        "leaseDurationSeconds": lease.duration // timedelta(seconds=1) or None,
        "acquireTime": _micro_time(lease.acquired_at),
        "renewTime": _micro_time(lease.renewed_at),
        "leaseTransitions": lease.transitions,
    }
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": lease.name,
            "namespace": lease.namespace,
            "labels": dict(MANAGED_BY),
            **({"resourceVersion": lease.version} if lease.version else {}),
        },
        "spec": {field: value for field, value in spec.items() if value is not None},
    }


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _micro_time(moment: datetime | None) -> str | None:
    """With six digits of a second: the API server reads nothing else."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
