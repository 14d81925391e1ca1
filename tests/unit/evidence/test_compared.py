"""Target and baseline beside each other: what two workers tell becomes a verdict about one of them."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from devperfops_operator.api.perfrun import LoadStatus, PerfRun, PerfRunStatus, Phase
from devperfops_operator.domain.judgement import Judgement, close_objectives, judge, latched_failure
from devperfops_operator.domain.load_findings import achieved_rate
from devperfops_operator.domain.objectives import RunPlan
from devperfops_operator.domain.observed import ObjectiveEvidence
from devperfops_operator.domain.past_compared import compared
from devperfops_operator.domain.plan import resolve_load
from devperfops_operator.domain.run.under_load import store_finals
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

RUN, EXPECT = "b1c7", "p95 < baseline + 15%"
RAMP_S, JUDGED_S, RATE = 10, 320, 50
BEGIN_S = int(START.timestamp())
END = START + timedelta(seconds=RAMP_S + JUDGED_S + 1)
LOAD = LoadStatus(
    threads=50, workers=2, start_at=START, judged_from=START + timedelta(seconds=RAMP_S), ends_at=END
)


def a_plan(*others: dict[str, Any]) -> RunPlan:
    load = {**load_of(2, duration="330s"), "baseline": {"host": "shop-stable"}}
    return resolve_load(gate(load=load, objectives=[{"expect": EXPECT}, *others]).spec)


PLAN = a_plan({"expect": "p99 < 2s"})


def second_of(
    worker: int, number: int, factor: float, *, failed: int = 0, rate: int = RATE, label: str = "GET /"
) -> Block:
    """A judged second: `failed` of the samples answer at once, and wrongly."""
    draw = random.Random(1000 * worker + number)
    times = [int(100 * factor * draw.lognormvariate(0, 0.45)) for _ in range(rate - failed)]
    slow = sum(time >= 2000 for time in times)
    wrong = {bucket_of(1): failed} if failed else {}
    histogram = Counter(map(bucket_of, [*times, *[1] * failed]))
    stats = LabelStats(rate, failed, [slow + failed], [0], dict(histogram), wrong)
    return Block(number, BEGIN_S + RAMP_S + number, labels={label: stats})


def whole(blocks: Sequence[Block]) -> Push:
    rows = sum(stats.samples for block in blocks for stats in block.labels.values())
    errors = sum(stats.errors for block in blocks for stats in block.labels.values())
    end_ms = 1000 * (BEGIN_S + RAMP_S + JUDGED_S)
    beat = Heartbeat(JMeterState.ENDED, rows, 1000 * BEGIN_S, end_ms)
    ran_ms = 1000 * (RAMP_S + JUDGED_S)
    final = Final(len(blocks), rows, errors, LoadEnd.COMPLETED, truncated=False, ran_ms=ran_ms)
    return Push(tuple(blocks), beat, final)


def played(worker: int, factor: float = 1.0, **how: Any) -> Push:
    return whole([second_of(worker, number, factor, **how) for number in range(JUDGED_S)])


def ended(target: Push, baseline: Push, plan: RunPlan = PLAN) -> tuple[EvidenceStore, PerfRunStatus]:
    store = EvidenceStore()
    store.open(RUN, plan)
    store.accept(RUN, 0, target, END)
    store.accept(RUN, 1, baseline, END)
    return store, store_finals(PerfRunStatus(load=LOAD), store.view(RUN), END)


def judged(target: Push, baseline: Push, plan: RunPlan = PLAN) -> Judgement:
    store, status = ended(target, baseline, plan)
    return judge(plan, store.view(RUN), status)


def seen(store: EvidenceStore) -> ObjectiveEvidence:
    return store.view(RUN).objectives[EXPECT]


def test_an_unchanged_release_passes_and_both_times_are_told() -> None:
    judgement = judged(played(0), played(1))
    assert judgement.reason == "ObjectivesMet", judgement.message
    store, status = ended(played(0), played(1))
    told, _ = close_objectives(PLAN, store.view(RUN), status.objectives, END)
    assert told.message == "compared in 63 blocks of 5 s, allowed 15% slower"
    assert told.observed is not None
    assert told.observed.startswith("p95 = 2")
    assert "ms, baseline 2" in told.observed
    assert (told.verdict, told.exceedance, told.bound, told.allowed) == ("Pass", None, None, "15%")
    assert told.samples == 63 * 5 * RATE


def test_what_blocks_have_shown_is_kept_and_later_runs_are_judged_by_it() -> None:
    store, status = ended(played(0), played(1))
    told, _ = close_objectives(PLAN, store.view(RUN), status.objectives, END)
    assert told.compared is not None
    assert told.compared.blocks == 63
    assert told.compared.mean == pytest.approx(-1e6 * math.log(1.15), rel=0.2)
    assert [(each.seconds, each.blocks) for each in told.scatter] == [(10, 31), (20, 15), (40, 7), (80, 3)]
    apart = told.model_copy(
        update={"scatter": tuple(each.model_copy(update={"percent": 20_000}) for each in told.scatter)}
    )
    for kept, held in ((told, True), (apart, False)):
        ran = PerfRunStatus(
            phase=Phase.COMPLETED,
            criteria_hash="abc",
            reason="ObjectivesMet",
            load=LoadStatus(threads=50, stop_requested_at=END),
            objectives=(kept,),
        )
        run = PerfRun(metadata={"name": "run", "namespace": "shop"}, spec={"gate": "shop"}, status=ran)
        past = PerfRunStatus(past_compared=compared(PLAN, [run] * 6, "abc"))
        store = EvidenceStore()
        store.open(RUN, PLAN, past)
        store.accept(RUN, 0, played(0), END)
        store.accept(RUN, 1, played(1), END)
        beside = seen(store).compared
        assert beside is not None
        assert beside.held is held


def test_a_release_that_is_slow_by_too_little_to_be_found_before_fails_at_the_end() -> None:
    store = EvidenceStore()
    store.open(RUN, PLAN)
    for worker, factor in ((0, 1.24), (1, 1.0)):
        told = played(worker, factor)
        store.accept(RUN, worker, Push(told.blocks, told.heartbeat, None), END)
    assert not seen(store).failed
    judgement = judged(played(0, 1.24), played(1))
    assert judgement.reason == "ObjectiveFailed", judgement.message


def test_a_slower_release_fails_before_its_end() -> None:
    store = EvidenceStore()
    store.open(RUN, PLAN)
    slow, base = played(0, 1.5), played(1)
    for number in range(0, JUDGED_S, 10):
        for worker, push in ((0, slow), (1, base)):
            part = Push(push.blocks[number : number + 10], push.heartbeat)
            store.accept(RUN, worker, part, END)
        failure = latched_failure(PLAN, store.view(RUN))
        if failure is not None:
            break
    assert failure is not None
    assert 120 <= number < 250
    assert failure.message.startswith(f"{EXPECT} does not hold: p95 = 3")
    assert "(+5" in failure.message


def test_a_faster_release_passes() -> None:
    assert judged(played(0, 0.7), played(1)).reason == "ObjectivesMet"


def test_a_release_at_the_edge_is_neither() -> None:
    judgement = judged(played(0, 1.15), played(1))
    assert judgement.reason == "NotEnoughEvidence"
    assert f"{EXPECT} is not shown to hold" in judgement.message


def test_how_the_blocks_arrive_changes_nothing() -> None:
    pushes = played(0), played(1)
    at_once, _ = ended(*pushes)
    store = EvidenceStore()
    store.open(RUN, PLAN)
    for worker, push in reversed(list(enumerate(pushes))):
        for number in range(0, JUDGED_S, 7):
            store.accept(RUN, worker, Push(push.blocks[number : number + 7], push.heartbeat), END)
    assert seen(store) == seen(at_once)


def test_what_the_target_must_hold_by_itself_knows_nothing_of_the_baseline() -> None:
    store, status = ended(played(0), played(1, 30.0))
    own = store.view(RUN).objectives["p99 < 2s"]
    assert own.tally.samples == JUDGED_S * RATE
    assert judge(PLAN, store.view(RUN), status).reason == "ObjectivesMet"
    assert achieved_rate(PLAN, store.view(RUN), LOAD) == 60 * RATE
    assert sum(store.record(RUN).profile.histogram(None).values()) == JUDGED_S * RATE


def test_a_transaction_is_compared_with_its_like() -> None:
    named = {"expect": EXPECT, "transaction": "POST /order"}
    load = {**load_of(2, duration="330s"), "baseline": {"host": "shop-stable"}}
    plan = resolve_load(gate(load=load, objectives=[named, {"expect": "p99 < 2s"}]).spec)
    orders, carts = played(0, label="POST /order"), played(1, label="GET /cart")
    judgement = judged(orders, played(1, label="POST /order"), plan)
    assert judgement.reason == "ObjectivesMet"
    assert judged(orders, carts, plan).reason == "NotEnoughEvidence"


def test_failed_requests_of_the_target_count_as_slow() -> None:
    store, _ = ended(played(0, failed=4), played(1))
    assert seen(store).failed


def test_a_baseline_that_fails_proves_nothing() -> None:
    judgement = judged(played(0), played(1, failed=4))
    assert judgement.reason == "BaselineUnusable"
    assert "8% of the baseline's requests failed" in judgement.message


def test_a_baseline_under_less_load_proves_nothing() -> None:
    judgement = judged(played(0), played(1, rate=40))
    assert judgement.reason == "BaselineUnusable"
    assert "the baseline was loaded with 2400/m of the planned 3000/m" in judgement.message


def test_a_target_under_less_load_proves_nothing() -> None:
    judgement = judged(played(0, rate=40), played(1))
    assert judgement.reason == "RateNotReached"
    assert "reached 2400/m of the planned 3000/m" in judgement.message


def without(push: Push, gone: Iterable[int]) -> Push:
    """Nothing ended in these seconds."""
    kept = [block for block in push.blocks if block.second - BEGIN_S - RAMP_S not in set(gone)]
    return whole([Block(number, each.second, labels=each.labels) for number, each in enumerate(kept)])


def test_a_baseline_that_falls_silent_is_told() -> None:
    store, _ = ended(played(0), without(played(1), range(100, 150)))
    compared = seen(store).compared
    assert compared is not None
    assert compared.silent in (9, 10)
    assert compared.blocks + compared.silent == 63
    assert not seen(store).failed


def test_a_target_that_falls_silent_for_long_is_not_shown_to_hold() -> None:
    store, _ = ended(without(played(0), range(100, 220)), played(1))
    compared = seen(store).compared
    assert compared is not None
    assert not compared.held


def test_nothing_is_compared_before_both_have_begun() -> None:
    store = EvidenceStore()
    store.open(RUN, PLAN)
    store.accept(RUN, 0, played(0, 3.0), END)
    found = seen(store)
    assert (found.tally.samples, found.failed) == (0, False)
    assert found.compared is not None
    assert found.compared.blocks == 0


@pytest.mark.parametrize("killed", [0, 1])
def test_what_a_restart_took_is_told(killed: int) -> None:
    pushes = played(0), played(1)
    store = EvidenceStore()
    store.open(RUN, PLAN)
    store.accept(RUN, killed, pushes[killed], END)
    status = store_finals(PerfRunStatus(load=LOAD), store.view(RUN), END)
    store = EvidenceStore()
    store.open(RUN, PLAN, status)
    store.accept(RUN, 1 - killed, pushes[1 - killed], END)
    status = store_finals(status, store.view(RUN), END)
    judgement = judge(PLAN, store.view(RUN), status)
    assert judgement.reason == "EvidenceLost"
    assert "what it had compared until then is not stored; run again" in judgement.message
