"""`PerfGate`: which workload is guarded, how it is loaded, what it must hold."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from devperfops_operator.api import coverage_rules, data_rules, objective_rules, rules, shape_rules
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
from devperfops_operator.api.coverage import Coverage
from devperfops_operator.api.data import Data
from devperfops_operator.api.live import Live
from devperfops_operator.api.load import Load
from devperfops_operator.api.objective import MAX_OBJECTIVES, Objective
from devperfops_operator.api.override import Override, OverrideStatus
from devperfops_operator.api.patience import Patience

KIND = "PerfGate"
PLURAL = "perfgates"

MAX_CONFIGS = 128


class TargetRef(ApiModel):
    """The guarded workload, in the gate's own namespace."""

    kind: Literal["Deployment"] = "Deployment"
    """The kind of workload."""
    name: Annotated[str, Field(max_length=63), rules.TARGET_NAME]
    """The workload's name; load goes to the Service of the same name, unless load.target names a host."""


class Triggers(ApiModel):
    """What starts a run by itself. Manual runs are always possible."""

    rollout: bool = True
    """Every new revision of the target is tested."""


class OnPass(StrEnum):
    """What follows a Pass."""

    PROMOTE = "Promote"
    HOLD = "Hold"


class OnFail(StrEnum):
    """What follows a Fail."""

    ROLLBACK = "Rollback"
    HOLD = "Hold"


class OnInconclusive(StrEnum):
    """What follows an Inconclusive."""

    HOLD = "Hold"
    PROMOTE = "Promote"
    ROLLBACK = "Rollback"


class Actions(ApiModel):
    """What follows a verdict. A test that could not be made (Error) changes nothing."""

    on_pass: OnPass = OnPass.PROMOTE
    """Promote: the revision becomes known-good. Hold: what was known-good stays it."""
    on_fail: OnFail | None = None
    """Rollback: back to the last known-good revision. Hold: change nothing.

    Without it a Fail rolls back, but holds where Argo CD or Flux owns the target and would undo a rollback.
    """
    on_inconclusive: OnInconclusive = OnInconclusive.HOLD
    """Hold: change nothing. Promote or Rollback: as after a Pass or a Fail, for runs of rollouts."""


class Mode(StrEnum):
    """Whether verdicts have consequences."""

    ENFORCE = "Enforce"
    OBSERVE = "Observe"


class Initial(StrEnum):
    """What a new gate does with what runs already."""

    ADOPT = "Adopt"
    TEST = "Test"


class Quota(ApiModel):
    """What production must grant before a release goes there: one of policy and configMap."""

    validations: ClassVar = (rules.ONE_QUOTA,)

    policy: Annotated[
        str | None, Field(max_length=63), rules.not_empty("is empty: write the name of a QuotaPolicy")
    ] = None
    """A QuotaPolicy of the gate's namespace; the QuotaWaivers there count."""
    config_map: Annotated[Name | None, rules.not_empty("is empty: write the name of a ConfigMap")] = None
    """A ConfigMap that holds a QuotaPolicy, its waivers and the files it names, each in any key."""


class SLA(ApiModel):
    """What users were promised, and which service of the graph this is."""

    config_map: Annotated[Name, rules.not_empty("is empty: write the name of a ConfigMap")]
    """Holds a ServiceGraph, with the SLAs of its roots."""
    key: Annotated[Name, rules.not_empty("is empty: write a key such as graph.yaml, or leave it out")] = (
        "graph.yaml"
    )
    """The key whose value is the ServiceGraph."""
    service: Annotated[
        Name | None, rules.not_empty("is empty: write a service of the graph, or leave it out")
    ] = None
    """The target's name in the graph; by default the one of the Deployment."""
    block: bool = False
    """true: no run begins while the objectives contradict an SLA, or nobody knows whether they do."""


