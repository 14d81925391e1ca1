"""`PerfRun`: one execution of a gate, kept as history."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from devperfops_operator.api import rules
from devperfops_operator.api.base import (
    API_VERSION,
    ApiModel,
    Conditions,
    Line,
    Name,
    ObjectMeta,
    Sentence,
    Timestamp,
    Word,
)
from devperfops_operator.api.consumption import MAX_METERED
from devperfops_operator.api.data import WorkloadKind
from devperfops_operator.api.expect import MAX_LENGTH
from devperfops_operator.api.load_profile import MAX_ENDPOINTS as PROFILE_ENDPOINTS
from devperfops_operator.api.load_rules import MAX_WORKERS
from devperfops_operator.api.objective import MAX_OBJECTIVES, Origin
from devperfops_operator.wire.hosts import HOSTS
from devperfops_operator.wire.measurement import LABEL_LENGTH, LEVELS, Fault, LoadEnd

KIND = "PerfRun"
PLURAL = "perfruns"


class Phase(StrEnum):
    """How far a run is; the last three are final."""

    PENDING = "Pending"
    AWAITING_ROLLOUT = "AwaitingRollout"
    PREPARING = "Preparing"
    RESETTING_DATA = "ResettingData"
    STARTING = "Starting"
    RUNNING = "Running"
    JUDGING = "Judging"
    ACTING = "Acting"
    COMPLETED = "Completed"
    SUPERSEDED = "Superseded"
    CANCELLED = "Cancelled"

    @property
    def terminal(self) -> bool:
        """Nothing follows."""
        return self in {Phase.COMPLETED, Phase.SUPERSEDED, Phase.CANCELLED}


class Verdict(StrEnum):
    """Only Pass opens a gate. Inconclusive: not enough evidence. Error: could not be tested."""

    PASS = "Pass"  # noqa: S105  not a password
    FAIL = "Fail"
    INCONCLUSIVE = "Inconclusive"
    ERROR = "Error"


class Trigger(StrEnum):
    """Why a run began."""

    ROLLOUT = "Rollout"
    MANUAL = "Manual"


class ActionType(StrEnum):
    """What follows a verdict."""

    PROMOTE = "Promote"
    ROLLBACK = "Rollback"
    HOLD = "Hold"


MAX_TIMELINE = 256

ObjectiveName = Annotated[str, Field(max_length=MAX_LENGTH)]


class PerfRunSpec(ApiModel):
    """A wish for a run; only `cancel` may change, once."""

    validations: ClassVar = (rules.RUN_FIXED, rules.CANCEL_ONCE)

    gate: Annotated[
        str,
        Field(max_length=rules.MAX_GATE_NAME),
        rules.not_empty("is empty: write the name of the PerfGate to run"),
    ]
    """The PerfGate to run, in this namespace."""
    reason: Annotated[str, Field(max_length=256)] = ""
    """Why, for people."""
    cancel: bool = False
    """Set to true to end the run."""


MAX_SCATTERS = 10  # widths of a block


class ScatterStatus(ApiModel):
    """How much more `blocks` of `seconds` vary than if each sample were on its own.

    By their exceedances; of an objective that compares with a baseline, by the sums of what is compared.
    """

    seconds: int
    blocks: int
    percent: int


class ComparedStatus(ApiModel):
    """Target beside baseline, block by block: ln(target / baseline) - ln(1 + tolerance), in millionths.

    One block counts for no more than 200,000 of it.
    """

    blocks: int
    mean: int
    deviation: int


class ObjectiveStatus(ApiModel):
    """One objective's evidence and verdict. Shares are texts (`0.12%`): the API has no floats."""

    name: ObjectiveName
    expect: ObjectiveName
    transaction: Annotated[str, Field(max_length=LABEL_LENGTH)] | None = None
    critical: bool = True
    weight: int = 1
    origin: Origin | None = None  # of the threshold
    verdict: Verdict | None = None
    reason: Word | None = None
    message: Sentence | None = None
    observed: Line | None = None  # as a person would say it: "p99 = 212 ms", "0.12% errors"
    exceedance: Word | None = None  # observed share of exceedances: "0.35%"
    bound: Word | None = None  # upper confidence bound of that share: "0.48%"
    allowed: Word | None = None  # share allowed by the objective: "1%"
    samples: int = 0
    exceedances: int = 0
    independent_samples: int | None = None  # how many they are worth, by this run alone
    scatter: Annotated[tuple[ScatterStatus, ...], Field(max_length=MAX_SCATTERS)] = ()
    compared: ComparedStatus | None = None
    time_ms: int | None = None  # its percentile, where runs are compared
    decided_at: Timestamp | None = None


