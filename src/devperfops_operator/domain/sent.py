"""What JMeter sent, beside the load profile: its labels as endpoints, without a question to Prometheus."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from devperfops_operator.analysis.coverage import Usual, compare, takes
from devperfops_operator.api.perfrun import PerfRunStatus
from devperfops_operator.api.quantity import parse_rate
from devperfops_operator.domain.objectives import CoveragePlan, RunPlan
from devperfops_operator.domain.observed import Evidence, Problem, TrafficEvidence
from devperfops_operator.domain.verdict import Reason
from devperfops_operator.wire.routes import Routes

_HOURS: Final = 168  # of a week: the load is that of the busiest in all of them
_PARTS: Final = re.compile(r"(?:([A-Z]+) )?(?:https?://[^/?#]*)?(/[^?#]*)(?:[?#].*)?", re.DOTALL)


def with_sent(evidence: Evidence, plan: RunPlan, status: PerfRunStatus, now: datetime) -> Evidence:
    """With the coverage of the profile, where JMeter's own count is what was tested."""
    asked, load = plan.coverage, status.load
    if asked is None or asked.at_prometheus or load is None or load.judged_from is None:
        return evidence
    since, until = load.judged_from, min(load.ended_at or now, load.judged_from + plan.judged)
    return replace(evidence, traffic=_traffic(asked, evidence.sent, usual_by_profile(status), since, until))


def usual_by_profile(status: PerfRunStatus) -> Usual | None:
    """Its busiest hour, as the run read it; None: it did not."""
    model = status.resolved.load if status.resolved is not None else None
    if model is None or model.usual_rate is None or not model.endpoints:
        return None
    shares: Counter[str] = Counter()
    for each in model.endpoints:
        shares[each.name] += each.per_million
    whole = shares.total()
    return Usual(
        hours=(float(parse_rate(model.usual_rate) / 60),) * _HOURS,
        mix={name: share / whole for name, share in shares.items()},
    )


def by_endpoint(
    sent: Mapping[str, int], known: Collection[str], named: Mapping[str, str]
) -> tuple[dict[str, int], dict[str, int]]:
    """Samples by endpoint, and those of labels that are none, which keep their names in both.

    `known`: endpoints; `named`: what labels are whose names do not tell it.
    """
    endpoints = _Endpoints(known)
    counts: Counter[str] = Counter()
    unmapped: dict[str, int] = {}
    for label, samples in sorted(sent.items(), key=lambda each: (-each[1], each[0])):
        if not samples:
            continue
        endpoint = named.get(label) or endpoints.of(label)
        if endpoint is None or endpoint not in endpoints.names:
            unmapped[label] = samples
        counts[endpoint or label] += samples
    return dict(counts), unmapped


class _Endpoints:
    """Those of a profile, to be found by what a sampler is called."""

    def __init__(self, names: Collection[str]) -> None:
        self.names = frozenset(names)
        self._routes: defaultdict[str, dict[str, list[str]]] = defaultdict(dict)  # by method, "" for any
        for name in sorted(self.names):
            parts = _PARTS.fullmatch(name)
            if parts is not None:
                for method in {parts[1] or "", ""}:
                    self._routes[method].setdefault(parts[2], []).append(name)

    def of(self, label: str) -> str | None:
        """`GET /cart/7` is GET /cart/{id}; also what a document leaves off as common to all its paths.

        None: it is none, or may be several.
        """
        if label in self.names:
            return label
        parts = _PARTS.fullmatch(label)
        routes = self._routes.get(parts[1] or "", {}) if parts is not None else {}
        if parts is None or not routes:
            return None
        found = self._fitting(routes, list(routes), parts[2]) or self._ending(routes, parts[2])
        return found[0] if len(found) == 1 else None

    @staticmethod
    def _fitting(routes: Mapping[str, Sequence[str]], templates: Sequence[str], path: str) -> Sequence[str]:
        return [name for route in Routes(templates).matching(path) for name in routes[route]]

    def _ending(self, routes: Mapping[str, Sequence[str]], path: str) -> Sequence[str]:
        """Longer ones that end with the path, from a piece on that both of them have."""
        first, *others = path.strip("/").split("/")
        length = 1 + len(others)
        ends: defaultdict[str, list[str]] = defaultdict(list)
        for route in routes:
            pieces = route.strip("/").split("/")
            if first and len(pieces) > length and pieces[-length] == first:
                ends["/" + "/".join(pieces[-length:])] += routes[route]
        return self._fitting(ends, list(ends), path)


def _traffic(
    asked: CoveragePlan,
    sent: Mapping[str, int] | None,
    usual: Usual | None,
    since: datetime,
    until: datetime,
) -> TrafficEvidence:
    if usual is None:
        message = "the run has not read what its load profile says is usual; run the gate again"
        return TrafficEvidence(until, gap=Problem(Reason.COVERAGE_UNKNOWN, message))
    if sent is None:
        message = "the operator was restarted after the load, and has totals only of what JMeter sent"
        return TrafficEvidence(until, gap=Problem(Reason.COVERAGE_UNKNOWN, message))
    counts, unmapped = by_endpoint(sent, usual.mix, asked.labels)
    begin, end = since.timestamp(), max(until, since + timedelta(seconds=1)).timestamp()
    found = compare(counts, usual, begin, end, asked.enough)
    how_long = takes(found, usual, asked.min_endpoints, begin)
    return TrafficEvidence(until, found, how_long, unmapped=unmapped)
