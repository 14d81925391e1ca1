"""After the end: every receiver hears of it at least once. The verdict does not depend on it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from devperfops_operator.api.perfrun import NotificationStatus, PerfRun, PerfRunStatus
from devperfops_operator.domain.effects import Notify, RunDecision
from devperfops_operator.domain.observed import Delivery, RunObserved
from devperfops_operator.domain.report import message

_GIVE_UP = timedelta(days=1)
_BACK_OFF = timedelta(seconds=5)
_DOUBLINGS = 7  # so that the longest is about ten minutes
_LOOK_AGAIN = timedelta(seconds=30)


def to_tell(run: PerfRun, receivers: tuple[str, ...]) -> tuple[NotificationStatus, ...]:
    """Whom the end of a run is owed to; stored in the same write as the end itself."""
    if run.metadata.deletion_timestamp is not None:
        return ()  # nobody could look at it any more
    return tuple(NotificationStatus(receiver=receiver) for receiver in receivers)


def untold(status: PerfRunStatus) -> bool:
    """Whether a receiver still waits to hear of it."""
    return any(entry.sent_at is None for entry in status.notifications)


def owed(status: PerfRunStatus, now: datetime) -> bool:
    """Whether somebody still is to hear of it: after a day nobody is any more."""
    return untold(status) and now <= (status.completed_at or now) + _GIVE_UP


def tell(observed: RunObserved, now: datetime) -> RunDecision:
    """Notes who has been told by now, and tells the others: again and again, for a day."""
    before = observed.run.status
    entries = tuple(_follow(entry, observed.deliveries) for entry in before.notifications)
    status = before.model_copy(update={"notifications": entries})
    if not owed(status, now):
        return RunDecision(status)
    told, effects, later = message(observed.run), [], [now + _LOOK_AGAIN]
    for entry in entries:
        if entry.sent_at is not None:
            continue
        tried = observed.deliveries.get(entry.receiver)
        if _due(tried, now) <= now:
            effects.append(Notify(entry.receiver, told, attempt=1 + (tried.attempts if tried else 0)))
        else:
            later.append(_due(tried, now))
    return RunDecision(status, tuple(effects), requeue_at=min(later))


def _follow(entry: NotificationStatus, deliveries: Mapping[str, Delivery]) -> NotificationStatus:
    delivery = deliveries.get(entry.receiver)
    if entry.sent_at is not None or delivery is None:
        return entry
    changes = (
        {"sent_at": delivery.tried_at, "message": None} if delivery.sent else {"message": delivery.message}
    )
    return entry.model_copy(update=changes)


def _due(delivery: Delivery | None, now: datetime) -> datetime:
    if delivery is None:
        return now
    return delivery.tried_at + _BACK_OFF * (1 << min(delivery.attempts - 1, _DOUBLINGS))
