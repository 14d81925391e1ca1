"""What a decision asks the shell to do. Each effect is idempotent: done twice is done once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from devperfops_operator.analysis.coverage import Usual
from devperfops_operator.analysis.targets import JudgedPods
from devperfops_operator.api.data import WorkloadKind
from devperfops_operator.api.perfgate import PerfGateStatus
from devperfops_operator.api.perfrun import PerfRun, PerfRunStatus
from devperfops_operator.domain.manifests.template import Template
from devperfops_operator.domain.objectives import CoveragePlan, Polled
from devperfops_operator.domain.quota.consumption import Metering
from devperfops_operator.domain.report import Message

Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CreateObject:
    """Create it; if an object of that name is there already, that is it."""

    manifest: Manifest  # a PerfRun, ControllerRevision or Job, from `domain.manifests`

    @property
    def key(self) -> str:
        return f"Create{self.manifest['kind']}"


@dataclass(frozen=True, slots=True)
class MarkKnownGood:
    namespace: str
    snapshot: str
    key: str = "MarkKnownGood"


@dataclass(frozen=True, slots=True)
class SuspendJob:
    """Ends the Job's pods with grace."""

    namespace: str
    name: str
    key: str = "SuspendJob"


@dataclass(frozen=True, slots=True)
class DeleteJob:
    namespace: str
    name: str
    key: str = "DeleteJob"


@dataclass(frozen=True, slots=True)
class RollBack:
    """JSON Patch: if the Deployment's template still is `expected`, it becomes `replacement`.

    So does the last-applied annotation: as it must still be, and as it becomes (None: it is left alone).
    """

    namespace: str
    deployment: str
    expected: Template
    replacement: Template
    annotation: tuple[str, str] | None = None
    key: str = "RollBack"


@dataclass(frozen=True, slots=True)
class Promote:
    """Create the copies of ConfigMaps; then as RollBack does, with the primary."""

    namespace: str
    deployment: str
    copies: tuple[Manifest, ...]
    expected: Template
    replacement: Template
    key: str = "Promote"


@dataclass(frozen=True, slots=True)
class DeleteConfigMap:
    """A copy of ours."""

    namespace: str
    name: str
    key: str = "DeleteConfigMap"


@dataclass(frozen=True, slots=True)
class RestoreOwnership:
    """Write `metadata.managedFields`, if the Deployment is still at that version."""

    namespace: str
    deployment: str
    resource_version: str
    managed_fields: tuple[Manifest, ...]
    key: str = "RestoreOwnership"


@dataclass(frozen=True, slots=True)
class PollMetrics:
    """Read what one objective needs of Prometheus over [since, until] and hand it to the evidence.

    `ends`: when the judged window ends; `step`: how often the server scrapes.
    """

    server: str
    objective: str
    polled: Polled
    since: datetime
    until: datetime
    ends: datetime
    step: timedelta
    pods: JudgedPods

    @property
    def key(self) -> str:
        return f"PollMetrics/{self.objective}"


@dataclass(frozen=True, slots=True)
class ReadTraffic:
    """Read the traffic of the judged time [since, until], and that of the time before it.

    `usual`: of a load profile, in place of the latter.
    """

    server: str
    coverage: CoveragePlan
    since: datetime
    until: datetime
    now: datetime
    usual: Usual | None = None
    key: str = "ReadTraffic"


@dataclass(frozen=True, slots=True)
class ReadConsumption:
    """Read what the judged time [since, until] took of metered limits.

    `rate`: of its requests, a second; None: the metering names their counter. `traffic`: the counter whose
    last two weeks tell production's peak; None: it is not to be read. `step`: how often the server scrapes.
    """

    server: str
    metering: Metering
    rate: float | None
    traffic: str | None
    since: datetime
    until: datetime
    step: timedelta
    namespace: str
    pods: JudgedPods
    now: datetime
    key: str = "ReadConsumption"


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell one receiver of the run's end. `attempt` (from 1): a try that has been made is not made again."""

    receiver: str
    message: Message
    attempt: int

    @property
    def key(self) -> str:
        return f"Notify/{self.receiver}"


@dataclass(frozen=True, slots=True)
class KeepRecord:
    """Create the record of what the run's tests saw; if it is there already, that is it."""

    run: PerfRun
    key: str = "KeepRecord"


@dataclass(frozen=True, slots=True)
class DeleteObject:
    """Delete it with what it owns, if it still is the one of this uid."""

    kind: str
    namespace: str
    name: str
    uid: str

    @property
    def key(self) -> str:
        return f"Delete{self.kind}"


@dataclass(frozen=True, slots=True)
class Scale:
    """Give the workload so many replicas, if it still is at that version."""

    kind: WorkloadKind
    namespace: str
    name: str
    resource_version: str
    replicas: int

    @property
    def key(self) -> str:
        return f"Scale/{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class CreateClaim:
    """Create the PersistentVolumeClaim; if one of that name is there already, that is it."""

    manifest: Manifest
    key: str = "CreateClaim"


@dataclass(frozen=True, slots=True)
class HoldRun:
    """Our finalizer on it, or (`held` is false) off it."""

    run: PerfRun
    held: bool
    key: str = "HoldRun"


Effect = (
    CreateObject
    | MarkKnownGood
    | SuspendJob
    | DeleteJob
    | RollBack
    | RestoreOwnership
    | Promote
    | DeleteConfigMap
    | PollMetrics
    | ReadTraffic
    | ReadConsumption
    | Notify
    | KeepRecord
    | DeleteObject
    | Scale
    | CreateClaim
    | HoldRun
)


@dataclass(frozen=True, slots=True)
class GateDecision:
    """The status is written first (when it differs from the stored one), then the effects, in order."""

    status: PerfGateStatus
    effects: tuple[Effect, ...] = ()
    requeue_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RunDecision:
    status: PerfRunStatus
    effects: tuple[Effect, ...] = ()
    requeue_at: datetime | None = None
