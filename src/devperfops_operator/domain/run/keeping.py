"""Before a run ends: what its tests saw is kept. Nothing waits for that but the end itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from devperfops_operator.api.perfrun import PerfRunStatus, RecordStatus
from devperfops_operator.domain.effects import KeepRecord, RunDecision
from devperfops_operator.domain.manifests.record import record_name
from devperfops_operator.domain.observed import RunObserved

_LOOK_AGAIN = timedelta(seconds=1)
_RETRY = timedelta(seconds=5)
_ATTEMPTS = 6


def keep_record(observed: RunObserved, status: PerfRunStatus, now: datetime) -> RunDecision | None:
    """The next step to the record; None: it is kept, cannot be kept, or there is nothing to keep."""
    record = status.record
    if not _something_to_keep(status) or (record is not None and record.settled):
        return None
    if record is None:
        named = RecordStatus(name=record_name(observed.run.metadata))
        return RunDecision(status.model_copy(update={"record": named}))
    if observed.record_kept:
        return _settled(status, record, kept_at=now)
    return _keep(observed, status, record, now)


def _something_to_keep(status: PerfRunStatus) -> bool:
    """The plan of a load without a sample is what its user wants to see."""
    return status.load is not None and bool(status.load.samples or any(w.plan for w in status.workers))


def _keep(observed: RunObserved, status: PerfRunStatus, record: RecordStatus, now: datetime) -> RunDecision:
    effect = KeepRecord(observed.run)
    failure = observed.failures.get(effect.key)
    if failure is None:
        return RunDecision(status, (effect,), requeue_at=now + _LOOK_AGAIN)
    if failure.refused or failure.attempts >= _ATTEMPTS:
        return _settled(status, record, message=failure.message[:1024])
    due = failure.last + _RETRY
    return RunDecision(status, (effect,) if now >= due else (), requeue_at=max(due, now + _LOOK_AGAIN))


def _settled(status: PerfRunStatus, record: RecordStatus, **how: datetime | str) -> RunDecision:
    return RunDecision(status.model_copy(update={"record": record.model_copy(update=how)}))
