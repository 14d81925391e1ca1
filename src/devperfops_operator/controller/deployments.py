"""Deployments from the store; the API server confirms that one is absent, since a watch may be late."""

from __future__ import annotations

from devperfops_operator.adapters.kubernetes import Cluster
from devperfops_operator.controller.collection import Raw
from devperfops_operator.controller.store import Store


class Deployments:
    def __init__(self, store: Store, cluster: Cluster) -> None:
        self._store = store
        self._cluster = cluster

    async def get(self, namespace: str, name: str) -> Raw | None:
        """As last seen, trimmed; None: there is none."""
        if self._store.deployments.get(namespace, name) is None:
            await self.whole(namespace, name)
        return self._store.deployments.get(namespace, name)

    async def whole(self, namespace: str, name: str) -> Raw | None:
        """As the API server has it now, with all that the store leaves out; that sees it, too."""
        found = await self._cluster.get("Deployment", namespace, name)
        if found is not None:
            self._store.put(found)
        return found
