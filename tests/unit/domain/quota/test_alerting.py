"""Who hears that a quota policy's answer is another one, and how often."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from devperfops_operator.api.quota_status import QuotaPolicyStatus
from devperfops_operator.domain.observed import Delivery
from devperfops_operator.domain.quota.alerting import Alerting, alerted, errand
from devperfops_operator.domain.quota.answer import Checked
from tests.unit.domain.quota.test_answer import NOW, RAISED, WAIVED
from tests.unit.domain.quota.test_standing import NEW, asked, stood

LESS = asked()
GRANTED = asked(files={"production.yaml": RAISED})
UNKNOWN = asked(files={"production.yaml": "{"})
WAIVER = asked(WAIVED)


class Story:
    """One policy's life. `sent`: first lines of what Slack has shown."""

    def __init__(self, *receivers: str) -> None:
        self.receivers = receivers or ("slack", "webhook")
        self.policy = NEW
        self.deliveries: dict[str, Delivery] = {}
        self.sent: list[str] = []
        self.now = NOW + timedelta(microseconds=123_456)

    def look(
        self, found: Checked, *, works: bool = True, later: timedelta = timedelta(minutes=1)
    ) -> Alerting:
        self.now += later
        before = self.policy
        status = stood(found, before, self.now).status
        done = alerted(before, status, self.receivers, self.deliveries, self.now)
        stored = QuotaPolicyStatus.from_json(json.loads(json.dumps(done.status.to_json())))
        current = before.model_copy(update={"status": done.status})
        self.policy = before.model_copy(update={"status": stored})
        assert errand(current) == errand(self.policy), "deliveries are found again"
        if errand(self.policy) != errand(before):
            self.deliveries = {}
        for effect in done.effects:
            self.deliveries[effect.receiver] = Delivery(
                effect.attempt, self.now, works, "" if works else "away"
            )
            if works:
                self.sent.append(effect.message.text.splitlines()[0])
        return done


def test_only_another_answer_is_told() -> None:
    story = Story()
    for found in (GRANTED, GRANTED, LESS, LESS, LESS, WAIVER, WAIVER, UNKNOWN, GRANTED, GRANTED):
        story.look(found)
    assert [text.partition(":")[0] for text in story.sent] == [
        "QuotaRegression",
        "QuotaWaived",
        "QuotaUnknown",
        "QuotaGranted",
    ]


def test_who_cannot_be_told_is_told_later_and_after_a_day_no_more() -> None:
    story = Story()
    story.look(LESS, works=False)
    again = story.look(LESS, works=False)
    assert [effect.attempt for effect in again.effects] == [2]
    assert again.status.alert is not None
    assert again.status.alert.notifications[0].message == "away"
    story.look(LESS)
    told = story.look(LESS)
    assert told.effects == ()
    assert told.requeue_at is None
    assert told.status.alert is not None
    assert told.status.alert.notifications[0].sent_at is not None
    assert len(story.sent) == 1

    late = Story()
    late.look(LESS, works=False)
    assert late.look(LESS, later=timedelta(days=2)).effects == ()


@pytest.mark.parametrize("receivers", [(), ("webhook",)])
def test_where_no_slack_is_named_nobody_is_owed(receivers: tuple[str, ...]) -> None:
    story = Story()
    story.receivers = receivers
    assert story.look(LESS).status.alert is None
    assert story.sent == []


def test_nothing_changes_in_the_status_while_the_answer_stays() -> None:
    story = Story()
    for _ in range(3):
        story.look(LESS)
    before = story.policy
    story.look(LESS)
    assert story.policy == before


def test_a_status_tells_twice_an_interval_that_it_is_checked() -> None:
    story = Story()
    story.look(GRANTED)
    first = story.policy.status.checked_at
    assert story.look(GRANTED, later=timedelta(minutes=4)).status.checked_at == first
    assert story.look(GRANTED, later=timedelta(minutes=1)).status.checked_at == story.now
