"""Whether a gate's objectives, kept and no better, are enough for what users were promised.

Only what the gate allows alone is looked at: every other service is taken as perfect. So what is found here
is broken by this gate, whatever the others do; that nothing is found proves no SLA (`slo check` does).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor
from typing import Final

from devperfops_operator.analysis.callgraph.availability import failures
from devperfops_operator.analysis.callgraph.bounds import Prover, points
from devperfops_operator.analysis.callgraph.graph import WHOLE, Graph, Point, reached, share, visits
from devperfops_operator.api.expect import (
    ErrorsExpectation,
    GoodExpectation,
    LatencyExpectation,
    parse_expect,
)
from devperfops_operator.api.graph_rules import key_name
from devperfops_operator.api.servicegraph import ServiceGraphSpec
from devperfops_operator.domain.objectives import FailedSamples, JudgedObjective, OverThreshold
from devperfops_operator.domain.slo.figures import Sla, figures, limit_us
from devperfops_operator.domain.slo.words import percent, quantile, time

_PERFECT: Final = Point(0, 0)


@dataclass(frozen=True, slots=True)
class _Allowed:
    """What the gate allows of its service, its calls included. `bad`: None: it says nothing of failures."""

    times: tuple[Point, ...]
    bad: int | None


@dataclass(frozen=True, slots=True)
class _Case:
    """One SLA. `often`: so many times a request of it comes to the service.

    `alone`: the graph with all other services perfect.
    """

    sla: Sla
    allowed: _Allowed
    often: float
    alone: Graph

    @property
    def needed(self) -> int:
        """The share that may be bad of the requests to the service."""
        return min(WHOLE, floor(self.sla.allowed / self.often))


def too_loose(spec: ServiceGraphSpec, service: str, objectives: Sequence[JudgedObjective]) -> Iterator[str]:
    """A sentence for each SLA that `service` may break alone while it holds these objectives."""
    known, names, allowed = figures(spec), _names(spec, service), _allowed(objectives)
    for sla in known.slas:
        often = sum(count for name, count in visits(known.proven, sla.root).items() if name in names)
        if not often:
            continue
        case = _Case(sla, allowed, often, _alone(known.proven, sla.root, names, allowed))
        problem = _failures_problem(case) if sla.limit_us is None else _time_problem(case, sla.limit_us)
        if problem is not None:
            promise = f"the SLA {sla.text} of {sla.root}"
            yield f"{service} may break {promise} alone and hold its objectives: {problem}"


def _names(spec: ServiceGraphSpec, service: str) -> frozenset[str]:
    """Of the service and its endpoints, as the graph has them."""
    known = next((each for each in spec.services if each.name == service), None)
    endpoints = () if known is None else known.endpoints
    return frozenset({service, *(key_name(service, each.name) for each in endpoints)})


def _allowed(objectives: Sequence[JudgedObjective]) -> _Allowed:
    """By those that decide, and are about all requests."""
    times: list[Point] = []
    bad: list[int] = []
    for objective in objectives:
        if not objective.critical or not _about_all(objective):
            continue
        match parse_expect(objective.expect):
            case LatencyExpectation() as asked:
                times.append(Point(limit_us(asked), share(asked.allowed)))
            case ErrorsExpectation() | GoodExpectation() as asked:
                bad.append(share(asked.allowed))
            case _:  # a comparison, or a gauge: no promise
                pass
    return _Allowed(points(times), min(bad, default=None))


def _about_all(objective: JudgedObjective) -> bool:
    counted = objective.counted
    return not (isinstance(counted, OverThreshold | FailedSamples) and counted.transaction is not None)


def _alone(graph: Graph, root: str, names: frozenset[str], allowed: _Allowed) -> Graph:
    times = allowed.times or (_PERFECT,)
    return {
        name: replace(
            graph[name],
            promised=times if name in names else (_PERFECT,),
            measured=(),
            bad=(allowed.bad or 0) if name in names else 0,
        )
        for name in reached(graph, root)
    }


def _time_problem(case: _Case, limit: int) -> str | None:
    """`limit`: the longest time that keeps the SLA."""
    slow = Prover(case.alone, limit).over(case.sla.root, limit)
    if not case.allowed.times or slow <= case.sla.allowed:
        return None
    in_a_row = ceil(case.often)
    each = time((limit + 1) / in_a_row).replace(" ", "")
    calls = f", in {in_a_row} calls each" if in_a_row > 1 else ""
    return (
        f"{percent(slow)} of the requests may take {time(limit + 1)} by them{calls}; "
        f"write an objective such as {quantile(case.needed)} < {each}"
    )


def _failures_problem(case: _Case) -> str | None:
    fails = failures(case.alone, case.sla.root)[case.sla.root].likely
    if case.allowed.bad is None or fails <= case.sla.allowed:
        return None
    return (
        f"{percent(fails)} of the requests may fail by them; write an objective such as "
        f"good >= {percent(WHOLE - case.needed)}, or errors <= {percent(case.needed)}"
    )
