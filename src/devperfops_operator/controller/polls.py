"""Reads counters beside the decisions: a slow Prometheus must not hold up a run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from devperfops_operator.controller.keys import Key
from devperfops_operator.domain.effects import PollMetrics
from devperfops_operator.domain.errors import Refused, Unavailable
from devperfops_operator.domain.observed import Problem
from devperfops_operator.domain.ports import Metrics
from devperfops_operator.domain.verdict import Reason
from devperfops_operator.evidence import EvidenceStore

_log = logging.getLogger(__name__)

Poll = tuple[str, str]
"""The run's uid and the objective's name."""


class Polls:
    """One read of an objective at a time; `wake` hears the key of the run whose evidence is new."""

    def __init__(self, *, metrics: Metrics, evidence: EvidenceStore, wake: Callable[[Key], None]) -> None:
        self._metrics = metrics
        self._evidence = evidence
        self._wake = wake
        self._running: dict[Poll, asyncio.Task[None]] = {}

    def start(self, key: Key, run_uid: str, effect: PollMetrics) -> None:
        """Begin a read, unless the one before still goes on."""
        poll = (run_uid, effect.objective)
        if poll in self._running:
            return
        task = asyncio.create_task(self._poll(run_uid, effect))
        self._running[poll] = task
        task.add_done_callback(lambda task: self._finished(key, poll, task))

    async def close(self) -> None:
        for task in list(self._running.values()):
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _finished(self, key: Key, poll: Poll, task: asyncio.Task[None]) -> None:
        del self._running[poll]
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            _log.error("%s: reading the counters of %s failed", key, poll[1], exc_info=error)
        self._wake(key)

    async def _poll(self, run_uid: str, effect: PollMetrics) -> None:
        try:
            good, total = await asyncio.gather(
                *(
                    self._metrics.counters(effect.server, selector, effect.since, effect.until)
                    for selector in (effect.good, effect.total)
                )
            )
        except (Refused, Unavailable) as error:
            problem = Problem(Reason.PROMETHEUS_UNAVAILABLE.value, str(error))
            if self._evidence.is_open(run_uid):
                self._evidence.counters_failed(run_uid, effect.objective, problem, effect.until)
        else:
            if self._evidence.is_open(run_uid):
                self._evidence.accept_counters(run_uid, effect.objective, good, total, effect.until)
