"""Workers on the schedule."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Generic, NoReturn, TypeVar

from devperfops_operator.controller.schedule import Schedule
from devperfops_operator.domain.errors import DevPerfOpsError

K = TypeVar("K", bound=Hashable)
Work = Callable[[K], Awaitable[datetime | None]]
"""Works a key; gives when to look at it again in any case."""

_log = logging.getLogger(__name__)


class Queue(Generic[K]):
    """Adds are synchronous and coalesce; `run` works the keys until it is cancelled."""

    def __init__(self) -> None:
        self._schedule: Schedule[K] = Schedule()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._schedule)

    def add(self, key: K) -> None:
        self._schedule.add(key)
        self._changed.set()

    async def run(self, work: Work[K], workers: int) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._worker(work))

    async def _worker(self, work: Work[K]) -> NoReturn:
        while True:
            await self._work(await self._next(), work)

    async def _next(self) -> K:
        loop = asyncio.get_running_loop()
        while (key := self._schedule.take(loop.time())) is None:
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._schedule.next_due()):
                    await self._changed.wait()
        return key

    async def _work(self, key: K, work: Work[K]) -> None:
        loop = asyncio.get_running_loop()
        try:
            again_at = await work(key)
        except DevPerfOpsError as error:
            delay = self._schedule.failed(key, loop.time())
            _log.info("%s: %s; again in %.1f s", key, error, delay)
        except Exception:  # noqa: BLE001  one key's trouble must not stop the others
            delay = self._schedule.failed(key, loop.time())
            _log.exception("%s: unexpected; again in %.1f s", key, delay)
        else:
            self._schedule.done(key, _loop_time(loop, again_at))
        self._changed.set()  # there may be a timer that is due before all others


def _loop_time(loop: asyncio.AbstractEventLoop, moment: datetime | None) -> float | None:
    if moment is None:
        return None
    return loop.time() + (moment - datetime.now(UTC)).total_seconds()
