"""Past runs with a fault put in: what their tests would have looked at.

Runs are taken whole, second by second: whatever hangs together in them, a cold start, stalls, a bad day,
stays together. A delay makes every sample longer by the same factor. How many more then exceed a limit is
read from the histograms of each ten seconds or more; what exceeded it anyway stays counted exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from random import Random
from typing import Final

from devperfops_operator.analysis.looks import Look, Series
from devperfops_operator.analysis.profile import Cell, Profile
from devperfops_operator.domain.estimate import estimated_looks
from devperfops_operator.domain.objectives import FailedSamples, OverThreshold, RunPlan
from devperfops_operator.domain.record import RunRecord, series_key
from devperfops_operator.wire.brief import Threshold
from devperfops_operator.wire.histogram import lower_edge, upper_edge

_MANY: Final = 50  # expected, from which on a binomial count is as good as normal

Sampled = OverThreshold | FailedSamples


@dataclass(frozen=True, slots=True)
class Injection:
    """`delay`: the share by which every sample takes longer. `errors`: of the samples that fail besides."""

    delay: Fraction = Fraction(0)
    errors: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class Moved:
    """How many samples of these seconds, of a run's, a delay takes over the limit."""

    seconds: range
    samples: float


@dataclass(frozen=True, slots=True)
class Seconds:
    """What an objective looked at, from the run's first judged second on, and the fault to come."""

    samples: Sequence[int]
    exceedances: Sequence[int]
    moved: Sequence[Moved] = ()
    errors: float = 0.0

    def with_fault(self, rng: Random) -> list[int]:
        """The exceedances then. Which samples it hits is drawn."""
        exceedances = list(self.exceedances)
        for moved in self.moved:
            within = [self.samples[second] - exceedances[second] for second in moved.seconds]
            hit = min(sum(within), math.floor(moved.samples + rng.random()))
            for second in rng.sample(moved.seconds, k=hit, counts=within) if hit else ():
                exceedances[second] += 1
        return [
            over + binomial(samples - over, self.errors, rng)
            for samples, over in zip(self.samples, exceedances, strict=True)
        ]


PastRun = Mapping[str, Seconds]
"""By `series_key`: equally many seconds of each."""


def past_run(record: RunRecord, plan: RunPlan, injection: Injection) -> PastRun:
    """Of the objectives on samples; empty if none had any. A transaction it does not know had no samples."""
    counted = [o.counted for o in plan.objectives if isinstance(o.counted, OverThreshold | FailedSamples)]
    looks = {each: _by_second(_looks(record, each, plan)) for each in counted}
    known = list(chain.from_iterable(looks.values()))
    if not known:
        return {}
    seconds = range(min(known), max(known) + 1)
    return {
        series_key(each, plan.thresholds): Seconds(
            [seen.get(second, (0, 0))[0] for second in seconds],
            [seen.get(second, (0, 0))[1] for second in seconds],
            list(_moved(record.profile, each, plan.thresholds, injection.delay, seconds)),
            float(injection.errors),
        )
        for each, seen in looks.items()
    }


def injected(past: Iterable[PastRun], seconds: int, rng: Random) -> RunRecord:
    """One run of so many seconds, from 0 on: `past` ones of the same keys, one after the other."""
    columns: dict[str, tuple[list[int], list[int]]] = {}
    for run in past:
        for key, each in run.items():
            samples, exceedances = columns.setdefault(key, ([], []))
            samples += each.samples
            exceedances += each.with_fault(rng)
        if len(samples) >= seconds:
            break
    return RunRecord(
        {
            key: Series([0] * seconds, range(seconds), samples[:seconds], exceedances[:seconds])
            for key, (samples, exceedances) in columns.items()
        },
        Profile(),
    )


# --- what was -----------------------------------------------------------------------------------------------


def _looks(record: RunRecord, counted: Sampled, plan: RunPlan) -> Iterator[Look]:
    series = record.series.get(series_key(counted, plan.thresholds))
    if series is not None:
        return series.looks()
    return iter(estimated_looks(record, counted, plan.thresholds) or ())


def _by_second(looks: Iterator[Look]) -> dict[int, tuple[int, int]]:
    """All workers together; only what had samples."""
    seconds: dict[int, tuple[int, int]] = {}
    for look in looks:
        if not look.samples:
            continue
        samples, exceedances = seconds.get(look.second, (0, 0))
        seconds[look.second] = samples + look.samples, exceedances + look.exceedances
    return seconds


# --- what a fault makes of it -------------------------------------------------------------------------------


def _moved(
    profile: Profile, counted: Sampled, thresholds: Sequence[Threshold], delay: Fraction, seconds: range
) -> Iterator[Moved]:
    if isinstance(counted, FailedSamples) or counted.transaction not in profile.names or not delay:
        return
    number, threshold = profile.names.index(counted.transaction), thresholds[counted.index]
    limit = threshold.elapsed_ms + (not threshold.inclusive)
    for second, table in profile.tables():
        begin = second - seconds.start
        block = range(max(0, begin), min(len(seconds), begin + profile.seconds))
        if block and number in table:
            cell = table[number]
            yield Moved(block, _over(cell, float(limit / (1 + delay))) - _over(cell, limit))


def _over(cell: Cell, limit: float) -> float:
    """How many took so many ms or longer, those of a bucket being spread over it."""
    return sum(
        count * min(1.0, max(0.0, (upper_edge(bucket) - limit) / (upper_edge(bucket) - lower_edge(bucket))))
        for bucket, count in cell.histogram.items()
    )


def binomial(trials: int, chance: float, rng: Random) -> int:
    """How many of the trials succeed."""
    if chance <= 0 or not trials:
        return 0
    if trials * chance > _MANY:
        normal = rng.gauss(trials * chance, math.sqrt(trials * chance * (1 - chance)))
        return min(trials, max(0, round(normal)))
    if chance >= 1:
        return trials
    successes, at = 0, _skipped(chance, rng)
    while at < trials:
        successes += 1
        at += 1 + _skipped(chance, rng)
    return successes


def _skipped(chance: float, rng: Random) -> int:
    """How many trials fail before the next that succeeds."""
    return math.floor(math.log1p(-rng.random()) / math.log1p(-chance))
