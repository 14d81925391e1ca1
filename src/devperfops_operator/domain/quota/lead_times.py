"""How long it takes from asking for more of a limit until it is granted.

No provider promises a time. The table is what people should reckon with where they know no better, and is
told as assumed; a policy's `leadTimes` are somebody's word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from devperfops_operator.api.quota import Provider
from devperfops_operator.domain.quota.entry import Kind
from devperfops_operator.domain.quota.season import Season

_YEAR: Final = 366

DEFAULTS: Final = {
    Provider.KUBERNETES: {Kind.RATE: 1, Kind.ALLOCATION: 2, Kind.CONCURRENCY: 1},
    Provider.ENVOY: {Kind.RATE: 1, Kind.ALLOCATION: 1, Kind.CONCURRENCY: 1},
    Provider.GOOGLE: {Kind.RATE: 5, Kind.ALLOCATION: 10, Kind.CONCURRENCY: 5},
    Provider.AWS: {Kind.RATE: 5, Kind.ALLOCATION: 10, Kind.CONCURRENCY: 10},
    Provider.AZURE: {Kind.RATE: 5, Kind.ALLOCATION: 10, Kind.CONCURRENCY: 10},
    Provider.OTHER: {Kind.RATE: 14, Kind.ALLOCATION: 14, Kind.CONCURRENCY: 14},
}
"""Days. A cluster's own people answer soon, and allocations may need machines."""

_SUFFIXES: Final = {
    ".googleapis.com": Provider.GOOGLE,
    ".amazonaws.com": Provider.AWS,
    ".azure.com": Provider.AZURE,
}
_MICROSOFT: Final = "microsoft."  # as Azure names its services
_KUBERNETES: Final = frozenset(
    {
        *("resourcequota", "limitrange", "autoscaling", "nodes"),
        *("priority", "priorityclass", "nodegrowth", "podaddresses", "serviceaddresses"),
    }
)


@dataclass(frozen=True, slots=True)
class Subject:
    """A limit of which more is wanted. `source`: who told it, such as aws or file."""

    service: str
    metric: str
    kind: Kind
    source: str = ""

    @property
    def provider(self) -> Provider:
        """Who told the limit; of a file by the service's name, which is all that it has."""
        if self.source in list(Provider):
            return Provider(self.source)
        if self.service in _KUBERNETES:
            return Provider.KUBERNETES
        if self.service.lower().startswith(_MICROSOFT):
            return Provider.AZURE
        return next((who for end, who in _SUFFIXES.items() if self.service.endswith(end)), Provider.OTHER)


@dataclass(frozen=True, slots=True)
class Declared:
    """An entry of a policy; None: whatever it is."""

    days: int
    provider: Provider | None = None
    kind: Kind | None = None
    service: str | None = None
    metric: str | None = None

    def holds(self, subject: Subject) -> bool:
        asked = (self.provider, self.kind, self.service, self.metric)
        has = (subject.provider, subject.kind, subject.service, subject.metric)
        return all(wanted in (None, given) for wanted, given in zip(asked, has, strict=True))

    @property
    def narrowness(self) -> tuple[bool, bool, bool, bool]:
        """A metric says more than a service, and that more than a kind."""
        return (
            self.metric is not None,
            self.service is not None,
            self.kind is not None,
            self.provider is not None,
        )


@dataclass(frozen=True, slots=True)
class LeadTime:
    """`assumed`: by our table, and nobody's word."""

    days: int
    assumed: bool

    def __str__(self) -> str:
        days = f"lead time {self.days} day{'s' * (self.days != 1)}"
        return f"{days}, assumed" if self.assumed else days


def lead_time(subject: Subject, declared: Sequence[Declared]) -> LeadTime:
    """The narrowest entry counts; of equally narrow ones the longest."""
    known = [each for each in declared if each.holds(subject)]
    if known:
        return LeadTime(max(known, key=lambda each: (each.narrowness, each.days)).days, assumed=False)
    return LeadTime(DEFAULTS[subject.provider][subject.kind], assumed=True)


def ask(more: str, season: Season | None, lead: LeadTime, today: date) -> str:
    """`ask for 440/min more by 12 December 2026 (lead time 20 days)`; None: it is wanted all the year."""
    begins = None if season is None else season.begins(today, _YEAR)
    if begins is None:
        return f"ask for {more} more at once: it is needed now ({lead})"
    by = begins - timedelta(days=lead.days)
    if today > by:
        return f"{more} more should have been asked for by {by:%-d %B %Y} ({lead}): ask at once"
    return f"ask for {more} more by {by:%-d %B %Y} ({lead})"
