"""Reads Prometheus beside the decisions: a slow Prometheus must not hold up a run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import assert_never

from devperfops_operator.analysis import buckets
from devperfops_operator.analysis.counters import counted
from devperfops_operator.analysis.coverage import HOUR
from devperfops_operator.analysis.series import METRIC, Series, SeriesError
from devperfops_operator.analysis.targets import jobs, unscraped
from devperfops_operator.controller.consumption import ConsumptionReader
from devperfops_operator.controller.keys import Key
from devperfops_operator.domain.effects import PollMetrics, ReadConsumption, ReadTraffic
from devperfops_operator.domain.errors import Refused, Unavailable
from devperfops_operator.domain.objectives import BadEvents, GaugePoints, OverEdge
from devperfops_operator.domain.observed import ConsumptionEvidence, Problem
from devperfops_operator.domain.ports import Metrics
from devperfops_operator.domain.verdict import Reason
from devperfops_operator.evidence import EvidenceStore
from devperfops_operator.evidence.polled import GaugeWindow
from devperfops_operator.evidence.traffic import no_such_traffic

_log = logging.getLogger(__name__)

Read = PollMetrics | ReadTraffic | ReadConsumption

Poll = tuple[str, str]
"""The run's uid and the effect's key."""


class Polls:
    """One read of a kind at a time; `wake` hears the key of the run whose evidence is new."""

    def __init__(self, *, metrics: Metrics, evidence: EvidenceStore, wake: Callable[[Key], None]) -> None:
        self._metrics = metrics
        self._evidence = evidence
        self._wake = wake
        self._running: dict[Poll, asyncio.Task[None]] = {}

    def start(self, key: Key, run_uid: str, effect: Read) -> None:
        """Begin a read, unless the one before still goes on."""
        poll = (run_uid, effect.key)
        if poll in self._running:
            return
        task = asyncio.create_task(self._poll(key, run_uid, effect))
        self._running[poll] = task
        task.add_done_callback(lambda task: self._finished(key, poll, task))

    async def close(self) -> None:
        for task in list(self._running.values()):
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _finished(self, key: Key, poll: Poll, task: asyncio.Task[None]) -> None:
        del self._running[poll]
        if not task.cancelled():
            self._wake(key)

    async def _poll(self, key: Key, run_uid: str, effect: Read) -> None:
        try:
            match effect:
                case PollMetrics():
                    await self._poll_objective(run_uid, effect)
                case ReadTraffic():
                    await self._read_traffic(run_uid, effect)
                case ReadConsumption():
                    await self._read_consumption(run_uid, effect)
                case _:
                    assert_never(effect)
        except (Refused, Unavailable) as error:
            self._missed(run_uid, effect, str(error))
        except SeriesError as error:
            self._missed(run_uid, effect, error.message, error.reason)
        except Exception as error:  # noqa: BLE001  unrecorded, it would be asked again at once, without end
            _log.exception("%s: %s failed", key, effect.key)
            what = f"an unexpected {type(error).__name__}; see the operator's log"
            self._missed(run_uid, effect, f"the answer of Prometheus {effect.server} cannot be used: {what}")

    def _missed(
        self,
        run_uid: str,
        effect: Read,
        message: str,
        reason: str = Reason.PROMETHEUS_UNAVAILABLE.value,
    ) -> None:
        problem = Problem(reason, message)
        if not self._evidence.is_open(run_uid):
            return
        match effect:
            case PollMetrics():
                self._evidence.poll_failed(run_uid, effect.objective, problem, effect.until)
            case ReadTraffic():
                self._evidence.traffic_failed(run_uid, problem, effect.now)
            case ReadConsumption():
                self._evidence.accept_consumption(run_uid, ConsumptionEvidence(effect.now, gap=problem))
            case _:
                assert_never(effect)

    async def _poll_objective(self, run_uid: str, effect: PollMetrics) -> None:
        match effect.polled:
            case BadEvents():
                await self._poll_counters(run_uid, effect, effect.polled)
            case OverEdge():
                await self._poll_histogram(run_uid, effect, effect.polled)
            case GaugePoints():
                await self._poll_gauge(run_uid, effect, effect.polled)
            case _:
                assert_never(effect.polled)

    async def _read_traffic(self, run_uid: str, effect: ReadTraffic) -> None:
        tested, history = await asyncio.gather(
            self._metrics.counters(effect.server, effect.coverage.tested or "", effect.since, effect.until),
            self._history(effect, effect.coverage.traffic),
        )
        if self._evidence.is_open(run_uid):
            self._evidence.accept_traffic(run_uid, tested, history, effect)

    async def _read_consumption(self, run_uid: str, effect: ReadConsumption) -> None:
        found = await ConsumptionReader(self._metrics, effect).read()
        if self._evidence.is_open(run_uid):
            self._evidence.accept_consumption(run_uid, found)

    async def _history(self, effect: ReadTraffic, traffic: str | None) -> Sequence[Series]:
        """The usual traffic up to the last whole hour before the judged time; none where a profile has it."""
        if traffic is None:
            return ()
        asked, hour = effect.coverage, timedelta(seconds=HOUR)
        last = datetime.fromtimestamp(effect.since.timestamp() // HOUR * HOUR, UTC)
        history = await self._metrics.hourly_rates(
            effect.server, traffic, asked.by, last - asked.lookback + hour, last
        )
        if not history and not await self._metrics.label_values(
            effect.server, traffic, METRIC, last - asked.lookback, effect.until
        ):
            raise no_such_traffic(effect)
        return history

    async def _poll_counters(self, run_uid: str, effect: PollMetrics, counters: BadEvents) -> None:
        good, total = await self._both(effect, counters.good, counters.total)
        await self._count(run_uid, effect, counters.total, good, total)

    async def _poll_histogram(self, run_uid: str, effect: PollMetrics, over: OverEdge) -> None:
        edges = await self._metrics.label_values(
            effect.server, over.histogram, buckets.EDGE, effect.since, effect.until
        )
        in_time, total = await self._both(effect, *buckets.selectors(over.histogram, over.limit_ms, edges))
        buckets.check(in_time, total)
        await self._count(run_uid, effect, over.histogram, in_time, total)

    async def _count(
        self,
        run_uid: str,
        effect: PollMetrics,
        selector: str,
        good: Sequence[Series],
        total: Sequence[Series],
    ) -> None:
        """Beside the event loop, which many samples would hold up."""
        counts = await asyncio.to_thread(counted, good, total)
        missing = await self._unscraped(effect, selector, total)
        if self._evidence.is_open(run_uid):
            self._evidence.accept_counters(run_uid, effect.objective, counts, missing, effect.until)

    async def _unscraped(
        self, effect: PollMetrics, selector: str, counters: Sequence[Series]
    ) -> Sequence[str]:
        last, scraped_by = min(effect.until, effect.ends), jobs(counters)
        if not scraped_by:
            return ()
        failed = await self._metrics.failed_scrapes(effect.server, scraped_by, effect.since, last)
        return unscraped(failed, selector, effect.pods, (last - effect.since) / effect.step)

    async def _both(
        self, effect: PollMetrics, good: str, total: str
    ) -> tuple[Sequence[Series], Sequence[Series]]:
        return await asyncio.gather(
            self._metrics.counters(effect.server, good, effect.since, effect.until),
            self._metrics.counters(effect.server, total, effect.since, effect.until),
        )

    async def _poll_gauge(self, run_uid: str, effect: PollMetrics, gauge: GaugePoints) -> None:
        """The first point is one step into the window: what it shows was scraped under judged load."""
        first, last = effect.since + effect.step, min(effect.until, effect.ends)
        series: Sequence[Series] = ()
        if first <= last:
            series = await self._metrics.gauge(effect.server, gauge.query, first, last, effect.step)
        window = GaugeWindow(last - effect.since, effect.ends - effect.since, effect.step)
        if self._evidence.is_open(run_uid):
            self._evidence.accept_gauge(run_uid, effect.objective, series, window, effect.until)
