"""From Prometheus' answers about metered limits to what one request takes of them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Final

from devperfops_operator.analysis.consumption import Curve, Span, curve, most_at_once, per_request
from devperfops_operator.analysis.series import Series
from devperfops_operator.analysis.targets import JudgedPods, pod_of
from devperfops_operator.api.consumption import Counts
from devperfops_operator.domain.effects import ReadConsumption
from devperfops_operator.domain.quota.consumption import Figure, Meter, RequestPeak

WEEKS: Final = 2
_WEEK: Final = 168  # hours
_KUBELET: Final = {
    Counts.CPU: "container_cpu_usage_seconds_total",
    Counts.MEMORY: "container_memory_working_set_bytes",
}
_NAMED: Final = 3  # targets in a sentence


def selector(meter: Meter, asked: ReadConsumption) -> str:
    """What Prometheus is asked for."""
    if meter.series is not None:
        return meter.series
    pods = json.dumps(f"{re.escape(asked.pods.deployment)}-[a-z0-9]+-[a-z0-9]+")
    where = f'namespace={json.dumps(asked.namespace)},pod=~{pods},container!="",container!="POD"'
    return f"{_KUBELET[meter.counts]}{{{where}}}"


def of_judged(found: Sequence[Series], pods: JudgedPods) -> Sequence[Series]:
    """Without those of the target's pods that are of another revision; what is of no pod of it counts."""
    target = JudgedPods(pods.deployment)
    return [
        each for each in found if (pod := pod_of(each.labels)) is None or not target.has(pod) or pods.has(pod)
    ]


def span_of(asked: ReadConsumption) -> Span:
    return Span(asked.since.timestamp(), asked.until.timestamp(), asked.step.total_seconds())


def figure(
    meter: Meter, found: Sequence[Series], requests: Curve, asked: ReadConsumption, missing: Sequence[str]
) -> Figure:
    """`missing`: targets that could not be scraped. Raises SeriesError: it cannot be told."""
    query, span, judged = selector(meter, asked), span_of(asked), of_judged(found, asked.pods)
    if meter.counts is Counts.MEMORY:
        return _memory(judged, requests, query, span, missing)
    taken = per_request(curve(query, judged), requests, span)
    return Figure(
        value=_exact(taken.value),
        least=_exact(taken.least),
        most=_exact(taken.most),
        rate=_exact(taken.rate),
        doubts=(*taken.doubts, *_unseen(missing)),
        series=query,
    )


def _memory(
    judged: Sequence[Series], requests: Curve, query: str, span: Span, missing: Sequence[str]
) -> Figure:
    most = most_at_once(query, judged)
    rate = per_request(requests, requests, span)
    return Figure(
        _exact(most), rate=_exact(rate.rate), doubts=(*rate.doubts, *_unseen(missing)), series=query
    )


def busiest(hours: Sequence[Series]) -> RequestPeak | None:
    """Of rates a second at the end of each hour; None: there was no traffic."""
    rates = [(value, moment) for each in hours for moment, value in each.samples]
    most, moment = max(rates, default=(0.0, 0.0))
    if not most > 0:
        return None
    ends = datetime.fromtimestamp(moment, UTC)
    few = len(rates) < _WEEK
    return RequestPeak(
        rate=_exact(most),
        because=f"production's busiest hour of the last {WEEKS} weeks, up to {ends:%a %Y-%m-%d %H:%M} UTC",
        assumed=f"only {len(rates)} hours are known, and a week has {_WEEK}" if few else None,
    )


def _unseen(missing: Sequence[str]) -> tuple[str, ...]:
    more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    return (f"Prometheus could not scrape {', '.join(missing[:_NAMED])}{more}",) if missing else ()


def _exact(value: float) -> Fraction:
    """As it is told and kept: what is judged again later is the same."""
    return Fraction(f"{value:.6g}")
