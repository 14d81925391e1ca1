"""What judges the streams: our own code as it is, and the rivals, each with what it would see."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np

from benchmarks.detection import rivals
from benchmarks.detection.outcome import Outcome
from benchmarks.detection.simulator import Counts, Stream
from devperfops_operator.analysis.exceedance import ShareTest, Tally
from devperfops_operator.domain.load_findings import RATE_WANTED

ALPHA: Final = 0.001  # of a gate with one objective
INTERVAL: Final = 60  # seconds between the rivals' looks at Prometheus


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


def ours(stream: Stream, objective: Objective) -> Outcome:
    """The sequential test after every second, the bound at the end; nothing under 95 % of the rate."""
    test = ShareTest(objective.allowed, alpha=ALPHA)
    seen = looks(stream.samples(), stream.over(objective.threshold))
    for second, tally in enumerate(seen, 1):
        if test.fails(tally):
            return Outcome("Fail", second)
    reached = seen[-1].samples >= RATE_WANTED * Fraction(objective.rate) * stream.seconds
    return Outcome("Pass" if reached and test.passes(seen[-1]) else "Inconclusive", stream.seconds)


def looks(samples: Counts, over: Counts) -> list[Tally]:
    """What has been counted after each second."""
    columns = (np.cumsum(column).tolist() for column in (samples, over, over > 0))
    return [Tally(*counts) for counts in zip(*columns, strict=True)]


def thinned(tally: Tally, effect: float) -> Tally:
    """As few samples as the counted ones are worth when they hang together."""
    bad = math.ceil(tally.exceedances / effect)
    return Tally(max(bad, math.floor(tally.samples / effect)), bad, min(bad, tally.exceedance_seconds))


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
