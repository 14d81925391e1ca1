"""The PerfRun the operator makes for a new revision."""

from __future__ import annotations

from typing import Any

from devperfops_operator.api.base import API_VERSION
from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.domain.manifests.common import labels, owner


def run_manifest(gate: PerfGate, name: str, reason: str) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": "PerfRun",
        "metadata": {
            "name": name,
            "namespace": gate.metadata.namespace,
            "labels": labels(gate=gate.metadata.name),
            "ownerReferences": [owner("PerfGate", gate.metadata)],
        },
        "spec": {"gate": gate.metadata.name, "reason": reason},
    }
