"""Kubernetes events that mirror the timeline: every coded step is told once, under a name of its own."""

from __future__ import annotations

import hashlib
from typing import Any

from devperfops_operator.api.base import Condition, ConditionStatus, ConditionType, ObjectMeta, Timestamp
from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import PerfRun, TimelineEntry, Verdict
from devperfops_operator.domain.manifests.common import MANAGED_BY, object_reference
from devperfops_operator.domain.verdict import VERDICTS, Reason

_COMPONENT = "devperfops-operator"
_WARNINGS = frozenset(reason.value for reason in Reason if VERDICTS[reason] is not Verdict.PASS)


def run_events(run: PerfRun) -> list[dict[str, Any]]:
    """One a timeline entry, on the run."""
    return [_run_event(run, index, entry) for index, entry in enumerate(run.status.timeline)]


def gate_events(gate: PerfGate) -> list[dict[str, Any]]:
    """The gate's conditions as they stand; a condition that changes makes another event."""
    told = (ConditionType.PASSED, ConditionType.STALLED)
    return [_gate_event(gate, condition) for condition in gate.status.conditions if condition.type in told]


def _run_event(run: PerfRun, index: int, entry: TimelineEntry) -> dict[str, Any]:
    return _event(
        "PerfRun",
        run.metadata,
        mark=f"{index}/{entry.reason}",
        at=entry.at,
        kind="Warning" if entry.reason in _WARNINGS else "Normal",
        reason=entry.reason,
        message=entry.message,
    )


def _gate_event(gate: PerfGate, condition: Condition) -> dict[str, Any]:
    wanted = ConditionStatus.FALSE if condition.type is ConditionType.STALLED else ConditionStatus.TRUE
    return _event(
        "PerfGate",
        gate.metadata,
        mark=f"{condition.type}/{condition.reason}/{condition.last_transition_time.isoformat()}",
        at=condition.last_transition_time,
        kind="Normal" if condition.status in {wanted, ConditionStatus.UNKNOWN} else "Warning",
        reason=condition.reason,
        message=condition.message,
    )


def _event(
    object_kind: str, about: ObjectMeta, *, mark: str, at: Timestamp, kind: str, reason: str, message: str
) -> dict[str, Any]:
    told_at = at.isoformat(timespec="seconds").replace("+00:00", "Z")
    suffix = hashlib.sha256(f"{about.uid}/{mark}".encode()).hexdigest()[:8]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{about.name}.{suffix}",
            "namespace": about.namespace,
            "labels": dict(MANAGED_BY),
        },
        "involvedObject": object_reference(object_kind, about),
        "type": kind,
        "reason": reason,
        "message": message[:1024],
        "source": {"component": _COMPONENT},
        "reportingComponent": _COMPONENT,
        "reportingInstance": _COMPONENT,
        "firstTimestamp": told_at,
        "lastTimestamp": told_at,
        "count": 1,
    }
