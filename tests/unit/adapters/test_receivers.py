"""The Slack and webhook adapters, by their real client libraries."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from devperfops_operator.adapters.slack import SlackChannel
from devperfops_operator.adapters.webhook import Webhook
from devperfops_operator.api.settings import SlackReceiver, WebhookReceiver
from devperfops_operator.domain.errors import Refused, Unavailable
from devperfops_operator.domain.report import message
from tests import receivers
from tests.receivers import CHANNEL, Receivers, receiving, token_file
from tests.unit.cli import samples

MESSAGE = message(samples.failed())
NOBODY = "http://127.0.0.1:9"


def slack(world: Receivers, folder: Path, **changes: object) -> SlackChannel:
    settings = {"tokenFile": token_file(folder), "channel": CHANNEL, "apiUrl": world.slack_api, **changes}
    return SlackChannel(SlackReceiver.model_validate(settings))


def webhook(world: Receivers, folder: Path, **changes: object) -> Webhook:
    return Webhook(
        WebhookReceiver.model_validate({"url": world.webhook, "tokenFile": token_file(folder), **changes})
    )


async def test_slack_shows_the_reason_word_for_word_and_nothing_as_markup(tmp_path: Path) -> None:
    async with receiving() as world:
        await slack(world, tmp_path).send(MESSAGE)
    assert world.posts == [MESSAGE.text]
    assert samples.FAILURE in world.posts[0]


async def test_the_webhook_gets_the_report_and_a_key_that_tells_a_repetition(tmp_path: Path) -> None:
    async with receiving() as world:
        for _ in range(2):
            await webhook(world, tmp_path).send(MESSAGE)
    assert [key for key, _ in world.reports] == [f'"{MESSAGE.key}"'] * 2
    assert world.reports[0][1] == json.loads(json.dumps(MESSAGE.document))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"channel": "#nowhere"}, "correct notifications.slack.channel"),
        ({"tokenFile": "/nowhere/token"}, "mount the Secret there"),
    ],
)
async def test_what_slack_does_not_take_says_what_to_mend(
    tmp_path: Path, changes: dict[str, str], words: str
) -> None:
    async with receiving() as world:
        with pytest.raises(Refused, match=words):
            await slack(world, tmp_path, **changes).send(MESSAGE)
    assert world.posts == []


async def test_a_wrong_token_is_refused_and_never_told(tmp_path: Path) -> None:
    async with receiving() as world:
        world.token = "another"
        for receiver in (slack(world, tmp_path), webhook(world, tmp_path)):
            with pytest.raises(Refused) as refused:
                await receiver.send(MESSAGE)
            assert receivers.TOKEN not in str(refused.value)


@pytest.mark.parametrize(
    "content", [f"{receivers.TOKEN}\nanother", f"token: {receivers.TOKEN}", "t\u00f6ken"]
)
async def test_a_file_that_holds_more_than_a_token_is_refused_and_never_told(
    tmp_path: Path, content: str
) -> None:
    async with receiving() as world:
        for receiver in (slack(world, tmp_path), webhook(world, tmp_path)):
            token_file(tmp_path, content)
            with pytest.raises(Refused, match="holds more than a token") as refused:
                await receiver.send(MESSAGE)
            assert receivers.TOKEN not in str(refused.value)
    assert world.tries == 0


async def test_a_webhook_that_talks_without_end_is_not_listened_to(tmp_path: Path) -> None:
    async with receiving() as world, asyncio.timeout(10):
        world.talks_without_end = True
        await webhook(world, tmp_path).send(MESSAGE)
    assert len(world.reports) == 1


async def test_a_renewed_token_is_used_at_once(tmp_path: Path) -> None:
    async with receiving() as world:
        receiver = slack(world, tmp_path)
        world.token = "xoxb-renewed"
        token_file(tmp_path, "xoxb-renewed")
        await receiver.send(MESSAGE)
    assert len(world.posts) == 1


async def test_an_outage_is_no_refusal(tmp_path: Path) -> None:
    async with receiving() as world:
        world.out_of_order = 2
        for receiver in (slack(world, tmp_path), webhook(world, tmp_path)):
            with pytest.raises(Unavailable):
                await receiver.send(MESSAGE)
    assert world.tries == 2, "trying again is not the adapter's business"


async def test_nobody_there_is_no_refusal(tmp_path: Path) -> None:
    world = Receivers(url=NOBODY)
    for receiver in (slack(world, tmp_path), webhook(world, tmp_path)):
        with pytest.raises(Unavailable):
            await receiver.send(MESSAGE)
