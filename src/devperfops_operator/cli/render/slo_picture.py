"""What a drawing of a service graph shows, whatever draws it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from devperfops_operator.analysis.callgraph.graph import WHOLE, Call, Graph, Service, reached
from devperfops_operator.domain.slo.judged import Judged, Standing
from devperfops_operator.domain.slo.words import percent, time


@dataclass(frozen=True, slots=True)
class Box:
    """A hop. `lines` stand below its name; `standing` colours it."""

    name: str
    lines: tuple[str, ...]
    standing: Standing | None


@dataclass(frozen=True, slots=True)
class Arrow:
    """Calls from one hop to another."""

    caller: str
    callee: str
    label: str


@dataclass(frozen=True, slots=True)
class Picture:
    """`boxes`: callers before those they call."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def picture(graph: Graph, found: Sequence[Judged]) -> Picture:
    """All that the roots reach. Hops that contradict an SLA are marked, and roots by their worst SLA."""
    roots = dict.fromkeys(judged.sla.root for judged in found)
    entrance = Service(stages=tuple((Call(root, WHOLE),) for root in roots))
    names = reached({**graph, "": entrance}, "")[1:]
    return Picture(
        tuple(_box(name, found) for name in names),
        tuple(arrow for name in names for arrow in _arrows(name, graph[name])),
    )


def _box(name: str, found: Sequence[Judged]) -> Box:
    own = [judged for judged in found if judged.sla.root == name]
    lines = tuple(f"{judged.sla.text}: {judged.standing}" for judged in own)
    if any(name in judged.by for judged in found):
        return Box(name, lines, Standing.CONTRADICTED)
    order = list(Standing)
    return Box(name, lines, max((judged.standing for judged in own), key=order.index, default=None))


def _arrows(name: str, service: Service) -> Iterator[Arrow]:
    for stage in service.stages:
        for call in stage:
            yield Arrow(name, call.to, ", ".join(_labels(call, together=len(stage) > 1)))


def _labels(call: Call, *, together: bool) -> Iterator[str]:
    if call.made != WHOLE:
        yield percent(call.made)
    if call.retries is not None:
        tries = f"{call.retries.attempts} tries of " if call.retries.attempts > 1 else "at most "
        yield f"{tries}{time(call.retries.timeout_us)}"
    if together:
        yield "parallel"
