"""Derived objectives as OpenSLO promises."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction

from devperfops_operator.analysis.callgraph.graph import WHOLE
from devperfops_operator.api.graph_rules import key_name
from devperfops_operator.api.openslo import Promise
from devperfops_operator.api.servicegraph import ServiceGraphSpec
from devperfops_operator.domain.slo.derive import Objectives

_LONGEST = 63  # characters of a name


def promises_of(spec: ServiceGraphSpec, objectives: Mapping[str, Objectives]) -> Iterator[Promise]:
    """Of each service and endpoint that has some, in the order of the graph."""
    for service in spec.services:
        for endpoint in (None, *(each.name for each in service.endpoints)):
            found = objectives.get(key_name(service.name, endpoint))
            if found is None:
                continue
            for point in found.points:
                name = _document(service.name, endpoint, "latency")
                yield Promise(service.name, name, 1 - Fraction(point.over, WHOLE), point.us, endpoint)
            if found.bad is not None:
                name = _document(service.name, endpoint, "availability")
                yield Promise(service.name, name, 1 - Fraction(found.bad, WHOLE), None, endpoint)


def _document(service: str, endpoint: str | None, what: str) -> str:
    """As OpenSLO takes a name: small letters, digits, hyphens."""
    stem = re.sub("[^a-z0-9]+", "-", key_name(service, endpoint).lower()).strip("-")
    return f"{stem[: _LONGEST - len(what) - 1].strip('-')}-{what}"
