"""One worker of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.api.perfrun import WorkerStatus
from devperfops_operator.domain.objectives import JudgedObjective
from devperfops_operator.domain.observed import WorkerEvidence
from devperfops_operator.wire.kept_plan import KeptPlan
from devperfops_operator.wire.measurement import Block, Final, Heartbeat, JMeterState
from devperfops_operator.wire.threads import Held
from devperfops_operator.wire.wakes import Wakes

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_JMETER_STATES = list(JMeterState)  # in the order they come


@dataclass(slots=True)
class Count:
    """One worker's count for one objective.

    `unanswered`: exceedances that had no answer when the load was stopped. `stored_seconds`: of a stand-in,
    which only knows how many.
    """

    samples: int = 0
    exceedances: int = 0
    unanswered: int = 0
    seconds: set[int] = field(default_factory=set)
    stored_seconds: int = 0

    def add(self, second: int, samples: int, exceedances: int, unanswered: int = 0) -> None:
        self.samples += samples
        self.exceedances += exceedances
        self.unanswered += unanswered
        if exceedances:
            self.seconds.add(second)


def merged(counts: Sequence[Count], *, apart: bool) -> Tally:
    """All of them together. Stored seconds may be the same in each, so the most that are surely different.

    `apart`: the workers' clocks are, so that one second of the target may have two names.
    """
    seconds = [count.seconds for count in counts]
    different = max(map(len, seconds), default=0) if apart else len(set().union(*seconds))
    return Tally(
        samples=sum(count.samples for count in counts),
        exceedances=sum(count.exceedances for count in counts),
        exceedance_seconds=max([different, *(count.stored_seconds for count in counts)]),
    )


class Worker:
    """One worker: live, or a stand-in made of its stored totals."""

    def __init__(self, index: int, objectives: Iterable[JudgedObjective]) -> None:
        self.seen = WorkerEvidence(index)
        self.counts = {objective.name: Count() for objective in objectives}
        self.stand_in = False

    @classmethod
    def from_totals(cls, totals: WorkerStatus, objectives: Iterable[JudgedObjective]) -> Worker:
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
            wakes=_wakes(totals),
            hosts={each.host: each.samples for each in totals.hosts},
            final=_final(totals),
            levels={index: each.samples for index, each in enumerate(totals.levels)},
        )
        for stored in totals.objectives:
            if stored.name in worker.counts:
                worker.counts[stored.name] = Count(
                    stored.samples,
                    stored.exceedances,
                    stored.unanswered,
                    stored_seconds=stored.exceedance_seconds,
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
            hosts=max(self.seen.hosts, heartbeat.hosts, key=lambda hosts: sum(hosts.values())),
            wakes=max(self.seen.wakes, heartbeat.wakes, key=lambda wakes: wakes.count if wakes else -1),
        )

    def add(self, block: Block, counted: Mapping[str, tuple[int, int, int]]) -> None:
        """`counted`: samples, exceedances and unanswered ones of the block, by the objective's name."""
        errors = sum(stats.errors for stats in block.labels.values())
        samples = sum(stats.samples for stats in block.labels.values())
        level = self.seen.levels.get(block.level, 0) + samples
        self.seen = replace(
            self.seen,
            errors=self.seen.errors + block.warmup_errors + errors,
            judged_samples=self.seen.judged_samples + samples,
            levels={**self.seen.levels, block.level: level},
            judged_errors=self.seen.judged_errors + errors,
            blocks=self.seen.blocks + 1,
        )
        for name, counts in counted.items():
            self.counts[name].add(block.second, *counts)

    def finish(self, final: Final) -> None:
        """The first FINAL is the last word."""
        self.seen = replace(self.seen, final=self.seen.final or final)

    def view(self) -> WorkerEvidence:
        return replace(
            self.seen,
            tallies={name: merged([count], apart=False) for name, count in self.counts.items()},
            unanswered={name: count.unanswered for name, count in self.counts.items()},
        )


def _final(totals: WorkerStatus) -> Final:
    held, plan = totals.held, totals.plan
    return Final(
        blocks=totals.blocks,
        rows=totals.rows,
        errors=totals.errors,
        end=totals.end,
        truncated=totals.truncated,
        ran_ms=totals.ran_ms,
        held=None if held is None else Held(held.requests, held.time_ms, held.longest_ms),
        held_above=tuple(
            Held(each.held.requests, each.held.time_ms, each.held.longest_ms) if each.held else Held()
            for each in totals.levels[1:]
        ),
        plan=None if plan is None else KeptPlan(plan.sha256, plan.size, unkept=plan.unkept),
    )


def _wakes(totals: WorkerStatus) -> Wakes | None:
    wakes = totals.wakes
    return None if wakes is None else Wakes(wakes.count, wakes.late, wakes.latest_ms)


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else _EPOCH + timedelta(milliseconds=milliseconds)


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment), default=None)


def _latest(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)
