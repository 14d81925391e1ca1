"""What a worker of the load delivered in the end."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from devperfops_operator.api.base import ApiModel, Line, Name, Timestamp
from devperfops_operator.api.objective import MAX_OBJECTIVES
from devperfops_operator.api.perfrun.objective import ObjectiveName
from devperfops_operator.wire.hosts import HOSTS
from devperfops_operator.wire.measurement import LEVELS, Fault, LoadEnd


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
