"""What a policy says of one stream, and how sure a counted share is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

Verdict = Literal["Pass", "Fail", "Inconclusive"]

_Z: Final = 1.959964  # 95 %, both sides


@dataclass(frozen=True)
class Outcome:
    """`second`: of the judged load, at which it was said."""

    verdict: Verdict
    second: int


def interval(hits: int, trials: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (Journal of the American Statistical Association 22, 1927)."""
    if not trials:
        return 0.0, 1.0
    share, square = hits / trials, _Z * _Z
    middle = (share + square / (2 * trials)) / (1 + square / trials)
    half = (
        _Z / (1 + square / trials) * math.sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    )
    return max(0.0, middle - half), min(1.0, middle + half)
