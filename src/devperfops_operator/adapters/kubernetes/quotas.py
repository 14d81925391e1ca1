"""What a namespace may use, read with the rights of a kubeconfig's context. Only reads."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from yaml import YAMLError

from devperfops_operator.adapters.kubernetes.cluster import Cluster
from devperfops_operator.adapters.kubernetes.connection import Connection, connect
from devperfops_operator.api.quantity import QuantityError
from devperfops_operator.api.quota import KubernetesNamespace
from devperfops_operator.domain.errors import DevPerfOpsError, Refused, Unavailable
from devperfops_operator.domain.quota import namespace
from devperfops_operator.domain.quota.entry import Entry, Fault, Need, Reading

Raw = Mapping[str, Any]
Answer = TypeVar("Answer")

_ATTEMPTS: Final = 3
_PAUSE_SECONDS: Final = 0.5
_KUBECONFIG: Final = "~/.kube/config"


async def read_namespace(
    name: str, where: KubernetesNamespace, services: Collection[str] | None, now: datetime
) -> Reading:
    """The environment of that name; `services`: those to be read, None for all.

    Never raises for what the API refuses or does not answer: that is a fault of the reading.
    """
    try:
        connection = await _connection(where)
    except (DevPerfOpsError, YAMLError, TypeError, ValueError, LookupError) as error:
        remedy = "set KUBECONFIG, or correct context and kubeconfig in the policy"
        return Reading(name, (), [Fault("", f"context {where.context} cannot be used: {error}", remedy)])
    try:
        place = namespace.Place(where.context, where.namespace, now)
        return await _Reader(Cluster(connection), place).read(name, services)
    finally:
        await connection.close()


async def _connection(where: KubernetesNamespace) -> Connection:
    path = where.kubeconfig or os.environ.get("KUBECONFIG") or _KUBECONFIG
    return await connect(os.path.expanduser(path), context=where.context)  # noqa: ASYNC240, PTH111  reads no file


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
            await self._expect_namespace()
        except DevPerfOpsError as error:
            return Reading(name, (), [_fault("", error)])
        faults = []
        for service, read in reads.items():
            if services is None or service in services:
                try:
                    await read()
                except (DevPerfOpsError, QuantityError) as error:
                    faults.append(_fault(service, error))
        return Reading(name, self._entries, faults, namespace.UNLIMITED_SERVICES, self._needs)

    async def _expect_namespace(self) -> None:
        """Nothing can be listed in one that is not there, and nothing would be limited."""
        at = self._place
        if await _answered(lambda: self._cluster.get("Namespace", None, at.namespace)) is None:
            raise Refused("NotFound", f"{at.context} has no namespace {at.namespace}")

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
        return (await _answered(lambda: self._cluster.list(kind, within))).items


async def _answered(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """The answer of the last of some attempts, if the others were in vain."""
    for attempt in range(1, _ATTEMPTS):
        try:
            return await ask()
        except Unavailable:
            await asyncio.sleep(_PAUSE_SECONDS * attempt)
    return await ask()


def _fault(service: str, error: Exception) -> Fault:
    remedy = "check again when the API server answers"
    if isinstance(error, Refused):
        remedy = "let the context's user read it (docs/quota.md has the role), or name the right namespace"
    return Fault(service, str(error), remedy)
