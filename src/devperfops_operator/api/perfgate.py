"""`PerfGate`: which workload is guarded, how it is loaded, what it must hold."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from devperfops_operator.api.base import API_VERSION, ApiModel, Condition, ObjectMeta, Timestamp

KIND = "PerfGate"
PLURAL = "perfgates"


class TargetRef(ApiModel):
    """The guarded workload, in the gate's own namespace."""

    kind: Literal["Deployment"] = "Deployment"
    name: Annotated[str, Field(max_length=63)]


class PlanSource(ApiModel):
    """The ConfigMap key that holds the JMeter test plan (JMX)."""

    config_map: Annotated[str, Field(max_length=253)]
    key: Annotated[str, Field(max_length=253)] = "scenario.jmx"


class JMeterLoad(ApiModel):
    """What JMeter is asked to do. Durations as Kubernetes writes them (`90s`, `10m`), rate as `3000/m`."""

    plan: PlanSource
    threads: Annotated[int, Field(ge=1, le=100_000)]
    ramp_up: Annotated[str, Field(max_length=16)] = "0s"
    duration: Annotated[str, Field(max_length=16)]
    rate: Annotated[str | int | None, Field(max_length=16)] = None


class Load(ApiModel):
    jmeter: JMeterLoad


class Objective(ApiModel):
    """One thing the target must hold: a JMeter objective, or with `good` and `total` one from Prometheus."""

    name: Annotated[str | None, Field(max_length=63)] = None
    expect: Annotated[str, Field(max_length=80)]
    good: Annotated[str | None, Field(max_length=4096)] = None
    total: Annotated[str | None, Field(max_length=4096)] = None


class Triggers(ApiModel):
    """What starts a run by itself. Manual runs are always possible."""

    rollout: bool = True


class OnFail(StrEnum):
    ROLLBACK = "Rollback"
    HOLD = "Hold"


class Actions(ApiModel):
    on_fail: OnFail = OnFail.ROLLBACK


class PerfGateSpec(ApiModel):
    target_ref: TargetRef
    load: Load
    objectives: tuple[Objective, ...]
    prometheus: Annotated[str | None, Field(max_length=63)] = None
    triggers: Triggers = Triggers()
    actions: Actions = Actions()


class TargetStatus(ApiModel):
    """The target as last seen. `revision` is recomputed only when `generation` changes."""

    generation: int
    revision: str
    template_hash: str


class CurrentRun(ApiModel):
    """The operator's own run for the target's revision; written before the PerfRun is created.

    Only the operator may write a gate's status, so a run named here is known to be its own (Rollout);
    every other PerfRun is Manual, whatever it claims.
    """

    name: str
    revision: str
    gate_generation: int


class PerfGateStatus(ApiModel):
    observed_generation: int = 0
    conditions: tuple[Condition, ...] = ()
    target: TargetStatus | None = None
    run: CurrentRun | None = None
    known_good: str | None = None  # revision; told to people, never read back
    last_verdict: str | None = None  # told to people, never read back
    last_run_at: Timestamp | None = None


class PerfGate(ApiModel):
    api_version: Literal["devperfops.io/v1alpha1"] = API_VERSION
    kind: Literal["PerfGate"] = "PerfGate"
    metadata: ObjectMeta
    spec: PerfGateSpec
    status: PerfGateStatus = PerfGateStatus()
