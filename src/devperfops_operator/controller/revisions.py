"""The revision of a target as it is now, and whether its pods have loaded it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from devperfops_operator.adapters.kubernetes import Cluster
from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.controller.collection import Raw
from devperfops_operator.controller.configs import Configs
from devperfops_operator.domain.manifests.deployment import pods_started, rollout_complete
from devperfops_operator.domain.manifests.template import referenced_config_maps
from devperfops_operator.domain.revision import Revision, next_revision, recorded, settled


class Revisions:
    """Keeps the gate and its run of one opinion before the gate's status says so, also beyond a restart."""

    def __init__(self, cluster: Cluster, configs: Configs, config_sync: timedelta) -> None:
        self._cluster = cluster
        self._configs = configs
        self._config_sync = config_sync
        self._latest: dict[tuple[str, str], Revision] = {}

    async def revision(self, gate: PerfGate, deployment: Raw) -> Revision:
        place = deployment["metadata"]["namespace"], deployment["metadata"]["name"]
        before = self._latest.get(place) or recorded(gate.status.target)
        # With a new template often comes new configuration, and the watch may be behind.
        read = self._configs.recall if before and before.describes(deployment) else self._configs.read
        names = sorted(referenced_config_maps(deployment["spec"]["template"]))
        found = {name: await read(place[0], name) for name in names}
        revision = next_revision(before, deployment, found, datetime.now(UTC))
        self._latest[place] = revision = await self._settled(revision, deployment)
        return revision

    async def _settled(self, revision: Revision, deployment: Raw) -> Revision:
        """Looks at the pods as long as it matters when they started."""
        if not revision.unloaded or not rollout_complete(deployment):
            return revision
        revision = settled(revision, None, datetime.now(UTC), self._config_sync)
        if not revision.unloaded:
            return revision
        replica_sets, pods = await self._cluster.rollout(deployment)
        started = pods_started(deployment, replica_sets, pods)
        return settled(revision, started, datetime.now(UTC), self._config_sync)
