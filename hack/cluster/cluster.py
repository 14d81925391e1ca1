"""The full cluster: up, down, status."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hack.cluster import (
    builds,
    commands,
    controlplane,
    csi,
    health,
    imagestore,
    kubeconfig,
    leftovers,
    network,
    node,
    packages,
    pki,
    settings,
)
from hack.cluster.api import APPLY, STRATEGIC, Api
from hack.cluster.console import say
from hack.cluster.controlplane import Endpoints
from hack.cluster.errors import ClusterError
from hack.cluster.locks import exclusive
from hack.cluster.pki import Pki
from hack.cluster.processes import ProcessTable, boot_id, write_if_different
from hack.cluster.settings import NODE_IP, NODE_NAME, Cache, Cluster
from hack.cluster.waiting import wait_until

_AT: Final = Endpoints(NODE_IP, settings.API_PORT, settings.ETCD_CLIENT_PORT, settings.ETCD_PEER_PORT)
_NODE_PATH: Final = f"/api/v1/nodes/{NODE_NAME}"
_RBAC: Final = "/apis/rbac.authorization.k8s.io/v1"
_PROGRAMS: Final = (builds.ETCD, builds.COREDNS, builds.PAUSE, builds.KUBERNETES)
_CLIENTS: Final = ("kubelet", "kube-controller-manager", "kube-scheduler", "kube-proxy", "coredns")
COMPONENTS: Final = ("containerd", "etcd", "kube-apiserver", *_CLIENTS)


@dataclass(frozen=True)
class Status:
    """One line of `status`."""

    component: str
    pid: int | None
    healthy: bool


def up(cache: Cache) -> Path:
    """Have the cluster run; whatever part of it runs already is left alone. Returns the admin's kubeconfig.

    Raises:
        ClusterError: no root, not Linux, or a component does not come up.
    """
    _check_host()
    packages.ensure(cache, packages.CLUSTER)
    builds.ensure(cache, _PROGRAMS)
    with _locked(cache.cluster):
        _forget_last_boot(cache.cluster)
        certificates = _certificates(cache.cluster)
        network.ensure()
        _start_control_plane(cache, certificates)
        _start_node(cache, certificates)
    return cache.cluster.kubeconfig


def add_csi(cache: Cache) -> None:
    """Have a CSI driver and its controllers run beside a cluster that is up and knows snapshots.

    Raises:
        ClusterError: one of them does not come up.
    """
    builds.ensure(cache, (builds.CSI,))
    with _locked(cache.cluster):
        table = _table(cache.cluster)
        table.ensure(csi.driver(cache))
        socket = csi.socket(cache.cluster)
        wait_until("CSI driver listens", socket.is_socket, seconds=30, table=table, needs=("csi",))
        for spec in csi.controllers(cache):
            table.ensure(spec)


def down(cache: Cache, *, objects: bool, pictures: bool) -> None:
    """Stop the cluster and clean the host; on request forget the API objects, and the images too."""
    _check_host()
    cluster = cache.cluster
    with _locked(cluster):
        if cluster.run.exists():
            _stop(cache)
            say("cluster stopped")
        if objects:
            for name in ("etcd", "kubelet", "pod-logs", "csi"):
                shutil.rmtree(cluster.lib / name, ignore_errors=True)
        if pictures:
            for name in ("containerd", "imported"):
                shutil.rmtree(cluster.lib / name, ignore_errors=True)


def status(cache: Cache) -> list[Status]:
    """How each component and the node are, in the order in which they start."""
    table = _table(cache.cluster)
    found = []
    for name in COMPONENTS:
        identity = table.identity(name)
        healthy = identity is not None and _probe(cache, name)()
        found.append(Status(name, identity.pid if identity else None, healthy))
    return found


def _check_host() -> None:
    if sys.platform != "linux":
        raise ClusterError("the local cluster runs on Linux only: set KUBECONFIG to use another one")
    if os.geteuid() != 0:
        raise ClusterError(
            "the local cluster needs root (containers, network): run as root, or set KUBECONFIG"
        )


@contextmanager
def _locked(cluster: Cluster) -> Iterator[None]:
    with exclusive(cluster.lock, "another `up` or `down` is at work"):
        yield


def _forget_last_boot(cluster: Cluster) -> None:
    """A reboot took the processes, mounts and addresses: what `run` says about them is history."""
    mark = cluster.run / "boot"
    if mark.exists() and mark.read_text() != boot_id():
        shutil.rmtree(cluster.run)
    write_if_different(mark, boot_id())


def _certificates(cluster: Cluster) -> Pki:
    serving = controlplane.serving_certificate((settings.API_SERVICE_IP, NODE_IP, "127.0.0.1"))
    certificates = (serving, controlplane.ADMIN, *node.CERTIFICATES)
    made = pki.ensure(cluster.root, ["ca", "front-proxy-ca"], certificates)
    for user in node.USERS:
        kubeconfig.write(node.user_kubeconfig(cluster, user), _AT.server, user, made)
    kubeconfig.write(cluster.kubeconfig, _AT.server, "admin", made)
    return made


def _start_control_plane(cache: Cache, certificates: Pki) -> None:
    table, api = _table(cache.cluster), Api(_AT.server, certificates)
    table.ensure(node.containerd(cache.cluster))
    table.ensure(controlplane.etcd(cache, _AT, cache.cluster.lib / "etcd"))
    extra = node.apiserver_arguments(certificates)
    table.ensure(controlplane.apiserver(cache, _AT, certificates, settings.SERVICE_CIDR, extra))
    wait_until("API server ready", api.ready, seconds=60, table=table, needs=("etcd", "kube-apiserver"))
    table.ensure(node.controller_manager(cache, certificates))
    table.ensure(node.scheduler(cache))
    wait_until(
        "containerd ready", _probe(cache, "containerd"), seconds=30, table=table, needs=("containerd",)
    )
    imagestore.load(cache, imagestore.known(cache, "pause"))


def _start_node(cache: Cache, certificates: Pki) -> None:
    table, api = _table(cache.cluster), Api(_AT.server, certificates)
    if table.identity("kubelet") is None:
        _distrust_last_run(api)
    _allow_coredns(api)
    table.ensure(node.kubelet(cache, certificates))
    table.ensure(node.proxy(cache))
    table.ensure(node.coredns(cache))
    for what, name, holds in (
        ("node Ready", "kubelet", lambda: _node_ready(api)),
        ("services ready", "kube-proxy", _probe(cache, "kube-proxy")),
        ("DNS ready", "coredns", _probe(cache, "coredns")),
        ("ServiceAccount default exists", "kube-controller-manager", lambda: _has_service_account(api)),
    ):
        wait_until(what, holds, seconds=60, table=table, needs=(name,))


def _stop(cache: Cache) -> None:
    table = _table(cache.cluster)
    table.stop((*csi.NAMES, *_CLIENTS), patience=3)
    table.stop(["kube-apiserver"], patience=2)
    table.stop(["etcd"], patience=5)
    leftovers.remove_containers(cache.cluster)
    table.stop(["containerd"], patience=5)
    leftovers.remove(cache)
    network.remove()


def _distrust_last_run(api: Api) -> None:
    """Take back the "Ready" the API still holds from before a restart.

    Else waiting for it would mean nothing, and Services would send to addresses that others have now.
    """
    if api.get(_NODE_PATH) is not None:
        _set_conditions(api, _NODE_PATH, "Unknown", "Ready")
    pods = api.get(f"/api/v1/pods?fieldSelector=spec.nodeName={NODE_NAME},status.phase=Running") or {}
    for pod in pods.get("items", []):
        metadata = pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
        _set_conditions(api, path, "False", "Ready", "ContainersReady")


def _set_conditions(api: Api, path: str, status: str, *types: str) -> None:
    conditions = [{"type": each, "status": status, "reason": "ClusterRestart"} for each in types]
    api.patch(f"{path}/status", {"status": {"conditions": conditions}}, STRATEGIC)


def _allow_coredns(api: Api) -> None:
    group = "rbac.authorization.k8s.io"
    metadata = {"apiVersion": f"{group}/v1", "metadata": {"name": "coredns"}}
    role = {**metadata, "kind": "ClusterRole", "rules": node.COREDNS_RULES}
    binding = {
        **metadata,
        "kind": "ClusterRoleBinding",
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "coredns"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": "coredns"}],
    }
    for path, body in (("clusterroles", role), ("clusterrolebindings", binding)):
        api.patch(f"{_RBAC}/{path}/coredns?fieldManager=devperfops-cluster", body, APPLY)


def _node_ready(api: Api) -> bool:
    found = api.get(_NODE_PATH) or {}
    conditions = found.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _has_service_account(api: Api) -> bool:
    return api.get("/api/v1/namespaces/default/serviceaccounts/default") is not None


def _probe(cache: Cache, component: str) -> Callable[[], bool]:
    """The health check of a running component."""
    match component:
        case "containerd":
            return lambda: commands.succeeds(["ctr", f"--address={cache.cluster.socket}", "version"])
        case "kube-apiserver":
            return Api(_AT.server, _certificates(cache.cluster)).ready
        case _:
            return lambda: health.answers(_HEALTH[component])


_HEALTH: Final = {
    "etcd": f"{_AT.etcd}/health",
    "kube-controller-manager": "https://127.0.0.1:10257/healthz",
    "kube-scheduler": "https://127.0.0.1:10259/healthz",
    "kubelet": "http://127.0.0.1:10248/healthz",
    "kube-proxy": "http://127.0.0.1:10256/healthz",
    "coredns": f"http://{node.COREDNS_READY}/ready",
}


def _table(cluster: Cluster) -> ProcessTable:
    return ProcessTable(cluster.run, cluster.log)
