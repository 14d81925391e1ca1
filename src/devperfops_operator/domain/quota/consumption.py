"""What a revision's requests take of limits, and how many requests production has at its peak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from devperfops_operator.api.consumption import Counts
from devperfops_operator.domain.quota.entry import Dimensions, dimensions_text
from devperfops_operator.domain.quota.season import Season
from devperfops_operator.domain.quota.units import Unit


@dataclass(frozen=True, slots=True)
class Meter:
    """How it is measured what requests take of a limit. `series`: None: the kubelet's, of the judged pods."""

    service: str
    metric: str
    unit: Unit
    counts: Counts
    series: str | None = None
    dimensions: Dimensions = ()

    @property
    def title(self) -> str:
        """As findings are called."""
        return f"{self.service}/{self.metric} {dimensions_text(self.dimensions)}".rstrip()


@dataclass(frozen=True, slots=True)
class Metering:
    """What a run is to measure. `requests`: their counter; None: those of its own load.

    `traffic`: the counter whose past tells production's peak; None: nobody named one.
    """

    meters: tuple[Meter, ...]
    requests: str | None = None
    traffic: str | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """What one request takes: calls, or processor seconds. `least`, `most`: with 95 % confidence.

    Of memory it is what all judged pods had at once, in bytes, at `rate` requests a second.
    `value` None: it is not known. `doubts`: why, or why it is an estimate; none: it is measured.
    `series`: that was counted. `before`: the last known-good revision's, if that was measured alike.
    """

    value: Fraction | None
    least: Fraction | None = None
    most: Fraction | None = None
    rate: Fraction | None = None
    doubts: tuple[str, ...] = ()
    before: Fraction | None = None
    series: str = ""


@dataclass(frozen=True, slots=True)
class RequestPeak:
    """The most requests a second, in that season (None: all the year). `assumed`: why nobody measured it."""

    rate: Fraction
    because: str
    season: Season | None = None
    assumed: str | None = None


@dataclass(frozen=True, slots=True)
class Consumed:
    """Of one run. `figures`: by the meter's title. `gap`: why there are none, or none of some."""

    figures: Mapping[str, Figure] = field(default_factory=dict)
    peaks: Sequence[RequestPeak] = ()
    gap: str = "no run has measured it yet"
