"""Guaranteed, plausible or contradicted: what the figures of the hops say about each SLA."""

from __future__ import annotations

from devperfops_operator.domain.slo.availability import judge_availability
from devperfops_operator.domain.slo.figures import Figures, Sla
from devperfops_operator.domain.slo.judged import Judged
from devperfops_operator.domain.slo.latency import judge_latency


def check(figures: Figures) -> list[Judged]:
    """Every SLA of every root, in the order of the graph."""
    return [_judged(figures, sla) for sla in figures.slas]


def _judged(figures: Figures, sla: Sla) -> Judged:
    if sla.limit_us is None:
        return judge_availability(figures, sla)
    return judge_latency(figures, sla, sla.limit_us)
