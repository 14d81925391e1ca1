"""What is said of one SLA."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from devperfops_operator.analysis.callgraph.estimate import Between
from devperfops_operator.domain.slo.arithmetic import Line
from devperfops_operator.domain.slo.figures import Sla

NAMED: Final = 3
"""Hops that a sentence names."""


class Standing(StrEnum):
    """Of one SLA, the best first."""

    GUARANTEED = "Guaranteed"
    PLAUSIBLE = "Plausible"
    CONTRADICTED = "Contradicted"


@dataclass(frozen=True, slots=True)
class Judged:
    """`by`: the hops that contradict the SLA. `lines`: the sum that proves it, or comes nearest to that.

    `share`: the sum of the lines' shares, in units of 10^-12; `us`: the time they hold for. None: there is no
    sum, as figures are missing. `likely_share` and `likely_us`: estimated, if hops are independent.
    """

    sla: Sla
    standing: Standing
    reason: str
    by: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    share: int | None = None
    us: int | None = None
    likely_share: Between | None = None
    likely_us: Between | None = None
    warnings: tuple[str, ...] = ()


def some(names: Sequence[str], told: dict[str, str]) -> str:
    """The first names with their figures: `cart (no figure), stock (no figure) and 2 more`."""
    shown = ", ".join(f"{name} ({told[name]})" for name in names[:NAMED])
    more = len(names) - NAMED
    return f"{shown} and {more} more" if more > 0 else shown
