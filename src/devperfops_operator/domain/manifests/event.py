"""Kubernetes events that mirror the timeline: every coded step is told once, under a name of its own."""

from __future__ import annotations

import hashlib
from typing import Any

from devperfops_operator.api.base import ConditionStatus, ConditionType, ObjectMeta, Timestamp
from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import PerfRun, TimelineEntry, Verdict
from devperfops_operator.api.quota_status import KIND, StoredQuotaPolicy
from devperfops_operator.domain.manifests.common import MANAGED_BY, object_reference
from devperfops_operator.domain.verdict import VERDICTS, Reason

_COMPONENT = "devperfops-operator"
_WARNINGS = frozenset(reason.value for reason in Reason if VERDICTS[reason] is not Verdict.PASS)


def run_events(run: PerfRun) -> list[dict[str, Any]]:
    """One a timeline entry, on the run."""
    return [_run_event(run, index, entry) for index, entry in enumerate(run.status.timeline)]


def last_run_events(run: PerfRun) -> list[dict[str, Any]]:
    """Those of its last step only."""
    timeline = run.status.timeline
    return [
        event for event, entry in zip(run_events(run), timeline, strict=True) if entry.at >= timeline[-1].at
    ]


def gate_events(gate: PerfGate, now: Timestamp) -> list[dict[str, Any]]:
    """How the gate stands, once it has come to rest; while a run is under way, that run tells."""
    conditions = {condition.type: condition for condition in gate.status.conditions}
    passed = conditions.get(ConditionType.PASSED)
    if passed is None or conditions[ConditionType.RECONCILING].status is ConditionStatus.TRUE:
        return []
    stalled = conditions[ConditionType.STALLED].status is ConditionStatus.TRUE
    return [
        _event(
            "PerfGate",
            gate.metadata,
            mark=f"{passed.reason}/{passed.message}",
            at=now,
            kind="Warning" if stalled or passed.status is ConditionStatus.FALSE else "Normal",
            reason=passed.reason,
            message=passed.message,
        )
    ]


def policy_events(policy: StoredQuotaPolicy, now: Timestamp) -> list[dict[str, Any]]:
    """Its answer; the same rows with other figures are no news."""
    status = policy.status
    passed = next((each for each in status.conditions if each.type is ConditionType.PASSED), None)
    if passed is None:
        return []
    worst = status.worst.metric if status.worst is not None else passed.message
    return [
        _event(
            KIND,
            policy.metadata,
            mark=f"{passed.reason}/{status.counts}/{worst}",
            at=now,
            kind="Normal" if passed.status is ConditionStatus.TRUE else "Warning",
            reason=passed.reason,
            message=passed.message,
        )
    ]


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
