"""What target and baseline have shown beside each other so far. Stateful, but without I/O or clock."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction

from devperfops_operator.analysis.batches import PastBatches
from devperfops_operator.analysis.comparison import Comparison, ComparisonTest, Pair
from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.domain.objectives import AgainstBaseline, JudgedObjective, RunPlan
from devperfops_operator.domain.observed import Compared, ObjectiveEvidence, Problem
from devperfops_operator.domain.verdict import Reason
from devperfops_operator.evidence.blocks import stats_of
from devperfops_operator.evidence.sides import Side
from devperfops_operator.wire.histogram import quantile
from devperfops_operator.wire.measurement import Block


@dataclass(slots=True)
class _Sides:
    target: Side = field(default_factory=Side)
    baseline: Side = field(default_factory=Side)

    def pair(self, share: Fraction) -> Pair:
        """A failed request of the target is slower than any; one of the baseline does not count."""
        return Pair(self.target.quantile(share), quantile(self.baseline.succeeded, share))


class ComparedObjective:
    """Blocks of a few seconds, compared once every worker has told of them all."""

    def __init__(self, objective: JudgedObjective, plan: RunPlan, past: PastBatches) -> None:
        if not isinstance(objective.counted, AgainstBaseline) or not isinstance(
            objective.test, ComparisonTest
        ):
            raise TypeError(f"{objective.name} compares with no baseline")
        self._share, self._transaction = objective.counted.quantile, objective.counted.transaction
        self._comparison = Comparison(objective.test, past)
        self._plan = plan
        self._first: dict[int, int] = {}  # second with judged samples, by worker
        self._last: dict[int, int] = {}
        self._open: defaultdict[int, _Sides] = defaultdict(_Sides)  # by number of the block
        self._next: int | None = None  # number of the block to compare
        self._whole = _Sides()
        self.failed = False

    def add(self, worker: int, block: Block) -> None:
        """The worker's next seconds."""
        if not block.labels:
            return
        self._first.setdefault(worker, block.second)
        self._last[worker] = block.second
        sides = self._open[block.second // self._width]
        side = sides.baseline if worker in self._plan.baseline_workers else sides.target
        side.add(stats_of(block, self._transaction))
        self._compare()

    def evidence(self, *, lost: bool, ended: bool) -> ObjectiveEvidence:
        """`lost`: some worker's blocks are, since a restart of ours; `ended`: all is here."""
        if lost:
            message = (
                "the operator was restarted, and what it had compared until then is not stored; run again"
            )
            gap = None if self.failed else Problem(Reason.EVIDENCE_LOST.value, message)
            return ObjectiveEvidence(Tally(), failed=self.failed, gap=gap)
        whole = self._whole.pair(self._share)
        return ObjectiveEvidence(
            tally=Tally(self._whole.target.samples),
            failed=self.failed or (ended and self._comparison.fails_at_end(whole)),
            compared=Compared(
                target_ms=_finite(whole.candidate),
                baseline_ms=_finite(whole.baseline),
                blocks=self._comparison.blocks,
                silent=self._comparison.silent,
                held=self._comparison.passes(whole),
                shown=self._comparison.shown,
            ),
        )

    @property
    def _width(self) -> int:
        return self._comparison.test.block_seconds

    def _compare(self) -> None:
        """Whole blocks only: from where all have begun to where all have come."""
        if len(self._first) < self._plan.workers:
            return
        if self._next is None:
            self._next = -(-max(self._first.values()) // self._width)
        while self._next < min(self._last.values()) // self._width:
            sides = self._open[self._next]
            self._comparison.add(sides.pair(self._share))
            self._whole.target.merge(sides.target)
            self._whole.baseline.merge(sides.baseline)
            self.failed = self.failed or self._comparison.fails_so_far()
            self._next += 1
        for number in [number for number in self._open if number < self._next]:
            del self._open[number]


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
