"""Rate limits that a cluster keeps: Istio's EnvoyFilters, ConfigMaps of rate limit services. Only reads."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from devperfops_operator.adapters.kubernetes import reading
from devperfops_operator.adapters.kubernetes.cluster import Cluster
from devperfops_operator.adapters.kubernetes.failures import NotFound
from devperfops_operator.api.quota_sources import ConfigMapName, EnvoyCluster
from devperfops_operator.domain.errors import DevPerfOpsError, InvalidSpec, Refused
from devperfops_operator.domain.quota.entry import Fault, Reading
from devperfops_operator.domain.quota.local_limits import LOCAL
from devperfops_operator.domain.quota.rate_limits import Told, documents, rate_limits


async def read_rate_limits(
    name: str, where: EnvoyCluster, services: Collection[str] | None, now: datetime
) -> Reading:
    """The environment of that name; `services`: those to be read, None for all.

    Never raises for what the API refuses or does not answer: that is a fault of the reading.
    """

    async def ask(cluster: Cluster) -> Reading:
        found = _Reader(cluster, where)
        if services is None or LOCAL in services:
            await found.filters()
        await found.config_maps()
        told = rate_limits(name, found.told, services, now)
        return Reading(name, told.entries, (*found.faults, *told.faults), told.unlimited)

    return await reading.read(name, where, ask)


class _Reader:
    """What a cluster tells. `faults`: what it does not."""

    def __init__(self, cluster: Cluster, where: EnvoyCluster) -> None:
        self._cluster = cluster
        self._where = where
        self.told: list[Told] = []
        self.faults: list[Fault] = []

    async def filters(self) -> None:
        for namespace in self._where.namespaces:
            try:
                self.told += await self._filters(namespace)
            except NotFound as error:
                remedy = f"leave namespaces out, or {LOCAL} in spec.services: Istio is not there"
                self.faults.append(Fault(LOCAL, str(error), remedy))
            except DevPerfOpsError as error:
                self.faults.append(reading.fault(LOCAL, error))

    async def _filters(self, namespace: str) -> list[Told]:
        context = self._where.context
        await reading.expect_namespace(self._cluster, context, namespace)
        listed = await reading.answered(lambda: self._cluster.list("EnvoyFilter", namespace))
        told = [
            Told(f"EnvoyFilter {each['metadata']['name']} of {context}/{namespace}", [each], complete=True)
            for each in listed.items
        ]
        return [*told, Told(f"{context}/{namespace}", (), complete=True)]

    async def config_maps(self) -> None:
        for each in self._where.config_maps:
            try:
                self.told.append(await self._config_map(each))
            except InvalidSpec as error:
                self.faults.append(Fault("", str(error), "correct it there"))
            except DevPerfOpsError as error:
                self.faults.append(reading.fault("", error))

    async def _config_map(self, named: ConfigMapName) -> Told:
        source = f"ConfigMap {named.name} of {self._where.context}/{named.namespace}"
        found = await reading.answered(lambda: self._cluster.config_map(named.namespace, named.name))
        if found is None:
            raise Refused("NotFound", f"there is no {source}")
        texts = [documents(f"{source}, {key}", text) for key, text in found.items()]
        return Told(source, [document for each in texts for document in each.documents])
