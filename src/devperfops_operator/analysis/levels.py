"""At which runs the level of figures changed: the break that explains most of the variance, and so on.

Binary segmentation. Whether there is any break in a stretch is asked of all figures together: how often does
a random order of the same runs look as broken as their true order, in any figure, at any place (the largest
statistic of all: Westfall and Young, Resampling-Based Multiple Testing, 1993)? So nothing is assumed of how
figures spread or hang together, only that without a change any order of the runs is as likely.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import median
from typing import Final

FEWEST_RUNS: Final = 12
"""Of fewer even the clearest break is hardly rarer than one order in 200: of 11 runs, 2 in 462."""
_ORDERS: Final = 1_999
_BY_CHANCE: Final = 10  # of these and the true one: 0.5 %
_FEWEST: Final = 2  # runs on either side: one that stands out is no level
_FAR: Final = 3 * 1.4826  # median absolute deviations, three standard deviations of a normal spread
_ROUNDING: Final = 1e-9

Values = Sequence[float]
Shuffle = Callable[[list[int]], object]


@dataclass(frozen=True, slots=True)
class Break:
    """`at`: place of the first run of the new level. `figures`: whose level changed there."""

    at: int
    figures: tuple[str, ...]


def breaks(figures: Mapping[str, Values], shuffle: Shuffle) -> list[Break]:
    """`figures`: one value for each run, oldest first, on a scale where changes add. `shuffle`: in place.

    Without any change at most one history in 200 has a break.
    """
    runs = len(next(iter(figures.values()), ()))
    return sorted(_breaks(figures, range(runs), shuffle), key=lambda found: found.at)


def _breaks(figures: Mapping[str, Values], runs: range, shuffle: Shuffle) -> Iterator[Break]:
    if len(runs) < FEWEST_RUNS:
        return
    scaled = {name: _scaled([values[run] for run in runs]) for name, values in figures.items()}
    explained = {name: _explained(values) for name, values in scaled.items()}
    best, at = max((share, at) for each in explained.values() for at, share in enumerate(each))
    chance = _by_chance(list(scaled.values()), best, shuffle)
    if chance is None:
        return
    yield Break(runs[at], tuple(name for name, each in explained.items() if each[at] > chance))
    yield from _breaks(figures, runs[:at], shuffle)
    yield from _breaks(figures, runs[at:], shuffle)


def _by_chance(scaled: Sequence[Values], best: float, shuffle: Shuffle) -> float | None:
    """What one random order in 200 explains by a break. None: no less than the true order's `best`."""
    order, found, as_good = list(range(len(scaled[0]))), [], 0
    for _ in range(_ORDERS):
        shuffle(order)
        found.append(max(max(_explained([values[run] for run in order])) for values in scaled))
        as_good += found[-1] >= best * (1 - _ROUNDING)
        if as_good == _BY_CHANCE:
            return None
    return sorted(found, reverse=True)[_BY_CHANCE - 1]


def _scaled(values: Values) -> Values:
    """Around 0, with a sum of squares of 1; what is far off is drawn nearer. All 0 if all are the same."""
    middle = median(values)
    far = _FAR * median(abs(value - middle) for value in values)
    near = [min(middle + far, max(middle - far, value)) for value in values] if far else list(values)
    mean = sum(near) / len(near)
    size = sum((value - mean) ** 2 for value in near) ** 0.5
    return [(value - mean) / size if size > abs(mean) * _ROUNDING else 0.0 for value in near]


def _explained(scaled: Values) -> list[float]:
    """The share of the variance that a break explains, by the place of the first run after it."""
    runs = len(scaled)
    return [
        total * total * runs / (at * (runs - at)) if _FEWEST <= at <= runs - _FEWEST else 0.0
        for at, total in enumerate(accumulate(scaled[:-1], initial=0.0))
    ]
