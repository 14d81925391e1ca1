"""What a policy asks, resolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction

from devperfops_operator.domain.quota.buckets import DimensionMap
from devperfops_operator.domain.quota.consumption import Metering, RequestPeak
from devperfops_operator.domain.quota.lead_times import Declared
from devperfops_operator.domain.quota.rules import SeasonalNeed


@dataclass(frozen=True, slots=True)
class Terms:
    """`services`: those compared, each with the metrics that must be there (none: all); None: every service.

    `scale`: the baseline is so many times serving by design. `max_age`: of what was read.
    `metering`: what runs measure; `peaks`: of requests, by somebody's word.
    """

    scale: Fraction = Fraction(1)
    safety: Fraction = Fraction(1)
    max_age: timedelta = timedelta(hours=24)
    services: Mapping[str, frozenset[str]] | None = None
    dimension_map: DimensionMap = field(default_factory=dict)
    needs: Sequence[SeasonalNeed] = ()
    metering: Metering | None = None
    peaks: Sequence[RequestPeak] = ()
    lead_times: Sequence[Declared] = ()

    def wants(self, service: str, metric: str) -> bool:
        if self.services is None:
            return True
        return service in self.services and metric in (self.services[service] or {metric})
