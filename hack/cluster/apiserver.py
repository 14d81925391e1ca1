"""The "API server only" mode: etcd and kube-apiserver on free ports of 127.0.0.1, in a folder of their own.

For integration tests. It needs no root and changes nothing on the host; any number run side by side.
Nothing but the API exists: no controller, so no ServiceAccount is made, no Job makes a pod, a deleted
namespace stays Terminating.

    with apiserver.running(tmp_path) as server:
        client = ApiClient(server.kubeconfig)
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from hack.cluster import builds, controlplane, kubeconfig, pki, settings
from hack.cluster.api import Api
from hack.cluster.controlplane import Endpoints
from hack.cluster.errors import ClusterError
from hack.cluster.processes import Identity, ProcessTable, Spec, identify, wait_for_end, write_if_different
from hack.cluster.waiting import wait_until

_ADDRESS: Final = "127.0.0.1"
_SERVICES: Final = "10.96.0.0/16"
_ATTEMPTS: Final = 3
_PROCESSES: Final = ("kube-apiserver", "etcd")
_GUARD: Final = "guard"


@dataclass(frozen=True)
class ApiServer:
    """A running API server."""

    url: str
    kubeconfig: Path


@contextmanager
def running(folder: Path, flags: tuple[str, ...] = ()) -> Iterator[ApiServer]:
    """An API server, with further `flags`, for the length of the block.

    It is gone afterwards even if this process is killed.
    """
    try:
        yield up(folder, owner=os.getpid(), flags=flags)
    finally:
        down(folder)


def up(folder: Path, *, owner: int | None = None, flags: tuple[str, ...] = ()) -> ApiServer:
    """Start the two processes in the folder, or find them running.

    With an `owner`, a guard process ends them as soon as that process is gone.

    Raises:
        ClusterError: one of them does not start.
    """
    cache = settings.cache()
    builds.ensure(cache, [builds.ETCD, builds.KUBERNETES])
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    certificates = pki.ensure(
        folder, ["ca"], [controlplane.serving_certificate((_ADDRESS,)), controlplane.ADMIN]
    )
    table = _table(folder)
    if owner is not None:
        _guard(table, folder, owner)
    at = _start(cache, folder, table, certificates, flags)
    return ApiServer(
        at.server, kubeconfig.write(folder / "admin.kubeconfig", at.server, "admin", certificates)
    )


def down(folder: Path) -> None:
    """Stop what runs in the folder and forget its objects."""
    folder = folder.absolute()
    table = _table(folder)
    for name in (*_PROCESSES, _GUARD):
        table.stop([name], patience=3)
    for leftover in ("etcd", "run"):
        shutil.rmtree(folder / leftover, ignore_errors=True)
    _ports_file(folder).unlink(missing_ok=True)


def guard(folder: Path, owner: Identity) -> None:
    """Wait for the owner's end, then stop what runs in the folder."""
    wait_for_end(owner)
    _table(folder).stop(_PROCESSES, patience=1)


def _start(
    cache: settings.Cache, folder: Path, table: ProcessTable, certificates: pki.Pki, flags: tuple[str, ...]
) -> Endpoints:
    """Start both; with new ports if another process took one between the choice and its use."""
    for attempt in range(1, _ATTEMPTS + 1):
        at = _endpoints(folder)
        try:
            for spec in _specs(cache, folder, at, certificates, flags):
                table.ensure(spec)
            api = Api(at.server, certificates)
            wait_until(
                f"API server at {at.server} ready", api.ready, seconds=60, table=table, needs=_PROCESSES
            )
        except ClusterError:
            table.stop(_PROCESSES, patience=3)
            _ports_file(folder).unlink()
            if attempt == _ATTEMPTS:
                raise
        else:
            return at
    raise AssertionError("unreachable: the last attempt returns or raises")


def _specs(
    cache: settings.Cache, folder: Path, at: Endpoints, certificates: pki.Pki, flags: tuple[str, ...]
) -> list[Spec]:
    extra = (
        "--authorization-mode=RBAC",
        # Nobody makes the ServiceAccount "default" here, without which no pod would be admitted.
        "--disable-admission-plugins=ServiceAccount",
        # 127.0.0.1 may not be an endpoint of the Service "kubernetes".
        "--endpoint-reconciler-type=none",
        *flags,
    )
    return [
        controlplane.etcd(cache, at, folder / "etcd"),
        controlplane.apiserver(cache, at, certificates, _SERVICES, extra),
    ]


def _guard(table: ProcessTable, folder: Path, owner: int) -> None:
    identity = identify(owner)
    if identity is None:
        raise ClusterError(
            f"no process has the pid {owner}: give the pid of the one that owns the API server"
        )
    argv = (sys.executable, "-m", "hack.cluster.guard", str(folder), json.dumps(asdict(identity)))
    table.ensure(Spec(_GUARD, argv, environment={"PYTHONPATH": str(settings.CHECKOUT)}))


def _endpoints(folder: Path) -> Endpoints:
    """The ports of this folder: those of its last start, else free ones."""
    path = _ports_file(folder)
    if not path.exists():
        api, client, peer = _free_ports(3)
        write_if_different(path, json.dumps(asdict(Endpoints(_ADDRESS, api, client, peer))))
    return Endpoints(**json.loads(path.read_text()))


def _free_ports(count: int) -> list[int]:
    """Ports nobody listens on, all different because all are held until the last is chosen."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((_ADDRESS, 0))
        return [each.getsockname()[1] for each in sockets]


def _ports_file(folder: Path) -> Path:
    return folder / "ports.json"


def _table(folder: Path) -> ProcessTable:
    return ProcessTable(folder / "run", folder / "log")
