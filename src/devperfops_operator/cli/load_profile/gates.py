"""What a gate says of its service's traffic: `coverage` has the counter and its labels already."""

from __future__ import annotations

from dataclasses import dataclass

from devperfops_operator.api.coverage import Coverage
from devperfops_operator.cli.cluster import GATES, Cluster
from devperfops_operator.cli.doctor.operator import Search
from devperfops_operator.cli.errors import Trouble


@dataclass(frozen=True, slots=True)
class GateTraffic:
    """`requests`: the counter. `url`: of the gate's Prometheus, as the operator's settings have it."""

    name: str
    url: str
    requests: str
    coverage: Coverage


def gate_traffic(cluster: Cluster, name: str, url: str | None) -> GateTraffic:
    """`url`: asked in place of the one in the settings.

    Raises:
        Trouble: there is no such gate, it has no coverage, or nobody says where its Prometheus is.
    """
    spec = cluster.get(GATES, name).spec
    if spec.coverage is None or spec.coverage.traffic is None or spec.prometheus is None:
        raise Trouble(
            f"gate {name} has no spec.coverage.traffic, which says what counts its service's requests: "
            "write it, or leave --gate out and let the counter be looked for."
        )
    return GateTraffic(
        name, url or _address(cluster, name, spec.prometheus), spec.coverage.traffic, spec.coverage
    )


def _address(cluster: Cluster, gate: str, server: str) -> str:
    search = Search(cluster, None)
    list(search())
    settings = search.found.settings if search.found is not None else None
    if settings is None or server not in settings.prometheus:
        raise Trouble(
            f"gate {gate} asks the Prometheus {server}, and the operator's settings do not tell its "
            "address: give it, as in http://127.0.0.1:9090."
        )
    return settings.prometheus[server].url
