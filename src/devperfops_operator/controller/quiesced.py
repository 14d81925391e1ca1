"""Reads what a reset scales to zero and replaces: seldom, so each time from the API server itself."""

from __future__ import annotations

from typing import Final

from devperfops_operator.adapters.kubernetes import Cluster
from devperfops_operator.adapters.kubernetes.cluster import label_selector
from devperfops_operator.api.data import Data, VolumeReset, WorkloadKind
from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import PerfRun, Phase
from devperfops_operator.domain.errors import Refused
from devperfops_operator.domain.manifests.quiesced import (
    read_claim,
    read_workload,
    restore_size,
    snapshot_problem,
)
from devperfops_operator.domain.observed import SeenVolume, SeenWorkload

_CLAIM: Final = "PersistentVolumeClaim"


class QuiescedReader:
    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def workloads(self, gate: PerfGate | None, run: PerfRun) -> tuple[SeenWorkload, ...]:
        """What the run owes back, or, before it has changed anything, what its gate names."""
        reset, data = run.status.reset, _data(gate, run)
        if reset is not None:
            named = [(each.kind, each.name) for each in reset.workloads]
        else:
            named = [(each.kind, each.name) for each in (data.quiesce if data is not None else None) or ()]
        return tuple([await self._workload(run.metadata.namespace, *each) for each in named])

    async def volume(self, gate: PerfGate | None, run: PerfRun) -> SeenVolume | None:
        """None: none is replaced."""
        reset, data = run.status.reset, _data(gate, run)
        owed = reset.claim if reset is not None else None
        wanted = data.reset if data is not None else None
        if owed is not None:
            return await self._volume(run.metadata.namespace, owed.name, owed.snapshot)
        if isinstance(wanted, VolumeReset):
            return await self._volume(run.metadata.namespace, wanted.claim, wanted.snapshot)
        return None

    async def _workload(self, namespace: str, kind: WorkloadKind, name: str) -> SeenWorkload:
        try:
            stored = await self._cluster.get(kind.value, namespace, name)
            if stored is None:
                return SeenWorkload(kind, name, missing=True)
            selector = label_selector(stored["spec"]["selector"])
            pods = await self._cluster.list("Pod", namespace, selector)
        except Refused as error:
            return SeenWorkload(kind, name, unread=str(error))
        return read_workload(kind, stored, pods.items)

    async def _volume(self, namespace: str, claim: str, snapshot: str) -> SeenVolume:
        try:
            source = await self._cluster.get("VolumeSnapshot", namespace, snapshot)
            problem = snapshot_problem(snapshot, source)
            stored = await self._cluster.get(_CLAIM, namespace, claim)
            if stored is None:
                return SeenVolume(snapshot_problem=problem)
            pods = await self._cluster.list("Pod", namespace)
        except Refused as error:
            return SeenVolume(unread=str(error))
        return SeenVolume(read_claim(stored, pods.items, snapshot, restore_size(source)), problem)


def _data(gate: PerfGate | None, run: PerfRun) -> Data | None:
    resets = gate is not None and run.status.phase is Phase.RESETTING_DATA
    return gate.spec.data if gate is not None and resets else None