class ObjectiveTotals(ApiModel):
    """A worker's final count for one objective."""

    name: ObjectiveName
    samples: int
    exceedances: int
    exceedance_seconds: int
    unanswered: int = 0  # of the exceedances, when the load was stopped


class HeldStatus(ApiModel):
    """Requests that were held back while all of a worker's threads waited for answers."""

    requests: int
    time_ms: int
    longest_ms: int  # at a stretch


class LevelTotals(ApiModel):
    """A worker's judged samples at one rate of the load's shape, and what was held back there."""

    samples: int
    held: HeldStatus | None = None


class HostStatus(ApiModel):
    """A host that a worker's judged samples went to."""

    host: Name
    samples: int


class WakesStatus(ApiModel):
    """How late a worker's node woke who slept there, while samples were judged."""

    count: int
    late: int  # later than a tenth of the shortest latency limit
    latest_ms: int


class PlanStatus(ApiModel):
    """The test plan that a worker's JMeter got, as its agent saw it. `unkept`: why its bytes are not kept."""

    sha256: Annotated[str, Field(max_length=64)]
    size: int  # bytes
    unkept: Line | None = None


class WorkerStatus(ApiModel):
    """A worker whose FINAL is acknowledged: these totals stand in for its blocks from now on."""

    index: int
    rows: int
    errors: int
    judged_samples: int
    judged_errors: int
    blocks: int
    end: LoadEnd
    truncated: bool = False  # the JTL's last line is cut
    fault: Fault | None = None  # of its node
    first_start: Timestamp | None = None  # when its first sample began, by its node's clock
    last_end: Timestamp | None = None  # when its last sample ended, likewise
    ended_at: Timestamp | None = None  # when these totals came
    ran_ms: int | None = None  # from begin to end of JMeter's test, by its log
    held: HeldStatus | None = None  # of a load with a rate
    wakes: WakesStatus | None = None  # where latencies are judged
    plan: PlanStatus | None = None
    levels: Annotated[tuple[LevelTotals, ...], Field(max_length=LEVELS)] = ()  # of a load with a shape
    hosts: Annotated[tuple[HostStatus, ...], Field(max_length=HOSTS + 2)] = ()
    objectives: Annotated[tuple[ObjectiveTotals, ...], Field(max_length=MAX_OBJECTIVES)] = ()


class RequestPeakStatus(ApiModel):
    """The most requests that production has."""

    per_second: Word
    because: Sentence
    first: Word | None = None  # day of each year
    last: Word | None = None
    assumed: Line | None = None  # why nobody has measured it


class ProfileEndpoint(ApiModel):
    """An endpoint of a load profile, by its share of the busiest hour's requests."""

    name: Annotated[str, Field(max_length=LABEL_LENGTH)]
    per_million: int


class LoadModelStatus(ApiModel):
    """What the gate's load profile asks for; `message`: where that comes from."""

    rate: Word
    threads: int
    message: Sentence
    peak: RequestPeakStatus | None = None  # production's, without scale; None: read by an older operator

    usual_rate: Word | None = None  # of the busiest hour; None: of an older operator
    endpoints: Annotated[tuple[ProfileEndpoint, ...], Field(max_length=PROFILE_ENDPOINTS)] = ()


