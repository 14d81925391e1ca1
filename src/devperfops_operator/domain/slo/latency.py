"""What the figures say about an SLA of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from devperfops_operator.analysis.callgraph.bounds import Bound, Prover
from devperfops_operator.analysis.callgraph.estimate import Estimator
from devperfops_operator.analysis.callgraph.graph import WHOLE, Graph, Point, Service, reached, visits
from devperfops_operator.domain.slo.arithmetic import latency_lines
from devperfops_operator.domain.slo.figures import Figures, Sla
from devperfops_operator.domain.slo.judged import NAMED, Judged, Standing, some
from devperfops_operator.domain.slo.words import percent, quantile, time

_MEDIAN: Final = WHOLE // 2
_MS: Final = 1_000


def judge_latency(figures: Figures, sla: Sla, limit_us: int) -> Judged:
    """Whether the hops' times, all together, are within the limit often enough."""
    bounds = Prover(figures.proven, limit_us).bounds(sla.root)
    best = bounds[-1] if bounds else None
    estimator = Estimator(figures.likely, sla.root, _written(limit_us))
    likely = estimator.share_over()
    looser = list(_looser(figures.likely, sla, limit_us))
    judged = Judged(
        sla,
        Standing.PLAUSIBLE,
        "",
        lines=tuple(latency_lines(figures.proven, sla.root, best)) if best is not None else (),
        share=best.over if best is not None else None,
        us=best.us if best is not None else None,
        likely_share=likely,
        likely_us=estimator.quantile_us(sla.allowed),
        warnings=(
            *_broken_promises(figures.likely, sla.root),
            *_late_tries(figures.likely, sla.root, _written(limit_us)),
        ),
    )
    if looser:
        return replace(
            judged,
            standing=Standing.CONTRADICTED,
            by=tuple(looser),
            reason=_too_loose(figures, looser, limit_us),
        )
    if likely.least * WHOLE > sla.allowed:
        by = _slowest(figures.likely, sla, limit_us)
        return _with_sum(
            figures,
            limit_us,
            replace(
                judged,
                standing=Standing.CONTRADICTED,
                by=tuple(name for name, _ in by),
                reason=_too_slow(sla, limit_us, likely.least, by),
            ),
        )
    if best is not None and best.over <= sla.allowed:
        return replace(judged, standing=Standing.GUARANTEED, reason=_proved(sla, best))
    return _with_sum(figures, limit_us, replace(judged, reason=_unproved(figures, sla, limit_us, best)))


