"""The guarded Deployments: from the store, and whole from the API server where their records matter."""

from __future__ import annotations

from devperfops_operator.adapters.kubernetes import Cluster
from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import PerfRun, Phase
from devperfops_operator.controller.collection import Raw
from devperfops_operator.controller.deployments import Deployments
from devperfops_operator.controller.revisions import Revisions
from devperfops_operator.controller.store import Store
from devperfops_operator.domain.manifests.deployment import read_target, rollout_complete
from devperfops_operator.domain.manifests.ownership import Restoration, restoration
from devperfops_operator.domain.manifests.snapshot import snapshot_ownership
from devperfops_operator.domain.observed import Snapshot, Target
from devperfops_operator.domain.run import known_good, rollback_under_way, snapshot_to_put_back


class TargetReader:
    def __init__(
        self, store: Store, cluster: Cluster, deployments: Deployments, revisions: Revisions
    ) -> None:
        self._store = store
        self._cluster = cluster
        self._deployments = deployments
        self._revisions = revisions

    async def of_gate(self, gate: PerfGate) -> Target | None:
        """With the records of its template when it may be kept; None: there is no such Deployment."""
        deployment = await self._deployment(gate)
        if deployment is None:
            return None
        target = await self._target(gate, deployment)
        if not self._may_be_kept(gate, target):
            return target
        whole = await self._whole(gate)
        return None if whole is None else await self._target(gate, whole)

    async def of_run(self, gate: PerfGate, run: PerfRun) -> tuple[Target | None, Restoration | None]:
        """As the run's phase needs it; and, while it rolls back, what is to be done about its records."""
        match run.status.phase:
            case Phase.AWAITING_ROLLOUT:
                return await self._rolling_out(gate), None
            case Phase.PREPARING:
                deployment = await self._whole(gate)
            case Phase.ACTING if rollback_under_way(run):
                return await self._rolling_back(gate, run)
            case _:
                deployment = await self._deployment(gate)
        return None if deployment is None else await self._target(gate, deployment), None

    async def _rolling_out(self, gate: PerfGate) -> Target | None:
        deployment = await self._deployment(gate)
        if deployment is None:
            return None
        if rollout_complete(deployment):
            return await self._target(gate, deployment)
        revision = await self._revisions.revision(gate, deployment)
        replica_sets, pods = await self._cluster.rollout(deployment)
        return read_target(deployment, revision=revision, replica_sets=replica_sets, pods=pods)

    async def _rolling_back(self, gate: PerfGate, run: PerfRun) -> tuple[Target | None, Restoration | None]:
        """Read at once, so that what is patched is what was looked at."""
        good = snapshot_to_put_back(self._snapshots(gate), run.status.action)
        namespace = gate.metadata.namespace
        kept = None if good is None else await self._cluster.get("ControllerRevision", namespace, good.name)
        deployment = await self._whole(gate)
        if deployment is None:
            return None, None
        records = None if kept is None else restoration(deployment, snapshot_ownership(kept))
        return await self._target(gate, deployment), records

    def _may_be_kept(self, gate: PerfGate, target: Target) -> bool:
        """Without a run: adopted, or because an override says so."""
        good = known_good(self._snapshots(gate))
        if good is not None and good.revision == target.revision:
            return False
        adopts = good is None and gate.status.run is None and target.rollout.complete
        return adopts or gate.spec.override is not None

    def _snapshots(self, gate: PerfGate) -> tuple[Snapshot, ...]:
        return tuple(self._store.snapshots.owned(gate.metadata.namespace, gate.metadata.name))

    async def _deployment(self, gate: PerfGate) -> Raw | None:
        return await self._deployments.get(gate.metadata.namespace, gate.spec.target_ref.name)

    async def _whole(self, gate: PerfGate) -> Raw | None:
        return await self._deployments.whole(gate.metadata.namespace, gate.spec.target_ref.name)

    async def _target(self, gate: PerfGate, deployment: Raw) -> Target:
        return read_target(deployment, revision=await self._revisions.revision(gate, deployment))
