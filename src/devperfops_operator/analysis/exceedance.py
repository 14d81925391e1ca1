"""Placeholder of names; the engineer ANALYSIS replaces this file."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Tally:
    samples: int = 0
    exceedances: int = 0
    exceedance_seconds: int = 0


@dataclass(frozen=True, slots=True)
class ShareTest:
    allowed: Fraction
    alpha: float
