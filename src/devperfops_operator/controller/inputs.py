"""What a gate needs besides its target, read when it is needed: Services are not watched."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final

from devperfops_operator.adapters.kubernetes import Cluster
from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.controller.configs import Configs
from devperfops_operator.domain.inputs import check_inputs, config_maps
from devperfops_operator.domain.observed import Inputs

_FRESH_SECONDS: Final = 30.0

_Versions = tuple[int, ...]
"""The gate's generation, and the versions of the ConfigMaps it takes files from."""


class InputReader:
    def __init__(self, cluster: Cluster, configs: Configs, prometheus_servers: Collection[str]) -> None:
        self._cluster = cluster
        self._configs = configs
        self._servers = prometheus_servers
        self._checked: dict[str, tuple[_Versions, float, Inputs]] = {}  # by the gate's uid

    async def read(self, gate: PerfGate) -> Inputs:
        """As they are now."""
        namespace, versions = gate.metadata.namespace, self._versions(gate)
        found = {name: await self._cluster.config_map(namespace, name) for name in config_maps(gate.spec)}
        load = gate.spec.load
        service = (
            await self._cluster.get("Service", namespace, gate.spec.target_ref.name)
            if load is not None and load.target.host is None
            else None
        )
        now = datetime.now(UTC)
        # plans and profiles take a while to read, and nobody else waits for that
        inputs = await asyncio.to_thread(check_inputs, gate.spec, found, service, self._servers, now)
        read_at = asyncio.get_running_loop().time()
        self._checked[gate.metadata.uid] = (versions, read_at, inputs)
        return inputs

    async def recall(self, gate: PerfGate) -> Inputs:
        """As they were less than half a minute ago; a problem is always looked at again."""
        versions, read_at, inputs = self._checked.get(gate.metadata.uid, (None, 0.0, Inputs()))
        fresh = asyncio.get_running_loop().time() < read_at + _FRESH_SECONDS
        if versions == self._versions(gate) and fresh and inputs.problem is None:
            return inputs
        return await self.read(gate)

    def _versions(self, gate: PerfGate) -> _Versions:
        namespace, names = gate.metadata.namespace, sorted(config_maps(gate.spec))
        return gate.metadata.generation, *(self._configs.version(namespace, name) for name in names)
