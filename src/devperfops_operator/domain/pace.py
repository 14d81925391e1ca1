"""How fast an objective's samples come, and so how long a test lasts that brings a number of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Final

from devperfops_operator.domain.objectives import LivePlan, Plan, RunPlan

_FINE: Final = timedelta(seconds=10)
_COARSE: Final = timedelta(minutes=1)
_LONG: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Pace:
    """`per_minute`: samples, above 0. `ramp_up`: how long the test lasts before the first one counts."""

    per_minute: Fraction
    ramp_up: timedelta

    @classmethod
    def of(cls, plan: Plan, samples: int) -> Pace:
        """Of an objective that got so many in a test as long as planned."""
        match plan:
            case RunPlan():
                judged, ramp_up = plan.judged, plan.ramp_up
            case LivePlan():
                judged, ramp_up = plan.duration, timedelta()
            case _:
                raise TypeError(f"a plan of no duration: {plan}")
        return cls(samples / Fraction(judged / _COARSE), ramp_up)

    def duration(self, samples: int) -> timedelta:
        """Of a test, ramp included, that brings so many: in steps that people would write."""
        needed = self.ramp_up + timedelta(minutes=float(samples / self.per_minute))
        step = _COARSE if needed > _LONG else _FINE
        return math.ceil(needed / step) * step

    def samples(self, duration: timedelta) -> int:
        """That a test of so long brings."""
        return max(0, math.floor(self.per_minute * Fraction((duration - self.ramp_up) / _COARSE)))