class ResolvedObjective(ApiModel):
    """The limit of the objective at `index` of the gate."""

    index: int
    expect: ObjectiveName
    slo: Name


class ResolvedStatus(ApiModel):
    """What the gate leaves to other documents, as the run read it when it prepared."""

    load: LoadModelStatus | None = None
    objectives: Annotated[tuple[ResolvedObjective, ...], Field(max_length=MAX_OBJECTIVES)] = ()
    sla: Sentence | None = None  # which SLA the objectives contradict, or why that is not known


class LevelStatus(ApiModel):
    """One rate of a load's shape. `held`: whether the objectives did there; None: not known yet."""

    name: Word
    planned_rate: Word
    achieved_rate: Word | None = None
    samples: int = 0
    held: bool | None = None
    message: Line | None = None  # why they did not


class LoadStatus(ApiModel):
    """Offered against achieved load. Rates per minute, as text `2987/m`."""

    threads: int
    workers: int = 1  # that these threads are divided among
    host: Name | None = None  # where the load is to go; None: begun by an older operator
    planned_rate: Word | None = None
    achieved_rate: Word | None = None
    samples: int = 0
    judged_samples: int = 0
    errors: int = 0
    progress_at: Timestamp | None = None  # when these figures were taken
    start_at: Timestamp | None = None  # when the workers were told to start
    judged_from: Timestamp | None = None  # first row of all + rampUp
    ends_at: Timestamp | None = None  # at the latest
    planned_end_at: Timestamp | None = None  # when it was seen whether it must go on; None: it may not
    ended_at: Timestamp | None = None
    stop_requested_at: Timestamp | None = None
    levels: Annotated[
        tuple[LevelStatus, ...], Field(max_length=LEVELS)
    ] = ()  # of one with a shape, at its end


class LiveStatus(ApiModel):
    """The time in which real users' traffic is judged."""

    judged_from: Timestamp
    ends_at: Timestamp  # planned
    progress_at: Timestamp | None = None  # when the objectives' figures were taken
    ended_at: Timestamp | None = None


MAX_PODS = 100


class PodStatus(ApiModel):
    """A pod of the target as it was when the load began, and how often its containers had restarted."""

    name: Name
    restarts: int = 0


class TargetFinding(ApiModel):
    """Why a test of this target shows nothing."""

    reason: Word
    message: Sentence


class TargetStatus(ApiModel):
    """The target under test: what it was at first, and what became of it."""

    pods: Annotated[tuple[PodStatus, ...], Field(max_length=MAX_PODS)] = ()
    replicas: int  # that were ready when the judged time began
    fewest: int  # that were ready since
    short_since: Timestamp | None = None  # fewer are ready than at first
    short_ms: int = 0  # how long there were fewer before
    closed_at: Timestamp | None = None  # when its pods were looked at for the last time
    findings: Annotated[tuple[TargetFinding, ...], Field(max_length=8)] = ()


MAX_ENDPOINTS = 20


class EndpointStatus(ApiModel):
    """An endpoint of the usual traffic, and the requests it got."""

    name: Line
    weight: Word  # of the usual traffic: "12.5%"
    requests: int
    needed: int = 0  # 0: it is too rare to need any of its own


class WholeRunsStatus(ApiModel):
    """Of earlier runs those that went on to their planned end, as they vary from each other."""

    runs: int
    samples: int
    independent_samples: int


class PastStatus(ApiModel):
    """What earlier runs counted for an objective, and how many independent samples that was worth."""

    name: ObjectiveName
    runs: int
    samples: int
    independent_samples: int
    long_range_percent: int = 100  # how much more the runs vary than each of them sees
    between_percent: int = 100  # how much more the runs vary than if each sample were on its own
    scatter: Annotated[tuple[ScatterStatus, ...], Field(max_length=MAX_SCATTERS)] = ()
    whole: WholeRunsStatus | None = None  # None: too few to tell


