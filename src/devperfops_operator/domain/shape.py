"""A load whose rate changes: its levels, when they are played, and what is asked of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Final

from devperfops_operator.api.quantity import parse_duration
from devperfops_operator.api.shape import Shape as ShapeSpec
from devperfops_operator.api.shape import Spike, Stress

_MS: Final = timedelta(milliseconds=1)
_DIGITS: Final = 1000  # of a factor


@dataclass(frozen=True, slots=True)
class Level:
    """`factor`: times the rate. `required`: objectives must hold at it; else it is told whether they do."""

    name: str
    factor: Fraction
    required: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `begin` of the judged time on the load is at `level`."""

    begin: timedelta
    level: int


@dataclass(frozen=True, slots=True)
class Shape:
    """`stretches`: in the order of time, the first at 0. `rising`: each level is above the one before."""

    levels: tuple[Level, ...]
    stretches: tuple[Stretch, ...]
    judged: timedelta
    rising: bool

    def lasts(self, level: int) -> timedelta:
        """How long the load is at it."""
        ends = [*(each.begin for each in self.stretches[1:]), self.judged]
        return sum(
            (end - each.begin for each, end in zip(self.stretches, ends, strict=True) if each.level == level),
            timedelta(),
        )

    @property
    def mean(self) -> Fraction:
        """Of the factors over the judged time."""
        parts = (each.factor * Fraction(self.lasts(index) / _MS) for index, each in enumerate(self.levels))
        return sum(parts, Fraction()) / Fraction(self.judged / _MS)

    @property
    def peak(self) -> Fraction:
        return max(level.factor for level in self.levels)

    def property_text(self, per_minute: Fraction, ramp_up: timedelta) -> str:
        """`0:3000 90000:15000 600000:0`: milliseconds from the first sample, samples a minute from then.

        It ends with none: JMeter counts its own duration from long before its first sample.
        """
        rates = [(each.begin, per_minute * self.levels[each.level].factor) for each in self.stretches]
        rates.append((self.judged, Fraction()))
        return " ".join(
            f"{0 if not begin else (ramp_up + begin) // _MS}:{float(rate):.6g}" for begin, rate in rates
        )


def shape_of(spec: ShapeSpec | None, judged: timedelta) -> Shape | None:
    """None: the load is steady. Raises QuantityError."""
    if spec is None:
        return None
    if spec.spike is not None:
        return _spike(spec.spike, judged)
    return _stress(spec.stress, judged) if spec.stress is not None else None


def peak_of(spec: ShapeSpec | None) -> float:
    """The highest rate, in times of the first."""
    return (
        max([1.0, *(each.factor for each in (spec.spike, spec.stress) if each)]) if spec is not None else 1.0
    )


def _spike(spike: Spike, judged: timedelta) -> Shape:
    after, length = parse_duration(spike.after), parse_duration(spike.length)
    before = [Stretch(timedelta(), 0)] if after else []
    levels = (
        Level("", Fraction(1), required=True),
        Level("in the spike", _factor(spike.factor), required=True),
    )
    stretches = (*before, Stretch(after, 1), Stretch(after + length, 0))
    return Shape(levels, stretches, judged, rising=False)


def _stress(stress: Stress, judged: timedelta) -> Shape:
    step = (_factor(stress.factor) - 1) / (stress.steps - 1)
    factors = [1 + step * index for index in range(stress.steps)]
    levels: Sequence[Level] = [
        Level(f"at {float(factor):.3g}x" if index else "", factor, required=not index)
        for index, factor in enumerate(factors)
    ]
    stretches = tuple(Stretch(judged * index / stress.steps, index) for index in range(stress.steps))
    return Shape(tuple(levels), stretches, judged, rising=True)


def _factor(value: float) -> Fraction:
    return Fraction(round(value * _DIGITS), _DIGITS)
