"""What live runs have delivered so far, and whether it is proof yet.

Stateful, but without I/O or clock. Workers' blocks go in as they come; each is counted once, in its order,
whatever is sent again or overtakes. After every block the sequential tests look at all workers together; a
failed objective stays failed. What `view` gives is a value: nothing changes in it later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import assert_never

from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.analysis.series import Series
from devperfops_operator.api.perfrun import WorkerStatus
from devperfops_operator.domain.errors import Unavailable
from devperfops_operator.domain.load_findings import START_SKEW
from devperfops_operator.domain.objectives import (
    BadEvents,
    Counted,
    FailedSamples,
    GaugePoints,
    JudgedObjective,
    OverThreshold,
    Polled,
    RunPlan,
)
from devperfops_operator.domain.observed import Evidence, ObjectiveEvidence, Problem, WorkerEvidence
from devperfops_operator.domain.verdict import Reason
from devperfops_operator.evidence.polled import GaugeWindow, PolledObjective
from devperfops_operator.wire.histogram import quantile
from devperfops_operator.wire.measurement import Block, Final, Heartbeat, JMeterState, LabelStats, Push

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAMES_TOLD = 10
_JMETER_STATES = list(JMeterState)  # in the order they come


class EvidenceStore:
    """The evidence of all live runs, by the run's uid.

    Everything but `open`, `close`, `is_open` and `view` raises Unavailable for a run that is not open:
    after a restart that means "not yet, send it again".
    """

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}

    def open(self, run_uid: str, plan: RunPlan, stored: Sequence[WorkerStatus] = ()) -> None:
        """Begin, or go on, collecting. `stored` totals stand in for workers whose blocks are not all here."""
        if run_uid not in self._runs:
            self._runs[run_uid] = _Run(plan)
        self._runs[run_uid].stand_in(stored)

    def is_open(self, run_uid: str) -> bool:
        return run_uid in self._runs

    def close(self, run_uid: str) -> None:
        """Forget the run."""
        self._runs.pop(run_uid, None)

    def prepared(self, run_uid: str, worker: int, now: datetime) -> None:
        """The worker is ready and waits for the common start. Raises ValueError if there is none."""
        self._run(run_uid).worker(worker).prepare(now)

    def accept(self, run_uid: str, worker: int, push: Push, now: datetime) -> int:
        """Take in a push; returns the number of the block wanted next.

        Raises ValueError, and takes in nothing, if the worker or a block does not fit the run's plan.
        """
        run = self._run(run_uid)
        for block in push.blocks:
            _check(block, len(run.plan.thresholds))
        return run.accept(worker, push, now)

    def accept_counters(
        self, run_uid: str, objective: str, good: Sequence[Series], total: Sequence[Series], now: datetime
    ) -> None:
        """Take in an objective's counters: all samples of the judged window so far, at each poll again."""
        self._run(run_uid).polled[objective].count(good, total, now)

    def accept_gauge(
        self, run_uid: str, objective: str, series: Sequence[Series], window: GaugeWindow, now: datetime
    ) -> None:
        """Take in a gauge: its points in the judged window so far, at each poll again."""
        self._run(run_uid).polled[objective].look(series, window, now)

    def poll_failed(self, run_uid: str, objective: str, problem: Problem, now: datetime) -> None:
        """The poll of an objective got no usable answer. What was counted before stays."""
        self._run(run_uid).polled[objective].miss(problem, now)

    def view(self, run_uid: str) -> Evidence:
        """The evidence as it is now; empty for a run that is not open."""
        run = self._runs.get(run_uid)
        return run.view() if run else Evidence()

    def _run(self, run_uid: str) -> _Run:
        if run_uid not in self._runs:
            raise Unavailable("the operator does not collect this run's measurements (yet); send them again")
        return self._runs[run_uid]


@dataclass(slots=True)
class _Count:
    """One worker's count for one objective. `stored_seconds`: of a stand-in, which only knows how many."""

    samples: int = 0
    exceedances: int = 0
    seconds: set[int] = field(default_factory=set)
    stored_seconds: int = 0

    def add(self, second: int, samples: int, exceedances: int) -> None:
        self.samples += samples
        self.exceedances += exceedances
        if exceedances:
            self.seconds.add(second)


def _tally(counts: Sequence[_Count], different: int) -> Tally:
    """All of them together. Stored seconds may be the same in each, so the most that are surely different."""
    return Tally(
        samples=sum(count.samples for count in counts),
        exceedances=sum(count.exceedances for count in counts),
        exceedance_seconds=max([different, *(count.stored_seconds for count in counts)]),
    )


