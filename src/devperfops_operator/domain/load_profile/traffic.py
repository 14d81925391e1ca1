"""Hourly rates by endpoint, put together from what Prometheus answers.

Prometheus takes the rates itself, of each series and before any sum, so a counter that begins again at zero
costs nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from devperfops_operator.analysis.series import MOST, Series, SeriesError
from devperfops_operator.domain.load_profile.naming import Naming

HOUR: Final = 3_600
PROBES: Final = ("/healthz", "/readyz", "/livez", "/health", "/ready", "/metrics")
"""Routes that are asked by machines, not by users."""

Name = tuple[str, str]
"""Method and route."""
Hours = Mapping[int, float]
"""By hours since 1970, UTC, at whose beginning it begins: so many a second."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """`busy`: seconds of requests a second; `timed`: requests a second whose time is in `busy`."""

    requests: Mapping[Name, Hours]
    busy: Mapping[Name, Hours]
    timed: Mapping[Name, Hours]

    @property
    def totals(self) -> dict[int, float]:
        """Requests a second by hour; an hour without any sample is not there."""
        added: defaultdict[int, float] = defaultdict(float)
        for hours in self.requests.values():
            for hour, rate in hours.items():
                added[hour] += rate
        return dict(sorted(added.items()))

    def split(self, probes: Collection[str]) -> tuple[Traffic, Traffic]:
        """Users' traffic, and that of probes."""
        asked = {name for name in self.requests if name[1].rstrip("/") in probes}
        return self._only(self.requests.keys() - asked), self._only(asked)

    def _only(self, names: Collection[Name]) -> Traffic:
        kept = [
            {name: hours for name, hours in each.items() if name in names}
            for each in (self.requests, self.busy, self.timed)
        ]
        return Traffic(*kept)


@dataclass(frozen=True, slots=True)
class Within:
    """What an hour's rates do not tell. `bursts`: users' requests a second in its busiest ten minutes.

    `in_flight`: requests at once, on the average.
    """

    bursts: Hours
    in_flight: Hours


def gathered(
    naming: Naming, requests: Sequence[Series], busy: Sequence[Series], timed: Sequence[Series]
) -> Traffic:
    """From the rates of the counters, a point at the end of each hour.

    Raises:
        SeriesError: a rate is none.
    """
    second = naming.second
    return Traffic(
        requests=_hours(naming, requests),
        busy={
            name: {at: each / second for at, each in h.items()} for name, h in _hours(naming, busy).items()
        },
        timed=_hours(naming, timed if naming.timed_separately else requests),
    )


def hours_of(found: Sequence[Series]) -> Hours:
    """Of one figure of all traffic. Raises SeriesError."""
    return dict(point for series in found for point in _points(series))


def _hours(naming: Naming, found: Sequence[Series]) -> dict[Name, Hours]:
    added: defaultdict[Name, defaultdict[int, float]] = defaultdict(lambda: defaultdict(float))
    for series in found:
        hours = added[naming.endpoint(series.labels)]
        for hour, rate in _points(series):
            hours[hour] += rate
    return {name: dict(hours) for name, hours in sorted(added.items()) if hours}


def _points(series: Series) -> Iterator[tuple[int, float]]:
    for moment, rate in series.samples:
        if not 0 <= rate <= MOST:
            raise SeriesError(
                "NotANumber",
                f"a rate of {rate:.2g} a second in {dict(series.labels)}: name a counter of requests",
            )
        yield round(moment / HOUR) - 1, rate
