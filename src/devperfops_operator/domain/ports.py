"""What the shell needs of the world outside, as the core sees it. `adapters` implement it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from devperfops_operator.analysis.series import Series
from devperfops_operator.analysis.targets import FailedScrapes
from devperfops_operator.domain.report import Message


@dataclass(frozen=True, slots=True)
class PodIdentity:
    """Who a token proves its bearer to be."""

    namespace: str
    pod: str
    pod_uid: str


class Metrics(Protocol):
    """Prometheus servers, by the name the operator's settings give them."""

    async def counters(
        self, server: str, selector: str, since: datetime, until: datetime
    ) -> Sequence[Series]:
        """Raw samples of every series `selector` matches within [since, until].

        Raises Unavailable (no answer) or Refused (the server calls the query wrong).
        """

    async def gauge(
        self, server: str, query: str, since: datetime, until: datetime, step: timedelta
    ) -> Sequence[Series]:
        """The values of `query` at since, since + step ... until; of two series at most.

        Raises likewise.
        """

    async def hourly_rates(
        self, server: str, selector: str, by: Sequence[str], since: datetime, until: datetime
    ) -> Sequence[Series]:
        """Increases a second by these labels, over the hour before since, since + 1 h ... until.

        Raises likewise.
        """

    async def failed_scrapes(
        self, server: str, jobs: Sequence[str], since: datetime, until: datetime
    ) -> Sequence[FailedScrapes]:
        """The targets of these jobs of which a scrape failed within [since, until].

        Raises likewise.
        """

    async def label_values(
        self, server: str, selector: str, label: str, since: datetime, until: datetime
    ) -> Sequence[str]:
        """The values of `label` in the series `selector` matches, at about that time.

        Raises likewise.
        """


class Tokens(Protocol):
    async def review(self, token: str) -> PodIdentity:
        """Raises Unauthenticated."""


class Receiver(Protocol):
    """Somebody who is told of the end of runs."""

    async def send(self, message: Message) -> None:
        """Raises Unavailable (no answer now) or Refused (it does not take it: token, channel, address)."""