def _written(limit_us: int) -> int:
    """The limit as people write it: `< 250ms` is kept up to a microsecond before."""
    return -(-limit_us // _MS) * _MS


def _looser(graph: Graph, sla: Sla, limit_us: int) -> Iterator[str]:
    """Hops that may break the SLA alone while they keep their own promises."""
    often = visits(graph, sla.root)
    for name, weight in often.items():
        promised = graph[name].promised
        if not promised or graph[name].measured or weight * _over(promised, limit_us) <= sla.allowed:
            continue
        alone = {other: replace(graph[other], promised=(Point(0, 0),)) for other in often}
        alone[name] = replace(graph[name], promised=promised)
        if Prover(alone, limit_us).over(sla.root, limit_us) > sla.allowed:
            yield name


def _over(points: Iterable[Point], us: int) -> int:
    return min((point.over for point in points if point.us <= us), default=WHOLE)


def _too_loose(figures: Figures, looser: list[str], limit_us: int) -> str:
    return (
        f"looser than the SLA: {some(looser, figures.told_latency)} may break it alone and keep its own "
        f"objective; ask for one below {time(limit_us)}, as `slo derive` proposes"
    )


def _too_slow(sla: Sla, limit_us: int, least: float, by: list[tuple[str, float]]) -> str:
    told = ", ".join(f"{name} ({percent(share)})" for name, share in by[:NAMED])
    return (
        f"{percent(least * WHOLE)} of the requests or more take longer than {time(limit_us)} "
        f"({percent(sla.allowed)} allowed), if hops are slow independently; the slow ones: {told}"
    )


def _proved(sla: Sla, best: Bound) -> str:
    return (
        f"at most {percent(best.over)} of the requests take longer than {time(best.us)}, "
        f"whatever is slow together ({percent(sla.allowed)} allowed)"
    )


def _unproved(figures: Figures, sla: Sla, limit_us: int, best: Bound | None) -> str:
    unknown = [name for name in reached(figures.proven, sla.root) if not figures.proven[name].promised]
    if unknown:
        return (
            f"nothing is promised or measured of {some(unknown, figures.told_latency)}: "
            "measure its own time, or let its team promise one"
        )
    if best is None:
        return (
            f"what is promised adds up to more than {time(limit_us)}, and what was measured does not exclude "
            "that it holds; "
            "`slo derive` proposes objectives that prove it"
        )
    return (
        f"within {time(limit_us)} up to {percent(best.over)} of the requests may be over "
        f"({percent(sla.allowed)} allowed) if hops are slow at different times; what was measured does not "
        "exclude that it holds; `slo derive` proposes objectives that prove it"
    )


def _slowest(graph: Graph, sla: Sla, limit_us: int) -> list[tuple[str, float]]:
    """Hops by how often each is over what the others' medians leave it, until that is more than allowed."""
    often = visits(graph, sla.root)
    medians = {name: _at(graph[name].measured, _MEDIAN) for name in often}
    whole = _longest(graph, sla.root, medians, 1 << 62) or 0
    shares = {
        name: weight * _surely_over(graph[name], limit_us - whole + medians[name])
        for name, weight in often.items()
    }
    ordered = sorted(shares.items(), key=lambda each: (-each[1], each[0]))
    named: list[tuple[str, float]] = []
    for name, share in ordered:
        named.append((name, share))
        if sum(each for _, each in named) > sla.allowed or not share:
            break
    return named


def _at(points: tuple[Point, ...], over: int) -> int:
    """The time of the first point with at most so much over it; 0 where there is none."""
    return next((point.us for point in points if point.over <= over), 0)


def _surely_over(service: Service, us: int) -> int:
    points = service.measured
    return next((point.over for point in points if point.us > us), points[-1].over if points else 0)


def _longest(graph: Graph, root: str, times: dict[str, int], limit_us: int) -> int | None:
    """If every hop took exactly so long. None: longer than the limit."""
    fixed = {name: replace(graph[name], promised=(Point(times[name], 0),)) for name in reached(graph, root)}
    bounds = Prover(fixed, limit_us).bounds(root)
    return bounds[-1].us if bounds else None


def _with_sum(figures: Figures, limit_us: int, judged: Judged) -> Judged:
    """Warns where people would add up quantiles and believe the sum."""
    graph, sla = figures.likely, judged.sla
    often = visits(graph, sla.root)
    times = {name: _at(graph[name].promised, sla.allowed) for name in often}
    summed = _longest(graph, sla.root, times, _written(limit_us))
    if summed is None or len(often) == 1 or not all(times.values()):
        return judged
    together = min(WHOLE, sum(often.values()) * sla.allowed)
    warning = (
        f"the {quantile(sla.allowed)}s of the {len(often)} hops add up to {time(summed)}, which is no "
        f"{quantile(sla.allowed)} of the whole: each call may be over its own in {percent(sla.allowed)}, "
        f"so up to {percent(together)} of the requests may be over the sum"
    )
    return replace(judged, warnings=(*judged.warnings, warning))


def _late_tries(graph: Graph, root: str, limit_us: int) -> Iterator[str]:
    """Tries of which the last comes too late to help."""
    for name in reached(graph, root):
        for call in graph[name].calls():
            tries = call.retries
            if tries is None or tries.attempts == 1 or tries.attempts * tries.timeout_us <= limit_us:
                continue
            yield (
                f"the {tries.attempts} tries of {time(tries.timeout_us)} of {name}'s call of {call.to} last "
                f"up to {time(tries.attempts * tries.timeout_us)}, and the SLA is {time(limit_us)}: write a "
                "shorter timeout or fewer attempts"
            )


def _broken_promises(graph: Graph, root: str) -> Iterator[str]:
    for name in reached(graph, root):
        service = graph[name]
        for point in service.promised if service.measured else ():
            measured = _surely_over(service, point.us)
            if measured > point.over:
                yield (
                    f"{name} does not keep {quantile(point.over)} <= {time(point.us)}: as measured, "
                    f"{percent(measured)} is over"
                )
