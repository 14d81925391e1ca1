"""Whether what was measured is the target, as it answers users: what samples alone do not tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from devperfops_operator.api.perfrun import PerfRunStatus
from devperfops_operator.api.quantity import format_percent
from devperfops_operator.domain.load_findings import Finding
from devperfops_operator.domain.observed import Evidence
from devperfops_operator.domain.verdict import Reason

HOST_WANTED: Final = Fraction(1, 2)
"""Under this share of samples to the target's host a verdict would be about other hosts."""


def overruling(evidence: Evidence, status: PerfRunStatus) -> Iterator[Finding]:
    """What leaves even a Fail without ground."""
    yield from _host_findings(evidence, status)


def validity_findings(evidence: Evidence, status: PerfRunStatus) -> Iterator[Finding]:
    """Everything of that kind, at the end of the load."""
    yield from overruling(evidence, status)


def _host_findings(evidence: Evidence, status: PerfRunStatus) -> Iterator[Finding]:
    """Samplers without a URL tell nothing, so a plan that has no others is not doubted."""
    target = status.load.host if status.load is not None else None
    counts: Counter[str] = Counter()
    for worker in evidence.workers:
        counts.update(worker.hosts)
    there = counts.pop(target or "", 0)
    samples = there + counts.total()
    if target is None or not samples or there >= samples * HOST_WANTED:
        return
    [(elsewhere, most)] = counts.most_common(1)
    yield Finding(
        Reason.WRONG_HOST,
        f"{format_percent(Fraction(there, samples), 1)} of {samples} judged samples went to {target}, which "
        f"the gate tests, and {most} to {elsewhere}; have the test plan take its host from the gate's "
        "property (${__P(ServerName)} unless propertyNames says otherwise), or name that host in "
        "load.target.host",
    )
