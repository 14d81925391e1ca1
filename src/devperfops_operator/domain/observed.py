"""What the decisions look at: plain values, gathered by the shell, never fetched from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from devperfops_operator.analysis.batches import ComparedRun
from devperfops_operator.analysis.coverage import Coverage
from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.analysis.gauge import Points
from devperfops_operator.analysis.past import PastEffect
from devperfops_operator.analysis.runs import Limits, PastTimes
from devperfops_operator.analysis.scatter import Scatters, effect_of
from devperfops_operator.analysis.sequential import SlowStart, independent
from devperfops_operator.api.data import WorkloadKind
from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import ClaimStatus, PerfRun, ResolvedStatus
from devperfops_operator.domain.manifests.ownership import Ownership, Restoration
from devperfops_operator.domain.manifests.primary import Selector
from devperfops_operator.domain.manifests.template import Template
from devperfops_operator.domain.quota.answer import QuotaAnswer
from devperfops_operator.domain.quota.consumption import Figure, RequestPeak
from devperfops_operator.domain.revision import Config
from devperfops_operator.wire.measurement import Fault, Final, JMeterState
from devperfops_operator.wire.wakes import Wakes


@dataclass(frozen=True, slots=True)
class Problem:
    """A coded reason and the sentence that goes with it."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Rollout:
    """How far the target's own rollout is. `problem`: it will not get there by itself."""

    complete: bool
    message: str
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """The guarded Deployment as stored now. `ready`: all wanted replicas serve, and there are some.

    `ready_replicas`: how many serve.

    `configs`: the ConfigMaps its pods read.
    `ownership`: who set what in the template; None where nobody needs to know, so that it was not read.
    `git_owner`: who puts back what differs from Git, such as `Argo CD application shop`; None: nobody.
    """

    name: str
    uid: str
    generation: int
    template: Template
    revision: str
    template_hash: str
    template_identity: str
    rollout: Rollout
    ready: bool
    ready_replicas: int = 0
    scaled_to_zero: bool = False
    configs: tuple[Config, ...] = ()
    selector: Selector = field(default_factory=dict)
    ownership: Ownership | None = None
    git_owner: str | None = None


@dataclass(frozen=True, slots=True)
class TargetPod:
    """`restarts`: of all its containers. `ended`: how `container` did last: `OOMKilled, exit code 137`."""

    name: str
    restarts: int = 0
    container: str = ""
    ended: str = ""


@dataclass(frozen=True, slots=True)
class TargetPods:
    """The pods of the judged revision that are there, as read at one moment.

    `taken_away`: of those that ended without being asked to, why, by name.
    `strangers`: ready pods of anything else that get requests through the `service`, such as
    `front-end-5d9c-x7k2p of ReplicaSet front-end-5d9c`.
    `unread`: why they could not be read, so that nothing is known of them.
    """

    pods: tuple[TargetPod, ...] = ()
    taken_away: Mapping[str, str] = field(default_factory=dict)
    strangers: tuple[str, ...] = ()
    service: str = ""
    unread: str | None = None


@dataclass(frozen=True, slots=True)
class Primary:
    """The Deployment to promote to as stored now. `template_hash`: restarts left out.

    `rollout`: complete also if no pod is wanted.
    """

    name: str
    uid: str
    selector: Selector
    template: Template
    template_hash: str
    rollout: Rollout


@dataclass(frozen=True, slots=True)
class SLAStanding:
    """Whether a gate's objectives contradict what users were promised. `kept`: None: it is not known."""

    kept: bool | None
    message: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a run needs besides its target. `problem`: the first thing missing or unusable, else None.

    `sla`: of a gate that asks.

    `resolved`: what the gate leaves to other documents; None: nothing, or the run has read it before.
    """

    host: str = ""
    port: int = 0
    resolved: ResolvedStatus | None = None
    sla: SLAStanding | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A ControllerRevision of ours. `number` orders them; `known_good`: it passed, or was adopted.

    `override`: it is known-good because somebody said so, in this sentence.
    `configs`: digests of the ConfigMaps that were part of it, by name.
    """

    name: str
    number: int
    revision: str
    template: Template
    known_good: bool
    override: str | None = None
    uid: str = ""
    configs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunJob:
    """A Job of the run. `problem`: why its pod cannot start or failed, in the scheduler's or kubelet's words.

    `succeeded`: finished, and its pods ended as they should.

    `refusal`: why a pod will not, in the agent's words. `run_uid`: of the run it was made for, which may be
    an earlier one of the same name.
    """

    name: str
    run_uid: str
    suspended: bool
    finished: bool
    problem: str | None = None
    refusal: Problem | None = None
    succeeded: bool = False


