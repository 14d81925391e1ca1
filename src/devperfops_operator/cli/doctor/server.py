"""The API server: its version, the clocks, the CRDs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from devperfops_operator.api import crd
from devperfops_operator.api.base import GROUP, VERSION
from devperfops_operator.cli.cluster import Cluster
from devperfops_operator.cli.doctor.check import Check, ok, problem, unknown, warning
from devperfops_operator.cli.errors import NotFound

_OLDEST: Final = (1, 29)  # sidecar containers
_CRDS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_NODE_LEASES: Final = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
_SKEW: Final = timedelta(seconds=2)
_CLOCKS: Final = "let time synchronisation (chrony, systemd-timesyncd) run there"


def version(cluster: Cluster) -> Iterator[Check]:
    """Kubernetes must know sidecar containers."""
    said = cluster.ask("GET", "/version").body
    found = f"Kubernetes {said['gitVersion']} at {cluster.url}"
    numbers = (int(said["major"]), int(re.sub(r"\D.*", "", said["minor"])))
    if numbers >= _OLDEST:
        yield ok("API server", found)
    else:
        oldest = ".".join(map(str, _OLDEST))
        yield problem("API server", found, f"load pods need sidecar containers: Kubernetes {oldest} or newer")


def own_clock(cluster: Cluster) -> Iterator[Check]:
    """This machine's clock against the API server's, to the second."""
    before = datetime.now(UTC)
    headers = cluster.ask("GET", "/version").headers
    if "Date" not in headers:
        yield unknown("Clock", "the API server's answers carry no Date")
        return
    skew = abs(parsedate_to_datetime(headers["Date"]) - before)
    found = f"this machine and the API server differ by {_seconds(skew)}"
    if skew <= _SKEW:
        yield ok("Clock", found)
    else:
        yield warning("Clock", found, f"ages and times shown here are off; {_CLOCKS}")


def node_clocks(cluster: Cluster) -> Iterator[Check]:
    """Each node's clock against the API server's.

    A node's Lease carries the node's own time (`spec.renewTime`), and who wrote it when by the API server's
    clock (`metadata.managedFields`, whole seconds).
    """
    leases = cluster.ask("GET", _NODE_LEASES).body["items"]
    skews = {lease["metadata"]["name"]: skew for lease in leases if (skew := _skew_of(lease)) is not None}
    if not skews:
        yield unknown("Clocks of nodes", "no node has renewed its Lease")
    for node, skew in sorted(skews.items()):
        if abs(skew) > _SKEW:
            direction = "ahead" if skew > timedelta() else "behind"
            found = f"node {node} is {_seconds(abs(skew))} {direction} of the API server"
            remedy = f"workers there start and end at wrong times, and their runs are Inconclusive; {_CLOCKS}"
            yield problem("Clocks of nodes", found, remedy)
    if skews and all(abs(skew) <= _SKEW for skew in skews.values()):
        worst = max(map(abs, skews.values()))
        yield ok("Clocks of nodes", f"{len(skews)} within {_seconds(worst)} of the API server")


def definitions(cluster: Cluster) -> Iterator[Check]:
    """The CRDs are there, established, and know every field this version knows."""
    for resource in crd.RESOURCES:
        name, about = f"{resource.plural}.{GROUP}", f"CRD {resource.kind}"
        try:
            stored = cluster.ask("GET", f"{_CRDS}/{name}").body
        except NotFound:
            yield problem(about, f"{name} is not installed", _apply(name))
            continue
        yield _definition(about, name, stored, crd.schema(resource))


def _definition(about: str, name: str, stored: Mapping[str, Any], ours: Mapping[str, Any]) -> Check:
    conditions = {each["type"]: each for each in stored.get("status", {}).get("conditions", [])}
    established = conditions.get("Established", {})
    if established.get("status") != "True":
        why = established.get("message") or "the API server says nothing of it"
        return problem(about, f"{name} is not established: {why}", _apply(name))
    served = [each for each in stored["spec"]["versions"] if each["name"] == VERSION and each["served"]]
    if not served:
        return problem(about, f"{name} does not serve {VERSION}", _apply(name))
    missing = sorted(set(_fields(ours)) - set(_fields(served[0]["schema"]["openAPIV3Schema"])))
    if missing:
        more = f" and {len(missing) - 1} more fields" if len(missing) > 1 else ""
        return problem(about, f"{name} is of an older version: it lacks {missing[0]}{more}", _apply(name))
    return ok(about, f"{name} serves {VERSION}")


def _apply(name: str) -> str:
    group = name.partition(".")[2]
    return f"kubectl apply --server-side -f crds/{group}_{name.partition('.')[0]}.yaml of this version"


def _fields(schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for name, inner in schema.get("properties", {}).items():
        yield f"{path}{name}"
        yield from _fields(inner, f"{path}{name}.")
    if "items" in schema:
        yield from _fields(schema["items"], path)


def _skew_of(lease: Mapping[str, Any]) -> timedelta | None:
    """How far the node's clock is ahead, to the second; None: it is not told."""
    renewed = lease.get("spec", {}).get("renewTime")
    written = [entry["time"] for entry in lease["metadata"].get("managedFields", []) if entry.get("time")]
    if renewed is None or not written:
        return None
    return datetime.fromisoformat(renewed) - datetime.fromisoformat(max(written))


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():.0f} s"
