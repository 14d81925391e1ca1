"""What the graph of services says of a gate's objectives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from devperfops_operator.api import crd
from devperfops_operator.api.documents import read
from devperfops_operator.api.lint import NO_PLANS, Severity, lint, with_defaults
from devperfops_operator.api.perfgate import SLA
from devperfops_operator.api.servicegraph import ServiceGraph, ServiceGraphSpec
from devperfops_operator.domain.errors import FileMissing
from devperfops_operator.domain.named_files import text_of
from devperfops_operator.domain.objectives import JudgedObjective
from devperfops_operator.domain.observed import SLAStanding
from devperfops_operator.domain.slo.within import too_loose


class _UnusableError(Exception):
    """The message says what to do."""


def sla_standing(
    asked: SLA, target: str, data: Mapping[str, str] | None, objectives: Sequence[JudgedObjective]
) -> SLAStanding:
    """`target`: of the gate, the service's name unless `asked` has another. `data`: of the ConfigMap.

    What cannot be read is unknown: neither kept nor contradicted.
    """
    service = asked.service or target
    try:
        graph = _graph(asked, data, service)
    except (FileMissing, _UnusableError) as error:
        return SLAStanding(None, str(error))
    wrong = list(too_loose(graph, service, objectives))
    if wrong:
        return SLAStanding(kept=False, message="; ".join(wrong))
    message = f"no SLA can be broken by {service} alone while it holds its objectives"
    return SLAStanding(kept=True, message=message)


def _graph(asked: SLA, data: Mapping[str, str] | None, service: str) -> ServiceGraphSpec:
    """With that service in it."""
    place = f"{asked.config_map}/{asked.key}"
    text = text_of(asked.config_map, asked.key, data, content="a ServiceGraph", field="sla.key")
    wrong = [each for each in lint([(place, text)], NO_PLANS) if each.severity is Severity.ERROR]
    if wrong:
        raise _UnusableError(f"{place}:{wrong[0].line}: {wrong[0].path} {wrong[0].message}")
    graphs = [each.content for each in read(place, text) if each.content.get("kind") == crd.GRAPH.kind]
    if len(graphs) != 1:
        raise _UnusableError(f"{place} has {len(graphs)} documents of kind ServiceGraph; write one")
    graph = ServiceGraph.from_json(with_defaults(graphs[0], crd.GRAPH)).spec
    names = [each.name for each in graph.services]
    if service not in names:
        known = ", ".join(names)
        raise _UnusableError(f"{place} has no service {service} (there are: {known}); set sla.service")
    return graph
