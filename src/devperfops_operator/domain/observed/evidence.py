"""What was measured so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from devperfops_operator.analysis.batches import ComparedRun
from devperfops_operator.analysis.coverage import Coverage
from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.analysis.gauge import Points
from devperfops_operator.analysis.past import PastEffect
from devperfops_operator.analysis.runs import Limits, PastTimes
from devperfops_operator.analysis.scatter import Scatters, effect_of
from devperfops_operator.analysis.sequential import SlowStart, independent
from devperfops_operator.domain.observed.problem import Problem
from devperfops_operator.domain.quota.consumption import Figure, RequestPeak
from devperfops_operator.wire.measurement import Fault, Final, JMeterState
from devperfops_operator.wire.wakes import Wakes


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