class _Worker:
    """One worker: live, or a stand-in made of its stored totals."""

    def __init__(self, index: int, objectives: Iterable[JudgedObjective]) -> None:
        self.seen = WorkerEvidence(index)
        self.counts = {objective.name: _Count() for objective in objectives}
        self.stand_in = False

    @classmethod
    def from_totals(cls, totals: WorkerStatus, objectives: Iterable[JudgedObjective]) -> _Worker:
        worker = cls(totals.index, objectives)
        worker.stand_in = True
        worker.seen = WorkerEvidence(
            index=totals.index,
            prepared=True,
            jmeter=JMeterState.ENDED,
            rows=totals.rows,
            errors=totals.errors,
            judged_samples=totals.judged_samples,
            judged_errors=totals.judged_errors,
            blocks=totals.blocks,
            first_start=totals.first_start,
            last_end=totals.last_end,
            fault=totals.fault,
            final=Final(totals.blocks, totals.rows, totals.errors, totals.end, totals.truncated),
        )
        for stored in totals.objectives:
            if stored.name in worker.counts:
                worker.counts[stored.name] = _Count(
                    stored.samples, stored.exceedances, stored_seconds=stored.exceedance_seconds
                )
        return worker

    def prepare(self, now: datetime) -> None:
        self.seen = replace(self.seen, prepared=True, heard_at=_latest(self.seen.heard_at, now))

    def hear(self, heartbeat: Heartbeat, now: datetime) -> None:
        """Pushes may overtake each other, so every figure moves in one direction only."""
        answered = now if heartbeat.rows > self.seen.rows else None
        self.seen = replace(
            self.seen,
            heard_at=_latest(self.seen.heard_at, now),
            answered_at=_latest(self.seen.answered_at, answered),
            jmeter=max(self.seen.jmeter, heartbeat.jmeter, key=_JMETER_STATES.index),
            rows=max(self.seen.rows, heartbeat.rows),
            first_start=_earliest(self.seen.first_start, _moment(heartbeat.first_start_ms)),
            last_end=_latest(self.seen.last_end, _moment(heartbeat.last_end_ms)),
            fault=self.seen.fault or heartbeat.fault,
        )

    def add(self, block: Block, objectives: Iterable[JudgedObjective]) -> None:
        errors = sum(stats.errors for stats in block.labels.values())
        self.seen = replace(
            self.seen,
            errors=self.seen.errors + block.warmup_errors + errors,
            judged_samples=self.seen.judged_samples + sum(s.samples for s in block.labels.values()),
            judged_errors=self.seen.judged_errors + errors,
            blocks=self.seen.blocks + 1,
        )
        for objective in objectives:
            self.counts[objective.name].add(block.second, *_counted_in(block, objective.counted))

    def finish(self, final: Final) -> None:
        """The first FINAL is the last word."""
        self.seen = replace(self.seen, final=self.seen.final or final)

    def view(self) -> WorkerEvidence:
        return replace(
            self.seen,
            tallies={name: _tally([count], len(count.seconds)) for name, count in self.counts.items()},
        )


