"""What a policy says of one stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["Pass", "Fail", "Inconclusive"]


@dataclass(frozen=True)
class Outcome:
    """`second`: of the judged load, at which it was said."""

    verdict: Verdict
    second: int
