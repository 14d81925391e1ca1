"""One operator decides, the others stand by: the loop that holds the Lease.

Time is the event loop's monotonic clock. A renewal counts from before its request, a change that is seen
from after the answer. So the leader's deadline is over before the duration that others wait, whatever the
clocks of the machines say and however slow the API server is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from devperfops_operator.adapters.kubernetes import Leases
from devperfops_operator.api.settings import LeaderElection
from devperfops_operator.domain.errors import Conflict, LeadershipLost, Refused, Unavailable
from devperfops_operator.domain.leadership import Lease

_log = logging.getLogger(__name__)


class Leadership:
    """`identity` must be another one for each process that may run at the same time."""

    def __init__(self, leases: Leases, identity: str, terms: LeaderElection) -> None:
        self._leases = leases
        self._identity = identity
        self._terms = terms
        self._retry_s = terms.retry_period.total_seconds()
        self._lease: Lease | None = None  # as last seen; None: to be read anew
        self._version: str | None = None
        self._seen_at = 0.0
        self._renewed_at = 0.0
        self._leads = False
        self._said = ""

    def obstacle(self) -> str | None:
        """Why this operator may not decide; None: it leads."""
        return None if self._leads else self._said or "not the leader yet"

    async def lead(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Wait until the lease is ours, do `work` as long as it is, and give it back afterwards.

        Raises LeadershipLost, and at once: the work is told to end and not waited for.
        """
        await self._acquire()
        keeping, working = asyncio.create_task(self._keep()), asyncio.create_task(work())
        try:
            await asyncio.wait({keeping, working}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._leads = False
            working.cancel()
            if not keeping.done():
                await self._give_up(keeping, working)
        await (working if keeping.cancelled() else keeping)

    async def _give_up(self, keeping: asyncio.Task[NoReturn], working: asyncio.Task[None]) -> None:
        """In this order: nobody else may decide before the work has ended."""
        await asyncio.wait({working})
        keeping.cancel()
        await asyncio.wait({keeping})
        await self._release()

    async def _acquire(self) -> None:
        while not await self._claim():  # noqa: ASYNC110  nobody tells when it is free
            await asyncio.sleep(self._retry_s)
        self._leads = True
        _log.info("leading as %s", self._identity)

    async def _keep(self) -> NoReturn:
        limit = self._terms.renew_deadline.total_seconds()
        try:
            async with asyncio.timeout_at(self._renewed_at + limit) as deadline:
                while True:
                    await asyncio.sleep(self._retry_s)
                    if await self._claim():
                        deadline.reschedule(self._renewed_at + limit)
                    elif self._lease is not None:  # it was read, and is not ours
                        raise LeadershipLost(f"leadership is lost: {self._lease.holder} has taken the lease")
        except TimeoutError:
            raise LeadershipLost(
                f"leadership is lost: the lease could not be renewed for {limit:.0f} s, and another operator "
                "may take it soon"
            ) from None

    async def _claim(self) -> bool:
        """One attempt to make the lease ours or to renew it; whether it is ours now."""
        began = self._now()
        try:
            lease = await self._current()
            if not lease.free_for(self._identity, self._terms.lease_duration, self._unchanged()):
                self._say(
                    f"not the leader: {lease.holder} is; if that one looks after other namespaces, "
                    "give this one a leaderElection.name of its own"
                )
                return False
            held = lease.held_by(self._identity, self._terms.lease_duration, datetime.now(UTC))
            self._see(await self._leases.store(held))
        except (Conflict, Refused, Unavailable) as error:
            self._lease = None
            self._say(f"cannot have the lease: {error}")
            return False
        self._renewed_at = began
        self._said = ""
        return True

    async def _current(self) -> Lease:
        """Ours needs no reading: a write of anybody else would make our next one fail."""
        if self._lease is None or self._lease.holder != self._identity:
            return self._see(await self._leases.find())
        return self._lease

    def _see(self, lease: Lease) -> Lease:
        if lease.version != self._version:
            self._version, self._seen_at = lease.version, self._now()
        self._lease = lease
        return lease

    async def _release(self) -> None:
        try:
            lease = await self._leases.find()
            if lease.holder == self._identity:
                await self._leases.store(lease.released(datetime.now(UTC)))
        except (Conflict, Refused, Unavailable) as error:
            wait = self._terms.lease_duration.total_seconds()
            _log.warning("the lease is not given back, the next leader waits %.0f s: %s", wait, error)

    def _unchanged(self) -> timedelta:
        return timedelta(seconds=self._now() - self._seen_at)

    def _say(self, what: str) -> None:
        """In the log once, at /readyz as long as it is so."""
        if what != self._said:
            _log.warning("%s", what)
        self._said = what

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
