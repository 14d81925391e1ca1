"""Asks Prometheus for a service's traffic, a day at a time: so no question takes long."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from devperfops_operator.analysis.series import Series
from devperfops_operator.domain.load_profile.naming import CONVENTIONS, Choice, Naming, choose
from devperfops_operator.domain.load_profile.traffic import HOUR, Hours, Traffic, Within, gathered, hours_of
from devperfops_operator.domain.ports import Metrics

_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)

Advance = Callable[[], None]
"""Called after each day."""


@dataclass(frozen=True, slots=True)
class Window:
    """Whole hours, `first` and `last` being their ends."""

    first: datetime
    last: datetime

    @classmethod
    def before(cls, now: datetime, weeks: int) -> Window:
        """The last weeks, up to the full hour."""
        last = datetime.fromtimestamp(now.timestamp() // HOUR * HOUR, now.tzinfo)
        return cls(last - timedelta(weeks=weeks), last)

    @property
    def days(self) -> Sequence[tuple[datetime, datetime]]:
        """The end of the first and of the last hour of each."""
        count = (self.last - self.first) // _DAY
        begins = [self.first + number * _DAY for number in range(count)]
        return [(begin + _HOUR, begin + _DAY) for begin in begins]


async def find(metrics: Metrics, server: str, matchers: Sequence[str], window: Window) -> Choice:
    """Whose names of metrics there are.

    Raises:
        InvalidSpec: none that tells endpoints apart.
        DevPerfOpsError: Prometheus does not answer, or not so.
    """
    names = "|".join(each.requests for each in CONVENTIONS)
    within = ",".join((f'__name__=~"{names}"', *matchers))
    there = await metrics.label_values(server, f"{{{within}}}", "__name__", window.first, window.last)
    found: dict[str, list[str]] = {}
    for convention in CONVENTIONS:
        if convention.requests in there:
            selector = f"{convention.requests}{{{','.join(matchers)}}}"
            found[convention.requests] = [
                label
                for label in convention.labels
                if any(await metrics.label_values(server, selector, label, window.first, window.last))
            ]
    return choose(found, matchers)


async def traffic(metrics: Metrics, server: str, naming: Naming, window: Window, advance: Advance) -> Traffic:
    """Of the whole window.

    Raises:
        SeriesError: what is counted are no requests.
        DevPerfOpsError: Prometheus does not answer, or not so.
    """
    counted: dict[str, list[Series]] = {}
    for first, last in window.days:
        for metric in _metrics(naming):
            rates = await metrics.hourly_rates(server, naming.selector(metric), naming.by, first, last)
            counted.setdefault(metric, []).extend(rates)
        advance()
    requests, *durations = counted.values()
    busy = durations[0] if durations else []
    timed = durations[1] if len(durations) > 1 else requests
    return gathered(naming, requests, busy, timed)


async def within(
    metrics: Metrics, server: str, naming: Naming, probes: Collection[str], hours: Sequence[int]
) -> Within:
    """What the rates of these hours do not tell. Raises likewise."""
    users = naming.without_routes(probes)
    requests = f"sum(rate({users.selector(users.requests)}[10m]))"
    bursts = await _gauge(metrics, server, f"max_over_time({requests}[55m:5m])", hours)
    if naming.in_flight is None:
        return Within(bursts, {})
    gauge = f"sum(avg_over_time({naming.selector(naming.in_flight)}[1h]))"
    return Within(bursts, await _gauge(metrics, server, gauge, hours))


async def _gauge(metrics: Metrics, server: str, query: str, hours: Sequence[int]) -> Hours:
    ends = [datetime.fromtimestamp((hour + 1) * HOUR, UTC) for hour in hours]
    return hours_of([each for end in ends for each in await metrics.gauge(server, query, end, end, _HOUR)])


async def rate(metrics: Metrics, server: str, selector: str, window: Window) -> float:
    """Requests a second over the whole window, 0 where nothing is counted. Raises DevPerfOpsError."""
    added = 0.0
    for first, last in window.days:
        for series in await metrics.hourly_rates(server, selector, ("job",), first, last):
            added += sum(each for _, each in series.samples)
    return added / (len(window.days) * (_DAY // _HOUR))


def _metrics(naming: Naming) -> Sequence[str]:
    if naming.durations is None:
        return [naming.requests]
    timed = [f"{naming.durations}_count"] if naming.timed_separately else []
    return [naming.requests, f"{naming.durations}_sum", *timed]
