"""Names and labels of everything the operator makes."""

from __future__ import annotations

from typing import Any, Final

from devperfops_operator.api.base import API_VERSION, ObjectMeta

GATE_LABEL: Final = "devperfops.io/gate"
RUN_LABEL: Final = "devperfops.io/run"
KNOWN_GOOD_LABEL: Final = "devperfops.io/known-good"
DATA_LABEL: Final = "devperfops.io/data-reset"
RESET_LABEL: Final = "devperfops.io/may-be-reset"
"""On what a reset may scale to zero or replace; the value is `true`."""
FINALIZER: Final = "devperfops.io/reset"
"""On a run that may owe something back, so that it is not gone before."""
RECORD_LABEL: Final = "devperfops.io/record"
MANAGED_BY: Final = {"app.kubernetes.io/managed-by": "devperfops-operator"}


def labels(*, gate: str, run: str | None = None) -> dict[str, str]:
    return {**MANAGED_BY, GATE_LABEL: gate, **({RUN_LABEL: run} if run else {})}


def owner(kind: str, metadata: ObjectMeta) -> dict[str, Any]:
    """An ownerReference: the object goes when its owner goes."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "name": metadata.name,
        "uid": metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def object_reference(kind: str, metadata: ObjectMeta) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "name": metadata.name,
        "namespace": metadata.namespace,
        "uid": metadata.uid,
        "resourceVersion": metadata.resource_version,
    }


def literal(value: str) -> str:
    """For a container's command and env: Kubernetes takes `$(NAME)` for a variable, and `$$` for `$`."""
    return value.replace("$", "$$")
