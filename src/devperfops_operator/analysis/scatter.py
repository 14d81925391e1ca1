"""How much more blocks of time vary than they would if what is in them were independent.

One run knows its own few blocks; the runs before it tell what is usual. Few blocks tell their variance badly:
its relative standard error is sqrt(2/(m-1)) of m blocks, and as much is added for prudence.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from statistics import NormalDist
from typing import Final

FEWEST: Final = 6
"""Blocks, or runs, whose variance is worth anything."""
AS_LONG: Final = Fraction(9, 10)
"""Of their samples, or blocks: a run as long as those before."""
ALIKE: Final = 2
"""Times the usual design effect: a run like those before."""
_DOUBT: Final = NormalDist().inv_cdf(0.05)  # that runs vary more than is believed of them
_UNLIKE: Final = NormalDist().inv_cdf(0.99)  # from which on a run's scatter is more than the usual one


@dataclass(frozen=True, slots=True)
class Scatter:
    """How many times more `blocks` (two or more) of one length vary than independent ones would."""

    ratio: float
    blocks: int

    @property
    def prudent(self) -> float:
        """With the standard error of the ratio added."""
        return self.ratio * (1 + math.sqrt(2 / (self.blocks - 1)))


Scatters = Mapping[int, Scatter]
"""By the blocks' length in seconds: of those lengths of which there are enough."""


def effect_of(scatters: Scatters) -> float:
    """The design effect that they show, prudently; at least 1."""
    return max([1.0, *(scatter.prudent for scatter in scatters.values())])


def usual(runs: Collection[tuple[float, Scatters]]) -> Scatters:
    """Of the blocks of all runs together, each with its weight: how much its variance counts."""
    lengths = sorted({length for _, scatters in runs for length in scatters})
    found = (
        (length, _joined((weight, of[length]) for weight, of in runs if length in of)) for length in lengths
    )
    return {length: scatter for length, scatter in found if scatter is not None}


def joined(own: Scatters, usual: Scatters) -> Scatters:
    """What all runs saw of each length that the run itself or the usual one tells of."""
    both = {length: _together(own[length], usual[length]) for length in own.keys() & usual.keys()}
    return {**usual, **own, **both}


def _together(own: Scatter, usual: Scatter) -> Scatter:
    """Never less than the usual; of a run that scatters more than chance makes of the usual, its own."""
    if _exceeds(own, usual):
        return own
    freedom, more = own.blocks - 1, usual.blocks - 1
    joint = (freedom * own.ratio + more * usual.ratio) / (freedom + more)
    return Scatter(max(joint, usual.ratio), 1 + freedom + more)


def at_most(ratio: float, runs: int) -> float:
    """The upper end of the 95 % interval of the `ratio` that so many runs show as blocks.

    By the chi-squared distribution of a variance, in the approximation of Wilson and Hilferty (1931).
    """
    spread = 2 / (9 * (runs - 1))
    return ratio / (1 - spread + _DOUBT * math.sqrt(spread)) ** 3


def _joined(weighted: Iterable[tuple[float, Scatter]]) -> Scatter | None:
    """None: nothing has any weight."""
    known = list(weighted)
    whole = sum(weight for weight, _ in known)
    if not whole:
        return None
    ratio = sum(weight * scatter.ratio for weight, scatter in known) / whole
    return Scatter(ratio, 1 + sum(scatter.blocks - 1 for _, scatter in known))


def _exceeds(own: Scatter, usual: Scatter) -> bool:
    """By the F distribution of a ratio of variances, in Paulson's approximation (1942)."""
    if usual.ratio <= 0:
        return own.ratio > 0
    own_spread, usual_spread = (2 / (9 * (each.blocks - 1)) for each in (own, usual))
    root = math.cbrt(own.ratio / usual.ratio)
    deviation = (1 - usual_spread) * root - (1 - own_spread)
    return deviation > _UNLIKE * math.sqrt(usual_spread * root * root + own_spread)
