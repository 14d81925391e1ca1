"""The pods under test, and who else gets requests: not watched, read twice in a run."""

from __future__ import annotations

from devperfops_operator.adapters.kubernetes import Cluster
from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.controller.collection import Raw
from devperfops_operator.controller.deployments import Deployments
from devperfops_operator.domain.errors import Refused
from devperfops_operator.domain.inputs import service_name
from devperfops_operator.domain.manifests.target_pods import read_target_pods
from devperfops_operator.domain.observed import TargetPods
from devperfops_operator.domain.run import pods_wanted


class TargetPodsReader:
    def __init__(self, cluster: Cluster, deployments: Deployments) -> None:
        self._cluster = cluster
        self._deployments = deployments

    async def of_run(self, gate: PerfGate, run: PerfRun) -> TargetPods | None:
        """None: nobody asks for them now, or there is no target."""
        if not pods_wanted(run):
            return None
        deployment = await self._deployments.get(run.metadata.namespace, gate.spec.target_ref.name)
        if deployment is None:
            return None
        try:
            return await self._read(gate, deployment)
        except Refused as error:  # a run must not wait for a right for ever
            return TargetPods(unread=str(error))

    async def _read(self, gate: PerfGate, deployment: Raw) -> TargetPods:
        replica_sets, pods = await self._cluster.rollout(deployment)
        service = service_name(gate) or ""
        served = await self._cluster.served(gate.metadata.namespace, service) if service else ()
        return read_target_pods(deployment, replica_sets, pods, service=service, served=served)
