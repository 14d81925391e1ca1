from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from devperfops_operator.controller.queue import Queue
from devperfops_operator.domain.errors import Conflict

Work = Callable[[str], Awaitable[datetime | None]]


@asynccontextmanager
async def working(queue: Queue[str], work: Work, workers: int = 2):
    task = asyncio.create_task(queue.run(work, workers))
    try:
        async with asyncio.timeout(10):
            yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_key_is_worked_by_one_worker_at_a_time() -> None:
    queue: Queue[str] = Queue()
    entered, leave, second = asyncio.Event(), asyncio.Event(), asyncio.Event()
    inside = most = passes = 0

    async def work(_: str) -> None:
        nonlocal inside, most, passes
        inside, passes = inside + 1, passes + 1
        most = max(most, inside)
        entered.set()
        await leave.wait()
        inside -= 1
        if passes == 2:
            second.set()

    async with working(queue, work, workers=4):
        queue.add("a")
        await entered.wait()
        for _ in range(5):
            queue.add("a")
        leave.set()
        await second.wait()

    assert (most, passes) == (1, 2)


async def test_different_keys_are_worked_side_by_side() -> None:
    queue: Queue[str] = Queue()
    together, met = asyncio.Barrier(2), asyncio.Event()

    async def work(_: str) -> None:
        await together.wait()
        met.set()

    async with working(queue, work):
        queue.add("a")
        queue.add("b")
        await met.wait()

    assert met.is_set()


async def test_work_is_repeated_at_the_time_it_asked_for() -> None:
    queue: Queue[str] = Queue()
    passes: list[datetime] = []
    twice = asyncio.Event()

    async def work(_: str) -> datetime | None:
        passes.append(datetime.now(UTC))
        if len(passes) == 2:
            twice.set()
            return None
        return passes[0] + timedelta(milliseconds=50)

    async with working(queue, work):
        queue.add("a")
        await twice.wait()

    assert passes[1] - passes[0] >= timedelta(milliseconds=49)


@pytest.mark.parametrize("error", [Conflict("somebody was faster"), RuntimeError("a bug")])
async def test_what_fails_is_tried_again(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    queue: Queue[str] = Queue()
    done = asyncio.Event()
    passes = 0

    async def work(_: str) -> None:
        nonlocal passes
        passes += 1
        if passes == 1:
            raise error
        done.set()

    async with working(queue, work):
        queue.add("a")
        await done.wait()

    assert passes == 2
    assert f"a: {error}" in caplog.text or "unexpected" in caplog.text