@dataclass(frozen=True, slots=True)
class SeenWorkload:
    """A workload that the gate's reset scales to zero, as stored now.

    `version`: of the object, so that nothing is scaled by what was. `pods`: how many there are, those that
    are just ending included. `ready`: all wanted replicas serve. `drops_claims`: with each pod it no longer
    wants it deletes that one's volumes.
    `missing`: there is none of that name. `unread`: why that is not known.
    """

    kind: WorkloadKind
    name: str
    version: str = ""
    replicas: int = 0
    pods: int = 0
    ready: bool = False
    may_be_reset: bool = False
    drops_claims: bool = False
    missing: bool = False
    unread: str | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class SeenClaim:
    """The PersistentVolumeClaim that the gate's reset replaces. `users`: pods that may write to it.

    `snapshot`: the VolumeSnapshot it was made from; empty: none. `as_status`: what the next one is to be.
    """

    uid: str
    may_be_reset: bool
    deleting: bool
    bound: bool
    snapshot: str
    as_status: ClaimStatus
    users: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SeenVolume:
    """`claim`: None: there is none. `snapshot_problem`: why nothing can be made from the snapshot (yet).

    `unread`: why the rest is not known.
    """

    claim: SeenClaim | None = None
    snapshot_problem: str | None = None
    unread: str | None = None


@dataclass(frozen=True, slots=True)
class WorkerEvidence:
    """What one worker has delivered so far, or its stored totals.

    `first_start` and `last_end` are by the clock of the worker's node, `heard_at` and `answered_at` (when
    we last heard of new rows) by ours. `hosts`: judged samples by where they went; `levels`: by the level of
    the load's shape.
    """

    index: int
    prepared: bool = False
    heard_at: datetime | None = None
    answered_at: datetime | None = None
    jmeter: JMeterState = JMeterState.WAITING
    first_start: datetime | None = None
    last_end: datetime | None = None
    rows: int = 0
    errors: int = 0
    judged_samples: int = 0
    judged_errors: int = 0
    blocks: int = 0
    final: Final | None = None
    fault: Fault | None = None
    hosts: Mapping[str, int] = field(default_factory=dict)
    wakes: Wakes | None = None
    levels: Mapping[int, int] = field(default_factory=dict)
    tallies: Mapping[str, Tally] = field(default_factory=dict)  # by objective name
    unanswered: Mapping[str, int] = field(default_factory=dict)  # likewise

    @property
    def complete(self) -> bool:
        """FINAL has come and no block is missing."""
        return self.final is not None and self.blocks >= self.final.blocks


@dataclass(frozen=True, slots=True)
class Compared:
    """Target and baseline beside each other. `held`: a Pass, if it were asked for now.

    `target_ms`, `baseline_ms`: the quantile over all blocks; None: no sample, or more failed than lie beyond
    it. `blocks`: compared so far; `silent`: those in which the baseline had nothing to compare with. `shown`:
    to be kept for runs to come.
    """

    target_ms: float | None
    baseline_ms: float | None
    blocks: int
    silent: int
    held: bool
    shown: ComparedRun | None = None


@dataclass(frozen=True, slots=True)
class Recalled:
    """A run beside the gate's earlier ones. `held`: a Pass, if it were asked for now.

    `time_ms`: the quantile so far; None: no sample, or more failed than lie beyond it. `limits`: None: there
    are too few earlier runs. `whole`: it has come to an end as late as they did.
    """

    time_ms: float | None
    past: PastTimes
    limits: Limits | None
    whole: bool
    held: bool


@dataclass(frozen=True, slots=True)
class ObjectiveEvidence:
    """All workers merged. `failed`: the sequential test crossed its limit at some step, which is final.

    `scatter`: how the exceedances of blocks of time vary in this run; `past`: what earlier ones tell of that.
    `shown`: at the newest look the sequential test showed that the objective holds, so that the test need not
    go on for it.
    `late`: the last third of the time, if it alone would be too much.
    `slow_start`: what keeps the objective from being shown to hold, if that is its beginning.
    `unanswered`: exceedances that had no answer when the load was stopped (latency only).
    `quantile_ms`: the objective's percentile as observed, from the merged histogram (latency only).
    `gap` says why the evidence is missing or unusable. `covered`, for counters only, is the time from the
    first to the last scrape that counts; `points`, for gauges only, what was seen of them;
    `compared`, for comparisons with a baseline only, how the two are; `recalled`, for those with
    earlier runs.
    """

    tally: Tally
    failed: bool = False
    scatter: Scatters = field(default_factory=dict)
    past: PastEffect = field(default_factory=PastEffect)
    shown: bool = False
    late: Tally | None = None
    slow_start: SlowStart | None = None
    unanswered: int = 0
    quantile_ms: float | None = None
    gap: Problem | None = None
    covered: timedelta | None = None
    points: Points | None = None
    compared: Compared | None = None
    recalled: Recalled | None = None

    @property
    def own_effect(self) -> float:
        """How many of the samples are worth an independent one by what this run saw, at least 1."""
        return effect_of(self.scatter)

    @property
    def design_effect(self) -> float:
        """What the samples are divided by when the load has ended."""
        return self.past.at_end(self.scatter, self.tally.samples)

    @property
    def independent(self) -> Tally:
        """As many independent samples as the counted ones are worth."""
        return independent(self.tally, self.design_effect)

    @property
    def answered(self) -> ObjectiveEvidence:
        """Without what had no answer when the load was stopped."""
        exceedances = self.tally.exceedances - self.unanswered
        seconds = min(exceedances, self.tally.exceedance_seconds)
        counted = Tally(self.tally.samples - self.unanswered, exceedances, seconds)
        return replace(self, tally=counted, unanswered=0)


