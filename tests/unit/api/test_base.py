from __future__ import annotations

from datetime import UTC, datetime

from devperfops_operator.api.base import Condition
from devperfops_operator.api.load import JMeterLoad
from devperfops_operator.api.perfrun import NotificationStatus, Phase, TimelineEntry


def test_a_message_that_quotes_too_much_is_cut_and_not_refused() -> None:
    entry = TimelineEntry(at=datetime.now(UTC), phase=Phase.ACTING, reason="Refused", message="x" * 3000)

    assert entry.message == "x" * 2047 + "…"


def test_what_is_copied_into_a_status_is_cut_when_it_is_stored() -> None:
    """The API server would refuse the whole status, again and again."""
    entry = NotificationStatus(receiver="slack").model_copy(update={"message": "x" * 3000})

    assert entry.to_json()["message"] == "x" * 2047 + "…"
    assert "message" not in NotificationStatus(receiver="slack").to_json()


def test_instants_are_rfc_3339_in_utc_with_milliseconds() -> None:
    stored = {
        "type": "Ready",
        "status": "True",
        "reason": "Guarding",
        "lastTransitionTime": "2026-11-23T16:00:00.2509+02:00",
    }

    condition = Condition.from_json(stored)

    assert condition.to_json()["lastTransitionTime"] == "2026-11-23T14:00:00.250Z"
    assert Condition.from_json(condition.to_json()).to_json() == condition.to_json()


def test_what_is_stored_without_a_rule_can_still_be_read() -> None:
    """An object older than a rule must not stop the operator; it is judged when the plan is resolved."""
    stored = {"plan": {"configMap": "scenario"}, "threads": 0, "duration": "ten minutes", "rate": 50}

    read = JMeterLoad.from_json(stored).to_json()

    assert read.items() >= {**stored, "plan": {"configMap": "scenario", "key": "scenario.jmx"}}.items()
    assert read["rampUp"] == "0s"