class _Run:
    """One run: its workers, what Prometheus told, and which objectives have failed."""

    def __init__(self, plan: RunPlan) -> None:
        self.plan = plan
        self.sampled = [o for o in plan.objectives if not isinstance(o.counted, Polled)]
        self.polled = {o.name: PolledObjective(o) for o in plan.polled_objectives}
        self.workers: dict[int, _Worker] = {}
        self.failed: set[str] = set()
        self.histograms: dict[str | None, Counter[int]] = {
            o.transaction: Counter() for o in self.sampled if isinstance(o.counted, OverThreshold)
        }
        self.labels: set[str] = set()

    def worker(self, index: int) -> _Worker:
        """Raises ValueError if the run has none of that number."""
        if index >= self.plan.workers:  # anybody may name a pod so
            raise ValueError(f"the run has {self.plan.workers} workers, and none is number {index}")
        if index not in self.workers:
            self.workers[index] = _Worker(index, self.sampled)
        return self.workers[index]

    def stand_in(self, stored: Sequence[WorkerStatus]) -> None:
        for totals in stored:
            known = self.workers.get(totals.index)
            if known is None or not known.seen.complete:
                self.workers[totals.index] = _Worker.from_totals(totals, self.sampled)
        self._look()

    def accept(self, index: int, push: Push, now: datetime) -> int:
        worker = self.worker(index)
        worker.hear(push.heartbeat, now)
        for block in push.blocks:
            if block.sequence == worker.seen.blocks:
                worker.add(block, self.sampled)
                self._remember(block)
                self._look()
        if push.final is not None:
            worker.finish(push.final)
        return worker.seen.blocks

    def _remember(self, block: Block) -> None:
        """What only the whole run's samples tell."""
        self.labels.update(block.labels)
        for transaction, histogram in self.histograms.items():
            for stats in _stats_of(block, transaction):
                histogram.update(stats.histogram)

    def view(self) -> Evidence:
        polls = [polled.polled_at for polled in self.polled.values()]
        return Evidence(
            workers=tuple(self.workers[index].view() for index in sorted(self.workers)),
            objectives={
                **{objective.name: self._objective(objective) for objective in self.sampled},
                **{name: polled.evidence for name, polled in self.polled.items()},
            },
            metrics_polled_at=min((at for at in polls if at), default=None) if all(polls) else None,
        )

    def _look(self) -> None:
        for objective in self.sampled:
            if objective.name not in self.failed and objective.test.fails(self._merged(objective)):
                self.failed.add(objective.name)

    def _merged(self, objective: JudgedObjective) -> Tally:
        counts = [worker.counts[objective.name] for worker in self.workers.values()]
        seconds = [count.seconds for count in counts]
        if self._apart:  # one second of the target may have two names
            return _tally(counts, max(map(len, seconds)))
        return _tally(counts, len(set().union(*seconds)))

    @property
    def _apart(self) -> bool:
        """Whether the workers began, or their nodes' clocks are, too far from each other."""
        starts = [w.seen.first_start for w in self.workers.values() if w.seen.first_start is not None]
        return bool(starts) and max(starts) - min(starts) > START_SKEW

    def _objective(self, objective: JudgedObjective) -> ObjectiveEvidence:
        tally = self._merged(objective)
        unknown = objective.transaction is not None and not tally.samples
        return ObjectiveEvidence(
            tally=tally,
            failed=objective.name in self.failed,
            quantile_ms=self._quantile(objective.counted),
            gap=Problem(Reason.NO_SAMPLES.value, self._names_seen()) if unknown else None,
        )

    def _names_seen(self) -> str:
        """Beside a name that no sample has."""
        seen = sorted(self.labels)
        more = f" and {len(seen) - _NAMES_TOLD} more" if len(seen) > _NAMES_TOLD else ""
        told = f"; the samplers are called {', '.join(seen[:_NAMES_TOLD])}{more}" if seen else ""
        return f"no judged sample has this name{told}"

    def _quantile(self, counted: Counted) -> float | None:
        """Milliseconds; None where it is not known: a stand-in has no histogram."""
        if not isinstance(counted, OverThreshold) or any(worker.stand_in for worker in self.workers.values()):
            return None
        return quantile(self.histograms[counted.transaction], counted.quantile)


def _counted_in(block: Block, counted: Counted) -> tuple[int, int]:
    """Samples and exceedances that a block holds for an objective."""
    match counted:
        case OverThreshold(index, transaction=transaction):
            labels = _stats_of(block, transaction)
            censored = sum(stats.censored_over[index] for stats in labels)
            return (
                sum(stats.samples for stats in labels) + censored,
                sum(stats.over[index] for stats in labels) + censored,
            )
        case FailedSamples(transaction):
            labels = _stats_of(block, transaction)
            return sum(stats.samples for stats in labels), sum(stats.errors for stats in labels)
        case BadEvents() | GaugePoints():
            return 0, 0  # not measured by workers
        case _:
            assert_never(counted)


def _stats_of(block: Block, transaction: str | None) -> list[LabelStats]:
    """Of the samples of that name; None: of all samplers."""
    if transaction is None:
        return list(block.labels.values())
    tables = (block.labels, block.controllers)
    return [table[transaction] for table in tables if transaction in table]


def _check(block: Block, thresholds: int) -> None:
    for label, stats in chain(block.labels.items(), block.controllers.items()):
        fits = (
            len(stats.over) == len(stats.censored_over) == thresholds
            and all(0 <= part <= stats.samples for part in (stats.errors, *stats.over))
            and all(censored >= 0 for censored in stats.censored_over)
        )
        if not fits:
            raise ValueError(
                f"block {block.sequence}, label {label!r}: counts do not fit {thresholds} thresholds"
            )


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else _EPOCH + timedelta(milliseconds=milliseconds)


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment), default=None)


def _latest(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)
