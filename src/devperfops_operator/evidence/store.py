"""All live runs at once: what the rest of the house sees of the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from devperfops_operator.analysis.counters import Counted
from devperfops_operator.analysis.series import Series
from devperfops_operator.api.perfrun import PerfRunStatus
from devperfops_operator.domain.effects import ReadTraffic
from devperfops_operator.domain.errors import Unavailable
from devperfops_operator.domain.objectives import LivePlan, RunPlan
from devperfops_operator.domain.observed import ConsumptionEvidence, Evidence, Problem, TrafficEvidence
from devperfops_operator.domain.past import past_effects, past_times
from devperfops_operator.domain.past_compared import past_batches
from devperfops_operator.domain.record import RunRecord
from devperfops_operator.evidence.blocks import check
from devperfops_operator.evidence.polled import GaugeWindow
from devperfops_operator.evidence.run import Accepted, Run
from devperfops_operator.evidence.traffic import compared
from devperfops_operator.wire.measurement import Push

_NOTHING: Final = PerfRunStatus()


class EvidenceStore:
    """The evidence of all live runs, by the run's uid.

    Everything but `open`, `close`, `is_open` and `view` raises Unavailable for a run that is not open:
    after a restart that means "not yet, send it again".
    """

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}

    def open(
        self,
        run_uid: str,
        plan: RunPlan | LivePlan,
        status: PerfRunStatus = _NOTHING,
    ) -> None:
        """Begin, or go on, collecting.

        `status`, as stored, tells of earlier runs, and its totals stand in for workers whose blocks are not
        all here.
        """
        if run_uid not in self._runs:
            self._runs[run_uid] = Run(plan, past_effects(status), past_times(status), past_batches(status))
        self._runs[run_uid].stand_in(status)

    def is_open(self, run_uid: str) -> bool:
        return run_uid in self._runs

    def close(self, run_uid: str) -> None:
        """Forget the run."""
        self._runs.pop(run_uid, None)

    def prepared(self, run_uid: str, worker: int, now: datetime) -> None:
        """The worker is ready and waits for the common start. Raises ValueError if there is none."""
        self._run(run_uid).worker(worker).prepare(now)

    def accept(self, run_uid: str, worker: int, push: Push, now: datetime) -> Accepted:
        """Take in a push.

        Raises ValueError, and takes in nothing, if the worker or a block does not fit the run's plan.
        """
        run = self._run(run_uid)
        for block in push.blocks:
            check(block, len(run.plan.thresholds))
        return run.accept(worker, push, now)

    def accept_counters(
        self, run_uid: str, objective: str, counted: Counted, unscraped: Sequence[str], now: datetime
    ) -> None:
        """Take in an objective's counters: all samples of the judged window so far, at each poll again.

        `unscraped`: names of the targets whose counters are missing.
        """
        self._run(run_uid).polled[objective].count(counted, unscraped, now)

    def accept_gauge(
        self, run_uid: str, objective: str, series: Sequence[Series], window: GaugeWindow, now: datetime
    ) -> None:
        """Take in a gauge: its points in the judged window so far, at each poll again."""
        self._run(run_uid).polled[objective].look(series, window, now)

    def poll_failed(self, run_uid: str, objective: str, problem: Problem, now: datetime) -> None:
        """The poll of an objective got no usable answer. What was counted before stays."""
        self._run(run_uid).polled[objective].miss(problem, now)

    def accept_traffic(
        self, run_uid: str, tested: Sequence[Series], history: Sequence[Series], asked: ReadTraffic
    ) -> None:
        """Take in the counters of the tested traffic, and the hourly rates of the usual one.

        Raises SeriesError, and takes in nothing, if they cannot be used.
        """
        self._run(run_uid).traffic = compared(tested, history, asked)

    def traffic_failed(self, run_uid: str, problem: Problem, now: datetime) -> None:
        """There was no usable answer about the traffic."""
        self._run(run_uid).traffic = TrafficEvidence(now, gap=problem)

    def accept_consumption(self, run_uid: str, found: ConsumptionEvidence) -> None:
        """Take in what the judged time took of metered limits."""
        self._run(run_uid).consumption = found

    def view(self, run_uid: str) -> Evidence:
        """The evidence as it is now; empty for a run that is not open."""
        run = self._runs.get(run_uid)
        return run.view() if run else Evidence()

    def record(self, run_uid: str) -> RunRecord:
        """What is kept of the run when its load has ended."""
        return self._run(run_uid).record()

    def _run(self, run_uid: str) -> Run:
        if run_uid not in self._runs:
            raise Unavailable("the operator does not collect this run's measurements (yet); send them again")
        return self._runs[run_uid]
