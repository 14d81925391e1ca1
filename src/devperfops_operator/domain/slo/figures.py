"""A ServiceGraph, and the OpenSLO promises beside it, as numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from devperfops_operator.analysis.callgraph.bounds import points
from devperfops_operator.analysis.callgraph.graph import (
    WHOLE,
    Call,
    Graph,
    Point,
    Retries,
    Service,
    after_retries,
    part,
    share,
)
from devperfops_operator.api import servicegraph as api
from devperfops_operator.api.expect import GoodExpectation, LatencyExpectation, parse_expect
from devperfops_operator.api.graph_rules import INFINITY, key_name, quantile_rank
from devperfops_operator.api.openslo import Promise
from devperfops_operator.api.servicegraph import Source
from devperfops_operator.domain.slo.words import percent, quantile, time

_MS = 1_000
_UNITS = {"ms": _MS, "s": 1_000 * _MS}


@dataclass(frozen=True, slots=True)
class Sla:
    """What users of a root were promised: at most the share `allowed` is bad, or over `limit_us` if given."""

    root: str
    text: str
    allowed: int
    limit_us: int | None


@dataclass(frozen=True, slots=True)
class Figures:
    """`proven`: without what is assumed; `likely`: with it. `told`: each hop's figures with their source."""

    proven: Graph
    likely: Graph
    slas: tuple[Sla, ...]
    told_latency: dict[str, str]
    told_availability: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Figure:
    """One figure about a time or, without points, about failures."""

    text: str
    source: Source
    points: tuple[Point, ...] = ()
    distribution: bool = False
    bad: int = 0


@dataclass(frozen=True, slots=True)
class _Hop:
    latencies: tuple[_Figure, ...]
    availabilities: tuple[_Figure, ...]
    steps: tuple[api.Step, ...]


def figures(spec: api.ServiceGraphSpec, promises: Sequence[Promise] = ()) -> Figures:
    """Of a graph that was checked when it was read."""
    hops: dict[str, _Hop] = {}
    for service in spec.services:
        promised = [each for each in promises if each.service == service.name]
        for endpoint in (api.Endpoint(name=""), *service.endpoints):
            hops[key_name(service.name, endpoint.name or None)] = _Hop(
                tuple(_latencies(service, endpoint, promised)),
                tuple(_availabilities(service, endpoint, promised)),
                service.calls if endpoint.calls is None else endpoint.calls,
            )
    return Figures(
        proven={name: _service(hop, assumed=False) for name, hop in hops.items()},
        likely={name: _service(hop, assumed=True) for name, hop in hops.items()},
        slas=tuple(_slas(spec.roots)),
        told_latency={name: _told(hop.latencies) for name, hop in hops.items()},
        told_availability={name: _told(hop.availabilities) for name, hop in hops.items()},
    )


def _service(hop: _Hop, *, assumed: bool) -> Service:
    latencies, availabilities = (
        [each for each in known if assumed or each.source is not Source.ASSUMED]
        for known in (hop.latencies, hop.availabilities)
    )
    return Service(
        promised=points(point for each in latencies for point in each.points),
        measured=points(point for each in latencies if each.distribution for point in each.points),
        bad=min((each.bad for each in availabilities), default=None),
        stages=tuple(tuple(map(_call, step.calls())) for step in hop.steps),
    )


def _call(call: api.Call) -> Call:
    made = part(_share(call.fraction), WHOLE - _share(call.cache_hits))
    retries = call.retries
    if retries is None:
        return Call(key_name(call.to, call.endpoint), made)
    tries = Retries(retries.attempts, _us(retries.timeout), _share(retries.common_cause))
    return Call(key_name(call.to, call.endpoint), made, tries)


