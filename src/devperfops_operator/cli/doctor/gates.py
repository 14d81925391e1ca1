"""What the namespace's gates need: Prometheus servers by name, series to judge, images that can be pulled."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote, urlsplit

from devperfops_operator.analysis import buckets
from devperfops_operator.analysis.series import SeriesError
from devperfops_operator.api.base import ConditionStatus, ConditionType
from devperfops_operator.api.expect import FROM_SLO, LatencyExpectation, parse_expect
from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.settings import ImageSettings, Settings
from devperfops_operator.cli.cluster import GATES, Cluster
from devperfops_operator.cli.doctor.check import Check, ok, problem, unknown
from devperfops_operator.cli.doctor.vector import Vector, vector
from devperfops_operator.cli.errors import Trouble
from devperfops_operator.cli.render.standing import condition_of

_PULL_SECONDS: Final = 300.0
_LOOK_EVERY: Final = 1.0
_RESTRICTED: Final = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def stalled(cluster: Cluster) -> Iterator[Check]:
    """What the operator itself says about the gates."""
    gates = cluster.find_all(GATES)
    if not gates:
        yield ok("Gates", f"there are none in {cluster.namespace} yet")
        return
    for gate in gates:
        condition = condition_of(gate, ConditionType.STALLED)
        if condition is None:
            remedy = "does an operator look after this namespace?"
            yield problem(f"Gate {gate.metadata.name}", "no operator has seen it", remedy)
        elif condition.status is ConditionStatus.TRUE:
            remedy = f"mend it; more: devperfops describe {gate.metadata.name}"
            yield problem(f"Gate {gate.metadata.name}", f"{condition.reason}: {condition.message}", remedy)
        else:
            yield ok(f"Gate {gate.metadata.name}", "is not stalled")


def prometheus(cluster: Cluster, settings: Settings) -> Iterator[Check]:
    """Each server's name is known to the operator; where the API server can reach it, it has the series."""
    for gate in cluster.find_all(GATES):
        server = gate.spec.prometheus
        if server is None:
            continue
        about = f"Prometheus of {gate.metadata.name}"
        if server not in settings.prometheus:
            known = ", ".join(sorted(settings.prometheus)) or "none"
            found = f'spec.prometheus is "{server}"; the operator\'s settings name {known}'
            yield problem(about, found, "correct it, or add the server to `prometheus` in the settings")
            continue
        yield from _series(cluster, gate, about, settings.prometheus[server].url)


def _series(cluster: Cluster, gate: PerfGate, about: str, url: str) -> Iterator[Check]:
    proxy = _proxy(url)
    if proxy is None:
        yield unknown(about, f"{url} is no Service of this cluster, so it cannot be asked from here")
        return
    try:
        for query in _queries(gate):
            yield _selects(about, query, url, _asked(cluster, proxy, f"count({query})"))
        for histogram, limit_ms in _histograms(gate):
            found = _asked(cluster, proxy, f"group by ({buckets.EDGE}) ({histogram})")
            edges = [labels.get(buckets.EDGE, "") for labels, _ in found]
            if edges:
                yield _has_edge(about, histogram, limit_ms, edges)
    except Trouble as error:
        yield unknown(about, f"{url} cannot be asked: {error.message}")


def _asked(cluster: Cluster, proxy: str, query: str) -> Vector:
    return vector(cluster.ask("GET", f"{proxy}/api/v1/query?query={quote(query)}").body)


def _selects(about: str, query: str, url: str, counted: Vector) -> Check:
    if counted:
        return ok(about, f"{query} selects {counted[0][1]} series")
    remedy = "correct the names and labels; an app that nobody has used yet may have none"
    return problem(about, f"{query} selects nothing at {url}", remedy)


def _has_edge(about: str, histogram: str, limit_ms: int, edges: list[str]) -> Check:
    try:
        buckets.selectors(histogram, limit_ms, edges)
    except SeriesError as error:
        return problem(about, f"{histogram}: {error.message}", "its edges are the limits it can be judged by")
    return ok(about, f"{histogram} has a bucket that ends at the limit")


def _queries(gate: PerfGate) -> list[str]:
    fields = ("good", "total", "histogram", "query")
    found = [getattr(objective, field, None) for objective in gate.spec.objectives for field in fields]
    coverage = gate.spec.coverage
    found += [coverage.traffic, coverage.tested] if coverage is not None else []
    return [query for query in found if query]


