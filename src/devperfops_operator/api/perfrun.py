"""`PerfRun`: one execution of a gate, kept as history."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from devperfops_operator.api.base import API_VERSION, ApiModel, Condition, ObjectMeta, Timestamp
from devperfops_operator.wire.measurement import LoadEnd

KIND = "PerfRun"
PLURAL = "perfruns"


class Phase(StrEnum):
    PENDING = "Pending"
    AWAITING_ROLLOUT = "AwaitingRollout"
    PREPARING = "Preparing"
    STARTING = "Starting"
    RUNNING = "Running"
    JUDGING = "Judging"
    ACTING = "Acting"
    COMPLETED = "Completed"
    SUPERSEDED = "Superseded"
    CANCELLED = "Cancelled"

    @property
    def terminal(self) -> bool:
        return self in {Phase.COMPLETED, Phase.SUPERSEDED, Phase.CANCELLED}


class Verdict(StrEnum):
    PASS = "Pass"
    FAIL = "Fail"
    INCONCLUSIVE = "Inconclusive"
    ERROR = "Error"


class Trigger(StrEnum):
    ROLLOUT = "Rollout"
    MANUAL = "Manual"


class ActionType(StrEnum):
    PROMOTE = "Promote"
    ROLLBACK = "Rollback"
    HOLD = "Hold"


class PerfRunSpec(ApiModel):
    gate: Annotated[str, Field(max_length=40)]
    reason: Annotated[str, Field(max_length=256)] = ""
    cancel: bool = False


class ObjectiveStatus(ApiModel):
    """One objective's evidence and verdict. Shares are texts (`0.12%`): the API has no floats."""

    name: str
    expect: str
    verdict: Verdict | None = None
    reason: str | None = None
    message: str | None = None
    observed: str | None = None  # as a person would say it: "p99 = 212 ms", "0.12% errors"
    exceedance: str | None = None  # observed share of exceedances: "0.35%"
    bound: str | None = None  # upper confidence bound of that share: "0.48%"
    allowed: str | None = None  # share allowed by the objective: "1%"
    samples: int = 0
    exceedances: int = 0
    decided_at: Timestamp | None = None


class ObjectiveTotals(ApiModel):
    """A worker's final count for one objective."""

    name: str
    samples: int
    exceedances: int
    exceedance_seconds: int


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
    objectives: tuple[ObjectiveTotals, ...] = ()


class LoadStatus(ApiModel):
    """Offered against achieved load. Rates per minute, as text `2987/m`."""

    threads: int
    planned_rate: str | None = None
    achieved_rate: str | None = None
    samples: int = 0
    judged_samples: int = 0
    errors: int = 0
    start_at: Timestamp | None = None  # when the workers were told to start
    judged_from: Timestamp | None = None  # first row + rampUp
    ends_at: Timestamp | None = None  # planned
    ended_at: Timestamp | None = None
    stop_requested_at: Timestamp | None = None


class ActionStatus(ApiModel):
    """What was decided to do, and, once `done_at` is set, that it happened."""

    type: ActionType
    reason: str
    message: str = ""
    to_revision: str | None = None
    decided_at: Timestamp
    done_at: Timestamp | None = None


class TimelineEntry(ApiModel):
    """One coded step; each becomes one Kubernetes event."""

    at: Timestamp
    phase: Phase
    reason: Annotated[str, Field(max_length=64)]
    message: Annotated[str, Field(max_length=1024)]


class PerfRunStatus(ApiModel):
    observed_generation: int = 0
    phase: Phase = Phase.PENDING
    verdict: Verdict | None = None
    reason: str | None = None
    message: str | None = None
    trigger: Trigger | None = None
    revision: str | None = None
    template_hash: str | None = None
    gate_generation: int | None = None
    snapshot: str | None = None
    load: LoadStatus | None = None
    objectives: tuple[ObjectiveStatus, ...] = ()
    workers: tuple[WorkerStatus, ...] = ()
    action: ActionStatus | None = None
    timeline: tuple[TimelineEntry, ...] = ()
    conditions: tuple[Condition, ...] = ()
    completed_at: Timestamp | None = None


class PerfRun(ApiModel):
    api_version: Literal["devperfops.io/v1alpha1"] = API_VERSION
    kind: Literal["PerfRun"] = "PerfRun"
    metadata: ObjectMeta
    spec: PerfRunSpec
    status: PerfRunStatus = PerfRunStatus()
