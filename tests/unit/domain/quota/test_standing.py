"""The status of a quota policy: what it says, and that it says it once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from devperfops_operator.api.base import Condition
from devperfops_operator.api.quota_status import StoredQuotaPolicy
from devperfops_operator.domain.manifests.event import policy_events
from devperfops_operator.domain.quota.answer import Checked, checked, unread
from devperfops_operator.domain.quota.kept import Stored, of_resources
from devperfops_operator.domain.quota.standing import look_again, policy_status
from tests.unit.domain.quota.test_answer import FILES, NOW, RAISED, RESOURCE, WAIVED

NEW = StoredQuotaPolicy.from_json(
    {"metadata": {"name": "january", "namespace": "accounts", "uid": "u", "generation": 3}, "spec": {}}
)
LATER = NOW + timedelta(minutes=10)


def asked(
    *waivers: Stored, files: dict[str, str] | None = None, now: datetime = NOW, **changes: Any
) -> Checked:
    policy = Stored("january", {**RESOURCE, "configMap": "january", **changes})
    return checked(lambda: of_resources("january", policy, waivers, FILES | (files or {})), now)


def stood(found: Checked, before: StoredQuotaPolicy | None = None, now: datetime = NOW) -> StoredQuotaPolicy:
    policy = before or NEW
    return policy.model_copy(update={"status": policy_status(policy, found, now)})


def conditions(policy: StoredQuotaPolicy) -> dict[str, tuple[str, str]]:
    return {each.type: (each.status, each.reason) for each in policy.status.conditions}


def passed(policy: StoredQuotaPolicy) -> Condition:
    return policy.status.conditions[-1]


def test_a_regression_has_its_row_and_its_headroom() -> None:
    policy = stood(asked())
    assert conditions(policy) == {
        "Ready": ("True", "Checked"),
        "Stalled": ("False", "Checked"),
        "Passed": ("False", "QuotaRegression"),
    }
    assert "production grants less than is asked of it" in passed(policy).message
    worst, counts = policy.status.worst, policy.status.counts
    assert worst is not None
    assert counts is not None
    assert (worst.metric, worst.granted) == ("ledger.googleapis.com/read_calls", "1,000/min")
    assert counts.regressions >= 1
    assert policy.status.headroom is not None
    assert -1 < float(policy.status.headroom) < 0
    assert policy.status.observed_generation == 3


@pytest.mark.parametrize(
    ("found", "status", "reason"),
    [
        (asked(WAIVED), "True", "QuotaWaived"),
        (asked(files={"production.yaml": RAISED}), "True", "QuotaGranted"),
        (asked(mode="Warn"), "False", "QuotaRegression"),
        (asked(files={"production.yaml": "{"}), "Unknown", "QuotaUnknown"),
        (unread("it may not"), "Unknown", "QuotaUnknown"),
    ],
)
def test_each_answer_has_a_reason_of_its_own(found: Checked, status: str, reason: str) -> None:
    policy = stood(found)
    assert conditions(policy)["Passed"] == (status, reason)
    assert (conditions(policy)["Ready"][0] == "False") is (reason == "QuotaUnknown")
    assert passed(policy).message


def test_what_cannot_be_read_has_no_headroom() -> None:
    assert stood(asked(files={"production.yaml": "{"})).status.headroom is None
    too_old = FILES["production.yaml"].replace("spec:", "spec:\n  observedAt: 2026-11-20T00:00:00Z")
    assert stood(asked(files={"production.yaml": too_old})).status.headroom is None


def test_where_there_is_room_the_least_is_told() -> None:
    status = stood(asked(files={"production.yaml": RAISED})).status
    assert status.headroom is not None
    assert float(status.headroom) >= 0


@pytest.mark.parametrize("observed", [None, "2026-11-20T00:00:00Z"])
def test_the_same_answer_later_is_the_same_status_and_the_same_event(observed: str | None) -> None:
    """Of limits that are too old likewise: they grow older all the time."""
    old = FILES["production.yaml"]
    if observed:
        old = old.replace("spec:", f"spec:\n  observedAt: {observed}")
    first = stood(asked(files={"production.yaml": old}))
    again = stood(asked(files={"production.yaml": old}, now=LATER), first, LATER)
    assert again.status.checked_at == LATER
    assert again.status.model_copy(update={"checked_at": NOW}) == first.status
    (one,), (other,) = policy_events(first, NOW), policy_events(again, LATER)
    assert one["metadata"]["name"] == other["metadata"]["name"]


def test_another_answer_is_another_event() -> None:
    less, granted = stood(asked()), stood(asked(files={"production.yaml": RAISED}))
    (warning,), (normal,) = policy_events(less, NOW), policy_events(granted, NOW)
    assert (warning["type"], normal["type"]) == ("Warning", "Normal")
    assert warning["metadata"]["name"] != normal["metadata"]["name"]
    assert (
        policy_events(
            StoredQuotaPolicy.from_json({"metadata": {"name": "n", "namespace": "s"}, "spec": {}}), NOW
        )
        == []
    )


def test_it_is_looked_at_again_after_its_interval_or_when_a_waiver_ends() -> None:
    assert look_again(asked(interval="1h"), NOW) == NOW + timedelta(hours=1)
    soon = Stored("soon", {**WAIVED.spec, "expires": (NOW + timedelta(minutes=2)).isoformat()})
    assert look_again(asked(soon, interval="1h"), NOW) == NOW + timedelta(minutes=2)
    assert look_again(unread("it may not"), NOW) > NOW
