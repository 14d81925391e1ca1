"""Graphs as people write them."""

from __future__ import annotations

import yaml

from devperfops_operator.api import crd
from devperfops_operator.api.lint import with_defaults
from devperfops_operator.api.servicegraph import ServiceGraph, ServiceGraphSpec
from devperfops_operator.domain.slo.check import check
from devperfops_operator.domain.slo.figures import figures


def graph(services: str, *sla: str, root: str = "front") -> ServiceGraphSpec:
    """`services`: YAML of spec.services."""
    content = {
        "apiVersion": "devperfops.io/v1alpha1",
        "kind": "ServiceGraph",
        "metadata": {"name": "shop"},
        "spec": {"roots": [{"service": root, "sla": list(sla)}], "services": yaml.safe_load(services)},
    }
    return ServiceGraph.from_json(with_defaults(content, crd.GRAPH)).spec


def judged(services: str, sla: str, promises=()):
    """Of the only SLA."""
    (only,) = check(figures(graph(services, sla), promises))
    return only
