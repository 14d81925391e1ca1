"""A gate's objectives, resolved: what is counted, and the share of exceedances each allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from devperfops_operator.analysis.exceedance import ShareTest
from devperfops_operator.api.objective import Origin
from devperfops_operator.wire.brief import Threshold


@dataclass(frozen=True, slots=True)
class OverThreshold:
    """Latency: counts samples over threshold `index` of the plan. `quantile` is its name."""

    index: int
    quantile: Fraction


@dataclass(frozen=True, slots=True)
class FailedSamples:
    """Errors: counts failed samples."""


@dataclass(frozen=True, slots=True)
class BadEvents:
    """Counters at Prometheus: total minus good."""

    good: str
    total: str


Counted = OverThreshold | FailedSamples | BadEvents


@dataclass(frozen=True, slots=True)
class JudgedObjective:
    """One that is not `critical` is judged and told, but decides nothing."""

    name: str
    expect: str
    counted: Counted
    test: ShareTest
    critical: bool = True
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class RunPlan:
    """Everything a run is made of, resolved from the gate as it was when the run began."""

    workers: int
    threads: int
    ramp_up: timedelta
    duration: timedelta
    rate_per_minute: Fraction | None
    thresholds: tuple[Threshold, ...]
    objectives: tuple[JudgedObjective, ...]
    prometheus: str | None

    @property
    def critical_objectives(self) -> Sequence[JudgedObjective]:
        return [objective for objective in self.objectives if objective.critical]

    @property
    def counter_objectives(self) -> Sequence[JudgedObjective]:
        return [objective for objective in self.objectives if isinstance(objective.counted, BadEvents)]
