"""A gate's objectives, resolved: what is counted, and the share of exceedances each allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from fractions import Fraction
from typing import ClassVar, Final, assert_never

from devperfops_operator.analysis.comparison import ComparisonTest
from devperfops_operator.analysis.exceedance import ShareTest
from devperfops_operator.analysis.gauge import GaugeTest
from devperfops_operator.analysis.runs import RunsTest
from devperfops_operator.analysis.sequential import Patience
from devperfops_operator.api.expect import Comparison
from devperfops_operator.api.objective import Origin
from devperfops_operator.domain.shape import Shape
from devperfops_operator.wire.brief import Threshold

_SECOND: Final = timedelta(seconds=1)
_FAIL_AFTER: Final = timedelta(minutes=2)
_PASS_AFTER: Final = timedelta(minutes=5)
_SHORT: Final = 5  # a Fail waits for no more than a fifth of a test


@dataclass(frozen=True, slots=True)
class OverThreshold:
    """Latency: counts samples over threshold `index` of the plan. `quantile` is its name.

    `transaction`: the label whose samples count; None: those of all samplers. `level`: of the load's shape at
    which they began; None: of a steady load.
    """

    index: int
    quantile: Fraction
    transaction: str | None = None
    level: int | None = None


@dataclass(frozen=True, slots=True)
class FailedSamples:
    """Errors: counts failed samples, likewise."""

    transaction: str | None = None
    level: int | None = None


@dataclass(frozen=True, slots=True)
class AgainstBaseline:
    """Latency: compares this quantile with that of the baseline under the same load, block by block."""

    quantile: Fraction
    transaction: str | None = None


@dataclass(frozen=True, slots=True)
class AgainstPast:
    """Latency: compares this quantile with that of the gate's earlier runs, at the end."""

    quantile: Fraction
    transaction: str | None = None


@dataclass(frozen=True, slots=True)
class BadEvents:
    """Counters at Prometheus: total minus good."""

    good: str
    total: str


@dataclass(frozen=True, slots=True)
class OverEdge:
    """Latency at Prometheus: counts what is over an edge of a histogram, by the selector of its buckets."""

    histogram: str
    limit_ms: int


@dataclass(frozen=True, slots=True)
class GaugePoints:
    """A gauge at Prometheus: counts its points out of bounds."""

    query: str
    op: Comparison
    limit: float

    def in_bounds(self, value: float) -> bool:
        match self.op:
            case Comparison.LESS:
                return value < self.limit
            case Comparison.AT_MOST:
                return value <= self.limit
            case Comparison.GREATER:
                return value > self.limit
            case Comparison.AT_LEAST:
                return value >= self.limit
            case _:
                assert_never(self.op)


Polled = BadEvents | OverEdge | GaugePoints
"""What Prometheus is asked for."""
Relative = AgainstBaseline | AgainstPast
"""A percentile that is compared with another."""
Counted = OverThreshold | FailedSamples | Relative | Polled


@dataclass(frozen=True, slots=True)
class JudgedObjective:
    """One that is not `critical` is judged and told, but decides nothing."""

    name: str
    expect: str
    counted: Counted
    test: ShareTest | GaugeTest | ComparisonTest | RunsTest
    critical: bool = True
    weight: int = 1
    origin: Origin | None = None

    @property
    def transaction(self) -> str | None:
        """The label it is about; None: it is not about one."""
        match self.counted:
            case (
                OverThreshold(transaction=transaction)
                | FailedSamples(transaction=transaction)
                | AgainstBaseline(transaction=transaction)
                | AgainstPast(transaction=transaction)
            ):
                return transaction
            case BadEvents() | OverEdge() | GaugePoints():
                return None
            case _:
                assert_never(self.counted)

    @property
    def level(self) -> int | None:
        """Of the load's shape; None: it is about the whole load."""
        return self.counted.level if isinstance(self.counted, OverThreshold | FailedSamples) else None

    @property
    def claim(self) -> str:
        """What it says, for people: `p99 < 2s of GET /cart`."""
        return claim(self.expect, self.transaction)


def share_test(objective: JudgedObjective) -> ShareTest:
    """Of one whose samples or events are counted. Raises TypeError of a gauge's and of a comparison's."""
    if not isinstance(objective.test, ShareTest):
        raise TypeError(f"{objective.name} has no share to test")
    return objective.test


def claim(expect: str, transaction: str | None) -> str:
    return expect if transaction is None else f"{expect} of {transaction}"


