"""The namespace's quota policies: whether they can be read, and whether somebody still checks them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from devperfops_operator.api.base import ConditionStatus, ConditionType
from devperfops_operator.api.quantity import QuantityError, format_duration, parse_duration
from devperfops_operator.api.quota_status import StoredQuotaPolicy
from devperfops_operator.cli.cluster import POLICIES, Cluster
from devperfops_operator.cli.doctor.check import Check, ok, problem

_USUAL: Final = timedelta(minutes=10)
_MISSED: Final = 2  # intervals


def checked(cluster: Cluster, now: datetime) -> Iterator[Check]:
    """One line a policy; none where there is none."""
    for policy in cluster.find_all(POLICIES):
        yield _checked(policy, now)


def _checked(policy: StoredQuotaPolicy, now: datetime) -> Check:
    name, at = policy.metadata.name, policy.status.checked_at
    about, interval = f"QuotaPolicy {name}", _interval(policy)
    stalled = next((each for each in policy.status.conditions if each.type is ConditionType.STALLED), None)
    if stalled is None or at is None:
        return problem(about, "no operator has checked it", "does an operator look after this namespace?")
    if now - at > _MISSED * interval:
        found = f"stalled: it was last checked at {at:%Y-%m-%d %H:%M} UTC, and is to be every "
        remedy = "look whether the operator runs, and in its log for this policy"
        return problem(about, f"{found}{format_duration(interval)}", remedy)
    if stalled.status is ConditionStatus.TRUE:
        remedy = f"mend it; more: kubectl describe quotapolicy {name}"
        return problem(about, f"{stalled.reason}: {stalled.message}", remedy)
    return ok(about, "can be read, and is checked")


def _interval(policy: StoredQuotaPolicy) -> timedelta:
    """As the operator takes it: of a policy that it cannot read the usual one."""
    try:
        return parse_duration(str(policy.spec["interval"]))
    except (KeyError, QuantityError):
        return _USUAL
