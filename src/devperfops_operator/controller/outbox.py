"""Tells receivers beside the decisions: a slow Slack must not hold up a run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from devperfops_operator.controller.keys import Key
from devperfops_operator.controller.telemetry import Telemetry
from devperfops_operator.domain.effects import Notify
from devperfops_operator.domain.errors import DevPerfOpsError
from devperfops_operator.domain.observed import Delivery
from devperfops_operator.domain.ports import Receiver

_log = logging.getLogger(__name__)

_SECONDS: Final = 20.0
Errand = tuple[str, str]
"""The run's uid and the receiver's name."""


class Outbox:
    """One try at a time for each run and receiver; `wake` hears the key of the run when one has ended.

    A cache: what a restart forgets is sent again, unless the run's status has it already.
    """

    def __init__(
        self, *, receivers: Mapping[str, Receiver], telemetry: Telemetry, wake: Callable[[Key], None]
    ) -> None:
        self._receivers = receivers
        self._telemetry = telemetry
        self._wake = wake
        self._sending: dict[Errand, asyncio.Task[None]] = {}
        self._deliveries: dict[Key, dict[Errand, Delivery]] = {}

    def of(self, key: Key, run_uid: str) -> Mapping[str, Delivery]:
        """How far it is, by receiver."""
        known = self._deliveries.get(key, {})
        return {receiver: delivery for (uid, receiver), delivery in known.items() if uid == run_uid}

    def forget(self, key: Key) -> None:
        """Everybody has been told, or the run is gone."""
        self._deliveries.pop(key, None)

    def start(self, key: Key, run_uid: str, effect: Notify) -> None:
        """Begin a try, unless the one before still goes on, or it has been made since the decision."""
        errand = (run_uid, effect.receiver)
        if errand in self._sending or self._attempts(key, errand) >= effect.attempt:
            return
        task = asyncio.create_task(self._send(key, run_uid, effect))
        self._sending[errand] = task
        task.add_done_callback(lambda _: self._finished(key, errand))

    async def close(self) -> None:
        for task in list(self._sending.values()):
            task.cancel()
        await asyncio.gather(*self._sending.values(), return_exceptions=True)

    def _finished(self, key: Key, errand: Errand) -> None:
        del self._sending[errand]
        self._wake(key)

    async def _send(self, key: Key, run_uid: str, effect: Notify) -> None:
        problem = await self._try(effect)
        self._deliveries.setdefault(key, {})[run_uid, effect.receiver] = Delivery(
            attempts=effect.attempt,
            tried_at=datetime.now(UTC),
            sent=problem is None,
            message=problem or "",
        )
        self._telemetry.notification(effect.receiver, "Failed" if problem else "Sent")
        if problem is not None:
            _log.warning("%s: %s is not told: %s", key, effect.receiver, problem)

    def _attempts(self, key: Key, errand: Errand) -> int:
        delivery = self._deliveries.get(key, {}).get(errand)
        return 0 if delivery is None else delivery.attempts

    async def _try(self, effect: Notify) -> str | None:
        """What went wrong; None: the receiver has it."""
        receiver = self._receivers.get(effect.receiver)
        if receiver is None:
            return "the operator's settings name no such receiver any more"
        try:
            async with asyncio.timeout(_SECONDS):
                await receiver.send(effect.message)
        except TimeoutError:
            return f"no answer within {_SECONDS:.0f} s"
        except DevPerfOpsError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001  whatever a library raises must not touch the run
            _log.exception("telling %s failed", effect.receiver)
            return f"an unexpected {type(error).__name__}; see the operator's log"
        return None