MAX_PAST_TIMES = 100


class PastTimesStatus(ApiModel):
    """The percentile of earlier runs, for an objective that compares with them.

    `samples`: of one of them, on average.
    """

    name: ObjectiveName
    times_ms: Annotated[tuple[int, ...], Field(max_length=MAX_PAST_TIMES)] = ()
    samples: int = 0


class PastComparedStatus(ApiModel):
    """What earlier runs tell of an objective that compares with a baseline."""

    name: ObjectiveName
    runs: int
    blocks: int  # of a run that went on to its planned end, on average
    scatter: Annotated[tuple[ScatterStatus, ...], Field(max_length=MAX_SCATTERS)] = ()
    whole_percent: int | None = None  # how much more such runs vary, at most; None: too few to tell


class CoverageStatus(ApiModel):
    """The tested traffic beside the usual one. Shares are texts; None: nothing is known of the past."""

    requests: int
    usual: int | None = None  # requests in the same time
    volume: Word | None = None  # of those
    exercised: Word  # share of the known endpoints that got enough
    known: int  # how many these are
    distance: Word | None = None  # of the mixes
    chance: Word  # distance of equal mixes by chance, at most
    unseen: Word  # share of the usual traffic whose endpoints got nothing
    endpoints: Annotated[tuple[EndpointStatus, ...], Field(max_length=MAX_ENDPOINTS)] = ()  # the worst first
    unmapped: Annotated[tuple[Line, ...], Field(max_length=MAX_ENDPOINTS)] = ()  # labels of no known endpoint


MAX_FORECASTS = 64


class FigureStatus(ApiModel):
    """What one request takes of a limit, in calls or processor seconds; of memory, all that was in use."""

    name: Line  # of the limit, with its service and dimensions
    counts: Word
    series: Annotated[str, Field(max_length=4096)] | None = None  # that was counted
    per_request: Word | None = None  # None: not known
    least: Word | None = None
    most: Word | None = None
    rate: Word | None = None  # of the requests, a second
    before: Word | None = None  # at the last known-good revision
    told: Line | None = None  # as a person would say it
    doubts: Annotated[tuple[Line, ...], Field(max_length=8)] = ()  # why it is no measurement


class ForecastStatus(ApiModel):
    """What the revision needs of a limit at a peak, and what serving grants."""

    name: Line
    verdict: Word
    asked: Line | None = None
    granted: Line | None = None
    message: Sentence


class ConsumptionStatus(ApiModel):
    """What this revision's requests take of metered limits, and what that makes at production's peak."""

    figures: Annotated[tuple[FigureStatus, ...], Field(max_length=MAX_METERED)] = ()
    peaks: Annotated[tuple[RequestPeakStatus, ...], Field(max_length=2)] = ()  # without those of the policy
    forecasts: Annotated[tuple[ForecastStatus, ...], Field(max_length=MAX_FORECASTS)] = ()
    gap: Sentence | None = None  # why there are no figures


class PromotionStatus(ApiModel):
    """What is done with the gate's primary. `before`, `after`: hashes of its template, restarts left out."""

    name: Name
    uid: Word = ""
    before: Word = ""
    after: Word = ""
    patched_at: Timestamp | None = None


class ActionStatus(ApiModel):
    """What was decided to do, and, once `done_at` is set, that it happened."""

    type: ActionType
    reason: Word
    message: Sentence = ""
    to_revision: Word | None = None
    decided_at: Timestamp
    done_at: Timestamp | None = None
    primary: PromotionStatus | None = None


class RecordStatus(ApiModel):
    """What is kept of the measurements, for replays: a ControllerRevision that goes with the run."""

    name: Name
    kept_at: Timestamp | None = None
    message: Sentence | None = None  # why it could not be kept

    @property
    def settled(self) -> bool:
        """Whether it is kept, or cannot be."""
        return self.kept_at is not None or self.message is not None


