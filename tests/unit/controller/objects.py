"""Raw objects as an API server would give them."""

from __future__ import annotations

from typing import Any

from devperfops_operator.domain.manifests.common import labels
from tests import api_cases

NAMESPACE = "shop"


def _stored(manifest: dict[str, Any], version: int, **metadata: Any) -> dict[str, Any]:
    name = metadata.pop("name", manifest["metadata"]["name"])
    return {
        **manifest,
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "uid": f"uid-{name}",
            "generation": 1,
            "resourceVersion": str(version),
            "creationTimestamp": "2026-11-23T12:00:00Z",
            **metadata,
        },
    }


def gate(version: int, *, environment: str | None = None, **metadata: Any) -> dict[str, Any]:
    """Gate `front-end` of Deployment `front-end`."""
    return _stored(api_cases.gate({"spec.environment": environment}), version, **metadata)


def policy(version: int, **metadata: Any) -> dict[str, Any]:
    """Quota policy `january`, whose files are in ConfigMap `january`."""
    return _stored(api_cases.policy(), version, **metadata)


def waiver(version: int, **metadata: Any) -> dict[str, Any]:
    """A waiver of what `january` compares."""
    return _stored(api_cases.waiver(), version, **metadata)


def run(version: int, phase: str | None = None, *, of: str = "front-end", **metadata: Any) -> dict[str, Any]:
    """A run of a gate."""
    status = {"status": {"phase": phase}} if phase else {}
    return _stored({**api_cases.run({"spec.gate": of}), **status}, version, **metadata)


def queued_run(version: int, **changes: Any) -> dict[str, Any]:
    """A run that waits for its turn."""
    queued = {
        "at": "2026-11-23T12:00:01Z",
        "phase": "AwaitingRollout",
        "reason": "Queued",
        "message": "waits for another",
    }
    raw = run(version, "AwaitingRollout", **changes)
    return {**raw, "status": {**raw["status"], "timeline": [queued]}}


def deployment(version: int, image: str = "podinfo:1") -> dict[str, Any]:
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "front-end"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "front-end"}},
            "template": {"spec": {"containers": [{"name": "app", "image": image}]}},
        },
    }
    return _stored(manifest, version, managedFields=[{"manager": "kubectl"}])


def job(version: int, run_name: str) -> dict[str, Any]:
    manifest = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": run_name}, "spec": {}}
    return _stored(manifest, version, labels=labels(gate="front-end", run=run_name))
