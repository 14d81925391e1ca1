from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from devperfops_operator.controller.keys import Key, Subject
from devperfops_operator.controller.outbox import Outbox
from devperfops_operator.controller.telemetry import Telemetry
from devperfops_operator.domain.effects import Notify
from devperfops_operator.domain.errors import Refused
from devperfops_operator.domain.report import Message

KEY = Key(Subject.RUN, "shop", "front-end-1")
EFFECT = Notify("slack", Message("u-1", "Pass: front-end in shop", {}), attempt=1)


class Slack:
    """Answers once it may, with `error` if there is one."""

    def __init__(self) -> None:
        self.got: list[Message] = []
        self.may_answer = asyncio.Event()
        self.error: Exception | None = None

    async def send(self, message: Message) -> None:
        self.got.append(message)
        await self.may_answer.wait()
        if self.error is not None:
            raise self.error


class Bench:
    def __init__(self) -> None:
        self.slack, self.registry = Slack(), CollectorRegistry()
        self.woken: asyncio.Queue[Key] = asyncio.Queue()
        self.outbox = Outbox(
            receivers={"slack": self.slack}, telemetry=Telemetry(self.registry), wake=self.woken.put_nowait
        )

    async def answered(self) -> None:
        self.slack.may_answer.set()
        async with asyncio.timeout(5):
            assert await self.woken.get() == KEY

    def counted(self, outcome: str) -> float | None:
        labels = {"receiver": "slack", "outcome": outcome}
        return self.registry.get_sample_value("devperfops_notifications_total", labels)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    await bench.outbox.close()


async def test_one_try_at_a_time(bench: Bench) -> None:
    bench.outbox.start(KEY, "u-1", EFFECT)
    bench.outbox.start(KEY, "u-1", EFFECT)
    await bench.answered()
    assert bench.slack.got == [EFFECT.message]
    assert bench.outbox.of(KEY, "u-1")["slack"].sent
    assert bench.counted("Sent") == 1


async def test_a_try_that_ended_while_it_was_decided_again_is_not_repeated(bench: Bench) -> None:
    """A decision on what was observed before the answer came."""
    bench.outbox.start(KEY, "u-1", EFFECT)
    await bench.answered()
    bench.outbox.start(KEY, "u-1", EFFECT)
    assert bench.slack.got == [EFFECT.message]
    assert bench.woken.empty()


@pytest.mark.parametrize("error", [Refused("invalid_auth", "Slack answers invalid_auth"), KeyError("ok")])
async def test_a_failure_is_remembered_with_its_words_and_counted(bench: Bench, error: Exception) -> None:
    bench.slack.error = error
    for attempts in (1, 2):
        bench.outbox.start(KEY, "u-1", replace(EFFECT, attempt=attempts))
        await bench.answered()
        delivery = bench.outbox.of(KEY, "u-1")["slack"]
        assert (delivery.sent, delivery.attempts) == (False, attempts)
        assert delivery.message
    assert bench.counted("Failed") == 2


async def test_a_receiver_that_is_no_longer_set_is_said(bench: Bench) -> None:
    bench.outbox.start(KEY, "u-1", replace(EFFECT, receiver="pager"))
    await bench.answered()
    assert "no such receiver" in bench.outbox.of(KEY, "u-1")["pager"].message


async def test_a_namesake_starts_anew_and_forgotten_is_forgotten(bench: Bench) -> None:
    bench.outbox.start(KEY, "u-1", EFFECT)
    await bench.answered()
    assert bench.outbox.of(KEY, "u-2") == {}
    bench.outbox.forget(KEY)
    assert bench.outbox.of(KEY, "u-1") == {}
