"""What the figures say about an SLA of availability."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from devperfops_operator.analysis.callgraph.availability import failures, timeout_prover
from devperfops_operator.analysis.callgraph.estimate import Between
from devperfops_operator.analysis.callgraph.graph import WHOLE, reached
from devperfops_operator.domain.slo.arithmetic import Line, failure_lines
from devperfops_operator.domain.slo.figures import Figures, Sla
from devperfops_operator.domain.slo.judged import NAMED, Judged, Standing, some
from devperfops_operator.domain.slo.words import percent


def judge_availability(figures: Figures, sla: Sla) -> Judged:
    """Whether the hops' failures, all together, are within what the SLA allows."""
    found = failures(figures.proven, sla.root)
    likely = failures(figures.likely, sla.root)[sla.root].likely
    most = found[sla.root].most
    lines = failure_lines(figures.proven, sla.root, found, timeout_prover(figures.proven))
    between = Between(likely / WHOLE, None if most is None else most / WHOLE)
    judged = Judged(sla, Standing.PLAUSIBLE, "", lines=tuple(lines), share=most, likely_share=between)
    if likely > sla.allowed:
        by = _worst(lines, sla.allowed)
        return replace(
            judged,
            standing=Standing.CONTRADICTED,
            by=tuple(line.hop for line in by),
            reason=_fails(sla, likely, by),
        )
    if most is not None and most <= sla.allowed:
        reason = (
            f"at most {percent(most)} of the requests fail, whatever fails together "
            f"({percent(sla.allowed)} allowed)"
        )
        return replace(judged, standing=Standing.GUARANTEED, reason=reason)
    return replace(judged, reason=_not_proved(figures, sla, most))


def _worst(lines: Iterable[Line], allowed: int) -> list[Line]:
    named: list[Line] = []
    for line in sorted(lines, key=lambda each: (-each.share, each.hop)):
        named.append(line)
        if sum(each.share for each in named) > allowed:
            break
    return named


def _fails(sla: Sla, likely: int, by: list[Line]) -> str:
    told = ", ".join(f"{line.hop} ({percent(line.share)})" for line in by[:NAMED])
    return (
        f"{percent(likely)} of the requests fail if every hop just keeps its figure and fails independently "
        f"({percent(sla.allowed)} allowed); most of it: {told}"
    )


def _not_proved(figures: Figures, sla: Sla, most: int | None) -> str:
    if most is None:
        unknown = [name for name in reached(figures.proven, sla.root) if figures.proven[name].bad is None]
        return (
            f"nothing is promised or measured of how often {some(unknown, figures.told_availability)} fails: "
            "measure it, or let its team promise it"
        )
    return (
        f"up to {percent(most)} of the requests may fail if hops fail at different times, or calls are cut "
        f"by their timeouts ({percent(sla.allowed)} allowed)"
    )
