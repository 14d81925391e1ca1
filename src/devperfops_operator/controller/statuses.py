"""Writes what was decided, and only if it is not stored already."""

from __future__ import annotations

from typing import Protocol

from devperfops_operator.adapters.kubernetes import Cluster
from devperfops_operator.api.base import ApiModel, ObjectMeta
from devperfops_operator.controller.store import Store
from devperfops_operator.domain.errors import Conflict


class Stored(Protocol):
    """An object of ours as last seen."""

    @property
    def metadata(self) -> ObjectMeta: ...

    @property
    def status(self) -> ApiModel: ...


class Statuses:
    def __init__(self, cluster: Cluster, store: Store) -> None:
        self._cluster = cluster
        self._store = store

    async def persist(self, kind: str, stored: Stored, status: ApiModel) -> None:
        """Raises Conflict if the object has changed since; that one is seen then."""
        wanted = status.to_json()
        if wanted == stored.status.to_json():
            return
        try:
            self._store.put(await self._cluster.write_status(kind, stored.metadata, wanted))
        except Conflict:
            current = await self._cluster.get(kind, stored.metadata.namespace, stored.metadata.name)
            if current is not None:
                self._store.put(current)
            raise
