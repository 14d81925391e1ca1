"""Distributions of times on an even grid, for sums and maxima of independent times.

Each operation rounds in the direction its grid is made for: `UP` puts every time, and what is left of a
probability in its unit, at the next longer time, `DOWN` at the next shorter one. So the truth lies between
the two, and a hop adds at most one step of the grid to their distance.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate
from operator import sub
from typing import Final

from devperfops_operator.analysis.callgraph.graph import WHOLE, Point, Retries

STEPS: Final = 500
"""Of a grid, from 0 to its horizon: round times fall on its edges."""

_BITS: Final = 31
_ONE: Final = 1 << _BITS
_SLOT: Final = 8  # bytes: holds the product of two probabilities, as `_ONE`'s square fits into them


class Toward(Enum):
    """Where a grid rounds to."""

    UP = "up"
    DOWN = "down"


Masses = list[int]
"""The probability of each of STEPS + 1 times, in units of 2^-31. What is missing lies beyond the horizon."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Times from 0 to `horizon_us`."""

    horizon_us: int
    toward: Toward

    @property
    def _up(self) -> bool:
        return self.toward is Toward.UP

    def beyond(self, masses: Masses) -> float:
        """The probability of more than the horizon."""
        return max(0, _ONE - sum(masses)) / _ONE

    def quantile_us(self, masses: Masses, over: int) -> int | None:
        """The least time that at most the share `over` exceeds; None: it lies beyond the horizon."""
        wanted = (WHOLE - over) * _ONE
        for at, seen in enumerate(accumulate(masses)):
            if seen * WHOLE >= wanted:
                return at * self.horizon_us // STEPS
        return None

    def of(self, points: Sequence[Point]) -> Masses:
        """What lies between two points is put at the longer time (UP), or at the shorter one (DOWN).

        Beyond the last point it is beyond the horizon (UP), or at the last point (DOWN).
        """
        times = [point.us for point in points]
        seen = [self._scaled(WHOLE - point.over) for point in points]
        if not self._up:
            times, seen = [0, *times], [*seen, _ONE]
        masses = [0] * (STEPS + 1)
        before = 0
        for place, cumulated in zip(map(self._at, times), seen, strict=True):
            if place <= STEPS:
                masses[place] += cumulated - before
                before = cumulated
        return masses

    def in_a_row(self, one: Masses, other: Masses) -> Masses:
        """Of the sum of two independent times."""
        product = _packed(one) * _packed(other)
        return self._rounded(_unpacked(product))

    def at_once(self, branches: Sequence[Masses]) -> Masses:
        """Of the longest of independent times."""
        if len(branches) == 1:
            return branches[0]
        whole = [_ONE] * (STEPS + 1)
        for branch in branches:
            whole = [self._shifted(a * b) for a, b in zip(whole, accumulate(branch), strict=True)]
        return _differences(whole)

    def sometimes(self, masses: Masses, made: int) -> Masses:
        """Of a time that is spent in the share `made` of the requests only."""
        often = made * _ONE // WHOLE if not self._up else -(-made * _ONE // WHOLE)
        mixed = [often * mass for mass in masses]
        mixed[0] += (_ONE - often) * _ONE
        return self._rounded(mixed)

    def tried(self, masses: Masses, retries: Retries) -> Masses:
        """Of a call that is tried again when it fails or exceeds its timeout."""
        timeout = self._at(retries.timeout_us)
        last = retries.timeout_us * STEPS // self.horizon_us  # UP: what may be in time only is not
        in_time = [mass if at <= last else 0 for at, mass in enumerate(masses)]
        cut = max(0, _ONE - sum(in_time))
        common = -(-retries.common * _ONE // WHOLE) if self._up else retries.common * _ONE // WHOLE
        total = [mass * _ONE for mass in in_time]
        chance = _ONE
        for attempt in range(1, retries.attempts):
            chance = self._shifted(chance * cut)
            again = self._shifted((_ONE - common) * chance)
            for at in range(attempt * timeout, STEPS + 1):
                total[at] += again * in_time[at - attempt * timeout]
        return self._rounded(total)

    def _at(self, us: int) -> int:
        return -(-us * STEPS // self.horizon_us) if self._up else us * STEPS // self.horizon_us

    def _scaled(self, share: int) -> int:
        return share * _ONE // WHOLE if self._up else -(-share * _ONE // WHOLE)

    def _shifted(self, value: int) -> int:
        return value >> _BITS if self._up else -(-value >> _BITS)

    def _rounded(self, values: Sequence[int]) -> Masses:
        """From units of 2^-62 to 2^-31; each remainder goes to the neighbour the grid rounds to."""
        if self._up:
            return _differences([seen >> _BITS for seen in accumulate(values)])
        left = accumulate(reversed(values), initial=_ONE - 1)
        return _differences([seen >> _BITS for seen in left][1:])[::-1]


def _differences(cumulated: Sequence[int]) -> Masses:
    return [cumulated[0], *map(sub, cumulated[1:], cumulated)]


def _packed(masses: Masses) -> int:
    """A polynomial as one whole number: its product is the convolution, and the machine is fast at it."""
    return int.from_bytes(array("Q", masses).tobytes(), "little")


def _unpacked(product: int) -> array[int]:
    values = array("Q")
    values.frombytes(product.to_bytes(2 * _SLOT * (STEPS + 1), "little")[: _SLOT * (STEPS + 1)])
    return values
