"""The busiest hour of the week, and growth from week to week."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from itertools import combinations
from typing import Final

from devperfops_operator.domain.load_profile.traffic import HOUR, Hours

WEEK: Final = 168
"""Hours."""
_HALF: Final = 0.5  # of a week's hours must be known for it to count
_WEEKS: Final = 3  # of fewer, nobody can say how far growth varies


@dataclass(frozen=True, slots=True)
class Busiest:
    """`slot`: the hour of the week, from Monday 0:00 on; `hours`: those of the history that are it."""

    slot: int
    rate: float
    hours: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Trend:
    """A factor from week to week; `least` and `most`: between any two of the weeks."""

    factor: float
    least: float
    most: float
    weeks: int


def busiest(totals: Hours, zone: tzinfo) -> Busiest:
    """The hour of the week whose median over the weeks is the greatest. `totals` is not empty."""
    slots: defaultdict[int, list[int]] = defaultdict(list)
    for hour in totals:
        slots[slot_of(hour, zone)].append(hour)
    rates = {slot: _middle([totals[hour] for hour in hours]) for slot, hours in sorted(slots.items())}
    slot = max(rates, key=rates.__getitem__)
    median, mean = rates[slot]
    return Busiest(slot, median or mean, tuple(slots[slot]))


def _middle(rates: Sequence[float]) -> tuple[float, float]:
    """Median and mean; of a service that is used in few weeks only the mean is above 0."""
    return statistics.median(rates), statistics.fmean(rates)


def slot_of(hour: int, zone: tzinfo) -> int:
    begins = datetime.fromtimestamp(hour * HOUR, zone)
    return begins.weekday() * 24 + begins.hour


def day_of(hour: int, zone: tzinfo) -> date:
    return datetime.fromtimestamp(hour * HOUR, zone).date()


def trend(totals: Hours) -> Trend | None:
    """None: fewer than three weeks are known well enough.

    A week's level is the median, over the hours of the week, of how it stands to the same hour of the other
    weeks: an hour that was out of the ordinary does not move it. The factor is the median over all pairs of
    weeks (Theil and Sen), so one such week does not move it either.
    """
    levels = _levels(totals)
    if len(levels) < _WEEKS:
        return None
    slopes = [
        (after - before) / (later - earlier)
        for (earlier, before), (later, after) in combinations(sorted(levels.items()), 2)
    ]
    return Trend(
        factor=math.exp(statistics.median(slopes)),
        least=math.exp(min(slopes)),
        most=math.exp(max(slopes)),
        weeks=len(levels),
    )


def _levels(totals: Hours) -> Mapping[int, float]:
    """The logarithm of each week's level, by its number. Weeks end with the newest hour."""
    newest = max(totals)
    slots: defaultdict[int, dict[int, float]] = defaultdict(dict)
    for hour, rate in totals.items():
        if rate > 0:
            slots[slot_of(hour, UTC)][(hour - newest - 1) // WEEK] = math.log(rate)
    weeks: defaultdict[int, list[float]] = defaultdict(list)
    for by_week in slots.values():
        middle = statistics.median(by_week.values())
        for week, level in by_week.items():
            weeks[week].append(level - middle)
    return {week: statistics.median(each) for week, each in weeks.items() if len(each) >= _HALF * WEEK}
