"""What the coverage of the usual traffic means for the verdict, and how it is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from typing import Final

from devperfops_operator.analysis.coverage import Coverage, Endpoint
from devperfops_operator.api.perfrun import MAX_ENDPOINTS, CoverageStatus, EndpointStatus
from devperfops_operator.api.quantity import format_duration, format_percent
from devperfops_operator.domain.load_findings import Finding
from devperfops_operator.domain.objectives import CoveragePlan, Plan
from devperfops_operator.domain.observed import Evidence, TrafficEvidence
from devperfops_operator.domain.verdict import Reason

_TOLD: Final = 3  # endpoints in a sentence
_NAME_LENGTH: Final = 60  # of each


def coverage_findings(plan: Plan, evidence: Evidence) -> Iterator[Finding]:
    """Why the test does not stand for the usual traffic. Nothing, if nobody asked."""
    asked, traffic = plan.coverage, evidence.traffic
    if asked is None or not asked.judged:
        return
    if traffic is None:
        message = "coverage: Prometheus was not asked for the traffic in time"
        yield Finding(Reason.PROMETHEUS_UNAVAILABLE, message)
    elif traffic.coverage is None:
        gap = traffic.gap
        reason = Reason(gap.reason) if gap is not None else Reason.PROMETHEUS_UNAVAILABLE
        yield Finding(reason, f"coverage: {gap.message if gap is not None else 'it is not known'}")
    else:
        yield from _unknown(asked, traffic.coverage)
        wanting = list(_wanting(asked, traffic.coverage))
        if wanting:
            yield Finding(Reason.COVERAGE_TOO_LOW, _sentence(asked, traffic, traffic.coverage, wanting))


def coverage_status(plan: Plan, evidence: Evidence) -> CoverageStatus | None:
    """For the report; None: nobody asked, or it is not known."""
    if plan.coverage is None or evidence.traffic is None or evidence.traffic.coverage is None:
        return None
    found = evidence.traffic.coverage
    return CoverageStatus(
        requests=found.requests,
        usual=None if found.usual is None else round(found.usual),
        volume=None if found.volume is None else _percent(found.volume),
        exercised=_percent(found.exercised),
        known=len(found.known),
        distance=None if found.distance is None else _percent(found.distance),
        chance=_percent(found.chance),
        unseen=_percent(found.unseen),
        endpoints=tuple(map(_endpoint_status, found.endpoints[:MAX_ENDPOINTS])),
        unmapped=tuple(evidence.traffic.unmapped)[:MAX_ENDPOINTS],
    )


def _endpoint_status(endpoint: Endpoint) -> EndpointStatus:
    return EndpointStatus(
        name=endpoint.name,
        weight=_percent(endpoint.weight),
        requests=endpoint.requests,
        needed=endpoint.needed,
    )


def _unknown(asked: CoveragePlan, found: Coverage) -> Iterator[Finding]:
    """What is asked for and can only be compared with a past."""
    if found.usual is None and not (asked.min_volume is None and asked.max_distance is None):
        yield Finding(
            Reason.COVERAGE_UNKNOWN,
            f"Prometheus knows nothing of {asked.traffic} in the {asked.lookback.days // 7} weeks before, "
            "so no traffic is usual yet: correct coverage.traffic, or leave minVolume and maxDistance out "
            "until there is a past",
        )


def _wanting(asked: CoveragePlan, found: Coverage) -> Iterator[str]:
    """Each threshold that is missed, with its figures."""
    if not found.requests:
        yield "nobody used it"
        return
    volume, distance = found.volume, found.distance
    if asked.min_volume is not None and volume is not None and volume < asked.min_volume:
        yield f"that is {_percent(volume)} of the usual, and {format_percent(asked.min_volume)} are wanted"
    if found.exercised < asked.min_endpoints:
        yield (
            f"{_percent(found.exercised)} of the {len(found.known)} known endpoints got the {asked.enough} "
            f"requests that can show something, {format_percent(asked.min_endpoints)} are wanted"
            f"{_worst(found)}"
        )
    if distance is not None and asked.max_distance is not None and distance > asked.max_distance:
        yield (
            f"the mix of endpoints is {_percent(distance)} away from the usual one, at most "
            f"{format_percent(asked.max_distance)} are allowed (chance makes up to {_percent(found.chance)})"
        )
    if found.unseen > asked.max_unseen:
        yield (
            f"{_percent(found.unseen)} of the usual traffic goes where no request came, at most "
            f"{format_percent(asked.max_unseen)} are allowed"
        )


def _sentence(asked: CoveragePlan, traffic: TrafficEvidence, found: Coverage, wanting: list[str]) -> str:
    usual = f", where {found.usual:.0f} are usual in that time" if found.usual is not None else ""
    return (
        f"the tested traffic does not stand for the usual one: {found.requests} requests came{usual}; "
        f"{'; '.join(wanting)}{_unmapped(traffic)}{_how_long(asked, traffic, found)}"
    )


def _unmapped(traffic: TrafficEvidence) -> str:
    """What may be another name of what is missing."""
    labels = list(traffic.unmapped)
    if not labels:
        return ""
    told = ", ".join(f"{_short(label)} {traffic.unmapped[label]}" for label in labels[:_TOLD])
    more = f" and {len(labels) - _TOLD} more" if len(labels) > _TOLD else ""
    return f"; no endpoints by their names are JMeter's {told}{more} (coverage.labels tells which they are)"


def _worst(found: Coverage) -> str:
    missing = [each for each in found.known if not each.exercised]
    if not missing:
        return ""
    told = ", ".join(f"{_short(each.name)} {each.requests}" for each in missing[:_TOLD])
    more = f" and {len(missing) - _TOLD} more" if len(missing) > _TOLD else ""
    return f" ({told}{more})"


def _short(name: str) -> str:
    return name if len(name) <= _NAME_LENGTH else f"{name[: _NAME_LENGTH - 1]}…"


def _how_long(asked: CoveragePlan, traffic: TrafficEvidence, found: Coverage) -> str:
    if found.usual is None or found.exercised >= asked.min_endpoints:
        return ""
    if asked.traffic is None:
        return _how_long_by_profile(traffic, found)
    if traffic.takes is None:
        return "; at the usual traffic even four weeks would not be enough"
    share = "" if not found.requests else ", if as much of it comes"
    minutes = timedelta(minutes=-(-traffic.takes // timedelta(minutes=1)))
    return f"; at the usual traffic of these hours it takes {format_duration(minutes)}{share}"


def _how_long_by_profile(traffic: TrafficEvidence, found: Coverage) -> str:
    """An endpoint that gets nothing from the plan gets nothing in any time."""
    if traffic.takes is None or any(not each.requests for each in found.known):
        return ""
    minutes = timedelta(minutes=-(-traffic.takes // timedelta(minutes=1)))
    return f"; at this load with the usual mix {format_duration(minutes)} of judged load are enough"


def _percent(share: Fraction | float) -> str:
    return format_percent(Fraction(share), decimals=1)
