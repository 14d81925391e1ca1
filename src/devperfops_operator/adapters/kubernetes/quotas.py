"""What a namespace may use, read with the rights of a kubeconfig's context. Only reads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from devperfops_operator.adapters.kubernetes import reading
from devperfops_operator.adapters.kubernetes.cluster import Cluster
from devperfops_operator.adapters.kubernetes.failures import NotFound
from devperfops_operator.api.quota_sources import KubernetesNamespace
from devperfops_operator.domain.errors import DevPerfOpsError
from devperfops_operator.domain.quota import addresses, growth, namespace, priorities
from devperfops_operator.domain.quota.entry import Entry, Fault, Need, Reading

Raw = Mapping[str, Any]
Read = Callable[[], Awaitable[None]]


async def read_namespace(
    name: str, where: KubernetesNamespace, services: Collection[str] | None, now: datetime
) -> Reading:
    """The environment of that name; `services`: those to be read, None for the usual ones.

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
        try:
            await reading.expect_namespace(self._cluster, self._place.context, self._place.namespace)
        except DevPerfOpsError as error:
            return Reading(name, (), [reading.fault("", error)])
        faults = [
            *await self._read_all(self._usual(), services),
            *await self._read_all(self._priorities(), services or ()),
            *(
                replace(fault, estimated=True)
                for fault in await self._read_all(self._estimates(), services or ())
            ),
        ]
        asked = frozenset(services or ())
        needs = [*self._needs, *namespace.estimated_needs(self._needs, asked)]
        return Reading(name, self._entries, faults, namespace.UNLIMITED_SERVICES, needs)

    def _usual(self) -> dict[str, Read]:
        return {
            namespace.RESOURCE_QUOTA: self._quotas,
            namespace.LIMIT_RANGE: self._ranges,
            namespace.AUTOSCALING: self._autoscalers,
            namespace.NODES: self._nodes,
        }

    def _priorities(self) -> dict[str, Read]:
        """Only where they are named: whoever has the role for the usual ones may not read them."""
        return {
            namespace.PRIORITY_CLASS: self._classes,
            namespace.PRIORITY: self._ranked_workloads,
        }

    def _estimates(self) -> dict[str, Read]:
        """Likewise; and what cannot be read of them is only told."""
        return {
            namespace.NODE_GROWTH: self._growth,
            namespace.POD_ADDRESSES: self._pod_addresses,
            namespace.SERVICE_ADDRESSES: self._service_addresses,
        }

    async def _read_all(self, reads: Mapping[str, Read], services: Collection[str] | None) -> list[Fault]:
        faults = []
        for service, read in reads.items():
            if services is None or service in services:
                try:
                    await read()
                except (DevPerfOpsError, ValueError) as error:
                    faults.append(reading.fault(service, error))
        return faults

    async def _quotas(self) -> None:
        self._entries += namespace.quota_entries(await self._list("ResourceQuota"), self._place)

    async def _ranges(self) -> None:
        self._entries += namespace.range_entries(await self._list("LimitRange"), self._place)

    async def _autoscalers(self) -> None:
        autoscalers = await self._list("HorizontalPodAutoscaler")
        workloads = await self._workloads() if autoscalers else []
        self._entries += namespace.autoscaler_entries(autoscalers, self._place)
        self._needs += namespace.autoscaler_needs(autoscalers, workloads)

    async def _nodes(self) -> None:
        self._entries += namespace.node_entries(await self._list_all("Node"), self._place)

    async def _classes(self) -> None:
        self._entries += priorities.class_entries(await self._list_all("PriorityClass"), self._place)

    async def _ranked_workloads(self) -> None:
        classes = await self._list_all("PriorityClass")
        self._entries += priorities.workload_entries(await self._workloads(), classes, self._place)

    async def _growth(self) -> None:
        where = (growth.STATUS_NAMESPACE, growth.STATUS_NAME)
        status = await reading.answered(lambda: self._cluster.get("ConfigMap", *where))
        groups = growth.autoscaler_groups(status, self._place.observed_at)
        pools = await self._list_if_known("NodePool")
        self._entries += growth.growth_entries(await self._list_all("Node"), groups, pools, self._place)

    async def _pod_addresses(self) -> None:
        pools = await self._list_if_known("IPPool")
        self._entries += addresses.pod_entries(await self._list_all("Node"), pools, self._place)

    async def _service_addresses(self) -> None:
        ranges, taken = await self._list_all("ServiceCIDR"), await self._list_all("IPAddress")
        self._entries += addresses.service_entries(ranges, taken, self._place)

    async def _workloads(self) -> Sequence[Raw]:
        return [*await self._list("Deployment"), *await self._list("StatefulSet")]

    async def _list(self, kind: str) -> Sequence[Raw]:
        return (await reading.answered(lambda: self._cluster.list(kind, self._place.namespace))).items

    async def _list_all(self, kind: str) -> Sequence[Raw]:
        """Of what belongs to no namespace."""
        return (await reading.answered(lambda: self._cluster.list(kind))).items

    async def _list_if_known(self, kind: str) -> Sequence[Raw]:
        """Nothing, where the cluster has no such kind."""
        try:
            return await self._list_all(kind)
        except NotFound:
            return ()
