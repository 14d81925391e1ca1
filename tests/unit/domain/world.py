"""A world in memory for the decisions: what the API server, the Job and the agent would make of the effects."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import PerfRun, Phase
from devperfops_operator.domain.digest import digest
from devperfops_operator.domain.effects import (
    CreateClaim,
    CreateObject,
    DeleteConfigMap,
    DeleteJob,
    DeleteObject,
    Effect,
    GateDecision,
    HoldRun,
    KeepRecord,
    MarkKnownGood,
    PollMetrics,
    Promote,
    RestoreOwnership,
    RollBack,
    RunDecision,
    Scale,
    SuspendJob,
)
from devperfops_operator.domain.gate import decide_gate
from devperfops_operator.domain.manifests.canonical import canonical_json
from devperfops_operator.domain.manifests.common import FINALIZER
from devperfops_operator.domain.manifests.config_copy import PRIMARY_LABEL, config_content, unused_copies
from devperfops_operator.domain.manifests.data_job import data_job_name
from devperfops_operator.domain.manifests.ownership import (
    LAST_APPLIED,
    Restoration,
    read_ownership,
    restoration,
)
from devperfops_operator.domain.manifests.quiesced import read_claim
from devperfops_operator.domain.manifests.record import record_name
from devperfops_operator.domain.manifests.snapshot import read_snapshot, snapshot_ownership
from devperfops_operator.domain.manifests.template import (
    Template,
    referenced_config_maps,
    revision_of,
    template_hash,
    template_identity,
    without_restart,
)
from devperfops_operator.domain.observed import (
    Delivery,
    EffectFailure,
    Evidence,
    GateObserved,
    Inputs,
    ObjectiveEvidence,
    Primary,
    Rollout,
    RunJob,
    RunObserved,
    RunSettings,
    SeenVolume,
    SeenWorkload,
    Snapshot,
    Target,
    TargetPods,
    WorkerEvidence,
)
from devperfops_operator.domain.primary import primary_problem
from devperfops_operator.domain.queueing import blocked_by
from devperfops_operator.domain.quota.answer import QuotaAnswer
from devperfops_operator.domain.resolved import played
from devperfops_operator.domain.revision import Config
from devperfops_operator.domain.run import decide_run, pods_wanted, rollback_under_way, snapshot_to_put_back
from devperfops_operator.domain.run.promoting import has_promoted
from devperfops_operator.wire.measurement import Final, JMeterState, LoadEnd

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
NAMESPACE = "shop"
INPUTS = Inputs(host="front-end.shop.svc", port=80)
GOOD, BAD = Tally(4000, 2, 2), Tally(10, 10, 5)
COMPLETE = Rollout(complete=True, message="2 of 2 pods serve the revision")


def template(version: str, **annotations: str) -> dict[str, Any]:
    return {
        "metadata": {"labels": {"app": "front-end"}, **({"annotations": annotations} if annotations else {})},
        "spec": {"containers": [{"name": "app", "image": f"front-end:{version}"}]},
    }


def gate(**spec: Any) -> PerfGate:
    return PerfGate.from_json(
        {
            "metadata": {"name": "front-end", "namespace": NAMESPACE, "uid": "g-1", "generation": 1},
            "spec": {
                "targetRef": {"name": "front-end"},
                "load": {
                    "jmeter": {
                        "plan": {"configMap": "scenario"},
                        "threads": 50,
                        "rampUp": "10s",
                        "duration": "70s",
                        "rate": "3000/m",
                    }
                },
                "objectives": [{"expect": "p99 < 2s"}, {"expect": "errors < 0.5%"}],
                **spec,
            },
        }
    )


def owned_by_kubectl(applied: Template) -> tuple[dict[str, Any], ...]:
    """`managedFields` after an apply, with one field that stands for all of the template."""
    fields = {"f:spec": {"f:replicas": {}, "f:template": {f"f:{template_hash(applied)}": {}}}}
    return ({"manager": "kubectl", "operation": "Apply", "fieldsV1": fields},)


def last_applied(applied: Template) -> str:
    return f"{canonical_json({'spec': {'replicas': 2, 'template': applied}})}\n"


@dataclass
class World:
    """Holds objects as stored; `failed`/`slow` say how the release under load behaves."""

    gate: PerfGate | None = field(default_factory=gate)
    template: Template = field(default_factory=lambda: template("1"))
    generation: int = 1
    inputs: Inputs = INPUTS
    target_exists: bool = True
    rollout: Rollout = COMPLETE
    target_ready: bool = True
    ready_replicas: int = 2
    target_pods: TargetPods | None = None
    scaled_to_zero: bool = False
    runs: dict[str, PerfRun] = field(default_factory=dict)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    jobs: dict[str, RunJob] = field(default_factory=dict)
    evidence: dict[str, Evidence] = field(default_factory=dict)
    failures: dict[str, EffectFailure] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)  # effect key -> message
    patches: list[Template] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    records: list[str] = field(default_factory=list)
    now: datetime = START
    target_selector: dict[str, Any] = field(default_factory=lambda: {"matchLabels": {"app": "front-end"}})
    config_maps: dict[str, dict[str, Any]] = field(default_factory=dict)  # as stored, copies included
    primary: Primary | None = None
    used_by_replica_sets: list[Template] = field(default_factory=list)  # templates of the primary
    loading: dict[str, tuple[datetime, tuple[str, ...], datetime | None]] = field(default_factory=dict)
    """By ConfigMap: since when pods may have older content, what they read at their start, until when."""
    other_gates: list[PerfGate] = field(default_factory=list)
    version: int = 1
    kept: dict[str, Any] = field(default_factory=dict)  # snapshots as stored
    managed_fields: tuple[Any, ...] = ()
    annotation: str | None = None
    git_owner: str | None = None
    receivers: tuple[str, ...] = ()
    deliveries: dict[str, dict[str, Delivery]] = field(default_factory=dict)  # by run's uid, by receiver
    quota: QuotaAnswer | None = None
    workloads: dict[str, SeenWorkload] = field(default_factory=dict)  # by name
    volume: SeenVolume | None = None
    scaled: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.managed_fields, self.annotation = owned_by_kubectl(self.template), last_applied(self.template)

    # what is observed

    def deployment(self) -> dict[str, Any]:
        """What of it tells who set what."""
        annotations = {} if self.annotation is None else {LAST_APPLIED: self.annotation}
        return {
            "metadata": {
                "resourceVersion": str(self.version),
                "annotations": annotations,
                "managedFields": self.managed_fields,
            }
        }

    def restoration(self, name: str) -> Restoration | None:
        run = self.runs[name]
        good = snapshot_to_put_back(tuple(self.snapshots.values()), run.status.action)
        if good is None or not rollback_under_way(run):
            return None
        return restoration(self.deployment(), snapshot_ownership(self.kept[good.name]))

    def target(self) -> Target | None:
        if not self.target_exists:
            return None
        return Target(
            name="front-end",
            uid="d-1",
            generation=self.generation,
            template=self.template,
            revision=revision_of(self.template, self.contents()),
            template_hash=template_hash(self.template),
            template_identity=template_identity(self.template),
            rollout=self.rollout,
            ready=self.target_ready,
            ready_replicas=self.ready_replicas,
            scaled_to_zero=self.scaled_to_zero,
            selector=self.target_selector,
            ownership=read_ownership(self.deployment()),
            git_owner=self.git_owner,
            configs=self.configs(),
        )

    def configs(self) -> tuple[Config, ...]:
        return tuple(
            Config(name, digest(data), *self.loading.get(name, ())) for name, data in self.contents().items()
        )

    def contents(self) -> dict[str, Any]:
        return {name: config_content(each) for name, each in self._read_by(self.template).items()}

    def _read_by(self, template: Template) -> dict[str, dict[str, Any]]:
        names = referenced_config_maps(template)
        return {name: each for name, each in self.config_maps.items() if name in names}

    def _checked(self, inputs: Inputs) -> Inputs:
        target = self.target()
        assert self.gate is not None
        problem = target and primary_problem(self.gate, target, self.primary, self.other_gates)
        return replace(inputs, problem=inputs.problem or problem)

    def _unused_copies(self) -> tuple[str, ...]:
        if self.primary is None or not self.primary.rollout.complete:
            return ()
        copies = [each for each in self.config_maps.values() if PRIMARY_LABEL in each["metadata"]["labels"]]
        return unused_copies(copies, self.primary.uid, [self.primary.template, *self.used_by_replica_sets])

    def decide_gate(self) -> GateDecision:
        assert self.gate is not None
        return decide_gate(
            GateObserved(
                gate=self.gate,
                target=self.target(),
                inputs=self._checked(self.inputs),
                primary=self.primary,
                snapshots=tuple(self.snapshots.values()),
                runs=tuple(self.runs.values()),
                failures=self.failures,
            ),
            self.now,
        )

    def decide_run(self, name: str) -> RunDecision:
        run = self.runs[name]
        own = self.snapshots.get(run.status.snapshot or "")
        return decide_run(
            RunObserved(
                run=run,
                gate=None if self.gate is None else played(self.gate, run),
                target=self.target(),
                inputs=self.inputs if self.gate is None else self._checked(self.inputs),
                primary=self.primary,
                config_maps=self._read_by(own.template) if own is not None else {},
                unused_copies=self._unused_copies() if has_promoted(run) else (),
                snapshots=tuple(self.snapshots.values()),
                job=self.jobs.get(name),
                data_job=self.jobs.get(data_job_name(name)),
                evidence=self.evidence.get(name, Evidence()),
                blocked_by=blocked_by(run, list(self.runs.values())),
                restoration=self.restoration(name),
                settings=RunSettings(operator_url="http://operator", receivers=self.receivers),
                failures=self.failures,
                deliveries=self.deliveries.get(run.metadata.uid, {}),
                target_pods=self.target_pods if pods_wanted(run) else None,
                record_kept=run.status.record is not None and run.status.record.name in self.records,
                earlier=tuple(self.runs.values()) if run.status.phase is Phase.PREPARING else (),
                quota=self.quota,
                workloads=tuple(self.workloads.values()),
                volume=self.volume,
            ),
            self.now,
        )

    # what is done

    def perform(self, effect: Effect) -> None:  # noqa: C901, PLR0912  a case for each
        if effect.key in self.refused:
            attempts = self.failures[effect.key].attempts + 1 if effect.key in self.failures else 1
            self.failures[effect.key] = EffectFailure(
                refused=True, message=self.refused[effect.key], attempts=attempts, last=self.now
            )
            return
        match effect:
            case CreateObject():
                self._create(dict(effect.manifest))
            case MarkKnownGood():
                marked = replace(self.snapshots[effect.snapshot], known_good=True)
                self.snapshots[effect.snapshot] = marked
            case SuspendJob():
                self.jobs[effect.name] = replace(self.jobs[effect.name], suspended=True)
            case DeleteJob():
                del self.jobs[effect.name]
            case Scale():
                self._scale(effect)
            case HoldRun(held_run, held):
                run = self.runs[held_run.metadata.name]
                finalizers = (FINALIZER,) if held else ()
                metadata = run.metadata.model_copy(update={"finalizers": finalizers})
                self.runs[held_run.metadata.name] = run.model_copy(update={"metadata": metadata})
                if not held and metadata.deletion_timestamp is not None:
                    del self.runs[held_run.metadata.name]
            case CreateClaim(manifest):
                self._create_claim(dict(manifest))
            case DeleteObject("PersistentVolumeClaim"):
                assert self.volume is not None
                self.volume = replace(self.volume, claim=None)
            case DeleteObject("PerfRun"):
                del self.runs[effect.name]
            case DeleteObject():
                del self.snapshots[effect.name]
            case RollBack():
                self._roll_back(effect)
            case Promote():
                for manifest in effect.copies:
                    self.config_maps.setdefault(manifest["metadata"]["name"], dict(manifest))
                self._promote(effect)
            case DeleteConfigMap():
                del self.config_maps[effect.name]
            case RestoreOwnership():
                if effect.resource_version == str(self.version):
                    self.managed_fields, self.version = effect.managed_fields, self.version + 1
            case KeepRecord():
                self.records.append(record_name(effect.run.metadata))
            case PollMetrics():
                raise AssertionError("this world has no Prometheus")

    def _scale(self, effect: Scale) -> None:
        """Its controller and the kubelet are quick."""
        seen = self.workloads[effect.name]
        assert effect.resource_version == seen.version
        self.workloads[effect.name] = replace(
            seen,
            version=f"{seen.version}+",
            replicas=effect.replicas,
            pods=effect.replicas,
        )
        self.scaled.append(f"{effect.name}={effect.replicas}")

    def _create_claim(self, manifest: dict[str, Any]) -> None:
        assert self.volume is not None
        assert self.volume.claim is None
        stored = copy.deepcopy(manifest)
        stored["metadata"]["uid"] = f"claim-{len(self.created)}"
        stored["status"] = {"phase": "Bound"}
        claim = read_claim(stored, (), manifest["spec"]["dataSource"]["name"])
        self.volume = replace(self.volume, claim=claim)
        self.created.append(f"PersistentVolumeClaim/{manifest['metadata']['name']}")

    def _create(self, manifest: dict[str, Any]) -> None:
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        match kind:
            case "PerfRun" if name not in self.runs:
                manifest = copy.deepcopy(manifest)
                manifest["metadata"] |= {
                    "uid": f"u-{name}",
                    "generation": 1,
                    "creationTimestamp": self.now.isoformat(),
                }
                self.runs[name] = PerfRun.from_json(manifest)
                self.created.append(f"PerfRun/{name}")
            case "ControllerRevision" if name not in self.snapshots:
                self.snapshots[name] = read_snapshot(manifest)
                self.kept[name] = manifest
                self.created.append(f"ControllerRevision/{name}")
            case "Job" if name not in self.jobs:
                uid = manifest["metadata"]["ownerReferences"][0]["uid"]
                self.jobs[name] = RunJob(name=name, run_uid=uid, suspended=False, finished=False)
                self.created.append(f"Job/{name}")

    def _roll_back(self, effect: RollBack) -> None:
        before, after = effect.annotation or (self.annotation, self.annotation)
        if self.template == effect.expected and self.annotation == before:
            self.template, self.annotation = effect.replacement, after
            taken = {"f:spec": {"f:template": {"f:containers": {}}}}
            ours = {"manager": "devperfops-operator", "operation": "Update", "fieldsV1": taken}
            self.managed_fields = (*self.managed_fields, ours)
            self.generation, self.version = self.generation + 1, self.version + 1
            self.patches.append(effect.replacement)

    def _promote(self, effect: Promote) -> None:
        assert self.primary is not None
        if self.primary.template == effect.expected:
            self.used_by_replica_sets.append(self.primary.template)
            self.change_primary(effect.replacement)
            self.patches.append(effect.replacement)

    def step_gate(self, *, crash: bool = False) -> bool:
        """One reconciliation; True: something changed. `crash`: killed between status and effects."""
        decision = self.decide_gate()
        assert self.gate is not None
        changed = decision.status != self.gate.status
        self.gate = self.gate.model_copy(update={"status": decision.status})
        if not crash:
            for effect in decision.effects:
                self.perform(effect)
        return changed or bool(decision.effects)

    def step_run(self, name: str, *, crash: bool = False) -> bool:
        decision = self.decide_run(name)
        changed = decision.status != self.runs[name].status
        self.runs[name] = self.runs[name].model_copy(update={"status": decision.status})
        if not crash:
            for effect in decision.effects:
                self.perform(effect)
        return changed or bool(decision.effects)

    # what users and load do

    def edit_gate(self, **spec: Any) -> None:
        """As `kubectl edit` does: some fields of the spec, and the generation with them."""
        assert self.gate is not None
        raw = self.gate.to_json()
        raw["metadata"]["generation"] += 1
        self.gate = PerfGate.from_json({**raw, "spec": {**raw["spec"], **spec}})

    def roll_out(self, new: Template) -> None:
        self.template = new
        self.managed_fields, self.annotation = owned_by_kubectl(new), last_applied(new)
        self.generation, self.version = self.generation + 1, self.version + 1

    def change_primary(self, new: Template) -> None:
        """Somebody does, us included; its rollout has yet to come."""
        assert self.primary is not None
        self.primary = replace(
            self.primary,
            template=new,
            template_hash=template_hash(without_restart(new)),
            rollout=Rollout(complete=False, message="0 of 2 pods updated, 2 ready"),
        )

    def primary_rolls_out(self) -> None:
        assert self.primary is not None
        self.primary = replace(self.primary, rollout=COMPLETE)

    def create_run(self, name: str, *, uid: str = "", **spec: Any) -> None:
        raw = {"metadata": {"name": name, "namespace": NAMESPACE, "uid": uid or f"u-{name}", "generation": 1,
                            "creationTimestamp": self.now.isoformat()},
               "spec": {"gate": "front-end", **spec}}  # fmt: skip
        self.runs[name] = PerfRun.from_json(raw)

    @property
    def workers(self) -> range:
        return range(self.gate.spec.load.workers if self.gate and self.gate.spec.load else 1)

    def load(self, name: str, *tallies: Tally, failed: bool = False, final: LoadEnd | None = None) -> None:
        """What the agents have delivered so far: one tally an objective, and equal parts of the samples."""
        names = [o.name or o.expect for o in self.gate.spec.objectives] if self.gate else []
        by_name = dict(zip(names, tallies, strict=True))
        samples = max((tally.samples for tally in tallies), default=0) // len(self.workers)
        since = self.runs[name].status.load
        first = since.start_at if since is not None and since.start_at else self.now
        worker = WorkerEvidence(
            index=0,
            prepared=True,
            heard_at=self.now,
            jmeter=JMeterState.ENDED if final else JMeterState.RUNNING,
            first_start=first,
            last_end=self.now,
            answered_at=self.now,
            rows=samples + 100,
            errors=0,
            judged_samples=samples,
            blocks=60,
            final=Final(60, samples + 100, 0, final, truncated=False) if final else None,
            tallies=by_name,
        )
        objectives = {
            objective: ObjectiveEvidence(tally, failed=failed, quantile_ms=120.0)
            for objective, tally in by_name.items()
        }
        self.evidence[name] = Evidence(
            workers=tuple(replace(worker, index=index) for index in self.workers), objectives=objectives
        )

    def prepare(self, name: str) -> None:
        ready = (WorkerEvidence(index=index, prepared=True, heard_at=self.now) for index in self.workers)
        self.evidence[name] = Evidence(workers=tuple(ready))

    def change_worker(self, name: str, index: int, **changes: Any) -> None:
        """One worker is not like the others."""
        seen = self.evidence[name]
        workers = (replace(w, **changes) if w.index == index else w for w in seen.workers)
        self.evidence[name] = replace(seen, workers=tuple(workers))

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    # to a point in a run's life

    def adopt(self) -> None:
        for _ in range(4):
            self.step_gate()

    def active_run(self) -> str:
        assert self.gate is not None
        assert self.gate.status.run is not None
        return self.gate.status.run.name

    def until(self, name: str, phase: Phase) -> None:
        for _ in range(20):
            if self.runs[name].status.phase is phase:
                return
            if self.runs[name].status.phase is Phase.STARTING and name in self.jobs:
                self.prepare(name)
            self.step_run(name)
        raise AssertionError(f"{name} is {self.runs[name].status.phase}, not {phase}")

    def settle(self, name: str) -> None:
        for _ in range(30):
            if not self.step_run(name):
                break
            self.wait(0.1)
        self.adopt()

    def snapshot_of(self, name: str) -> Snapshot:
        return self.snapshots[self.runs[name].status.snapshot or ""]

    def told(self, name: str) -> list[str]:
        return [entry.reason for entry in self.runs[name].status.timeline]


def released(version: str = "2", **spec: Any) -> Iterator[tuple[World, str]]:
    """A world whose known-good is 1 and where another version was just rolled out."""
    world = World(gate=gate(**spec))
    world.adopt()
    world.roll_out(template(version))
    world.step_gate()
    yield world, world.active_run()
