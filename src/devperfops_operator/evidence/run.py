"""One run: its workers, what Prometheus told, and which objectives have failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from devperfops_operator.analysis.batches import PastBatches
from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.analysis.looks import Journal
from devperfops_operator.analysis.past import PastEffect
from devperfops_operator.analysis.profile import TRANSACTIONS, Profile
from devperfops_operator.analysis.runs import PastTimes
from devperfops_operator.api.perfrun import PerfRunStatus
from devperfops_operator.domain.load_findings import START_SKEW, names
from devperfops_operator.domain.objectives import (
    AgainstBaseline,
    AgainstPast,
    JudgedObjective,
    LivePlan,
    OverThreshold,
    Polled,
    Relative,
    RunPlan,
    share_test,
)
from devperfops_operator.domain.observed import (
    ConsumptionEvidence,
    Evidence,
    ObjectiveEvidence,
    Problem,
    TrafficEvidence,
)
from devperfops_operator.domain.past import own_scatters
from devperfops_operator.domain.record import RunRecord, series_key
from devperfops_operator.domain.verdict import Reason
from devperfops_operator.evidence.blocks import counted_in, counts_at, stats_of, unanswered_in
from devperfops_operator.evidence.compared import ComparedObjective
from devperfops_operator.evidence.followed import Followed
from devperfops_operator.evidence.polled import PolledObjective
from devperfops_operator.evidence.recalled import RecalledObjective
from devperfops_operator.evidence.worker import Worker, merged
from devperfops_operator.wire.histogram import quantile
from devperfops_operator.wire.kept_plan import KeptPlan
from devperfops_operator.wire.measurement import Block, Push

_NAMES_TOLD = 10


@dataclass(frozen=True, slots=True)
class Accepted:
    """`want`: number of the block wanted next. `decisive`: what came may change what is to be done."""

    want: int
    decisive: bool


class Run:
    def __init__(
        self,
        plan: RunPlan | LivePlan,
        past: Mapping[str, PastEffect],
        times: Mapping[str, PastTimes],
        batches: Mapping[str, PastBatches],
    ) -> None:
        self.plan = plan
        self.sampled = [o for o in plan.objectives if not isinstance(o.counted, Relative | Polled)]
        self.recalled = {
            o.name: RecalledObjective(o, times.get(o.name, PastTimes()))
            for o in plan.objectives
            if isinstance(o.counted, AgainstPast)
        }
        self.compared = {
            o.name: ComparedObjective(o, plan, batches.get(o.name, PastBatches()))
            for o in plan.objectives
            if isinstance(o.counted, AgainstBaseline) and isinstance(plan, RunPlan)
        }
        self.polled = {
            o.name: PolledObjective(o, plan.patience, past.get(o.name, PastEffect()))
            for o in plan.polled_objectives
        }
        self.workers: dict[int, Worker] = {}
        self.followed = {
            o.name: Followed(share_test(o), plan.patience_for(o), past.get(o.name, PastEffect()))
            for o in self.sampled
        }
        self.by_level: dict[str, Counter[int]] = {
            o.name: Counter() for o in self.sampled if o.level is not None
        }
        self.sent: Counter[str] = Counter()  # judged samples by label
        named = [o.transaction for o in self.sampled if o.transaction is not None]
        self.profile = Profile(tuple(dict.fromkeys(named)))
        self.keys = {o.name: series_key(o.counted, plan.thresholds) for o in self.sampled}
        self.journal = Journal(self.keys.values())
        self.traffic: TrafficEvidence | None = None
        self.consumption: ConsumptionEvidence | None = None

    def worker(self, index: int) -> Worker:
        """Raises ValueError if the run has none of that number."""
        if index >= self.plan.workers:  # anybody may name a pod so
            raise ValueError(f"the run has {self.plan.workers} workers, and none is number {index}")
        if index not in self.workers:
            self.workers[index] = Worker(index, self.sampled)
        return self.workers[index]

    def stand_in(self, stored: PerfRunStatus) -> None:
        for totals in stored.workers:
            known = self.workers.get(totals.index)
            if known is None or not known.seen.complete:
                self.workers[totals.index] = Worker.from_totals(totals, self.sampled)
        if self._lost:
            for name, scatter in own_scatters(stored).items():
                if name in self.followed:
                    self.followed[name].stored = scatter
        self._look()

    def accept(self, index: int, push: Push, now: datetime) -> Accepted:
        worker, failed = self.worker(index), self._failed
        worker.hear(push.heartbeat, now)
        for block in push.blocks:
            if block.sequence == worker.seen.blocks:
                self._take(worker, block)
        if push.final is not None:
            worker.finish(push.final)
        return Accepted(worker.seen.blocks, decisive=push.final is not None or self._failed != failed)

    @property
    def _failed(self) -> int:
        """How many objectives have."""
        sampled, compared = self.followed.values(), self.compared.values()
        return sum(each.failed for each in sampled) + sum(each.failed for each in compared)

    def _take(self, worker: Worker, block: Block) -> None:
        """What the target must hold by itself is judged without the baseline's samples."""
        index = worker.seen.index
        for compared in self.compared.values():
            compared.add(index, block)
        if index in self.plan.baseline_workers:
            worker.add(block, {})
            return
        for recalled in self.recalled.values():
            recalled.add(block)
        counted = {o.name: counted_in(block, o.counted) for o in self.sampled}
        worker.add(block, {o.name: (*counted[o.name], unanswered_in(block, o.counted)) for o in self.sampled})
        for name, (samples, exceedances) in counted.items():
            self.followed[name].add(block.second, samples, exceedances)
        self.journal.add(index, block.second, {self.keys[name]: of for name, of in counted.items()})
        self._remember(block)
        self._look()

    def record(self) -> RunRecord:
        """What is kept of the run."""
        return RunRecord(
            series=self.journal.series(),
            past={self.keys[name]: each.past for name, each in self.followed.items()},
            profile=self.profile,
            apart=self._apart,
            missing=tuple(self._missing()),
            plan=self._plan(),
        )

    def _plan(self) -> KeptPlan | None:
        """None: no worker's last word had its bytes."""
        finals = [worker.seen.final for worker in self.workers.values() if worker.seen.final is not None]
        plans = [final.plan for final in finals if final.plan is not None]
        return next((plan for plan in plans if plan.packed is not None), None)

    def _missing(self) -> Iterator[str]:
        lost = [index for index, worker in sorted(self.workers.items()) if worker.stand_in]
        if lost:
            yield f"the blocks of {names(lost)}: the operator was restarted and has only their totals"
        if self.journal.cut:
            yield "looks at the end: there were too many to keep each"
        if self.profile.crowded:
            yield f"transactions beyond the first {TRANSACTIONS}: they count among all"

    def _remember(self, block: Block) -> None:
        """What only the whole run's samples tell."""
        for objective in self.sampled:
            if objective.name in self.by_level and counts_at(objective.counted, block):
                for stats in stats_of(block, objective.transaction):
                    self.by_level[objective.name].update(stats.histogram)
        self.sent.update({label: stats.samples for label, stats in block.labels.items()})
        self.profile.add(block)

    def view(self) -> Evidence:
        polls = [polled.polled_at for polled in self.polled.values()]
        sampled = {objective.name: self._objective(objective) for objective in self.sampled}
        beside: dict[str, ComparedObjective | RecalledObjective] = {**self.compared, **self.recalled}
        ended = {name: each.evidence(lost=self._lost, ended=self._ended) for name, each in beside.items()}
        return Evidence(
            workers=tuple(self.workers[index].view() for index in sorted(self.workers)),
            objectives={
                **sampled,
                **ended,
                **{name: polled.evidence for name, polled in self.polled.items()},
            },
            metrics_polled_at=min((at for at in polls if at), default=None) if all(polls) else None,
            traffic=self.traffic,
            consumption=self.consumption,
            sent=None if self._lost else dict(self.sent),
        )

    def _look(self) -> None:
        for objective in self.sampled:
            followed = self.followed[objective.name]
            if not followed.failed:
                followed.look(self._merged(objective))

    def _merged(self, objective: JudgedObjective) -> Tally:
        counts = [worker.counts[objective.name] for worker in self.workers.values()]
        return merged(counts, apart=self._apart)

    @property
    def _lost(self) -> bool:
        """Whether blocks are: a restart of ours has left some worker's totals only."""
        return any(worker.stand_in for worker in self.workers.values())

    @property
    def _ended(self) -> bool:
        """Whether all that the workers measured is here."""
        return len(self.workers) == self.plan.workers and all(w.seen.complete for w in self.workers.values())

    @property
    def _apart(self) -> bool:
        """Whether the workers began, or their nodes' clocks are, too far from each other."""
        starts = [w.seen.first_start for w in self.workers.values() if w.seen.first_start is not None]
        return bool(starts) and max(starts) - min(starts) > START_SKEW

    def _objective(self, objective: JudgedObjective) -> ObjectiveEvidence:
        tally = self._merged(objective)
        unknown = objective.transaction is not None and not tally.samples
        return replace(
            self.followed[objective.name].evidence(tally),
            unanswered=sum(worker.counts[objective.name].unanswered for worker in self.workers.values()),
            quantile_ms=self._quantile(objective),
            gap=Problem(Reason.NO_SAMPLES.value, self._names_seen()) if unknown else None,
        )

    def _names_seen(self) -> str:
        """Beside a name that no sample has."""
        seen = sorted(self.sent)
        more = f" and {len(seen) - _NAMES_TOLD} more" if len(seen) > _NAMES_TOLD else ""
        told = f"; the samplers are called {', '.join(seen[:_NAMES_TOLD])}{more}" if seen else ""
        return f"no judged sample has this name{told}"

    def _quantile(self, objective: JudgedObjective) -> float | None:
        """Milliseconds; None where it is not known: a stand-in has no histogram."""
        counted = objective.counted
        if not isinstance(counted, OverThreshold) or self._lost:
            return None
        own = self.by_level.get(objective.name)
        return quantile(self.profile.total(counted.transaction) if own is None else own, counted.quantile)
