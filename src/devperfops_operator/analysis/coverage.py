"""Does the tested traffic stand for the usual one? How much there was, of which endpoints, in which mix.

The usual traffic is known by hour of the week, so that a night is compared with nights; the mix is that of
all hours, because what is only used by day matters, too. An endpoint is the values of a few labels, such as
`GET /cart`. Where nothing is known of the past, the tested traffic is its own catalogue, and the share of
production that it has not seen is estimated from what it saw once (Good, 1953).
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Final

from devperfops_operator.analysis.counters import totals
from devperfops_operator.analysis.series import MOST, Series, SeriesError

HOUR: Final = 3600
KNOWN: Final = 0.01
"""An endpoint of at least this share of the usual traffic must get its own minimum of requests."""
_WEEK: Final = 168  # hours
_LONGEST: Final = 4 * _WEEK  # nobody waits longer
_CONFIDENCE: Final = 0.95
_LEAST: Final = 1e-9  # requests a second: under one in thirty years is none


@dataclass(frozen=True, slots=True)
class Usual:
    """`hours`: requests a second by hour of the week, from Thursday 0:00 UTC on; `mix`: shares of 1."""

    hours: tuple[float, ...]
    mix: Mapping[str, float]

    def requests(self, since: float, until: float) -> float:
        """That are usual between two moments (Unix seconds)."""
        count, moment = 0.0, since
        while moment < until:
            end = min(until, (moment // HOUR + 1) * HOUR)
            count += self._rate(moment) * (end - moment)
            moment = end
        return count

    def time_for(self, requests: float, since: float) -> timedelta | None:
        """How long it takes from `since` on until so many have come; None: more than four weeks."""
        moment, left = since, requests
        for _ in range(_LONGEST):
            end = (moment // HOUR + 1) * HOUR
            rate = self._rate(moment)
            if rate * (end - moment) >= left:
                return timedelta(seconds=math.ceil(moment - since + (left / rate if rate else 0)))
            left -= rate * (end - moment)
            moment = end
        return None

    def _rate(self, moment: float) -> float:
        return self.hours[int(moment // HOUR) % _WEEK]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`weight`: its share of the usual traffic; `needed`: requests that its weight asks for."""

    name: str
    weight: float
    requests: int
    needed: int

    @property
    def exercised(self) -> bool:
        return self.requests >= self.needed


@dataclass(frozen=True, slots=True)
class Coverage:
    """The tested traffic beside the usual one.

    `usual`: requests in the same time, and `distance` of the two mixes (total variation), both None where
    nothing is known of the past; `chance`: the distance that the same mix would have by chance, at most.
    `unseen`: share of the usual traffic of endpoints that got no request.
    """

    requests: int
    usual: float | None
    endpoints: tuple[Endpoint, ...]  # the worst first
    distance: float | None
    chance: float
    unseen: float

    @property
    def known(self) -> Sequence[Endpoint]:
        """Those that must get their own minimum."""
        return [endpoint for endpoint in self.endpoints if endpoint.needed]

    @property
    def exercised(self) -> Fraction:
        """Share of the known endpoints that got it."""
        known = self.known
        return Fraction(sum(each.exercised for each in known), len(known)) if known else Fraction(1)

    @property
    def volume(self) -> float | None:
        """Tested requests per usual one."""
        return self.requests / self.usual if self.usual else None


def minimum(allowed: Fraction) -> int:
    """The fewest requests that can show "at most `allowed`" of an endpoint, with 95 % confidence."""
    return math.ceil(math.log(1 - _CONFIDENCE) / math.log(1 - float(allowed)))


def usual(history: Sequence[Series], by: Sequence[str]) -> Usual | None:
    """From rates a second of each endpoint, a point at the end of each hour. None: nothing is known.

    Raises SeriesError on a rate that is none.
    """
    weight: defaultdict[str, float] = defaultdict(float)
    moments: defaultdict[float, float] = defaultdict(float)
    for series in history:
        for moment, rate in series.samples:
            if not 0 <= rate <= MOST:
                raise SeriesError(
                    "NotANumber",
                    f"`traffic` comes at a rate of {rate:.2g} a second in {dict(series.labels)}; "
                    "name a counter of requests",
                )
            if rate >= _LEAST:
                weight[endpoint(series, by)] += rate
                moments[moment] += rate
    whole = sum(weight.values())
    if not whole:
        return None
    hours: defaultdict[int, list[float]] = defaultdict(list)
    for moment, rate in moments.items():
        hours[int(moment // HOUR - 1) % _WEEK].append(rate)
    middle = statistics.fmean(moments.values())  # of hours of the week that are not known
    return Usual(
        hours=tuple(statistics.median(hours[hour]) if hour in hours else middle for hour in range(_WEEK)),
        mix={name: share / whole for name, share in weight.items()},
    )


def requests_of(counters: Sequence[Series], by: Sequence[str]) -> dict[str, int]:
    """Requests of each endpoint, from raw counters of the judged time. Raises SeriesError."""
    return {
        name: round(count) for name, count in totals(counters, lambda series: endpoint(series, by)).items()
    }


def endpoint(series: Series, by: Sequence[str]) -> str:
    """`GET /cart`."""
    return " ".join(series.labels.get(label, "-") for label in by)


def compare(
    requests: Mapping[str, int], past: Usual | None, since: float, until: float, enough: int
) -> Coverage:
    """`enough`: how many requests a known endpoint needs."""
    count = sum(requests.values())
    own = {name: seen / count for name, seen in requests.items() if seen} if count else {}
    mix = own if past is None else past.mix
    endpoints = [
        Endpoint(name, weight, requests.get(name, 0), enough if weight >= KNOWN else 0)
        for name, weight in mix.items()
    ]
    return Coverage(
        requests=count,
        usual=None if past is None else past.requests(since, until),
        endpoints=tuple(sorted(endpoints, key=lambda e: (e.exercised, -e.weight, e.name))),
        distance=None if past is None else _distance(own, mix),
        chance=0.5 * math.sqrt(max(0, len(mix) - 1) / count) if count else 1.0,
        unseen=_never_seen(requests, count) if past is None else _not_exercised(requests, mix),
    )


def takes(found: Coverage, past: Usual, share: Fraction, since: float) -> timedelta | None:
    """How long until that share of the known endpoints has enough, if as much of the usual traffic comes.

    None: more than four weeks. A canary that nothing has come to is taken to get all of it.
    """
    known = sorted(found.known, key=lambda each: -each.weight)
    if not known:
        return timedelta()
    last = known[max(0, math.ceil(share * len(known)) - 1)]
    part = found.volume or 1.0
    return past.time_for(last.needed / last.weight / part, since)


def _distance(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Total variation, 0 to 1."""
    if not one:
        return 1.0
    return sum(abs(one.get(name, 0.0) - other.get(name, 0.0)) for name in one.keys() | other.keys()) / 2


def _not_exercised(requests: Mapping[str, int], mix: Mapping[str, float]) -> float:
    return sum(weight for name, weight in mix.items() if not requests.get(name))


def _never_seen(requests: Mapping[str, int], count: int) -> float:
    """Good's estimate of what is still unseen: the share of requests whose endpoint came once."""
    return sum(seen == 1 for seen in requests.values()) / count if count else 1.0
