"""What receivers are owed: each hears of it at least once, again and again for a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from devperfops_operator.api.perfrun import NotificationStatus
from devperfops_operator.domain.effects import Notify
from devperfops_operator.domain.observed import Delivery
from devperfops_operator.domain.report import Message

GIVE_UP = timedelta(days=1)
_BACK_OFF = timedelta(seconds=5)
_DOUBLINGS = 7  # so that the longest is about ten minutes
_LOOK_AGAIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Owed:
    """Who is told now, and when to look again."""

    effects: tuple[Notify, ...]
    requeue_at: datetime


def untold(entries: Sequence[NotificationStatus]) -> bool:
    """Whether a receiver still waits to hear of it."""
    return any(entry.sent_at is None for entry in entries)


def followed(
    entries: Sequence[NotificationStatus], deliveries: Mapping[str, Delivery]
) -> tuple[NotificationStatus, ...]:
    """With who has been told by now."""
    return tuple(_followed(entry, deliveries.get(entry.receiver)) for entry in entries)


def owed(
    entries: Sequence[NotificationStatus], deliveries: Mapping[str, Delivery], told: Message, now: datetime
) -> Owed:
    """To those of the entries that have not been told."""
    effects, later = [], [now + _LOOK_AGAIN]
    for entry in entries:
        if entry.sent_at is not None:
            continue
        tried = deliveries.get(entry.receiver)
        if _due(tried, now) <= now:
            effects.append(Notify(entry.receiver, told, attempt=1 + (tried.attempts if tried else 0)))
        else:
            later.append(_due(tried, now))
    return Owed(tuple(effects), min(later))


def _followed(entry: NotificationStatus, delivery: Delivery | None) -> NotificationStatus:
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
