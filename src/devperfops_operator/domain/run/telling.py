"""After the end: every receiver hears of it at least once. The verdict does not depend on it."""

from __future__ import annotations

from datetime import datetime

from devperfops_operator.api.perfrun import NotificationStatus, PerfRun, PerfRunStatus
from devperfops_operator.domain import owing
from devperfops_operator.domain.effects import RunDecision
from devperfops_operator.domain.observed import RunObserved
from devperfops_operator.domain.report import message


def to_tell(run: PerfRun, receivers: tuple[str, ...]) -> tuple[NotificationStatus, ...]:
    """Whom the end of a run is owed to; stored in the same write as the end itself."""
    if run.metadata.deletion_timestamp is not None:
        return ()  # nobody could look at it any more
    return tuple(NotificationStatus(receiver=receiver) for receiver in receivers)


def untold(status: PerfRunStatus) -> bool:
    """Whether a receiver still waits to hear of it."""
    return owing.untold(status.notifications)


def owed(status: PerfRunStatus, now: datetime) -> bool:
    """Whether somebody still is to hear of it: after a day nobody is any more."""
    return untold(status) and now <= (status.completed_at or now) + owing.GIVE_UP


def tell(observed: RunObserved, now: datetime) -> RunDecision:
    """Notes who has been told by now, and tells the others: again and again, for a day."""
    before = observed.run.status
    entries = owing.followed(before.notifications, observed.deliveries)
    status = before.model_copy(update={"notifications": entries})
    if not owed(status, now):
        return RunDecision(status)
    due = owing.owed(entries, observed.deliveries, message(observed.run), now)
    return RunDecision(status, due.effects, requeue_at=due.requeue_at)