class PerfGateSpec(ApiModel):
    """Which workload is guarded, how it is loaded and what it must hold."""

    validations: ClassVar = (
        objective_rules.SOME_OBJECTIVE,
        objective_rules.SOME_CRITICAL,
        objective_rules.QUERIES_HAVE_PROMETHEUS,
        objective_rules.LIVE_HAS_NO_SAMPLES,
        objective_rules.BASELINE_IS_LOADED,
        objective_rules.PAST_HAS_RATE,
        objective_rules.BASELINE_IS_COMPARED,
        objective_rules.SAMPLES_EXTEND,
        objective_rules.LIVE_COUNTS_TRAFFIC,
        rules.LOAD_OR_LIVE,
        data_rules.DATA_HAS_LOAD,
        coverage_rules.COVERAGE_HAS_PROMETHEUS,
        coverage_rules.COVERAGE_HAS_PAST,
        rules.PROMOTES_TO_ANOTHER,
        shape_rules.objectives_fit(MAX_OBJECTIVES),
    )

    target_ref: TargetRef
    promote_to: Annotated[str | None, Field(max_length=63), rules.PRIMARY_NAME] = None
    """A second Deployment, which gets the target's pod template when a rollout of it passes.

    Its own selector labels stay, and it reads copies of the target's ConfigMaps as they were tested.
    """
    load: Load | None = None
    """A load test of the gate's own; without it, live judges the traffic of real users."""
    data: Data | None = None
    """How the data the load works on are reset before it, when the rollout is complete."""
    quota: Quota | None = None
    """A policy by which nothing is promoted while production is granted less than the load test was."""
    sla: SLA | None = None
    """Says, as the condition WithinSLA, whether these objectives allow more than users were promised."""
    live: Live | None = None
    """No load: the traffic of real users is judged, by objectives that Prometheus knows of."""
    objectives: Annotated[
        tuple[Objective, ...],
        Field(default_factory=tuple, max_length=MAX_OBJECTIVES),
        objective_rules.DISTINCT_NAMES,
    ]  # optional to the schema, so that a rule of ours asks for it
    """What the target must hold, every one of them; at least one."""
    prometheus: Annotated[
        str | None,
        Field(max_length=63),
        rules.not_empty("is empty: write the name of a Prometheus server from the operator's settings"),
    ] = None
    """The Prometheus server of good, total, histogram and query, by its name in the operator's settings."""
    coverage: Coverage | None = None
    """A test stands for the usual traffic only if it covers enough of it; else it does not pass."""
    patience: Patience = Patience()
    """How long a verdict waits for stalls and slow starts to show what they are."""
    mode: Mode = Mode.ENFORCE
    """Observe: judge and report, and change nothing."""
    initial: Initial = Initial.ADOPT
    """What runs already when the gate comes: Adopt takes it as known-good, Test tests it first."""
    suspend: bool = False
    """No run begins by itself; one that is under way goes on, and people may still ask for runs."""
    environment: Annotated[str | None, Field(max_length=63), rules.ENVIRONMENT] = None
    """Gates of one environment load one at a time; so do those of a namespace that name none.

    The operator's settings may list environments that are one in all namespaces.
    """
    history_limit: Annotated[int, rules.HISTORY] = 20
    """How many ended runs, and how many snapshots, are kept; what is in use always is."""
    override: Override | None = None
    """Lets a revision that did not pass stand as if it had."""
    triggers: Triggers = Triggers()
    actions: Actions = Actions()


class ConfigStatus(ApiModel):
    """A ConfigMap the target's pods read, as last seen."""

    name: Name
    digest: Word  # of its content; empty: there is none
    changed_at: Timestamp | None = None
    """Pods that started earlier may have older content; without it all pods have this one."""


class TargetStatus(ApiModel):
    """The target as last seen.

    `template_identity`, the template's part of `revision`, is recomputed only when `uid` or `generation`
    changes; the ConfigMaps' part whenever their content does.
    """

    uid: Word = ""
    generation: int
    revision: Word
    template_hash: Word
    git_owner: Line | None = None  # who keeps it as Git says it is
    template_identity: Word = ""  # empty: written by an older operator
    configs: Annotated[tuple[ConfigStatus, ...], Field(max_length=MAX_CONFIGS)] = ()


class CurrentRun(ApiModel):
    """The operator's own run for the target's revision; written before the PerfRun is created.

    Only the operator may write a gate's status, so a run named here is known to be its own (Rollout);
    every other PerfRun is Manual, whatever it claims.
    """

    name: Name
    revision: Word
    criteria_hash: Word | None = None  # as the gate was then; None: written by an older operator
    rejected: Sentence | None = None  # why the revision, which came back, is not tested; None: it is


class PrimaryStatus(ApiModel):
    """The Deployment to promote to as last seen.

    `revision`: what it runs; None: its template is none that this gate has promoted.
    """

    name: Name
    template_hash: Word
    revision: Word | None = None
    message: Line = ""


class PerfGateStatus(ApiModel):
    """What the operator has seen and done."""

    observed_generation: int = 0
    conditions: Conditions = ()
    target: TargetStatus | None = None
    run: CurrentRun | None = None
    known_good: Word | None = None  # revision; told to people, never read back
    last_verdict: Word | None = None  # told to people, never read back
    last_run_at: Timestamp | None = None
    primary: PrimaryStatus | None = None
    override: OverrideStatus | None = None


class PerfGate(ApiModel):
    """Guards a workload: every new revision is load-tested, judged, and promoted or rolled back."""

    validations: ClassVar = rules.GATE_NAME

    api_version: Literal["devperfops.io/v1alpha1"] = API_VERSION
    kind: Literal["PerfGate"] = "PerfGate"
    metadata: ObjectMeta
    spec: PerfGateSpec
    status: PerfGateStatus = PerfGateStatus()
