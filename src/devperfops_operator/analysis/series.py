"""Raw samples of Prometheus series, and what makes them unusable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

MOST: Final = 2.0**53
"""Beyond it a double does not count one by one any more, so no counter of requests is there."""

METRIC: Final = "__name__"
"""The label that has the metric's name."""

Target = tuple[str, str]


class SeriesError(ValueError):
    """Samples that cannot be judged.

    `reason`: NoSamples, NotANumber, GoodExceedsTotal, AmbiguousQuery, HistogramEdgeMissing or
    CoverageUnknown.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True, slots=True)
class Series:
    """One series: labels and (Unix seconds, value) samples in time order."""

    labels: Mapping[str, str]
    samples: Sequence[tuple[float, float]]

    @property
    def target(self) -> Target:
        """The process that exposes it."""
        return self.labels.get("job", ""), self.labels.get("instance", "")
