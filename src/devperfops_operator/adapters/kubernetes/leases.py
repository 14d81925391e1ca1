"""The one Lease, read and written so that of two writers only one succeeds."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from devperfops_operator.adapters.kubernetes.connection import Connection
from devperfops_operator.adapters.kubernetes.failures import NotFound
from devperfops_operator.adapters.kubernetes.resources import RESOURCES
from devperfops_operator.domain.errors import Conflict
from devperfops_operator.domain.leadership import Lease
from devperfops_operator.domain.manifests.lease import lease_manifest, read_lease

_OWN_NAMESPACE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class Leases:
    """Every method may raise Refused, Conflict or Unavailable (see `domain.errors`)."""

    def __init__(self, connection: Connection, namespace: str, name: str) -> None:
        self._connection = connection
        self._unmade = Lease(namespace, name)
        self._path = RESOURCES["Lease"].path(namespace, name)

    async def find(self) -> Lease:
        """As stored; without a version if there is none."""
        try:
            return read_lease(await self._connection.request("GET", self._path))
        except NotFound:
            return self._unmade

    async def store(self, lease: Lease) -> Lease:
        """Make it, or replace the very version it was read as. Raises Conflict if somebody was faster."""
        if not lease.version:
            path = RESOURCES["Lease"].path(lease.namespace)
            return read_lease(await self._connection.request("POST", path, body=lease_manifest(lease)))
        try:
            return read_lease(await self._connection.request("PUT", self._path, body=lease_manifest(lease)))
        except NotFound as error:
            raise Conflict(f"{error}; it was deleted meanwhile") from error


def own_namespace() -> str | None:
    """The namespace of the pod we run in; None: this is no pod."""
    try:
        return _OWN_NAMESPACE.read_text().strip()
    except OSError:
        return None
