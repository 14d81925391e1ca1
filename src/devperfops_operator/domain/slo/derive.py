"""Objectives for each hop that together prove every SLA.

Each hop may be over its time in the same share of its requests, and the times are in proportion to what was
measured at that share: all hops get the same headroom, or must all become faster by the same factor. Failures
are divided in proportion, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import floor, log10
from typing import Final

from devperfops_operator.analysis.callgraph.availability import failures
from devperfops_operator.analysis.callgraph.bounds import Prover, points
from devperfops_operator.analysis.callgraph.graph import Graph, Point, Stage, reached, visits
from devperfops_operator.domain.slo.figures import Figures, Sla

_DIGITS: Final = 2
_UNLIMITED_US: Final = 1 << 62
_TIDY: Final = 10**6
"""A ten-thousandth of a percent: what objectives are written in."""
_HALVINGS: Final = 60


@dataclass(frozen=True, slots=True)
class Share:
    """How an SLA was divided: `factor` times what was measured for each of the hops; None: it cannot be.

    `without`: hops of which nothing is known, so that no proportion is.
    """

    sla: Sla
    hops: int
    factor: float | None
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Objectives:
    """Of one hop's own time and failures."""

    points: tuple[Point, ...]
    bad: int | None


def undivided(share: Share) -> str | None:
    """Why an SLA could not be divided, and what to do; None if it was."""
    if share.factor is not None:
        return None
    what = f"{share.sla.text} of {share.sla.root} cannot be divided"
    if share.without:
        about = "how often it fails" if share.sla.limit_us is None else "its time"
        return (
            f"{what}: nothing is promised or measured of {', '.join(share.without)} ({about}); "
            "write a figure, Assumed if need be"
        )
    return (
        f"{what} among {share.hops} hops: timeouts may cut too many calls; "
        "write longer ones, or an SLA of time at a higher quantile"
    )


def derive(figures: Figures) -> tuple[list[Share], dict[str, Objectives]]:
    """How each SLA was divided, and what follows for each hop; the strictest of what several SLAs ask."""
    graph = figures.likely
    shares: list[Share] = []
    times: dict[str, list[Point]] = {}
    for sla in figures.slas:
        if sla.limit_us is not None:
            divided, found = _times(graph, sla, sla.limit_us)
            shares.append(divided)
            for name, point in found.items():
                times.setdefault(name, []).append(point)
    promised = {
        name: replace(service, promised=points(times.get(name, service.promised)))
        for name, service in graph.items()
    }
    bad: dict[str, int] = {}
    for sla in figures.slas:
        if sla.limit_us is None:
            divided, failing = _failures(promised, sla)
            shares.append(divided)
            bad |= {name: min(each, bad.get(name, each)) for name, each in failing.items()}
    hops = [name for name in graph if name in times or name in bad]
    return shares, {name: Objectives(points(times.get(name, ())), bad.get(name)) for name in hops}


def _times(graph: Graph, sla: Sla, limit_us: int) -> tuple[Share, dict[str, Point]]:
    often = visits(graph, sla.root)
    without = tuple(name for name in often if not graph[name].promised)
    each = _tidied(floor(sla.allowed / sum(often.values())))
    if without or each <= 0:
        return Share(sla, len(often), None, without), {}
    measured = {name: _basis(graph[name].promised, each) for name in often}
    factor = _factor(graph, sla.root, measured, limit_us)
    return (
        Share(sla, len(often), factor),
        {name: Point(_tidied(floor(us * factor)), each) for name, us in measured.items()},
    )


def _basis(known: Sequence[Point], over: int) -> int:
    """The time at that share, or at the smallest share known: it is a proportion, no proof."""
    return max(1, next((point.us for point in known if point.over <= over), known[-1].us))


def _factor(graph: Graph, root: str, times: Mapping[str, int], limit_us: int) -> float:
    """So that the longest way takes the limit, and no call longer than the timeout of its first try."""
    exact = {
        name: replace(graph[name], promised=(Point(us, 0),), stages=_untried(graph, name))
        for name, us in times.items()
    }
    prover = Prover(exact, _UNLIMITED_US)
    allowed = [(root, limit_us)]
    allowed += [
        (call.to, call.retries.timeout_us) for name in times for call in graph[name].calls() if call.retries
    ]
    return min(us / prover.bounds(name)[-1].us for name, us in allowed)


def _untried(graph: Graph, name: str) -> tuple[Stage, ...]:
    return tuple(tuple(replace(call, retries=None) for call in stage) for stage in graph[name].stages)


def _tidied(value: int) -> int:
    """Rounded down to a few digits: an objective is read by people."""
    if value <= 0:
        return 0
    unit = int(10 ** max(0, floor(log10(value)) - _DIGITS + 1))
    return value // unit * unit


def _failures(graph: Graph, sla: Sla) -> tuple[Share, dict[str, int]]:
    hops = reached(graph, sla.root)
    without = tuple(name for name in hops if graph[name].bad is None)
    base = {name: max(_TIDY, graph[name].bad or 0) for name in hops}
    if without or not _holds(graph, sla, base, 0.0):
        return Share(sla, len(hops), None, without), {}
    low, high = 0.0, 10.0 * sla.allowed / _TIDY
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _holds(graph, sla, base, middle) else (low, middle)
    return Share(sla, len(hops), low), _scaled(base, low)


def _scaled(base: Mapping[str, int], factor: float) -> dict[str, int]:
    return {name: _tidied(floor(bad * factor)) for name, bad in base.items()}


def _holds(graph: Graph, sla: Sla, base: Mapping[str, int], factor: float) -> bool:
    changed = {
        **graph,
        **{name: replace(graph[name], bad=bad) for name, bad in _scaled(base, factor).items()},
    }
    most = failures(changed, sla.root)[sla.root].most
    return most is not None and most <= sla.allowed
