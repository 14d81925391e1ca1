"""What judges the streams: our own code as it is, and the rivals, each with what it would see."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Final

import numpy as np

from benchmarks.detection import rivals
from benchmarks.detection.outcome import Outcome
from benchmarks.detection.simulator import Counts, Stream
from devperfops_operator.analysis.exceedance import ShareTest, Tally
from devperfops_operator.analysis.past import (
    PastEffect,
    PastRun,
    between,
    least_effect,
    long_range,
    usual_scatter,
    whole_effect,
)
from devperfops_operator.analysis.sequential import (
    drift,
    fails,
    independent,
    passes_early,
    passes_near_the_end,
)
from devperfops_operator.analysis.timeline import Timeline
from devperfops_operator.domain.load_findings import RATE_WANTED
from devperfops_operator.domain.objectives import patience_of

ALPHA: Final = 0.001  # of a gate with one objective
INTERVAL: Final = 60  # seconds between the rivals' looks at Prometheus
_NO_PAST: Final = PastEffect()


@dataclass(frozen=True)
class Objective:
    """`quantile < threshold` (ms) under a load of `rate` requests a second.

    Of an infinite threshold nothing but failed requests is left: an objective about errors.
    """

    threshold: float
    quantile: Fraction
    rate: float

    @property
    def allowed(self) -> Fraction:
        return 1 - self.quantile


def ours(stream: Stream, objective: Objective, past: PastEffect = _NO_PAST) -> Outcome:
    """The sequential tests after every second, the bound at the end; no Pass under 95 % of the rate."""
    test, patience = ShareTest(objective.allowed, alpha=ALPHA), patience_of(timedelta(seconds=stream.seconds))
    timeline = Timeline()
    samples, over = stream.samples(), stream.over(objective.threshold)
    for second, tally in enumerate(looks(samples, over), 1):
        timeline.add(second, int(samples[second - 1]), int(over[second - 1]))
        if fails(test, patience, tally, timeline, past.long_range):
            return Outcome("Fail", second)
        reached = tally.samples >= RATE_WANTED * Fraction(objective.rate) * second
        if reached and second >= (patience.pass_after or stream.seconds):
            own = timeline.scatter()
            effect = past.so_far(own)
            early = passes_early(test, patience, tally, timeline.elapsed, effect)
            near = second == patience.look_at and passes_near_the_end(test, tally, effect)
            ended = second == stream.seconds and test.passes(tally, past.at_end(own, tally.samples))
            shown = early or near or ended
            if shown and drift(test, timeline, past.least) is None:
                return Outcome("Pass", second)
    return Outcome("Inconclusive", stream.seconds)


def past_of(runs: Iterable[Stream], objective: Objective) -> PastEffect:
    """What a gate would know of a service after these runs of it, all of which went on to their end."""
    counts = [_counted(run, objective) for run in runs]
    of_whole = whole_effect(counts)
    samples = 0 if of_whole is None else sum(count.samples for count in counts) // len(counts)
    usual = usual_scatter(counts)
    return PastEffect(least_effect(counts), long_range(counts), of_whole, samples, usual, between(counts))


def _counted(run: Stream, objective: Objective) -> PastRun:
    timeline, samples, over = Timeline(), run.samples(), run.over(objective.threshold)
    for second in range(run.seconds):
        timeline.add(second, int(samples[second]), int(over[second]))
    tally = looks(samples, over)[-1]
    worth = independent(tally, timeline.design_effect())
    return PastRun(tally.samples, tally.exceedances, worth.samples, timeline.scatter())


def looks(samples: Counts, over: Counts) -> list[Tally]:
    """What has been counted after each second."""
    columns = (np.cumsum(column).tolist() for column in (samples, over, over > 0))
    return [Tally(*counts) for counts in zip(*columns, strict=True)]


def flagger(stream: Stream, objective: Objective) -> Outcome:
    return rivals.flagger(*_points(stream, objective), interval=INTERVAL)


def k6(stream: Stream, objective: Objective) -> Outcome:
    return rivals.k6(stream.samples(), stream.over(objective.threshold), float(objective.quantile))


def argo(stream: Stream, objective: Objective) -> Outcome:
    return rivals.argo(*_points(stream, objective), interval=INTERVAL)


def _points(stream: Stream, objective: Objective) -> tuple[list[float | None], float]:
    """What Prometheus tells of each interval, and the most that it may be."""
    if math.isfinite(objective.threshold):
        return rivals.points(stream.blocks(INTERVAL), float(objective.quantile)), objective.threshold
    counts = (
        column.reshape(-1, INTERVAL).sum(axis=1).tolist() for column in (stream.errors(), stream.samples())
    )
    return [errors / total if total else None for errors, total in zip(*counts, strict=True)], float(
        objective.allowed
    )


POLICIES: Final[dict[str, Callable[[Stream, Objective], Outcome]]] = {
    "ours": ours,
    "Flagger": flagger,
    "k6": k6,
    "Argo Rollouts": argo,
}