@dataclass(frozen=True, slots=True)
class TrafficEvidence:
    """What is known of the tested and the usual traffic, at `read_at`. `gap`: why nothing is.

    `unmapped`: requests by JMeter's labels that are no endpoints of the usual traffic.
    `takes`: how long a run would have to be for enough of the endpoints; None: nobody waits so long.
    """

    read_at: datetime
    coverage: Coverage | None = None
    takes: timedelta | None = None
    gap: Problem | None = None
    unmapped: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConsumptionEvidence:
    """What Prometheus told of metered limits, at `read_at`. `figures`: by the meter's title.

    `peak`: production's, if it was read. `gap`: why nothing could be read.
    """

    read_at: datetime
    figures: Mapping[str, Figure] = field(default_factory=dict)
    peak: RequestPeak | None = None
    gap: Problem | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """`sent`: judged samples to the target by JMeter's label; None: some of them are not known."""

    workers: tuple[WorkerEvidence, ...] = ()
    objectives: Mapping[str, ObjectiveEvidence] = field(default_factory=dict)  # by name
    metrics_polled_at: datetime | None = None
    traffic: TrafficEvidence | None = None
    consumption: ConsumptionEvidence | None = None
    sent: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class EffectFailure:
    """An effect that was tried and did not succeed. `refused`: asking again changes nothing."""

    refused: bool
    message: str
    attempts: int
    last: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far the telling of one receiver is. `message`: why the last try failed, at `tried_at`."""

    attempts: int
    tried_at: datetime
    sent: bool
    message: str = ""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What a run needs of the operator's settings. `scrape_interval`: of the gate's Prometheus."""

    operator_url: str = ""
    operator_image: str = ""
    jmeter_image: str = ""
    image_pull_policy: str = "IfNotPresent"
    start_timeout: timedelta = timedelta(minutes=5)
    drain_timeout: timedelta = timedelta(minutes=3)
    scrape_interval: timedelta = timedelta(seconds=15)
    receivers: tuple[str, ...] = ()  # of notifications


@dataclass(frozen=True, slots=True)
class GateObserved:
    gate: PerfGate
    target: Target | None
    inputs: Inputs
    snapshots: tuple[Snapshot, ...]
    runs: tuple[PerfRun, ...]  # of this gate
    failures: Mapping[str, EffectFailure] = field(default_factory=dict)  # by effect key
    primary: Primary | None = None


@dataclass(frozen=True, slots=True)
class RunObserved:
    """`job` loads, `data_job` resets the data before. `blocked_by`: the run whose load must end first.

    `config_maps`: while it is to be promoted, those its template reads, as stored, by name; `unused_copies`:
    once it is, names of the primary's copies that nothing reads any more.
    `restoration`: what of the target's records is not yet as it belongs to the known-good template; read
    only while the run rolls back.
    `target_pods`: read once when the load has begun, and once when it has ended.
    `record_kept`: its record is stored; asked only while that is awaited.
    `earlier`: the gate's other runs; asked only before the load. `quota`: of a gate that has a policy; asked
    before the load, and when it has ended.
    `workloads`, `volume`: while data are reset, or something is owed back after it.
    """

    run: PerfRun
    gate: PerfGate | None
    target: Target | None
    inputs: Inputs
    snapshots: tuple[Snapshot, ...]
    job: RunJob | None
    evidence: Evidence
    blocked_by: str | None = None
    restoration: Restoration | None = None
    settings: RunSettings = field(default_factory=RunSettings)
    failures: Mapping[str, EffectFailure] = field(default_factory=dict)
    deliveries: Mapping[str, Delivery] = field(default_factory=dict)  # by receiver
    primary: Primary | None = None
    config_maps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unused_copies: tuple[str, ...] = ()
    target_pods: TargetPods | None = None
    record_kept: bool = False
    earlier: tuple[PerfRun, ...] = ()
    data_job: RunJob | None = None
    quota: QuotaAnswer | None = None
    workloads: tuple[SeenWorkload, ...] = ()
    volume: SeenVolume | None = None
