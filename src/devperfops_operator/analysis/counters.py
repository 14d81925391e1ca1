"""Good and total events from raw Prometheus counters.

Increases are added up per series, because a `sum()` taken by Prometheus hides the resets of restarted pods.
What counts, and what does not:

- Increases between samples inside the window. A value below the one before is a reset: it counts from zero.
- A series that appears after an earlier scrape of its target (same `job` and `instance`) was born in between
  and counts from zero: the first errors of a release are not lost. Any other starts from its first sample.
- A target without any good series has only bad events. But if *no* target has one, nobody can tell a wrong
  selector from an outage: that is a problem, not a Fail.
- `good` and `total` are asked for one after the other, so the newest scrape of a target may be known to only
  one of them: it is left out until both know it (or another scrape has followed).
- Counts that are not whole are rounded against the objective.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.analysis.series import MOST, Series, SeriesError, Target

_SLACK = 1.0  # events by which one exposition's counters may disagree: they are not read at one instant
_ROUNDING = 1e-6
_EVENTS = 1e11  # in a window, at most: a million a second for a day

Scrapes = Mapping[Target, Sequence[float]]


@dataclass(frozen=True, slots=True)
class Increment:
    """Events between two scrapes, dated by the later one (Unix seconds)."""

    second: int
    good: float
    total: float


def increments(good: Sequence[Series], total: Sequence[Series]) -> list[Increment]:
    """What came with each scrape, all series together, in time order. Raises SeriesError."""
    for name, counters in (("good", good), ("total", total)):
        check_values(name, counters)
    for name, counters in (("total", total), ("good", good)):
        if not any(series.samples for series in counters):
            raise SeriesError(
                "NoSamples",
                f"`{name}` matches no series in the judged window; check the selector against Prometheus",
            )
    scrapes = _common_scrapes(scrapes_of(good), scrapes_of(total))
    merged: defaultdict[int, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for column, counters in enumerate((good, total)):
        for series in counters:
            for instant, increase in increases(series, scrapes[series.target]):
                merged[int(instant)][column] += increase
    if not merged:
        raise SeriesError(
            "NoSamples",
            "the judged window holds no two scrapes of a target; make the load last several scrape intervals",
        )
    return [Increment(second, *merged[second]) for second in sorted(merged)]


def tallies(steps: Sequence[Increment]) -> list[Tally]:
    """The count after each increment; the last is that of the whole window. Raises SeriesError.

    `exceedance_seconds` counts the scrapes that brought a bad event.
    """
    counted: list[Tally] = []
    good = total = 0.0
    before = Tally()
    for step in steps:
        good += step.good
        total += step.total
        _check_sum("total", total)
        samples = math.floor(total + _ROUNDING)
        bad = min(samples, max(0, math.ceil(total - good - _ROUNDING)))
        seconds = before.exceedance_seconds + (bad > before.exceedances)
        before = Tally(samples, bad, min(seconds, bad))
        counted.append(before)
    if good - total > _SLACK + _ROUNDING * total:
        raise SeriesError(
            "GoodExceedsTotal",
            f"`good` counts {good:.0f} events, `total` only {total:.0f}; `total` must count every good event",
        )
    return counted


@dataclass(frozen=True, slots=True)
class Counted:
    """`steps`: the count after each scrape, of which there is one; `seconds`: when that was (Unix time)."""

    seconds: Sequence[int]
    steps: Sequence[Tally]

    @property
    def covered(self) -> int:
        """Seconds from the first scrape to the last."""
        return self.seconds[-1] - self.seconds[0]


def counted(good: Sequence[Series], total: Sequence[Series]) -> Counted:
    """All of an objective's counters. Seconds of work where there are many. Raises SeriesError."""
    scraped = increments(good, total)
    return Counted([each.second for each in scraped], tallies(scraped))


def totals(counters: Sequence[Series], key: Callable[[Series], str]) -> dict[str, float]:
    """What came in the window, by a name of each series. Raises SeriesError."""
    check_values("traffic", counters)
    scrapes, added = scrapes_of(counters), defaultdict[str, float](float)
    for series in counters:
        added[key(series)] += sum(increase for _, increase in increases(series, scrapes[series.target]))
    _check_sum("traffic", sum(added.values()))
    return dict(added)


def check_values(name: str, counters: Sequence[Series]) -> None:
    for series in counters:
        for instant, value in series.samples:
            if not 0 <= value <= MOST:
                raise SeriesError(
                    "NotANumber",
                    f"`{name}` has a sample of {value} at {_clock(instant)} in {dict(series.labels)}; "
                    f"name a counter of events, whose values are numbers from 0 to {MOST:.0e}",
                )


def _check_sum(name: str, count: float) -> None:
    if count > _EVENTS:
        raise SeriesError(
            "NotANumber",
            f"`{name}` counts {count:.2g} events in the judged window, and no service has so many; "
            "name a counter of requests",
        )


def scrapes_of(counters: Sequence[Series]) -> Scrapes:
    """When each target was scraped."""
    instants: defaultdict[Target, set[float]] = defaultdict(set)
    for series in counters:
        instants[series.target].update(instant for instant, _ in series.samples)
    return {target: sorted(seen) for target, seen in instants.items()}


def _common_scrapes(good: Scrapes, total: Scrapes) -> Scrapes:
    """The scrapes that count. Raises SeriesError if `good` has one that `total` knows nothing of."""
    common = {target: _settled(good.get(target, ()), instants) for target, instants in total.items()}
    for target, instants in good.items():
        unknown = set(_settled(total.get(target, ()), instants)) - set(total.get(target, ()))
        if unknown:
            job, instance = target
            raise SeriesError(
                "GoodExceedsTotal",
                f"`good` has a sample of job {job!r}, instance {instance!r} at {_clock(min(unknown))} and "
                "`total` has none; `total` must match every series that `good` matches",
            )
    return common


def _settled(other: Sequence[float], instants: Sequence[float]) -> Sequence[float]:
    """Without the newest instant, if the other selector may have been asked just before that scrape."""
    newer = sum(instant > other[-1] for instant in instants) if other else 0
    return instants[:-1] if newer == 1 else instants


def increases(series: Series, scrapes: Sequence[float]) -> Iterator[tuple[float, float]]:
    """(Unix seconds, increase) for each sample but the first, as far as the target's scrapes count."""
    _, instance = series.target
    born = bool(instance and series.samples and scrapes and scrapes[0] < series.samples[0][0])
    before = 0.0 if born else None
    for instant, value in series.samples:
        if scrapes and instant > scrapes[-1]:
            return
        if before is not None:
            yield instant, value - before if value >= before else value
        before = value


def _clock(instant: float) -> str:
    return datetime.fromtimestamp(instant, tz=UTC).isoformat(timespec="seconds")
