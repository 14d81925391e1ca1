"""Who is told, beside events and metrics, that a quota policy's answer is another one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from devperfops_operator.api.base import Condition, ConditionType
from devperfops_operator.api.perfrun import NotificationStatus
from devperfops_operator.api.quota_status import AlertStatus, QuotaPolicyStatus, StoredQuotaPolicy
from devperfops_operator.domain import owing
from devperfops_operator.domain.effects import Notify
from devperfops_operator.domain.observed import Delivery
from devperfops_operator.domain.quota.standing import GRANTED, WAIVED
from devperfops_operator.domain.report import Message

RECEIVERS: Final = ("slack",)
"""Who takes more than reports of runs."""
_MILLI: Final = 1_000  # microseconds


@dataclass(frozen=True, slots=True)
class Alerting:
    """The status with who is owed what; then who is told now. `requeue_at`: None: nobody waits."""

    status: QuotaPolicyStatus
    effects: tuple[Notify, ...] = ()
    requeue_at: datetime | None = None


def errand(policy: StoredQuotaPolicy) -> str:
    """Which alert of which policy the deliveries are of."""
    alert = policy.status.alert
    return f"{policy.metadata.uid}/{alert.at.isoformat() if alert is not None else ''}"


def alerted(
    policy: StoredQuotaPolicy,
    status: QuotaPolicyStatus,
    receivers: Sequence[str],
    deliveries: Mapping[str, Delivery],
    now: datetime,
) -> Alerting:
    """`policy`: as stored; `status`: as it comes to stand; `deliveries`: of the stored alert.

    The first answer is news unless all is granted. The same reason with the same worst metric is none.
    """
    passed = next((each for each in status.conditions if each.type is ConditionType.PASSED), None)
    wanted = [name for name in receivers if name in RECEIVERS]
    if passed is None or not wanted:
        return Alerting(status.model_copy(update={"alert": None}))
    alert = _alert(policy.status.alert, _answer(status, passed), wanted, now)
    if alert is None:
        return Alerting(status)
    tried = deliveries if alert is policy.status.alert else {}
    entries = owing.followed(alert.notifications, tried)
    alert = alert.model_copy(update={"notifications": entries})
    stands = status.model_copy(update={"alert": alert})
    if not owing.untold(alert.notifications) or now > alert.at + owing.GIVE_UP:
        return Alerting(stands)
    due = owing.owed(alert.notifications, tried, _message(policy, passed), now)
    return Alerting(stands, due.effects, due.requeue_at)


def _alert(
    before: AlertStatus | None, answer: str, receivers: Sequence[str], now: datetime
) -> AlertStatus | None:
    if before is not None and before.answer == answer:
        return before
    if before is None and answer == GRANTED:
        return None
    owed = tuple(NotificationStatus(receiver=receiver) for receiver in receivers)
    at = now.replace(microsecond=now.microsecond // _MILLI * _MILLI)  # as it is stored: it names the errand
    return AlertStatus(answer=answer, at=at, notifications=owed)


def _answer(status: QuotaPolicyStatus, passed: Condition) -> str:
    """Of what is granted no row is the worst."""
    quiet = passed.reason in {GRANTED, WAIVED} or status.worst is None
    return passed.reason if quiet or status.worst is None else f"{passed.reason} {status.worst.metric}"[:256]


def _message(policy: StoredQuotaPolicy, passed: Condition) -> Message:
    place = policy.metadata
    lines = [
        f"{passed.reason}: QuotaPolicy {place.name} in {place.namespace}",
        passed.message,
        f"kubectl describe quotapolicy {place.name} -n {place.namespace}",
    ]
    return Message(key=errand(policy), text="\n".join(lines), document={})
