"""Why something is missing or cannot be used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """A coded reason and the sentence that goes with it."""

    reason: str
    message: str
