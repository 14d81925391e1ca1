"""What a namespace may use, read with the rights of a kubeconfig's context. Only reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from devperfops_operator.adapters.kubernetes import reading
from devperfops_operator.adapters.kubernetes.cluster import Cluster
from devperfops_operator.api.quantity import QuantityError
from devperfops_operator.api.quota_sources import KubernetesNamespace
from devperfops_operator.domain.errors import DevPerfOpsError
from devperfops_operator.domain.quota import namespace
from devperfops_operator.domain.quota.entry import Entry, Need, Reading

Raw = Mapping[str, Any]


async def read_namespace(
    name: str, where: KubernetesNamespace, services: Collection[str] | None, now: datetime
) -> Reading:
    """The environment of that name; `services`: those to be read, None for all.

    Never raises for what the API refuses or does not answer: that is a fault of the reading.
    """
    place = namespace.Place(where.context, where.namespace, now)
    return await reading.read(name, where, lambda cluster: _Reader(cluster, place).read(name, services))


class _Reader:
    """One namespace at one time."""

    def __init__(self, cluster: Cluster, place: namespace.Place) -> None:
        self._cluster = cluster
        self._place = place
        self._entries: list[Entry] = []
        self._needs: list[Need] = []

    async def read(self, name: str, services: Collection[str] | None) -> Reading:
        reads = {
            namespace.RESOURCE_QUOTA: self._quotas,
            namespace.LIMIT_RANGE: self._ranges,
            namespace.AUTOSCALING: self._autoscalers,
            namespace.NODES: self._nodes,
        }
        try:
            await reading.expect_namespace(self._cluster, self._place.context, self._place.namespace)
        except DevPerfOpsError as error:
            return Reading(name, (), [reading.fault("", error)])
        faults = []
        for service, read in reads.items():
            if services is None or service in services:
                try:
                    await read()
                except (DevPerfOpsError, QuantityError) as error:
                    faults.append(reading.fault(service, error))
        return Reading(name, self._entries, faults, namespace.UNLIMITED_SERVICES, self._needs)

    async def _quotas(self) -> None:
        self._entries += namespace.quota_entries(await self._list("ResourceQuota"), self._place)

    async def _ranges(self) -> None:
        self._entries += namespace.range_entries(await self._list("LimitRange"), self._place)

    async def _autoscalers(self) -> None:
        autoscalers = await self._list("HorizontalPodAutoscaler")
        workloads = [*await self._list("Deployment"), *await self._list("StatefulSet")] if autoscalers else []
        self._entries += namespace.autoscaler_entries(autoscalers, self._place)
        self._needs += namespace.autoscaler_needs(autoscalers, workloads)

    async def _nodes(self) -> None:
        self._entries += namespace.node_entries(await self._list("Node", everywhere=True), self._place)

    async def _list(self, kind: str, *, everywhere: bool = False) -> Sequence[Raw]:
        within = None if everywhere else self._place.namespace
        return (await reading.answered(lambda: self._cluster.list(kind, within))).items
