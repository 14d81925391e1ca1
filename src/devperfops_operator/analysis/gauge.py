"""Is a gauge in bounds for the share of the time that an objective demands?

The samples of a gauge are few and hang together (40 scrapes of one value are no 40 witnesses), so this is a
description and no statistical test: the share of points in bounds, of a window with one point a scrape.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.analysis.series import Series, SeriesError

_COVERED = Fraction(9, 10)  # of the expected points, at least


@dataclass(frozen=True, slots=True)
class GaugeTest:
    """Tests "at least `share` of the points are in bounds". Exceedances are points out of bounds.

    Raises ValueError on a share outside (0, 1].
    """

    share: Fraction

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f"need 0 < share <= 1 in {self}")

    @property
    def allowed(self) -> Fraction:
        """The share of points that may be out of bounds."""
        return 1 - self.share

    def fails(self, points: Tally) -> bool:
        """True: too few of a whole window's points are in bounds."""
        return points.exceedances > self.allowed * points.samples

    def passes(self, points: Tally) -> bool:
        """True: enough of them are."""
        return not self.fails(points)

    def lost(self, points: Tally, expected: int) -> bool:
        """True: even if every other one of the window's `expected` points is in bounds, it is not enough."""
        return points.exceedances > self.allowed * expected


@dataclass(frozen=True, slots=True)
class Points:
    """What was seen of a gauge. `middle`: the median value; `expected`: points due by now."""

    tally: Tally
    middle: float
    expected: int

    @property
    def covered(self) -> bool:
        """Whether hardly any point is missing."""
        return self.tally.samples >= _COVERED * self.expected


def expected_points(window: timedelta, step: timedelta) -> int:
    """One at the end of each whole step."""
    return max(0, window // step)


def points(series: Sequence[Series], in_bounds: Callable[[float], bool], expected: int) -> Points:
    """The points of a query's answer. Raises SeriesError: no values, several series, or not a number."""
    if len(series) > 1:
        raise SeriesError(
            "AmbiguousQuery",
            "the query gives several series, and there is no telling which is meant; "
            "make it give one, for example with max(...) or sum(...)",
        )
    values = [value for each in series for _, value in each.samples]
    if not values:
        raise SeriesError(
            "NoSamples", "the query gives no value in the judged window; check it against Prometheus"
        )
    odd = next((value for value in values if not math.isfinite(value)), None)
    if odd is not None:
        raise SeriesError("NotANumber", f"the query gives {odd}; make it give a number at any time")
    out = sum(not in_bounds(value) for value in values)
    return Points(Tally(len(values), out, out), statistics.median(values), expected)
