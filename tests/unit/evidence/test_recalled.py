"""A percentile beside that of the gate's earlier runs: judged once, when all is there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devperfops_operator.analysis.runs import PastTimes
from devperfops_operator.api.perfrun import PastTimesStatus, PerfRunStatus
from devperfops_operator.domain.judgement import Judgement, close_objectives, judge
from devperfops_operator.domain.observed import ObjectiveEvidence
from devperfops_operator.domain.plan import resolve_load
from devperfops_operator.domain.run.under_load import store_finals
from devperfops_operator.evidence import EvidenceStore
from devperfops_operator.wire.measurement import Push
from tests.unit.domain.test_workers import load_of
from tests.unit.domain.world import gate
from tests.unit.evidence.test_compared import END, JUDGED_S, LOAD, RATE, RUN, played, second_of, whole

EXPECT = "p95 < past + 15%"
PLAN = resolve_load(
    gate(load=load_of(1, duration="330s"), objectives=[{"expect": EXPECT}, {"expect": "p99 < 2s"}]).spec
)
USUAL = PastTimes((212, 208, 215, 205, 210, 211, 207, 213), samples=JUDGED_S * RATE)


def remembering(past: PastTimes) -> PerfRunStatus:
    told = PastTimesStatus(name=EXPECT, times_ms=past.times_ms, samples=past.samples)
    return PerfRunStatus(past_times=(told,))


def after(push: Push, past: PastTimes = USUAL) -> tuple[EvidenceStore, PerfRunStatus]:
    store = EvidenceStore()
    store.open(RUN, PLAN, remembering(past))
    store.accept(RUN, 0, push, END)
    load = LOAD.model_copy(update={"workers": 1})
    return store, store_finals(PerfRunStatus(load=load), store.view(RUN), END)


def judged(push: Push, past: PastTimes = USUAL) -> Judgement:
    store, status = after(push, past)
    return judge(PLAN, store.view(RUN), status)


def seen(store: EvidenceStore) -> ObjectiveEvidence:
    return store.view(RUN).objectives[EXPECT]


def test_an_unchanged_release_passes_and_the_usual_time_is_told() -> None:
    store, status = after(played(0))
    assert judge(PLAN, store.view(RUN), status).reason == "ObjectivesMet"
    told, _ = close_objectives(PLAN, store.view(RUN), (), END)
    assert told.observed == "p95 = 211 ms, usually 210 ms (+0%)"
    assert told.message == (
        "8 earlier runs had 205 ms to 215 ms, allowed 15% slower: up to 228 ms passes, above 265 ms fails"
    )
    assert (told.verdict, told.time_ms, told.allowed, told.exceedance) == ("Pass", 211, "15%", None)


def test_a_slower_release_fails_at_the_end_and_not_before() -> None:
    slow = played(0, 1.5)
    store = EvidenceStore()
    store.open(RUN, PLAN, remembering(USUAL))
    store.accept(RUN, 0, replace(slow, final=None), END)
    assert not seen(store).failed
    assert not seen(store).recalled.whole
    judgement = judged(slow)
    assert judgement.reason == "ObjectiveFailed"
    assert judgement.message.startswith(
        f"{EXPECT} does not hold: p95 = 317 ms, usually 210 ms (+51%), 8 earlier"
    )


def test_a_release_at_the_edge_is_neither() -> None:
    judgement = judged(played(0, 1.15))
    assert judgement.reason == "NotEnoughEvidence"
    assert f"{EXPECT} is not shown to hold: 8 earlier runs had" in judgement.message


def test_without_earlier_runs_nothing_passes_and_it_says_how_many_it_takes() -> None:
    judgement = judged(played(0), PastTimes())
    assert judgement.reason == "NotEnoughEvidence"
    assert (
        "there are 0 earlier runs to compare with by the same criteria, and it takes 6" in judgement.message
    )
    store, _ = after(played(0), PastTimes())
    told, _ = close_objectives(PLAN, store.view(RUN), (), END)
    assert (told.observed, told.time_ms) == ("p95 = 211 ms", 211)


@pytest.mark.parametrize("factor", [1.0, 3.0])
def test_a_shorter_run_is_not_compared(factor: float) -> None:
    store, _ = after(whole([second_of(0, number, factor) for number in range(100)]))
    told, _ = close_objectives(PLAN, store.view(RUN), (), END)
    assert told.verdict == "Inconclusive"
    assert told.message is not None
    assert "this run is shorter than they were" in told.message


def test_failed_requests_are_slower_than_any() -> None:
    judgement = judged(played(0, failed=5))
    assert judgement.reason == "ObjectiveFailed"
    assert "p95 = no time, usually 210 ms" in judgement.message


def test_what_a_restart_took_is_told() -> None:
    _, status = after(played(0))
    restarted = EvidenceStore()
    restarted.open(RUN, PLAN, status.model_copy(update={"past_times": remembering(USUAL).past_times}))
    judgement = judge(PLAN, restarted.view(RUN), status)
    assert judgement.reason == "EvidenceLost"
    assert "stored totals have no percentile to compare; run again" in judgement.message
