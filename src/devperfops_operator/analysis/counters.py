"""Placeholder of names; the engineer ANALYSIS replaces this file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Series:
    """One counter series: labels and raw (Unix seconds, value) samples in time order."""

    labels: Mapping[str, str]
    samples: Sequence[tuple[float, float]]
