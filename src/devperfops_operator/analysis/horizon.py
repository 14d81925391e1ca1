"""How many samples would decide, if the share of exceedances stays what it is?

Every figure is for samples taken anew. Samples that depend on each other count for fewer: `design_effect` is
how many of them are worth one independent sample, and the counting here is done in independent ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from statistics import NormalDist

from devperfops_operator.analysis.exceedance import ShareTest, Tally, log_chance_of_at_most

CHANCE = 0.9
"""Of a verdict: what a repetition should have, to be worth its time."""
_NORMAL = NormalDist()
_NEARBY = 0.9  # of the number of samples: where the slope of a limit is taken


class Outcome(StrEnum):
    """What more samples would show."""

    HOLDS = "holds"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Horizon:
    """After `samples` the test shows `outcome` with `chance` (of 1), which is at least what was asked for."""

    outcome: Outcome
    samples: int
    chance: float


@lru_cache(maxsize=1024)  # up to 35 ms near the limit, and asked again for each look at a run that waits
def horizon(
    test: ShareTest, share: float, *, most: int, chance: float = CHANCE, design_effect: float = 1.0
) -> Horizon | None:
    """The fewest samples that decide with `chance` while each is an exceedance with probability `share`.

    None: more than `most`, because the share is so near to what is allowed.

    Raises ValueError on a share outside [0, 1], a chance outside (0, 1) or a design effect under 1.
    """
    if not (0 <= share <= 1 and 0 < chance < 1 and design_effect >= 1):
        raise ValueError(f"need 0 <= {share=} <= 1, 0 < {chance=} < 1 and {design_effect=} >= 1")
    if share < test.allowed:
        outcome, chance_at = Outcome.HOLDS, _chance_to_pass
    else:
        outcome, chance_at = Outcome.BROKEN, _chance_to_fail
    fitting = math.floor(most / design_effect)
    found = _first(lambda samples: chance_at(test, share, samples) >= chance, fitting)
    if found is None:
        return None
    return Horizon(outcome, math.ceil(found * design_effect), chance_at(test, share, found))


def _first(holds: Callable[[int], bool], most: int) -> int | None:
    """From about which number on it `holds`: a chance that hangs on a whole count is a saw, which rises."""
    low, high = 0, 1
    while not holds(high):
        if high >= most:
            return None
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _chance_to_pass(test: ShareTest, share: float, samples: int) -> float:
    """Asked once, after `samples`: exact."""
    if not test.passes(Tally(samples)):
        return 0.0
    low, high = 0, math.ceil(test.allowed * samples)  # the most exceedances that pass lie in [low, high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if test.passes(Tally(samples, middle)) else (low, middle)
    return _at_most(samples, low, share)


def _chance_to_fail(test: ShareTest, share: float, samples: int) -> float:
    """Asked after every sample up to `samples`.

    That the limit is crossed at the end is exact. That it was crossed before and is not any more is taken
    from a Brownian motion of the same drift and variance at the limit's tangent (Siegmund, "Sequential
    Analysis", 1985, eq. 3.13).
    """
    limit = _limit(test, samples)
    if limit > samples:
        return 0.0
    at_end = 1 - _at_most(samples, math.ceil(limit) - 1, share)
    earlier = max(1, math.floor(samples * _NEARBY))
    variance = share * (1 - share)
    if earlier == samples or variance == 0:
        return at_end
    slope = (limit - _limit(test, earlier)) / (samples - earlier)
    offset, drift = limit - slope * samples, share - slope
    if offset <= 0 or drift <= 0:
        return at_end
    back = _NORMAL.cdf(-(offset + drift * samples) / math.sqrt(variance * samples))
    if back == 0:
        return at_end
    return min(1.0, at_end + math.exp(min(0.0, 2 * drift * offset / variance + math.log(back))))


def _limit(test: ShareTest, samples: int) -> float:
    """How many exceedances in `samples` fail; between two numbers where the evidence would just do."""
    low, high = math.floor(test.allowed * samples), samples + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if test.fails(Tally(samples, middle, middle)) else (middle, high)
    if high > samples or high - 1 < test.min_exceedance_seconds:
        return high
    wanted = -math.log(test.alpha)
    below, above = (test.log_e_value(Tally(samples, count, count)) for count in (low, high))
    return low + (wanted - below) / (above - below)


def _at_most(samples: int, exceedances: int, share: float) -> float:
    return math.exp(log_chance_of_at_most(Tally(samples, exceedances), share)) if exceedances >= 0 else 0.0
