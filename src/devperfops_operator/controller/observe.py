"""Gathers what a decision looks at: mostly from the store, the rest with a few reads."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from devperfops_operator.adapters.kubernetes import Cluster
from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import PerfRun, Phase
from devperfops_operator.api.settings import Settings
from devperfops_operator.controller.configs import Configs
from devperfops_operator.controller.deployments import Deployments
from devperfops_operator.controller.failures import Failures
from devperfops_operator.controller.inputs import InputReader
from devperfops_operator.controller.keys import Key
from devperfops_operator.controller.outbox import Outbox
from devperfops_operator.controller.primaries import PrimaryReader
from devperfops_operator.controller.quiesced import QuiescedReader
from devperfops_operator.controller.quotas import QuotaReader
from devperfops_operator.controller.revisions import Revisions
from devperfops_operator.controller.store import Store
from devperfops_operator.controller.target_pods import TargetPodsReader
from devperfops_operator.controller.targets import TargetReader
from devperfops_operator.domain.errors import InvalidSpec, Refused
from devperfops_operator.domain.manifests.common import DATA_LABEL
from devperfops_operator.domain.manifests.data_job import data_job_name
from devperfops_operator.domain.manifests.job import read_job
from devperfops_operator.domain.observed import (
    Evidence,
    GateObserved,
    Inputs,
    Primary,
    RunJob,
    RunObserved,
    RunSettings,
    Snapshot,
    Target,
)
from devperfops_operator.domain.plan import resolve_plan
from devperfops_operator.domain.queueing import blocked_by
from devperfops_operator.domain.quota.answer import QuotaAnswer
from devperfops_operator.domain.resolved import played
from devperfops_operator.domain.run.actions import known_good
from devperfops_operator.domain.run.consuming import consumed_by, last_measured
from devperfops_operator.evidence import EvidenceStore

_COLLECTS_EVIDENCE: Final = frozenset({Phase.STARTING, Phase.RUNNING, Phase.JUDGING, Phase.ACTING})
_ASKS_QUOTA: Final = frozenset({Phase.PREPARING, Phase.JUDGING})


class Observer:
    def __init__(
        self,
        *,
        store: Store,
        cluster: Cluster,
        evidence: EvidenceStore,
        failures: Failures,
        outbox: Outbox,
        configs: Configs,
        quotas: QuotaReader,
        settings: Settings,
    ) -> None:
        self._store = store
        self._cluster = cluster
        self._evidence = evidence
        self._failures = failures
        self._outbox = outbox
        self._settings = settings
        self._quotas = quotas
        self._inputs = InputReader(cluster, configs, settings.prometheus.keys())
        deployments = Deployments(store, cluster)
        revisions = Revisions(cluster, configs, settings.timeouts.config_sync)
        self._targets = TargetReader(store, cluster, deployments, revisions)
        self._target_pods = TargetPodsReader(cluster, deployments)
        self._quiesced = QuiescedReader(cluster)
        self._primaries = PrimaryReader(store, cluster, deployments)

    async def gate(self, key: Key) -> GateObserved | None:
        """None: there is no such gate."""
        gate = self._store.gates.get(key.namespace, key.name)
        if gate is None:
            return None
        target = await self._targets.of_gate(gate)
        primary = await self._primaries.of_gate(gate)
        return GateObserved(
            gate=gate,
            target=target,
            primary=primary,
            inputs=self._primaries.checked(gate, target, primary, await self._inputs.recall(gate)),
            snapshots=tuple(self._store.snapshots.owned(key.namespace, key.name)),
            runs=tuple(self._store.runs.owned(key.namespace, key.name)),
            failures=self._failures.of(key),
        )

    async def run(self, key: Key) -> RunObserved | None:
        """None: there is no such run."""
        run = self._store.runs.get(key.namespace, key.name)
        if run is None:
            return None
        if run.status.phase.terminal:
            return await self._to_clean_up(key, run)
        stored = self._store.gates.get(key.namespace, run.spec.gate)
        if stored is None:
            return await self._to_clean_up(key, run)
        gate = played(stored, run)
        target, restoration = await self._targets.of_run(gate, run)
        primary = await self._primaries.of_run(gate, run)
        evidence = self._evidence_of(gate, run)
        snapshots = tuple(self._store.snapshots.owned(key.namespace, run.spec.gate))
        return RunObserved(
            run=run,
            gate=gate,
            target=target,
            primary=primary,
            inputs=await self._inputs_of_run(gate, run, target, primary),
            config_maps=await self._primaries.config_maps(gate, run),
            unused_copies=await self._primaries.unused_copies(run, primary),
            target_pods=await self._target_pods.of_run(gate, run),
            record_kept=await self._record_kept(run),
            earlier=self._earlier(run),
            quota=await self._quota(gate, run, evidence, snapshots),
            snapshots=snapshots,
            job=self._load_job(run),
            data_job=self._data_job(run),
            evidence=evidence,
            blocked_by=self._blocked_by(gate, run),
            restoration=restoration,
            settings=self._run_settings(gate),
            failures=self._failures.of(key),
            workloads=await self._quiesced.workloads(gate, run),
            volume=await self._quiesced.volume(gate, run),
        )

    def _earlier(self, run: PerfRun) -> tuple[PerfRun, ...]:
        if run.status.phase is not Phase.PREPARING:
            return ()
        return tuple(self._store.runs.owned(run.metadata.namespace, run.spec.gate))

    async def _quota(
        self, gate: PerfGate, run: PerfRun, evidence: Evidence, snapshots: tuple[Snapshot, ...]
    ) -> QuotaAnswer | None:
        namespace = run.metadata.namespace
        if gate.spec.quota is None or run.status.phase not in _ASKS_QUOTA:
            return None
        consumed = None
        if run.status.phase is Phase.JUDGING:
            runs = self._store.runs.owned(namespace, run.spec.gate)
            good = known_good(snapshots)
            before = None if good is None else last_measured(runs, good.revision)
            consumed = consumed_by(gate.spec, run.status, evidence.consumption, before)
        return await self._quotas.of_gate(namespace, gate.spec.quota, consumed)

    def _blocked_by(self, gate: PerfGate, run: PerfRun) -> str | None:
        if run.status.phase is not Phase.AWAITING_ROLLOUT or gate.spec.load is None:
            return None
        lane = self._store.lane(run.metadata.namespace, run.spec.gate)
        return blocked_by(run, self._store.in_lane(lane))

    async def _to_clean_up(self, key: Key, run: PerfRun) -> RunObserved:
        """Only what that needs: there may be thousands of ended runs at a start."""
        return RunObserved(
            run=run,
            gate=None,
            target=None,
            inputs=Inputs(),
            snapshots=(),
            job=self._load_job(run),
            data_job=self._data_job(run),
            evidence=Evidence(),
            failures=self._failures.of(key),
            deliveries=self._outbox.of(key, run.metadata.uid),
            workloads=await self._quiesced.workloads(None, run),
            volume=await self._quiesced.volume(None, run),
        )

    async def _record_kept(self, run: PerfRun) -> bool:
        """Records are not watched: each is asked for once or twice, while its run waits for it."""
        record = run.status.record
        if record is None or record.settled or run.status.phase is not Phase.ACTING:
            return False
        try:
            kept = await self._cluster.get("ControllerRevision", run.metadata.namespace, record.name)
        except Refused:  # who may not read it will not be able to keep it either, and then the run says so
            return False
        return kept is not None

    async def _inputs_of_run(
        self, gate: PerfGate, run: PerfRun, target: Target | None, primary: Primary | None
    ) -> Inputs:
        match run.status.phase:
            case Phase.PREPARING:
                inputs = await self._inputs.read(gate)
            case Phase.STARTING:
                inputs = await self._inputs.recall(gate)
            case Phase.ACTING:
                inputs = Inputs()
            case _:
                return Inputs()
        return self._primaries.checked(gate, target, primary, inputs)

    def _load_job(self, run: PerfRun) -> RunJob | None:
        return self._job(run, run.metadata.name, resets=False)

    def _data_job(self, run: PerfRun) -> RunJob | None:
        return self._job(run, data_job_name(run.metadata.name), resets=True)

    def _job(self, run: PerfRun, name: str, *, resets: bool) -> RunJob | None:
        """With what those of the run's pods tell that are that Job's."""
        namespace = run.metadata.namespace
        job = self._store.jobs.get(namespace, name)
        if job is None:
            return None
        pods = self._store.pods.owned(namespace, run.metadata.name)
        return read_job(job, [pod for pod in pods if (DATA_LABEL in pod["metadata"]["labels"]) == resets])

    def _evidence_of(self, gate: PerfGate | None, run: PerfRun) -> Evidence:
        """What the workers have delivered; from Starting on they may deliver."""
        if gate is not None and run.status.phase in _COLLECTS_EVIDENCE:
            self._collect(gate, run)
        return self._evidence.view(run.metadata.uid)

    def _collect(self, gate: PerfGate, run: PerfRun) -> None:
        try:
            plan = resolve_plan(gate.spec)
        except InvalidSpec:
            return  # which the decision finds, too
        self._evidence.open(run.metadata.uid, plan, run.status)

    def _run_settings(self, gate: PerfGate | None) -> RunSettings:
        settings = RunSettings(
            operator_url=self._settings.operator_url,
            operator_image=self._settings.images.operator,
            jmeter_image=self._settings.images.jmeter,
            image_pull_policy=self._settings.images.pull_policy,
            start_timeout=self._settings.timeouts.start,
            drain_timeout=self._settings.timeouts.drain,
            receivers=self._settings.notifications.receivers,
        )
        server = self._settings.prometheus.get(gate.spec.prometheus or "") if gate is not None else None
        return settings if server is None else replace(settings, scrape_interval=server.scrape_interval)
