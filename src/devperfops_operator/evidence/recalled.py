"""What a run has shown so far of a percentile that is compared with the gate's earlier runs."""

from __future__ import annotations

import math
from typing import Final

from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.analysis.runs import PastTimes, RunsTest
from devperfops_operator.analysis.scatter import AS_LONG
from devperfops_operator.domain.objectives import AgainstPast, JudgedObjective
from devperfops_operator.domain.observed import ObjectiveEvidence, Problem, Recalled
from devperfops_operator.domain.verdict import Reason
from devperfops_operator.evidence.blocks import stats_of
from devperfops_operator.evidence.sides import Side
from devperfops_operator.wire.measurement import Block

_LOST: Final = Problem(
    Reason.EVIDENCE_LOST.value,
    "the operator was restarted, and stored totals have no percentile to compare; run again",
)


class RecalledObjective:
    """All samples of the target, compared once, at the end."""

    def __init__(self, objective: JudgedObjective, past: PastTimes) -> None:
        if not isinstance(objective.counted, AgainstPast) or not isinstance(objective.test, RunsTest):
            raise TypeError(f"{objective.name} compares with no earlier runs")
        self._share, self._transaction = objective.counted.quantile, objective.counted.transaction
        self._past, self._limits = past, objective.test.limits(past.times_ms)
        self._seen = Side()

    def add(self, block: Block) -> None:
        """Some worker's next second."""
        self._seen.add(stats_of(block, self._transaction))

    def evidence(self, *, lost: bool, ended: bool) -> ObjectiveEvidence:
        """`lost`: some worker's blocks are, since a restart of ours; `ended`: all is here."""
        if lost:
            return ObjectiveEvidence(Tally(), gap=_LOST)
        time = self._seen.quantile(self._share)
        whole = ended and self._seen.samples >= AS_LONG * self._past.samples
        failed = held = False
        if whole and time is not None and self._limits is not None:
            failed, held = time > self._limits.fail_ms, time <= self._limits.pass_ms
        return ObjectiveEvidence(
            tally=Tally(self._seen.samples),
            failed=failed,
            recalled=Recalled(
                time_ms=time if time is not None and math.isfinite(time) else None,
                past=self._past,
                limits=self._limits,
                whole=whole,
                held=held,
            ),
        )