def patience_of(judged: timedelta) -> Patience:
    """Of a test that judges so long: before its end a Pass needs five minutes, a Fail two."""
    return Patience(
        fail_after=min(_FAIL_AFTER, judged / _SHORT) // _SECOND,
        pass_after=_PASS_AFTER // _SECOND if judged > _PASS_AFTER else None,
        look_at=judged * 9 // 10 // _SECOND,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveragePlan:
    """What is usual, what was tested, and how far these may be apart (shares of 1).

    `traffic`, `tested`: selectors of raw counters. Without the one the load profile says what is usual,
    without the other JMeter's labels are counted; `labels`: which endpoints these are, where their names do
    not tell. `by`: the labels of an endpoint; `enough`: requests that a known endpoint needs. `judged`: false
    where nobody asked for it, so that it is told only.
    """

    traffic: str | None
    tested: str | None
    by: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    judged: bool = True
    lookback: timedelta
    enough: int
    min_endpoints: Fraction
    max_unseen: Fraction
    min_volume: Fraction | None = None
    max_distance: Fraction | None = None

    @property
    def at_prometheus(self) -> bool:
        """Whether something must be asked for it."""
        return self.tested is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is judged, and where Prometheus is, resolved from the gate as it was when the run began.

    `fail_after`, `pass_after`: how long a verdict waits; None: as usual.
    """

    objectives: tuple[JudgedObjective, ...]
    prometheus: str | None
    coverage: CoveragePlan | None = None
    fail_after: timedelta | None = None
    pass_after: timedelta | None = None

    def _waits(self, usual: Patience, judged: timedelta) -> Patience:
        waits = usual
        if self.fail_after is not None:
            waits = replace(waits, fail_after=self.fail_after // _SECOND)
        if self.pass_after is not None:
            early = self.pass_after < judged
            waits = replace(waits, pass_after=self.pass_after // _SECOND if early else None)
        return waits

    @property
    def critical_objectives(self) -> Sequence[JudgedObjective]:
        return [objective for objective in self.objectives if objective.critical]

    @property
    def polled_objectives(self) -> Sequence[JudgedObjective]:
        return [objective for objective in self.objectives if isinstance(objective.counted, Polled)]


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePlan(Plan):
    """Real users' traffic is judged for a while. Nobody loads: there are no workers and no samples."""

    workers: ClassVar[int] = 0
    baseline_workers: ClassVar[frozenset[int]] = frozenset()
    shape: ClassVar[None] = None
    thresholds: ClassVar[tuple[Threshold, ...]] = ()
    duration: timedelta

    def patience_for(self, _: JudgedObjective) -> Patience:
        return self.patience

    @property
    def patience(self) -> Patience:
        """Coverage is about the whole time, so nothing passes before its end."""
        return replace(self._waits(patience_of(self.duration), self.duration), pass_after=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan(Plan):
    """A load is played and judged. `against_baseline`: every other worker plays it against a baseline.

    `duration`: of the load, at the longest. `planned`: after which it goes on only if evidence is missing;
    None: it never does. `shape`: multiplies the rate; None: it is steady.
    """

    workers: int
    against_baseline: bool = False
    threads: int
    ramp_up: timedelta
    duration: timedelta
    planned: timedelta | None = None
    rate_per_minute: Fraction | None
    thresholds: tuple[Threshold, ...]
    shape: Shape | None = None

    @property
    def judged(self) -> timedelta:
        """How long samples count, at the longest."""
        return self.duration - self.ramp_up

    @property
    def patience(self) -> Patience:
        planned = (self.planned or self.duration) - self.ramp_up
        usual = replace(patience_of(self.judged), fail_after=patience_of(planned).fail_after)
        waits = self._waits(usual, self.judged)
        return waits if self.shape is None else replace(waits, pass_after=None)  # it is played to its end

    def patience_for(self, objective: JudgedObjective) -> Patience:
        """Of one that is about one level of the shape only, by that level's time."""
        if self.shape is None or objective.level is None:
            return self.patience
        lasts = self.shape.lasts(objective.level)
        return replace(self._waits(patience_of(lasts), lasts), pass_after=None)

    @property
    def mean_rate_per_minute(self) -> Fraction | None:
        """Over the judged time."""
        if self.rate_per_minute is None or self.shape is None:
            return self.rate_per_minute
        return self.rate_per_minute * self.shape.mean

    @property
    def baseline_workers(self) -> frozenset[int]:
        """Those that play against the baseline."""
        return frozenset(range(1, self.workers, 2)) if self.against_baseline else frozenset()

    @property
    def transactions(self) -> tuple[str, ...]:
        """The labels that objectives are about."""
        named = (objective.transaction for objective in self.objectives)
        return tuple(dict.fromkeys(name for name in named if name is not None))
