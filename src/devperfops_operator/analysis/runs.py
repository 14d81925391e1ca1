"""Is a run's percentile within a tolerance of what the earlier runs of the same test had?

An objective such as `p95 < past + 15%`. Runs vary by more than samples within one of them tell (other hours,
other nodes), so runs are what is counted here. A new one of an unchanged service differs from their mean, in
logarithms, by Student's t x s x sqrt(1 + 1/R), with s the standard deviation of R runs: a prediction interval
(Hahn and Meeker, "Statistical intervals", 4.7), exact where the logarithms are normal. Where they are not,
because one run in twenty is much slower than the others, twenty of them cannot tell; so a Fail must also be
slower, beyond tolerance, than each of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from statistics import fmean, stdev
from typing import Final

from devperfops_operator.analysis.comparison import student_tail

FEWEST_RUNS: Final = 6
"""Of fewer the variance is hardly known."""
_WRONG_PASS: Final = 0.005
_RESOLUTION: Final = 0.01  # of a histogram's buckets: runs do not vary by less
_HALVINGS: Final = 60


@dataclass(frozen=True, slots=True)
class PastTimes:
    """A percentile of earlier runs, in milliseconds above 0. `samples`: of one of them, on average."""

    times_ms: tuple[int, ...] = ()
    samples: int = 0

    @property
    def usual_ms(self) -> float:
        """Their geometric mean. Raises statistics.StatisticsError without any."""
        return math.exp(fmean(map(math.log, self.times_ms)))


@dataclass(frozen=True, slots=True)
class Limits:
    """Up to `pass_ms` a run passes, above `fail_ms` it fails; between them it is neither."""

    pass_ms: float
    fail_ms: float


@dataclass(frozen=True, slots=True)
class RunsTest:
    """Tests "the percentile is at most (1 + tolerance) x that of the earlier runs", once, of a whole run.

    `alpha`: the chance of a wrong Fail.

    Raises ValueError on a tolerance that is not above 0, or an alpha outside (0, 1).
    """

    tolerance: Fraction
    alpha: float

    def __post_init__(self) -> None:
        if not (self.tolerance > 0 and 0 < self.alpha < 1):
            raise ValueError(f"need tolerance > 0 and 0 < alpha < 1 in {self}")

    def limits(self, times_ms: Sequence[float]) -> Limits | None:
        """Of these earlier runs; None: they are too few."""
        if len(times_ms) < FEWEST_RUNS:
            return None
        logs = [math.log(time) for time in times_ms]
        edge = fmean(logs) + math.log1p(self.tolerance)
        error = max(_RESOLUTION, stdev(logs)) * math.sqrt(1 + 1 / len(logs))
        freedom = len(logs) - 1
        slowest = max(times_ms) * float(1 + self.tolerance)
        return Limits(
            pass_ms=math.exp(edge - error * student_quantile(_WRONG_PASS, freedom)),
            fail_ms=max(slowest, math.exp(edge + error * student_quantile(self.alpha, freedom))),
        )


@lru_cache(maxsize=1024)
def student_quantile(tail: float, freedom: int) -> float:
    """The t that Student's exceeds with a chance of `tail`, at most a half."""
    low, high = 0.0, 1.0
    while student_tail(high, freedom) > tail:
        low, high = high, 2 * high
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if student_tail(middle, freedom) > tail else (low, middle)
    return high
