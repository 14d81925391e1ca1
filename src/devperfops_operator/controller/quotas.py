"""What quota policies say, read from the cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from devperfops_operator.adapters.kubernetes import Cluster
from devperfops_operator.api.perfgate import Quota
from devperfops_operator.domain.errors import Refused
from devperfops_operator.domain.quota.answer import Checked, QuotaAnswer, checked, unread
from devperfops_operator.domain.quota.asked import Asked
from devperfops_operator.domain.quota.consumption import Consumed
from devperfops_operator.domain.quota.kept import (
    POLICY,
    WAIVER,
    Files,
    Stored,
    config_map_of,
    of_config_map,
    of_resources,
    stored,
)


class QuotaReader:
    """Nothing is kept: a release is judged by what holds now.

    What the API server refuses is an Error, whatever else is known; that it does not answer is raised.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def of_gate(self, namespace: str, quota: Quota, consumed: Consumed | None = None) -> QuotaAnswer:
        """`consumed`: what the gate's run has measured. Raises Unavailable."""
        try:
            read = await self._wanted(namespace, quota)
        except Refused as error:
            return unread(str(error)).answer
        return (await _checked(read, consumed)).answer

    async def of_policy(
        self, namespace: str, policy: Stored, waivers: Sequence[Stored], consumed: Consumed
    ) -> Checked:
        """`consumed`: what a run has measured for it. Raises Unavailable."""
        try:
            files = await self._files(namespace, policy)
        except Refused as error:
            return unread(str(error))
        return await _checked(lambda: of_resources(policy.name, policy, waivers, files), consumed)

    async def _wanted(self, namespace: str, quota: Quota) -> Callable[[], Asked]:
        if quota.config_map is not None:
            name, found = quota.config_map, await self._cluster.config_map(namespace, quota.config_map)
            return lambda: of_config_map(name, found)
        name = quota.policy or ""
        found = await self._cluster.get(POLICY, namespace, name)
        policy = None if found is None else stored(found)
        waivers = list(map(stored, (await self._cluster.list(WAIVER, namespace)).items))
        files = None if policy is None else await self._files(namespace, policy)
        return lambda: of_resources(name, policy, waivers, files)

    async def _files(self, namespace: str, policy: Stored) -> Files:
        name = config_map_of(policy)
        return None if name is None else await self._cluster.config_map(namespace, name)


async def _checked(read: Callable[[], Asked], consumed: Consumed | None = None) -> Checked:
    """Large files take a while to read, and nobody else waits for that."""
    return await asyncio.to_thread(checked, read, datetime.now(UTC), consumed)
