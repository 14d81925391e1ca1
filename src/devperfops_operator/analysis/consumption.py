"""How much of something one request takes: a ratio of two increases over the same time, and how sure it is.

Both are read as curves of what has come since the first scrape, straight between two scrapes, all series
together; they are compared over the time that every target was scraped in. Parts of that time of equal length
tell how the ratio varies: residuals against the whole ratio, and Student's t for so few.

What makes it no measurement is a doubt, in words. What cannot be told at all is a SeriesError, never a zero.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from devperfops_operator.analysis.counters import check_values, increases, scrapes_of
from devperfops_operator.analysis.series import Series, SeriesError

MIN_REQUESTS: Final = 100
MIN_PARTS: Final = 4
_PARTS: Final = 12
_COVERED: Final = 0.8  # of the judged time, less a scrape at either end
_T: Final = (3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201)
"""Student's t for two-sided 95 %, from three degrees of freedom on."""
_NONE_SEEN: Final = 3.0  # events that may be missed when none was seen (95 %)


@dataclass(frozen=True, slots=True)
class Span:
    """The judged time in Unix seconds. `step`: how often Prometheus scrapes."""

    since: float
    until: float
    step: float


@dataclass(frozen=True, slots=True)
class PerRequest:
    """`least` and `most`: the 95 % interval. `requests`: that it was measured on; `rate`: of them, a second.

    `doubts`: why it is an estimate and no measurement; none: it is one.
    """

    value: float
    least: float
    most: float
    requests: float
    rate: float
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Curve:
    """What has come by then, of all series together. `begins`, `ends`: when every target was scraped.

    `scrapes`: between these, of the target that has the fewest. `resets`: how often a counter began anew.
    """

    moments: Sequence[float]
    sums: Sequence[float]
    begins: float
    ends: float
    scrapes: int
    resets: int = 0

    def at(self, moment: float) -> float:
        """Straight between two scrapes."""
        after = bisect_right(self.moments, moment)
        if after == 0:
            return 0.0
        if after == len(self.moments):
            return self.sums[-1]
        before, since, until = self.sums[after - 1], self.moments[after - 1], self.moments[after]
        return before + (self.sums[after] - before) * (moment - since) / (until - since)


def curve(name: str, counters: Sequence[Series]) -> Curve:
    """Of raw counters, called `name` in what is told. Raises SeriesError: it cannot be told."""
    check_values(name, counters)
    scrapes = {target: moments for target, moments in scrapes_of(counters).items() if len(moments) > 1}
    if not scrapes:
        seen = "has no two samples of a target" if counters else "matches no series"
        raise SeriesError("NoSamples", f"`{name}` {seen} in the judged time; check it against Prometheus")
    slopes: defaultdict[float, float] = defaultdict(float)
    for series in counters:
        for since, until, increase in _steps(series, scrapes.get(series.target, ())):
            slopes[since] += increase / (until - since)
            slopes[until] -= increase / (until - since)
    begins = max(moments[0] for moments in scrapes.values())
    ends = min(moments[-1] for moments in scrapes.values())
    fewest = min(sum(begins <= each <= ends for each in moments) for moments in scrapes.values())
    resets = sum(later < earlier for each in counters for (_, earlier), (_, later) in pairwise(each.samples))
    return Curve(*_summed(slopes), begins, ends, fewest, resets)


def steady(rate: float, span: Span) -> Curve:
    """Of requests that came with this rate, a second, all the time."""
    length = span.until - span.since
    return Curve((span.since, span.until), (0.0, rate * length), span.since, span.until, _PARTS + 1)


def _steps(series: Series, scrapes: Sequence[float]) -> Iterator[tuple[float, float, float]]:
    """(since, until, what came between): a series that appears later began after the scrape before."""
    if not series.samples:
        return
    first = series.samples[0][0]
    before = next((each for each in reversed(scrapes) if each < first), first)
    for moment, increase in increases(series, scrapes):
        if moment > before:
            yield before, moment, increase
        before = moment


def _summed(slopes: dict[float, float]) -> tuple[list[float], list[float]]:
    """From changes of slope to the curve."""
    moments, sums, slope, total = sorted(slopes), [], 0.0, 0.0
    for at, moment in enumerate(moments):
        total += slope * (moment - moments[at - 1]) if at else 0.0
        sums.append(total)
        slope += slopes[moment]
    return (moments, sums) if moments else ([0.0], [0.0])


def per_request(consumed: Curve, requests: Curve, span: Span) -> PerRequest:
    """Of both over the time that they have in common. Raises SeriesError: there were no requests in it."""
    begins = max(consumed.begins, requests.begins, span.since)
    ends = min(consumed.ends, requests.ends, span.until)
    count = requests.at(ends) - requests.at(begins) if begins < ends else 0.0
    if count <= 0:
        raise SeriesError("NoSamples", "no request was counted while it was scraped in the judged time")
    parts = min(_PARTS, consumed.scrapes - 1, requests.scrapes - 1)
    taken = consumed.at(ends) - consumed.at(begins)
    value = taken / count
    away = 0.0  # with too few parts, which is doubted
    if parts >= MIN_PARTS:
        edges = [begins + (ends - begins) * part / parts for part in range(parts + 1)]
        away = _away(consumed, requests, edges, value) / count
    least = max(0.0, value - away)
    most = value + away if taken else _NONE_SEEN / count
    doubts = tuple(_doubts(consumed, count, parts, ends - begins, span))
    return PerRequest(value, least, most, count, count / (ends - begins), doubts)


def _away(consumed: Curve, requests: Curve, edges: Sequence[float], value: float) -> float:
    """How far the sum may be from what such a time brings on average, by the parts between the edges."""
    parts = len(edges) - 1
    left = [
        consumed.at(until) - consumed.at(since) - value * (requests.at(until) - requests.at(since))
        for since, until in pairwise(edges)
    ]
    squares = sum(each * each for each in left)
    return _T[parts - MIN_PARTS] * math.sqrt(squares * parts / (parts - 1))


def _doubts(consumed: Curve, count: float, parts: int, covered: float, span: Span) -> Iterator[str]:
    if parts < MIN_PARTS:
        yield f"only {max(parts, 0) + 1} scrapes, {MIN_PARTS + 1} are needed: judge a longer time"
    judged = span.until - span.since
    if covered < judged * _COVERED - 2 * span.step:
        yield f"counters cover only {covered:.0f} s of the judged {judged:.0f} s"
    if count < MIN_REQUESTS:
        yield f"only {count:.0f} requests, {MIN_REQUESTS} are needed"
    if consumed.resets:
        yield "a counter began anew, and what it counted last is lost"


def most_at_once(name: str, gauges: Sequence[Series]) -> float:
    """The greatest sum of all series at any scrape, each as it was scraped last. Raises SeriesError."""
    check_values(name, gauges)
    changes = sorted((moment, at, value) for at, each in enumerate(gauges) for moment, value in each.samples)
    if not changes:
        raise SeriesError("NoSamples", f"`{name}` matches no series in the judged time")
    held, most = dict.fromkeys(range(len(gauges)), 0.0), 0.0
    for _, at, value in changes:
        held[at] = value
        most = max(most, sum(held.values()))
    return most