class NotificationStatus(ApiModel):
    """One receiver that is to hear of the run's end; told at least once, or not within a day."""

    receiver: Word  # as in the operator's settings: slack, webhook
    sent_at: Timestamp | None = None
    message: Sentence | None = None  # why it could not be told yet


class TimelineEntry(ApiModel):
    """One coded step; each becomes one Kubernetes event."""

    at: Timestamp
    phase: Phase
    reason: Word
    message: Sentence


class QuiescedStatus(ApiModel):
    """A workload that is scaled to zero for the reset, and how many replicas it had before."""

    kind: WorkloadKind
    name: Name
    replicas: int

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class ClaimStatus(ApiModel):
    """A PersistentVolumeClaim that is replaced: what the next one is to be, and the uid of the old one."""

    name: Name
    uid: Word
    snapshot: Name
    labels: Annotated[dict[str, Name], Field(max_length=64)] = Field(default_factory=dict)
    storage_class_name: Name | None = None
    access_modes: Annotated[tuple[Word, ...], Field(max_length=4)]
    volume_mode: Word | None = None
    storage: Word  # how much


class ResetStatus(ApiModel):
    """What the reset has changed and owes back, stored before it is changed."""

    workloads: Annotated[tuple[QuiescedStatus, ...], Field(max_length=8)]
    claim: ClaimStatus | None = None
    done_at: Timestamp | None = None  # when the data were there again
    problem: Sentence | None = None  # why it could not be given back yet


class PerfRunStatus(ApiModel):
    """What happened, and why."""

    observed_generation: int = 0
    phase: Phase = Phase.PENDING
    verdict: Verdict | None = None
    reason: Word | None = None
    message: Sentence | None = None
    score: Word | None = None  # share of the objectives, by weight, that hold: "83%"
    trigger: Trigger | None = None
    revision: Word | None = None
    template_hash: Word | None = None
    criteria_hash: Word | None = None  # of what it judges by; None: not begun, or by an older operator
    snapshot: Name | None = None
    reset: ResetStatus | None = None  # None: nothing is owed (any more)
    past: Annotated[tuple[PastStatus, ...], Field(max_length=MAX_OBJECTIVES)] = ()  # as the run began
    past_times: Annotated[tuple[PastTimesStatus, ...], Field(max_length=MAX_OBJECTIVES)] = ()  # likewise
    past_compared: Annotated[tuple[PastComparedStatus, ...], Field(max_length=MAX_OBJECTIVES)] = ()
    resolved: ResolvedStatus | None = None  # None: the gate says all itself
    load: LoadStatus | None = None
    live: LiveStatus | None = None
    target: TargetStatus | None = None
    coverage: CoverageStatus | None = None
    consumption: ConsumptionStatus | None = None
    objectives: Annotated[tuple[ObjectiveStatus, ...], Field(max_length=MAX_OBJECTIVES)] = ()
    workers: Annotated[tuple[WorkerStatus, ...], Field(max_length=MAX_WORKERS)] = ()
    action: ActionStatus | None = None
    timeline: Annotated[tuple[TimelineEntry, ...], Field(max_length=MAX_TIMELINE)] = ()
    conditions: Conditions = ()
    completed_at: Timestamp | None = None
    record: RecordStatus | None = None
    notifications: Annotated[tuple[NotificationStatus, ...], Field(max_length=8)] = ()


class PerfRun(ApiModel):
    """One execution of a gate, kept as history."""

    validations: ClassVar = rules.RUN_NAME

    api_version: Literal["devperfops.io/v1alpha1"] = API_VERSION
    kind: Literal["PerfRun"] = "PerfRun"
    metadata: ObjectMeta
    spec: PerfRunSpec
    status: PerfRunStatus = PerfRunStatus()
