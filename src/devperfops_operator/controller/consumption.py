"""Asks Prometheus what a judged time took of metered limits, and how busy production is at its peak."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from devperfops_operator.analysis.consumption import Curve, curve, steady
from devperfops_operator.analysis.coverage import HOUR
from devperfops_operator.analysis.series import Series, SeriesError
from devperfops_operator.analysis.targets import jobs, unscraped
from devperfops_operator.domain.effects import ReadConsumption
from devperfops_operator.domain.errors import Refused
from devperfops_operator.domain.observed import ConsumptionEvidence
from devperfops_operator.domain.ports import Metrics
from devperfops_operator.domain.quota.consumption import Figure, Meter, RequestPeak
from devperfops_operator.evidence.consumption import (
    WEEKS,
    busiest,
    figure,
    of_judged,
    selector,
    span_of,
)


class ConsumptionReader:
    """One read. What cannot be told of one meter is told of that one; no answer is for all."""

    def __init__(self, metrics: Metrics, asked: ReadConsumption) -> None:
        self._metrics = metrics
        self._asked = asked

    async def read(self) -> ConsumptionEvidence:
        """Raises Unavailable, and Refused or SeriesError: the requests themselves cannot be counted."""
        requests, peak = await asyncio.gather(self._requests(), self._peak())
        meters = self._asked.metering.meters
        figures = await asyncio.gather(*(self._figure(meter, requests) for meter in meters))
        named = {meter.title: found for meter, found in zip(meters, figures, strict=True)}
        return ConsumptionEvidence(self._asked.now, named, peak)

    async def _requests(self) -> Curve:
        asked = self._asked
        counter = asked.metering.requests
        if counter is not None:
            return curve(counter, of_judged(await self._series(counter), asked.pods))
        if asked.rate is None:
            message = "nothing counts the requests: write spec.consumption.requests in the policy"
            raise SeriesError("NoSamples", message)
        return steady(asked.rate, span_of(asked))

    async def _figure(self, meter: Meter, requests: Curve) -> Figure:
        asked, query = self._asked, selector(meter, self._asked)
        try:
            found = await self._series(query)
            missing = await self._unscraped(query, found)
            return await asyncio.to_thread(figure, meter, found, requests, asked, missing)
        except SeriesError as error:
            return Figure(None, doubts=(error.message,), series=query)
        except Refused as error:
            return Figure(None, doubts=(str(error),), series=query)

    async def _peak(self) -> RequestPeak | None:
        """Up to the last whole hour before the judged time, which may be no usual one."""
        asked, hour = self._asked, timedelta(seconds=HOUR)
        if asked.traffic is None:
            return None
        last = datetime.fromtimestamp(asked.since.timestamp() // HOUR * HOUR, UTC)
        first = last - timedelta(weeks=WEEKS) + hour
        try:
            rates = await self._metrics.hourly_rates(asked.server, asked.traffic, (), first, last)
        except Refused:  # the counter is refused as that of requests, too, or there is just no peak
            return None
        return busiest(rates)

    async def _series(self, query: str) -> Sequence[Series]:
        return await self._metrics.counters(self._asked.server, query, self._asked.since, self._asked.until)

    async def _unscraped(self, query: str, found: Sequence[Series]) -> Sequence[str]:
        asked, scraped_by = self._asked, jobs(found)
        if not scraped_by:
            return ()
        failed = await self._metrics.failed_scrapes(asked.server, scraped_by, asked.since, asked.until)
        return unscraped(failed, query, asked.pods, (asked.until - asked.since) / asked.step)
