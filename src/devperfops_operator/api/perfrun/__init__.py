"""`PerfRun`: one execution of a gate, kept as history."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from devperfops_operator.api import rules
from devperfops_operator.api.base import (
    API_VERSION,
    ApiModel,
    Conditions,
    Name,
    ObjectMeta,
    Sentence,
    Timestamp,
    Word,
)
from devperfops_operator.api.load_rules import MAX_WORKERS
from devperfops_operator.api.objective import MAX_OBJECTIVES
from devperfops_operator.api.perfrun.load import LevelStatus, LiveStatus, LoadStatus
from devperfops_operator.api.perfrun.objective import (
    MAX_SCATTERS,
    ComparedStatus,
    ObjectiveName,
    ObjectiveStatus,
    ScatterStatus,
)
from devperfops_operator.api.perfrun.outcome import (
    ActionStatus,
    NotificationStatus,
    PromotionStatus,
    RecordStatus,
    TimelineEntry,
)
from devperfops_operator.api.perfrun.past import (
    MAX_PAST_TIMES,
    PastComparedStatus,
    PastStatus,
    PastTimesStatus,
    WholeRunsStatus,
)
from devperfops_operator.api.perfrun.reset import ClaimStatus, QuiescedStatus, ResetStatus
from devperfops_operator.api.perfrun.resolved import (
    LoadModelStatus,
    ProfileEndpoint,
    RequestPeakStatus,
    ResolvedObjective,
    ResolvedStatus,
)
from devperfops_operator.api.perfrun.target import MAX_PODS, PodStatus, TargetFinding, TargetStatus
from devperfops_operator.api.perfrun.traffic import (
    MAX_ENDPOINTS,
    MAX_FORECASTS,
    ConsumptionStatus,
    CoverageStatus,
    EndpointStatus,
    FigureStatus,
    ForecastStatus,
)
from devperfops_operator.api.perfrun.words import ActionType, Phase, Trigger, Verdict
from devperfops_operator.api.perfrun.worker import (
    HeldStatus,
    HostStatus,
    LevelTotals,
    ObjectiveTotals,
    PlanStatus,
    WakesStatus,
    WorkerStatus,
)

__all__ = [
    "KIND",
    "MAX_ENDPOINTS",
    "MAX_FORECASTS",
    "MAX_PAST_TIMES",
    "MAX_PODS",
    "MAX_SCATTERS",
    "MAX_TIMELINE",
    "PLURAL",
    "ActionStatus",
    "ActionType",
    "ClaimStatus",
    "ComparedStatus",
    "ConsumptionStatus",
    "CoverageStatus",
    "EndpointStatus",
    "FigureStatus",
    "ForecastStatus",
    "HeldStatus",
    "HostStatus",
    "LevelStatus",
    "LevelTotals",
    "LiveStatus",
    "LoadModelStatus",
    "LoadStatus",
    "NotificationStatus",
    "ObjectiveName",
    "ObjectiveStatus",
    "ObjectiveTotals",
    "PastComparedStatus",
    "PastStatus",
    "PastTimesStatus",
    "PerfRun",
    "PerfRunSpec",
    "PerfRunStatus",
    "Phase",
    "PlanStatus",
    "PodStatus",
    "ProfileEndpoint",
    "PromotionStatus",
    "QuiescedStatus",
    "RecordStatus",
    "RequestPeakStatus",
    "ResetStatus",
    "ResolvedObjective",
    "ResolvedStatus",
    "ScatterStatus",
    "TargetFinding",
    "TargetStatus",
    "TimelineEntry",
    "Trigger",
    "Verdict",
    "WakesStatus",
    "WholeRunsStatus",
    "WorkerStatus",
]

KIND = "PerfRun"


PLURAL = "perfruns"


MAX_TIMELINE = 256


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
