"""Snapshots: a ControllerRevision that keeps what was judged, so that it can be put back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from devperfops_operator.api.base import ObjectMeta
from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.domain.errors import SnapshotTooLarge
from devperfops_operator.domain.manifests.common import KNOWN_GOOD_LABEL, labels, owner
from devperfops_operator.domain.manifests.ownership import Ownership
from devperfops_operator.domain.observed import Snapshot, Target

_MAX_BYTES = 1_000_000
_REVISION = "devperfops.io/revision"
_OVERRIDE = "devperfops.io/override"


def snapshot_name(run: ObjectMeta) -> str:
    """Of what `run` judges. With a part of the uid: a run made again under its name judges something else."""
    return f"{run.name}-{run.uid[:8]}"


def run_snapshot(gate: PerfGate, target: Target, run: ObjectMeta, number: int) -> dict[str, Any]:
    """What `run` judges. Raises SnapshotTooLarge."""
    marks = labels(gate=gate.metadata.name, run=run.name)
    return _manifest(gate, target, name=snapshot_name(run), number=number, marks=marks)


def adopted_snapshot(gate: PerfGate, target: Target) -> dict[str, Any]:
    """What a new gate finds running: known-good without a run. Raises SnapshotTooLarge."""
    marks = {**labels(gate=gate.metadata.name), KNOWN_GOOD_LABEL: "true"}
    name = f"{gate.metadata.name}-adopted-{target.revision[:8]}"
    return _manifest(gate, target, name=name, number=1, marks=marks)


def overriding_snapshot(gate: PerfGate, target: Target, number: int, sentence: str) -> dict[str, Any]:
    """What a person lets stand: known-good without a Pass. Raises SnapshotTooLarge."""
    marks = {**labels(gate=gate.metadata.name), KNOWN_GOOD_LABEL: "true"}
    name = f"{gate.metadata.name}-overridden-{target.revision[:8]}-{number}"
    manifest = _manifest(gate, target, name=name, number=number, marks=marks)
    manifest["metadata"]["annotations"][_OVERRIDE] = sentence
    return manifest


def read_snapshot(stored: Mapping[str, Any]) -> Snapshot:
    metadata = stored["metadata"]
    return Snapshot(
        name=metadata["name"],
        number=int(stored["revision"]),
        revision=metadata["annotations"][_REVISION],
        template=stored["data"]["template"],
        known_good=metadata.get("labels", {}).get(KNOWN_GOOD_LABEL) == "true",
        override=metadata["annotations"].get(_OVERRIDE),
        uid=metadata.get("uid", ""),
        configs=stored["data"].get("configs", {}),
    )


def snapshot_ownership(stored: Mapping[str, Any]) -> Ownership | None:
    """Who had set what in the template; None: the snapshot was taken by a version that did not ask."""
    kept = stored["data"].get("ownership")
    return None if kept is None else Ownership.from_json(kept)


def _manifest(
    gate: PerfGate, target: Target, *, name: str, number: int, marks: Mapping[str, str]
) -> dict[str, Any]:
    data: dict[str, Any] = {
        "template": target.template,
        "gate": gate.spec.to_json(),
        "configs": {config.name: config.digest for config in target.configs},
    }
    if target.ownership is not None:
        data["ownership"] = target.ownership.to_json()
    size = len(json.dumps(data))
    if size > _MAX_BYTES:
        raise SnapshotTooLarge(
            f"the pod template of Deployment {target.name} needs {size} bytes with the records of who set "
            f"what in it, and a snapshot holds "
            f"{_MAX_BYTES}; move large values into ConfigMaps"
        )
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": name,
            "namespace": gate.metadata.namespace,
            "labels": dict(marks),
            "annotations": {_REVISION: target.revision},
            "ownerReferences": [owner("PerfGate", gate.metadata)],
        },
        "revision": number,
        "data": data,
    }
