"""Records: a ControllerRevision that keeps what a run's tests saw, so that it can be replayed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devperfops_operator.api.base import ObjectMeta
from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.domain.errors import InvalidRecord
from devperfops_operator.domain.manifests.common import RECORD_LABEL, labels, owner
from devperfops_operator.domain.manifests.snapshot import snapshot_name
from devperfops_operator.domain.record import RunRecord, from_json, to_json


def record_name(run: ObjectMeta) -> str:
    return f"{snapshot_name(run)}-record"


def run_record(run: PerfRun, record: RunRecord) -> dict[str, Any]:
    """Owned by the run: it goes when the run goes."""
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": record_name(run.metadata),
            "namespace": run.metadata.namespace,
            "labels": {**labels(gate=run.spec.gate, run=run.metadata.name), RECORD_LABEL: "true"},
            "ownerReferences": [owner("PerfRun", run.metadata)],
        },
        "revision": 1,
        "data": to_json(record),
    }


def read_record(stored: Mapping[str, Any], run: ObjectMeta) -> RunRecord:
    """Raises InvalidRecord if it is not that run's, or cannot be read."""
    owners = {each.get("uid") for each in stored["metadata"].get("ownerReferences", ())}
    if run.uid not in owners:
        raise InvalidRecord(f"{record_name(run)} belongs to another run")
    return from_json(stored.get("data"))
