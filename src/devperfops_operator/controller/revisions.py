"""The revision of a target, computed once for each generation of its Deployment."""

from __future__ import annotations

from typing import Any

from devperfops_operator.adapters.kubernetes import Cluster
from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.controller.collection import Raw
from devperfops_operator.domain.manifests.template import referenced_config_maps, revision_of


class Revisions:
    """Recomputed only when uid or `metadata.generation` changes: new defaults make no new revision.

    The gate's status keeps it beyond a restart; the cache keeps the gate and its run of one opinion before
    that status is written.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._computed: dict[tuple[str, str], tuple[str, int, str]] = {}

    async def revision(self, gate: PerfGate, deployment: Raw) -> str:
        metadata = deployment["metadata"]
        place = metadata["namespace"], metadata["name"]
        uid, generation = metadata["uid"], metadata["generation"]
        known = self._computed.get(place)
        if known is not None and known[:2] == (uid, generation):
            return known[2]
        stored = _stored(gate, deployment)
        revision = await self._compute(deployment) if stored is None else stored
        self._computed[place] = (uid, generation, revision)
        return revision

    async def _compute(self, deployment: Raw) -> str:
        namespace, template = deployment["metadata"]["namespace"], deployment["spec"]["template"]
        configs: dict[str, Any] = {}
        for name in sorted(referenced_config_maps(template)):
            data = await self._cluster.config_map(namespace, name)
            if data is not None:
                configs[name] = data
        return revision_of(template, configs)


def _stored(gate: PerfGate, deployment: Raw) -> str | None:
    """What the gate's status says, if it was written about this Deployment as it is."""
    target, metadata = gate.status.target, deployment["metadata"]
    if target is None or (target.uid, target.generation) != (metadata["uid"], metadata["generation"]):
        return None
    return target.revision