def _latencies(
    service: api.Service, endpoint: api.Endpoint, promises: Sequence[Promise]
) -> Iterator[_Figure]:
    """An endpoint with times of its own has none of its service's."""
    own = endpoint.latency
    yield from map(_latency, service.latency if own is None else own)
    for each in _about(endpoint, promises, overridden=own is not None):
        if each.us is not None:
            over = share(1 - each.target)
            text = f"{quantile(over)} <= {time(each.us)} ({each.document})"
            yield _Figure(text, Source.SLO, (Point(each.us, over),))


def _about(endpoint: api.Endpoint, promises: Sequence[Promise], *, overridden: bool) -> Iterator[Promise]:
    """Those of the endpoint and, unless it has figures of its own, those of its whole service."""
    for each in promises:
        if each.endpoint == endpoint.name or (each.endpoint is None and not overridden):
            yield each


def _latency(latency: api.Latency) -> _Figure:
    if latency.expect is not None:
        expected = parse_expect(latency.expect)
        if not isinstance(expected, LatencyExpectation):
            raise TypeError(f"{latency.expect} was let through as a latency")
        point = Point(limit_us(expected), share(expected.allowed))
        return _Figure(str(expected), latency.source, (point,))
    if latency.quantiles is not None:
        found = tuple(Point(_us(text), _beyond(name)) for name, text in latency.quantiles.items())
        return _Figure(f"{len(found)} quantiles", latency.source, found, distribution=True)
    buckets = latency.histogram or ()
    total = buckets[-1].count
    found = tuple(
        Point(_us(bucket.le), share(1 - Fraction(bucket.count, total)))
        for bucket in buckets
        if bucket.le != INFINITY
    )
    return _Figure(f"histogram of {total:,}", latency.source, found, distribution=True)


def _availabilities(
    service: api.Service, endpoint: api.Endpoint, promises: Sequence[Promise]
) -> Iterator[_Figure]:
    """The graph's is that of one copy, a promise that of all copies together."""
    found = endpoint.availability or service.availability
    if found is not None:
        expected = parse_expect(found.expect)
        if not isinstance(expected, GoodExpectation):
            raise TypeError(f"{found.expect} was let through as an availability")
        yield _copied(_Figure(str(expected), found.source, bad=share(expected.allowed)), service.redundancy)
    for each in _about(endpoint, promises, overridden=endpoint.availability is not None):
        if each.us is None:
            bad = share(1 - each.target)
            yield _Figure(f"good >= {percent(WHOLE - bad)} ({each.document})", Source.SLO, bad=bad)


def _copied(one: _Figure, redundancy: api.Redundancy | None) -> _Figure:
    if redundancy is None:
        return one
    bad = after_retries(one.bad, redundancy.copies, _share(redundancy.common_cause))
    text = f"{one.text} each of {redundancy.copies} copies, common cause {redundancy.common_cause}"
    return replace(one, text=text, bad=bad)


def _told(found: Sequence[_Figure]) -> str:
    return "; ".join(f"{each.source}: {each.text}" for each in found) or "no figure"


def _slas(roots: Sequence[api.Root]) -> Iterator[Sla]:
    for root in roots:
        for text in root.sla:
            match parse_expect(text):
                case LatencyExpectation() as expected:
                    limit = limit_us(expected)
                    yield Sla(key_name(root.service, root.endpoint), text, share(expected.allowed), limit)
                case GoodExpectation() as expected:
                    yield Sla(key_name(root.service, root.endpoint), text, share(expected.allowed), None)
                case _:
                    raise TypeError(f"{text} was let through as an SLA")


def limit_us(expected: LatencyExpectation) -> int:
    """The longest time that keeps it: `<` is broken at the limit itself."""
    return expected.limit_ms * _MS - (1 if expected.inclusive else 0)


def _us(text: str) -> int:
    unit = "ms" if text.endswith("ms") else "s"
    return int(Fraction(text.removesuffix(unit)) * _UNITS[unit])


def _share(text: str) -> int:
    return share(Fraction(text.removesuffix("%")) / 100)


def _beyond(name: str) -> int:
    return WHOLE - int(Fraction(str(quantile_rank(name))) / 100 * WHOLE)
