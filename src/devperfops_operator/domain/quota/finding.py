"""What is found of one limit, what is waived of it, and what all of it amounts to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Final

from devperfops_operator.domain.quota.entry import Dimensions, Limit, dimensions_text
from devperfops_operator.domain.quota.units import Unit


class Verdict(StrEnum):
    """In ascending order of what it asks of a person. An Error is neither a Pass nor a Regression."""

    PASS = "Pass"  # noqa: S105  no password
    WARN = "Warn"
    REGRESSION = "Regression"
    ERROR = "Error"


ORDER: Final = {verdict: at for at, verdict in enumerate(Verdict)}


class Rule(StrEnum):
    """What is asked of a limit."""

    BASELINE = "baseline"
    """The load test was granted no more than serving is."""
    PEAK = "peak"
    """What the load test used, and some more, is left in serving."""
    SNAPSHOT = "snapshot"
    """Serving has not less than when the snapshot was approved."""
    NEED = "need"
    """Serving has what was said to be needed at this time of the year."""
    CONSUMPTION = "consumption"
    """What a revision's requests take, at production's peak, is granted in serving."""
    READING = "reading"
    """Both environments could be read."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A rule's answer. `enough`: the least that serving must grant to mend it; None: no amount is known.

    `remedy`: what to do where there is no `enough`.
    """

    verdict: Verdict
    cause: str
    enough: Limit | None = None
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Waiver:
    """A person lets a regression be until then. Empty dimensions: for all of the metric's."""

    name: str
    service: str
    metric: str
    dimensions: Dimensions
    reason: str
    approver: str
    expires: datetime

    def covers(self, finding: Finding) -> bool:
        named = (finding.service, finding.metric) == (self.service, self.metric)
        return named and set(self.dimensions) <= set(finding.dimensions)


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's answer about one limit. Amounts are in `unit`; None: there is none to tell.

    `limit`: what serving has. `wanted`: what that is held against: the baseline's limit, a peak with its
    safety, the snapshot's limit, a need. `enough`: the least that serving must grant to mend it.
    """

    rule: Rule
    verdict: Verdict
    service: str
    metric: str
    dimensions: Dimensions = ()
    unit: Unit | None = None
    wanted: Limit | None = None
    limit: Limit | None = None
    peak: Limit | None = None
    headroom: Limit | None = None
    enough: Limit | None = None
    cause: str = ""
    remedy: str = ""
    waiver: Waiver | None = None

    @property
    def counted(self) -> Verdict:
        """What it adds to the whole: a waived one is only shown."""
        return Verdict.PASS if self.waiver else self.verdict

    @property
    def title(self) -> str:
        where = dimensions_text(self.dimensions)
        name = "/".join(part for part in (self.service, self.metric) if part) or "everything"
        return f"{name} {where}".rstrip()


@dataclass(frozen=True)
class Report:
    """`expired` waivers do not count; `unneeded` ones waive nothing any more."""

    findings: Sequence[Finding]
    expired: Sequence[Waiver] = ()
    unneeded: Sequence[Waiver] = ()

    @cached_property
    def verdict(self) -> Verdict:
        return max((finding.counted for finding in self.findings), key=ORDER.__getitem__)
