"""What is looked at of the Deployment a gate promotes to, and of the ConfigMaps that go with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from devperfops_operator.adapters.kubernetes import Cluster
from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.controller.collection import Raw
from devperfops_operator.controller.deployments import Deployments
from devperfops_operator.controller.store import Store
from devperfops_operator.domain.manifests.config_copy import copies_selector, unused_copies
from devperfops_operator.domain.manifests.deployment import read_primary
from devperfops_operator.domain.manifests.template import referenced_config_maps
from devperfops_operator.domain.observed import Inputs, Primary, Target
from devperfops_operator.domain.primary import primary_problem
from devperfops_operator.domain.run.promoting import about_to_promote, has_promoted


class PrimaryReader:
    def __init__(self, store: Store, cluster: Cluster, deployments: Deployments) -> None:
        self._store = store
        self._cluster = cluster
        self._deployments = deployments

    async def of_gate(self, gate: PerfGate) -> Primary | None:
        """None: there is none, or the gate names none."""
        return await self._find(gate.metadata.namespace, gate.spec.promote_to)

    async def of_run(self, gate: PerfGate, run: PerfRun) -> Primary | None:
        """The one its promotion has begun with; before, the gate's."""
        primary = await self._find(run.metadata.namespace, _name(gate, run))
        if primary is None or primary.rollout.complete or not has_promoted(run):
            return primary
        return await self._with_pods(run.metadata.namespace, primary.name)

    def checked(
        self, gate: PerfGate, target: Target | None, primary: Primary | None, inputs: Inputs
    ) -> Inputs:
        """`inputs`, the primary being one of them."""
        name = gate.spec.promote_to
        if name is None or target is None or inputs.problem is not None:
            return inputs
        concerned = self._store.gates.owned(gate.metadata.namespace, name)
        return replace(inputs, problem=primary_problem(gate, target, primary, concerned))

    async def config_maps(self, gate: PerfGate, run: PerfRun) -> Mapping[str, Raw]:
        """Those the judged template reads, as stored, by name, while they may have to be copied."""
        namespace, snapshot = run.metadata.namespace, run.status.snapshot
        judged = self._store.snapshots.get(namespace, snapshot or "")
        if _name(gate, run) is None or judged is None or not about_to_promote(run):
            return {}
        found = {
            name: await self._cluster.get("ConfigMap", namespace, name)
            for name in sorted(referenced_config_maps(judged.template))
        }
        return {name: each for name, each in found.items() if each is not None}

    async def unused_copies(self, run: PerfRun, primary: Primary | None) -> tuple[str, ...]:
        """Only once the primary's rollout is complete: until then its old pods may need theirs."""
        if primary is None or not primary.rollout.complete or not has_promoted(run):
            return ()
        namespace = run.metadata.namespace
        deployment = await self._deployments.get(namespace, primary.name)
        if deployment is None:
            return ()
        copies = await self._cluster.list("ConfigMap", namespace, copies_selector(primary.name))
        replica_sets, _ = await self._cluster.rollout(deployment)
        templates = [each["spec"]["template"] for each in (deployment, *replica_sets)]
        return unused_copies(copies.items, primary.uid, templates)

    async def _find(self, namespace: str, name: str | None) -> Primary | None:
        deployment = None if name is None else await self._deployments.get(namespace, name)
        return None if deployment is None else read_primary(deployment)

    async def _with_pods(self, namespace: str, name: str) -> Primary | None:
        deployment = await self._deployments.get(namespace, name)
        if deployment is None:
            return None
        replica_sets, pods = await self._cluster.rollout(deployment)
        return read_primary(deployment, replica_sets=replica_sets, pods=pods)


def _name(gate: PerfGate, run: PerfRun) -> str | None:
    """Of the run's primary: a promotion ends with the one it began with, though the gate be edited."""
    action = run.status.action
    promotion = action.primary if action is not None else None
    return gate.spec.promote_to if promotion is None else promotion.name
