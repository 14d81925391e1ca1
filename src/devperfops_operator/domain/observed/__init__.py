"""What the decisions look at: plain values, gathered by the shell, never fetched from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.domain.manifests.ownership import Restoration
from devperfops_operator.domain.observed.evidence import (
    Compared,
    ConsumptionEvidence,
    Evidence,
    ObjectiveEvidence,
    Recalled,
    TrafficEvidence,
    WorkerEvidence,
)
from devperfops_operator.domain.observed.inputs import Inputs, RunJob, SLAStanding, Snapshot
from devperfops_operator.domain.observed.problem import Problem
from devperfops_operator.domain.observed.reset import SeenClaim, SeenVolume, SeenWorkload
from devperfops_operator.domain.observed.target import Primary, Rollout, Target, TargetPod, TargetPods
from devperfops_operator.domain.quota.answer import QuotaAnswer

__all__ = [
    "Compared",
    "ConsumptionEvidence",
    "Delivery",
    "EffectFailure",
    "Evidence",
    "GateObserved",
    "Inputs",
    "ObjectiveEvidence",
    "Primary",
    "Problem",
    "Recalled",
    "Rollout",
    "RunJob",
    "RunObserved",
    "RunSettings",
    "SLAStanding",
    "SeenClaim",
    "SeenVolume",
    "SeenWorkload",
    "Snapshot",
    "Target",
    "TargetPod",
    "TargetPods",
    "TrafficEvidence",
    "WorkerEvidence",
]


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
