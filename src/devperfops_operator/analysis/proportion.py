"""How sure a counted share is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, variance
from typing import Final

_Z: Final = 1.959964  # 95 %, both sides


def interval(hits: float, trials: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (Journal of the American Statistical Association 22, 1927)."""
    if not trials:
        return 0.0, 1.0
    share, square = hits / trials, _Z * _Z
    middle = (share + square / (2 * trials)) / (1 + square / trials)
    half = (
        _Z / (1 + square / trials) * math.sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    )
    return max(0.0, middle - half), min(1.0, middle + half)


def clustered_interval(groups: Sequence[Sequence[bool]]) -> tuple[float, float]:
    """Likewise, of trials that are more alike within a group than between groups.

    They count as so many as independent ones that would leave the share as unsure (Kish's design effect).
    Between fewer than two groups nothing is known of that.
    """
    trials = sum(map(len, groups))
    share = sum(map(sum, groups)) / trials if trials else 0.0
    shares = [fmean(group) for group in groups if group]
    unsure = variance(shares) / len(shares) if len(shares) > 1 else 0.0
    worth = min(trials, share * (1 - share) / unsure) if unsure else trials
    return interval(share * worth, worth)
