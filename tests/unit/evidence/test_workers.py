"""The operator is killed while one of two workers has finished: the run ends as if nothing had happened."""

from __future__ import annotations

from datetime import timedelta

from devperfops_operator.api.perfrun import LoadStatus, PerfRunStatus
from devperfops_operator.domain.judgement import Judgement, judge
from devperfops_operator.domain.load_findings import achieved_rate
from devperfops_operator.domain.objectives import RunPlan
from devperfops_operator.domain.plan import resolve_plan
from devperfops_operator.domain.run.under_load import all_delivered, store_finals
from devperfops_operator.evidence import EvidenceStore
from devperfops_operator.wire.histogram import bucket_of
from devperfops_operator.wire.measurement import (
    Block,
    Final,
    Heartbeat,
    JMeterState,
    LabelStats,
    LoadEnd,
    Push,
)
from tests.unit.domain.test_workers import load_of
from tests.unit.domain.world import START, gate

RUN = "b1c7"
PLAN: RunPlan = resolve_plan(gate(load=load_of(2)).spec)
BEGIN_S = int(START.timestamp())
LOAD = LoadStatus(
    threads=50, workers=2, start_at=START, judged_from=START + timedelta(seconds=10), ends_at=START
)
END = START + timedelta(seconds=71)


def whole_push(begin_s: int) -> Push:
    """A worker's 60 judged seconds with 25 samples each, begun at this second."""
    stats = LabelStats(25, 0, [0], [0], {bucket_of(100): 25})
    blocks = tuple(Block(n, begin_s + 10 + n, labels={"GET /": stats}) for n in range(60))
    beat = Heartbeat(JMeterState.ENDED, 1500, begin_s * 1000, (begin_s + 70) * 1000)
    return Push(blocks, beat, Final(60, 1500, 0, LoadEnd.COMPLETED, truncated=False))


def ended(first: int, second: int, *, killed_between: bool) -> tuple[Judgement, int]:
    """The judgement and the rate of two workers that began at these seconds after the start."""
    store, status = EvidenceStore(), PerfRunStatus(load=LOAD)
    store.open(RUN, PLAN)
    store.accept(RUN, 0, whole_push(BEGIN_S + first), END)
    if killed_between:
        status = store_finals(status, store.view(RUN), END)
        assert not all_delivered(status)
        store = EvidenceStore()
        store.open(RUN, PLAN, status)
    store.accept(RUN, 1, whole_push(BEGIN_S + second), END + timedelta(seconds=second - first))
    evidence = store.view(RUN)
    status = store_finals(status, evidence, END)
    assert all_delivered(status)
    rate = achieved_rate(PLAN, evidence, LOAD)
    assert rate is not None
    return judge(PLAN, evidence, status), round(rate)


def test_the_verdict_and_the_rate_are_the_same() -> None:
    judgement, rate = ended(0, 2, killed_between=True)
    assert (judgement.reason, rate) == ("ObjectivesMet", 3000)
    unharmed, same_rate = ended(0, 2, killed_between=False)
    assert (unharmed.reason, same_rate) == (judgement.reason, rate)


def test_a_start_apart_is_found_all_the_same() -> None:
    for killed in (True, False):
        judgement, _ = ended(0, 8, killed_between=killed)
        assert judgement.reason == "StartSkew"
        assert "worker 1 wrote its first sample 8.0 s after worker 0" in judgement.message
