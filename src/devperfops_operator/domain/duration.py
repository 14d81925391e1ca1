"""How long a load lasts whose gate leaves that to its objectives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction
from typing import Final

from devperfops_operator.analysis.comparison import ComparisonTest
from devperfops_operator.analysis.exceedance import ShareTest
from devperfops_operator.analysis.horizon import horizon
from devperfops_operator.analysis.runs import RunsTest
from devperfops_operator.domain.objectives import JudgedObjective
from devperfops_operator.domain.pace import Pace

_CHANCE: Final = 0.95  # of Pass, for a target with half the exceedances that are allowed
_SHORTEST: Final = timedelta(minutes=5)  # judged: in less a stall, or none, is chance
_MOST: Final = 10**10
_DESIGN_EFFECT: Final = (
    1.5  # that a test of ten minutes finds where samples are independent (docs/verdicts.md)
)


def auto_duration(
    objectives: Sequence[JudgedObjective], rate: Fraction, ramp_up: timedelta, longest: timedelta
) -> timedelta:
    """As long as the objectives need at so many samples a minute, ramp included; never over `longest`.

    Without an objective that a number of samples decides, or with a comparison, it is `longest`.
    """
    if any(o.critical and isinstance(o.test, ComparisonTest | RunsTest) for o in objectives):
        return longest
    needed = [samples_for_pass(o.test) for o in objectives if o.critical and isinstance(o.test, ShareTest)]
    if not needed:
        return longest
    return min(longest, max(ramp_up + _SHORTEST, Pace(rate, ramp_up).duration(max(needed))))


def samples_for_pass(test: ShareTest) -> int:
    """With which a target that has half the exceedances allowed passes most likely."""
    found = horizon(test, float(test.allowed) / 2, most=_MOST, chance=_CHANCE, design_effect=_DESIGN_EFFECT)
    return _MOST if found is None else found.samples