def _histograms(gate: PerfGate) -> Iterator[tuple[str, int]]:
    """Each with its limit in milliseconds."""
    for objective in gate.spec.objectives:
        if objective.histogram is None or objective.expect == FROM_SLO:
            continue
        expectation = parse_expect(objective.expect)
        if isinstance(expectation, LatencyExpectation):
            yield objective.histogram, expectation.limit_ms


def _proxy(url: str) -> str | None:
    """The path by which the API server reaches a Service: `http://NAME.NAMESPACE.svc:PORT/PATH`."""
    parts = urlsplit(url)
    match (parts.hostname or "").split("."):
        case [name, namespace, "svc", *_]:
            port = parts.port or (443 if parts.scheme == "https" else 80)
            service = f"/api/v1/namespaces/{namespace}/services/{parts.scheme}:{name}:{port}/proxy"
            return f"{service}{parts.path}"
        case _:
            return None


def images_on_nodes(cluster: Cluster, images: ImageSettings) -> Iterator[Check]:
    """Whether nodes have the images of load pods already; `--pull` tries it."""
    nodes = cluster.ask("GET", "/api/v1/nodes").body["items"]
    for image in (images.operator, images.jmeter):
        there = sum(_has(node, image) for node in nodes)
        found = f"{image} is on {there} of {len(nodes)} nodes"
        remedy = "" if there else "`devperfops doctor --pull` tries to pull it"
        yield ok("Images", found) if there else unknown("Images", found, remedy)


def _has(node: Mapping[str, Any], image: str) -> bool:
    names = {name for each in node.get("status", {}).get("images", []) for name in each.get("names") or ()}
    return any(name == image or name.endswith(f"/{image}") for name in names)


def images_pulled(cluster: Cluster, images: ImageSettings) -> Iterator[Check]:
    """Pull both images for real, with a pod in the namespace that is deleted again."""
    with _pod(cluster, images) as path:
        statuses = _settled(cluster, path)
    for name, image in (("operator", images.operator), ("jmeter", images.jmeter)):
        waiting = statuses.get(name, {}).get("state", {}).get("waiting", {})
        if statuses.get(name, {}).get("imageID"):
            yield ok("Images", f"{image} was pulled")
        else:
            said = waiting.get("message") or waiting.get("reason") or f"not within {_PULL_SECONDS:.0f} s"
            remedy = "push it where the nodes can pull it, or correct `images` in the settings"
            yield problem("Images", f"{image} cannot be pulled: {said}", remedy)


@contextmanager
def _pod(cluster: Cluster, images: ImageSettings) -> Iterator[str]:
    name = f"devperfops-doctor-{secrets.token_hex(3)}"
    pods = f"/api/v1/namespaces/{cluster.namespace}/pods"
    cluster.ask("POST", pods, _manifest(name, images))
    try:
        yield f"{pods}/{name}"
    finally:
        cluster.ask("DELETE", f"{pods}/{name}", {"gracePeriodSeconds": 0})


def _manifest(name: str, images: ImageSettings) -> dict[str, Any]:
    containers = [
        {
            "name": container,
            "image": image,
            "imagePullPolicy": images.pull_policy,
            "command": ["true"],
            "securityContext": _RESTRICTED,
        }
        for container, image in (("operator", images.operator), ("jmeter", images.jmeter))
    ]
    security = {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "securityContext": security,
            "containers": containers,
        },
    }


def _settled(cluster: Cluster, path: str) -> dict[str, Mapping[str, Any]]:
    """The containers' statuses once each image is there or cannot be had."""
    deadline = time.monotonic() + _PULL_SECONDS
    while True:
        pod = cluster.ask("GET", path).body
        statuses = {each["name"]: each for each in pod.get("status", {}).get("containerStatuses", [])}
        done = [each for each in statuses.values() if each.get("imageID") or _failed(each)]
        if len(done) == len(pod["spec"]["containers"]) or time.monotonic() > deadline:
            return statuses
        time.sleep(_LOOK_EVERY)


def _failed(status: Mapping[str, Any]) -> bool:
    return status.get("state", {}).get("waiting", {}).get("reason") in {
        "ErrImagePull",
        "ImagePullBackOff",
        "ErrImageNeverPull",
        "InvalidImageName",
    }
