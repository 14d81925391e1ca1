"""Why a profile should not be used without a look: too little, too many gaps, too old."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final

from devperfops_operator.api.load_profile import LoadProfileSpec
from devperfops_operator.api.quantity import format_percent
from devperfops_operator.domain.load_profile.naming import Naming
from devperfops_operator.domain.load_profile.weeks import WEEK

MAX_AGE: Final = timedelta(days=30)
MAX_GAPS: Final = 0.1
_TOLD: Final = 5
_FEW: Final = 30  # requests, of which a mean says little


def doubts(spec: LoadProfileSpec, now: datetime) -> Iterator[str]:
    """Sentences; none: it may be used as it is."""
    data = spec.data
    if data.known < WEEK:
        yield (
            f"thin: {data.known} hours with samples, and a week has {WEEK}, so the busiest hour of the week "
            "may not be among them; let Prometheus keep more, or make the profile again later"
        )
    if data.gaps > MAX_GAPS:
        yield (
            f"gaps: {format_percent(Fraction(data.gaps), 1)} of {data.hours} hours have no samples, at most "
            f"{format_percent(Fraction(MAX_GAPS), 1)} may be missing; see whether the targets were scraped"
        )
    age = now - data.newest
    if age > MAX_AGE:
        yield (
            f"stale: the newest traffic in it is {age.days} days old, at most {MAX_AGE.days} may be; "
            f"make it again: devperfops profile {spec.origin.prometheus}"
        )


def notes(spec: LoadProfileSpec, naming: Naming, jobs: Sequence[str]) -> Iterator[str]:
    """What else a reader should know."""
    if len(jobs) > 1:
        yield (
            f"{len(jobs)} jobs are counted together ({', '.join(sorted(jobs)[:_TOLD])}): "
            "--match 'job=\"...\"' takes one"
        )
    if not naming.routes:
        yield (
            f"{naming.names} counts no routes: its endpoints are services, and a scenario cannot take "
            "weights from them"
        )
    if spec.peak.weeks == 1:
        yield "the busiest hour was seen once: how far it varies from week to week is not known"
    if spec.growth is None:
        yield "growth is not known: it takes three weeks, each with half of its hours"
    count = len(spec.endpoints)
    untimed = sum(each.usual.mean_ms is None for each in spec.endpoints)
    if untimed:
        yield f"{untimed} of {count} endpoints have no durations, so their concurrency is not known"
    rare = sum(each.requests < _FEW for each in spec.endpoints)
    if rare:
        yield f"{rare} of {count} endpoints had fewer than {_FEW} requests: their figures say little"
    unknown = [each.name for each in spec.seasons if each.factor is None]
    if unknown:
        yield f"no traffic of the season {', '.join(unknown)}: write its factor into the file of seasons"
