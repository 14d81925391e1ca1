"""Reasons, their verdicts and their order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.analysis.gauge import Points
from devperfops_operator.analysis.sequential import SlowStart
from devperfops_operator.api.expect import Comparison
from devperfops_operator.api.perfrun import LoadStatus, PerfRunStatus, Phase, Verdict, WorkerStatus
from devperfops_operator.domain.effects import PollMetrics
from devperfops_operator.domain.judgement import (
    Judgement,
    close_objectives,
    follow_objectives,
    judge,
    with_warnings,
)
from devperfops_operator.domain.objectives import BadEvents, GaugePoints, LivePlan
from devperfops_operator.domain.observed import Evidence, ObjectiveEvidence, Problem, WorkerEvidence
from devperfops_operator.domain.plan import resolve_plan
from devperfops_operator.domain.verdict import VERDICTS, Reason, precedence
from devperfops_operator.wire.measurement import LoadEnd
from tests.unit.domain.world import BAD, GOOD, START, World, gate, released

COUNTERS = {"name": "availability", "expect": "good >= 99%", "good": "ok", "total": "all"}
SPEC = gate(objectives=[{"expect": "p99 < 2s"}, COUNTERS], prometheus="monitoring").spec
PLAN = resolve_plan(SPEC)
ENDED = LoadStatus(
    threads=50,
    start_at=START,
    judged_from=START + timedelta(seconds=10),
    ended_at=START + timedelta(seconds=71),
)
DONE = WorkerStatus(
    index=0, rows=3500, errors=0, judged_samples=3000, judged_errors=0, blocks=60, end=LoadEnd.COMPLETED
)
AMBIGUOUS = Problem("AmbiguousQuery", "the query gives several series")
GAP = Problem("PrometheusUnavailable", "monitoring does not answer")


def evidence(
    latency: Tally = GOOD,
    counters: Tally = GOOD,
    *,
    judged: int = 3000,
    gap: Problem | None = None,
    failed: bool = False,
) -> Evidence:
    return Evidence(
        workers=(WorkerEvidence(index=0, judged_samples=judged),),
        objectives={
            "p99 < 2s": ObjectiveEvidence(latency, failed=failed, quantile_ms=150.0),
            "availability": ObjectiveEvidence(counters, gap=gap),
        },
    )


def verdict(found: Evidence, worker: WorkerStatus | None = DONE, load: LoadStatus = ENDED) -> Judgement:
    status = PerfRunStatus(load=load, workers=(worker,) if worker else ())
    return judge(PLAN, found, status)


@pytest.mark.parametrize(
    ("judgement", "reason"),
    [
        (verdict(evidence()), Reason.OBJECTIVES_MET),
        (verdict(evidence(failed=True)), Reason.OBJECTIVE_FAILED),
        (verdict(evidence(), worker=None), Reason.EVIDENCE_LOST),
        (verdict(evidence(), DONE.model_copy(update={"end": LoadEnd.DIED})), Reason.JMETER_DIED),
        (verdict(evidence(), DONE.model_copy(update={"truncated": True})), Reason.JTL_TRUNCATED),
        (verdict(evidence(judged=0)), Reason.NO_SAMPLES),
        (verdict(evidence(Tally())), Reason.NO_SAMPLES),
        (verdict(evidence(judged=2800)), Reason.RATE_NOT_REACHED),
        (verdict(evidence(gap=GAP)), Reason.PROMETHEUS_UNAVAILABLE),
        (verdict(evidence(gap=Problem("NotANumber", "NaN"))), Reason.NOT_A_NUMBER),
        (verdict(evidence(gap=Problem("GoodExceedsTotal", "5 of 4"))), Reason.GOOD_EXCEEDS_TOTAL),
        (verdict(evidence(Tally(100))), Reason.NOT_ENOUGH_EVIDENCE),
        (verdict(evidence(Tally(3000, 28, 28))), Reason.NOT_ENOUGH_EVIDENCE),
    ],
)
def test_each_fault_has_its_reason(judgement: Judgement, reason: Reason) -> None:
    assert judgement.reason is reason
    assert judgement.verdict is VERDICTS[reason]
    assert judgement.message


@pytest.mark.parametrize(
    ("last_second", "reason"),
    [
        pytest.param(
            67, Reason.OBJECTIVES_MET, id="JMeter, slow to its first sample, is through before the window"
        ),
        pytest.param(
            75, Reason.RATE_NOT_REACHED, id="the target hung at the end, and the window does not wait"
        ),
    ],
)
def test_the_rate_is_of_the_time_in_which_there_was_load(last_second: int, reason: Reason) -> None:
    found = evidence(judged=2840)
    worker = replace(found.workers[0], last_end=START + timedelta(seconds=last_second))
    assert verdict(replace(found, workers=(worker,))).reason is reason


def hanging(tally: Tally, unanswered: int) -> Evidence:
    found = evidence(tally)
    seen = replace(found.objectives["p99 < 2s"], unanswered=unanswered)
    return replace(found, objectives={**found.objectives, "p99 < 2s": seen})


def test_what_hangs_on_requests_without_an_answer_says_so() -> None:
    judgement = verdict(hanging(Tally(3000, 28, 28), 20))
    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, Reason.UNANSWERED)
    assert "by the 2980 requests that were answered (0.2685% exceeded it; allowed 1%)" in judgement.message
    assert "20 that had no answer when the load was stopped" in judgement.message


@pytest.mark.parametrize(
    ("tally", "unanswered", "reason"),
    [
        pytest.param(Tally(3000, 8, 8), 8, Reason.OBJECTIVES_MET, id="it holds with them"),
        pytest.param(Tally(3000, 28, 28), 2, Reason.NOT_ENOUGH_EVIDENCE, id="it is not shown without them"),
    ],
)
def test_requests_without_an_answer_that_decide_nothing_are_not_the_reason(
    tally: Tally, unanswered: int, reason: Reason
) -> None:
    assert verdict(hanging(tally, unanswered)).reason is reason


def test_a_cold_start_is_named_where_it_is_what_was_missing() -> None:
    found = evidence(Tally(3000, 60, 60))
    start = SlowStart(15, Tally(700, 55))
    seen = replace(found.objectives["p99 < 2s"], slow_start=start)
    judgement = verdict(replace(found, objectives={**found.objectives, "p99 < 2s": seen}))
    assert judgement.reason is Reason.NOT_ENOUGH_EVIDENCE
    assert "55 came in the first 15 s, and without these it would be shown to hold" in judgement.message
    assert "let load.jmeter.rampUp" in judgement.message


ERRORS_UNDER_LOAD = (Reason.AMBIGUOUS_QUERY, Reason.HISTOGRAM_EDGE_MISSING)


def test_every_reason_has_a_verdict_and_only_one_passes() -> None:
    assert set(VERDICTS) == set(Reason)
    assert [reason for reason in Reason if VERDICTS[reason] is Verdict.PASS] == [Reason.OBJECTIVES_MET]


def test_the_order_is_error_then_fail_then_inconclusive_then_pass() -> None:
    order = [Verdict.ERROR, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS]
    before_load = [reason for reason in Reason if reason not in ERRORS_UNDER_LOAD]
    ranks = [order.index(VERDICTS[reason]) for reason in sorted(before_load, key=precedence)]
    assert ranks == sorted(ranks)


def test_an_error_found_under_load_comes_after_a_latched_fail_and_before_all_else() -> None:
    ordered = sorted(Reason, key=precedence)
    begin, end = ordered.index(ERRORS_UNDER_LOAD[0]), ordered.index(ERRORS_UNDER_LOAD[-1])
    assert {VERDICTS[reason] for reason in ordered[begin : end + 1]} == {Verdict.ERROR}
    assert VERDICTS[ordered[begin - 1]] is Verdict.FAIL
    assert VERDICTS[ordered[end + 1]] is Verdict.INCONCLUSIVE


OF_ONE_PLACE = {Reason.PROMETHEUS_UNAVAILABLE, Reason.AMBIGUOUS_QUERY}
FAULTS = {
    Reason.OBJECTIVE_FAILED: lambda e, w: (evidence_with(e, failed=True), w),
    Reason.EVIDENCE_LOST: lambda e, _: (e, None),
    Reason.JMETER_DIED: lambda e, w: (e, w and w.model_copy(update={"end": LoadEnd.DIED})),
    Reason.RATE_NOT_REACHED: lambda e, w: (replace(e, workers=(WorkerEvidence(0, judged_samples=2000),)), w),
    Reason.PROMETHEUS_UNAVAILABLE: lambda e, w: (evidence_with(e, gap=GAP), w),
    Reason.AMBIGUOUS_QUERY: lambda e, w: (evidence_with(e, gap=AMBIGUOUS), w),
}


def evidence_with(found: Evidence, *, failed: bool = False, gap: Problem | None = None) -> Evidence:
    objectives = dict(found.objectives)
    if failed:
        objectives["p99 < 2s"] = replace(objectives["p99 < 2s"], failed=True)
    if gap is not None:
        objectives["availability"] = replace(objectives["availability"], gap=gap)
    return replace(found, objectives=objectives)


@pytest.mark.parametrize("pair", [p for p in combinations(FAULTS, 2) if set(p) != OF_ONE_PLACE], ids=str)
def test_of_two_faults_the_one_that_goes_first_decides(pair: tuple[Reason, Reason]) -> None:
    found, worker = evidence(), DONE
    for reason in pair:
        found, worker = FAULTS[reason](found, worker)
    assert verdict(found, worker).reason is min(pair, key=precedence)


@given(
    samples=st.integers(0, 5000),
    share=st.floats(0, 1),
    judged=st.integers(0, 4000),
    lost=st.booleans(),
    gap=st.booleans(),
)
def test_only_a_run_without_any_fault_and_with_enough_samples_passes(
    samples: int, share: float, judged: int, *, lost: bool, gap: bool
) -> None:
    exceedances = int(samples * share)
    tally = Tally(samples, exceedances, min(exceedances, 60))
    found = evidence(tally, judged=judged, gap=GAP if gap else None)
    passed = verdict(found, None if lost else DONE).verdict is Verdict.PASS
    allowed = PLAN.objectives[0].test.passes(tally)
    assert passed == (allowed and samples >= 459 and judged >= 2850 and not lost and not gap)


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (Tally(100), "a duration of 4m50s (459 samples) would give Pass if again all are good"),
        (
            Tally(3000, 18, 9),
            "a duration of 2m30s (6781 samples) would give Pass with a chance of 90% if the",
        ),
        (Tally(3000, 45, 9), "a duration of 4m50s (13908 samples) would give Fail with a chance of 90% if"),
        (Tally(3000, 30, 9), "so near to the allowed share no test of 1 day is likely to decide: mend"),
    ],
)
def test_a_test_that_was_too_short_says_how_long_a_repetition_would_take(seen: Tally, said: str) -> None:
    judgement = verdict(evidence(seen))
    assert judgement.reason is Reason.NOT_ENOUGH_EVIDENCE
    assert said in judgement.message
    assert f"{seen.exceedances} of {seen.samples} judged samples were slower or failed" in judgement.message
    assert close_objectives(PLAN, evidence(seen), (), START)[0].message == judgement.message


def test_real_users_traffic_that_was_too_little_says_how_long_it_would_take() -> None:
    live = LivePlan(objectives=PLAN.objectives, prometheus="monitoring", duration=timedelta(minutes=10))
    told = close_objectives(live, evidence(counters=Tally(300)), (), START)[1]
    assert told.message is not None
    assert "; a duration of 16m (459 samples) would give Pass if again all are good" in told.message

    told = close_objectives(live, evidence(counters=Tally(3)), (), START)[1]
    assert told.message is not None
    assert "so few come in 1 day (432) that it cannot be shown even if all are good" in told.message


@pytest.mark.parametrize("objectives", [1, 10, 32])
def test_the_whole_message_is_as_long_as_an_event_may_be(objectives: int) -> None:
    named = [{"expect": "p99 < 2s", "transaction": f"GET /{i:02}/{'x' * 190}"} for i in range(objectives)]
    plan = resolve_plan(gate(objectives=named).spec)
    found = replace(
        evidence(), objectives={o.name: ObjectiveEvidence(Tally(100, 3, 3)) for o in plan.objectives}
    )
    judgement = judge(plan, found, PerfRunStatus(load=ENDED, workers=(DONE,)))
    assert judgement.reason is Reason.NOT_ENOUGH_EVIDENCE
    assert len(judgement.message) <= 1024


def test_a_latched_fail_outlives_the_evidence_for_it() -> None:
    latched = follow_objectives(PLAN, evidence(Tally(20, 20, 6), failed=True), (), START)
    after_restart = follow_objectives(PLAN, Evidence(), latched, START)
    assert after_restart[0] == latched[0]
    status = PerfRunStatus(load=ENDED, objectives=after_restart, workers=(DONE,))
    assert judge(PLAN, evidence(), status).reason is Reason.OBJECTIVE_FAILED


def test_a_percentile_once_told_stands_when_only_totals_are_left() -> None:
    before = follow_objectives(PLAN, evidence(), (), START)
    totals = ObjectiveEvidence(GOOD, quantile_ms=None)
    found = replace(evidence(), objectives={**evidence().objectives, "p99 < 2s": totals})
    assert follow_objectives(PLAN, found, before, START)[0].observed == "p99 = 150 ms"
    assert follow_objectives(PLAN, found, (), START)[0].observed == "0.05% over the limit"


def test_each_objective_gets_its_own_verdict_and_words() -> None:
    first, second = close_objectives(PLAN, evidence(gap=GAP), (), START)
    assert (first.verdict, first.observed, first.allowed) == (Verdict.PASS, "p99 = 150 ms", "1%")
    assert (second.verdict, second.reason) == (Verdict.INCONCLUSIVE, "PrometheusUnavailable")
    assert second.decided_at == START


# objectives that decide nothing


LENIENT = {"expect": "p50 < 50ms", "critical": False, "origin": "Assumed"}


def lenient_world() -> tuple[World, str]:
    world, name = next(released(objectives=[{"expect": "p99 < 2s"}, LENIENT]))
    world.until(name, Phase.RUNNING)
    return world, name


def deliver(world: World, name: str, critical: Tally, lenient: Tally, final: LoadEnd | None = None) -> None:
    """Both objectives' counts; the lenient one has failed, the critical one only if it is BAD."""
    world.load(name, critical, lenient, final=final)
    found = world.evidence[name]
    failed = {"p99 < 2s": critical is BAD, "p50 < 50ms": True}
    objectives = {key: replace(value, failed=failed[key]) for key, value in found.objectives.items()}
    world.evidence[name] = replace(found, objectives=objectives)


def test_a_non_critical_objective_that_fails_neither_ends_the_load_nor_decides() -> None:
    world, name = lenient_world()
    world.wait(17)
    deliver(world, name, GOOD, Tally(4000, 4000, 60))
    world.step_run(name)
    status = world.runs[name].status
    assert (status.phase, status.verdict) == (Phase.RUNNING, None)
    assert [o.verdict for o in status.objectives] == [None, Verdict.FAIL]

    world.wait(54)
    deliver(world, name, GOOD, Tally(4000, 4000, 60), final=LoadEnd.COMPLETED)
    world.settle(name)
    status = world.runs[name].status
    assert (status.verdict, status.reason) == (Verdict.PASS, "ObjectivesMet")
    assert [o.verdict for o in status.objectives] == [Verdict.PASS, Verdict.FAIL]
    assert status.message is not None
    met, warning = status.message.split("; ", 1)
    assert met == "all critical objectives are met: p99 < 2s: p99 = 120 ms"
    assert warning.startswith("warning (not critical): p50 < 50ms does not hold: p50 = 120 ms, 4000 of 4000")
    assert world.gate is not None
    assert "warning (not critical): p50 < 50ms" in world.gate.status.conditions[-1].message


def test_a_critical_failure_is_told_first_and_the_warning_with_it() -> None:
    world, name = lenient_world()
    world.wait(17)
    deliver(world, name, BAD, BAD)
    world.step_run(name)
    status = world.runs[name].status
    assert (status.verdict, status.reason) == (Verdict.FAIL, "ObjectiveFailed")
    assert status.message is not None
    assert status.message.startswith("p99 < 2s does not hold")
    assert "warning (not critical): p50 < 50ms does not hold" in status.message


@pytest.mark.parametrize(
    ("lenient", "words"),
    [(Tally(), "there are no samples to judge"), (Tally(3, 1, 1), "is not shown to hold")],
)
def test_a_non_critical_objective_without_enough_evidence_is_a_warning_too(
    lenient: Tally, words: str
) -> None:
    plan = resolve_plan(gate(objectives=[{"expect": "p99 < 2s"}, LENIENT]).spec)
    objectives = {"p99 < 2s": ObjectiveEvidence(GOOD), "p50 < 50ms": ObjectiveEvidence(lenient)}
    found = replace(evidence(), objectives=objectives)
    status = PerfRunStatus(load=ENDED, workers=(DONE,))
    closed = close_objectives(plan, found, (), START)
    judgement = with_warnings(judge(plan, found, status), closed)
    assert judgement.verdict is Verdict.PASS
    assert closed[1].verdict is Verdict.INCONCLUSIVE
    assert "warning (not critical): p50 < 50ms" in judgement.message
    assert words in judgement.message


def test_a_non_critical_failure_latched_before_a_restart_still_decides_nothing() -> None:
    plan = resolve_plan(gate(objectives=[{"expect": "p99 < 2s"}, LENIENT]).spec)
    objectives = {
        "p99 < 2s": ObjectiveEvidence(GOOD),
        "p50 < 50ms": ObjectiveEvidence(Tally(20, 20, 6), failed=True),
    }
    found = replace(evidence(), objectives=objectives)
    latched = follow_objectives(plan, found, (), START)
    status = PerfRunStatus(load=ENDED, objectives=latched, workers=(DONE,))
    later = replace(found, objectives={"p99 < 2s": ObjectiveEvidence(GOOD)})
    assert judge(plan, later, status).verdict is Verdict.PASS
    assert close_objectives(plan, later, latched, START)[1].verdict is Verdict.FAIL


# gauges


GAUGE = {"name": "cpu", "expect": "value < 0.8 for 95%", "query": "max(cpu)"}
GAUGE_PLAN = resolve_plan(gate(objectives=[{"expect": "p99 < 2s"}, GAUGE], prometheus="monitoring").spec)


def of_gauge(points: Tally, *, expected: int = 40, failed: bool = False) -> Evidence:
    seen = ObjectiveEvidence(points, failed=failed, points=Points(points, 0.62, expected))
    return replace(evidence(), objectives={"p99 < 2s": ObjectiveEvidence(GOOD), "cpu": seen})


def judged_gauge(found: Evidence) -> Judgement:
    return judge(GAUGE_PLAN, found, PerfRunStatus(load=ENDED, workers=(DONE,)))


def test_a_gauge_is_told_by_its_middle_and_its_share_in_bounds() -> None:
    assert GAUGE_PLAN.objectives[1].counted == GaugePoints("max(cpu)", Comparison.LESS, 0.8)
    found = of_gauge(Tally(40, 1, 1))
    judgement = judged_gauge(found)
    assert judgement.verdict is Verdict.PASS
    said = "value < 0.8 for 95%: value = 0.62 in the middle, 97.5% of 40 points in bounds"
    assert said in judgement.message
    status = close_objectives(GAUGE_PLAN, found, (), START)[1]
    assert (status.exceedance, status.bound, status.allowed, status.samples) == ("2.5%", None, "5%", 40)
    assert status.message == "1 of 40 points were out of bounds (2.5%; allowed 5%)"


def test_a_gauge_that_cannot_hold_any_more_fails_the_run() -> None:
    judgement = judged_gauge(of_gauge(Tally(10, 3, 3), failed=True))
    assert judgement.reason is Reason.OBJECTIVE_FAILED
    assert "3 of 10 points were out of bounds (30%; allowed 5%)" in judgement.message


@pytest.mark.parametrize(("points", "reason"), [(36, "ObjectivesMet"), (35, "PrometheusUnavailable")])
def test_a_gauge_of_which_too_many_points_are_missing_is_inconclusive(points: int, reason: str) -> None:
    spec = {"objectives": [{"expect": "p99 < 2s"}, GAUGE], "prometheus": "monitoring"}
    world, name = next(released(**spec))
    world.until(name, Phase.RUNNING)
    world.wait(71)
    world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)
    for _ in range(3):
        world.step_run(name)
    world.wait(31)
    (poll,) = world.decide_run(name).effects
    assert isinstance(poll, PollMetrics)
    assert poll.ends - poll.since == timedelta(seconds=60)
    objectives = {**world.evidence[name].objectives, "cpu": of_gauge(Tally(points)).objectives["cpu"]}
    world.evidence[name] = replace(world.evidence[name], objectives=objectives, metrics_polled_at=world.now)
    world.settle(name)
    assert world.runs[name].status.reason == reason


# transactions


def test_a_transaction_is_named_wherever_its_objective_is_told() -> None:
    cart = {"name": "cart", "expect": "p99 < 2s", "transaction": "GET /cart"}
    buy = {"expect": "errors < 1%", "transaction": "checkout"}
    plan = resolve_plan(gate(objectives=[cart, buy]).spec)
    assert plan.transactions == ("GET /cart", "checkout")
    missing = Problem("NoSamples", "no judged sample has this name; the samplers are called GET /")
    found = replace(
        evidence(),
        objectives={
            "cart": ObjectiveEvidence(Tally(20, 20, 6), failed=True, quantile_ms=2500.0),
            "errors < 1%": ObjectiveEvidence(Tally(), gap=missing),
        },
    )
    status = PerfRunStatus(load=ENDED, workers=(DONE,))
    assert judge(plan, found, status).message.startswith("p99 < 2s of GET /cart does not hold: p99 = 2.50 s")
    slow, unknown = close_objectives(plan, found, (), START)
    assert (slow.transaction, unknown.transaction) == ("GET /cart", "checkout")
    assert (unknown.verdict, unknown.reason) == (Verdict.INCONCLUSIVE, "NoSamples")
    assert unknown.message == f"errors < 1% of checkout: {missing.message}"


# when the counters are read


def counting_world() -> tuple[World, str]:
    world, name = next(released(objectives=[{"expect": "p99 < 2s"}, COUNTERS], prometheus="monitoring"))
    world.until(name, Phase.RUNNING)
    return world, name


def test_counters_are_read_over_the_judged_window_only_and_once_a_scrape() -> None:
    world, name = counting_world()
    world.wait(20)
    world.load(name, GOOD, GOOD)
    assert world.decide_run(name).effects == ()
    world.step_run(name)
    world.wait(10)
    (poll,) = world.decide_run(name).effects
    judged_from = world.runs[name].status.load.judged_from  # type: ignore[union-attr]
    assert isinstance(poll, PollMetrics)
    assert (poll.since, poll.until, poll.polled) == (judged_from, world.now, BadEvents("ok", "all"))
    assert (poll.ends, poll.step) == (judged_from + timedelta(seconds=60), timedelta(seconds=15))
    world.evidence[name] = replace(world.evidence[name], metrics_polled_at=world.now)
    world.wait(14)
    assert world.decide_run(name).effects == ()


def test_judging_waits_two_scrapes_for_the_last_counters() -> None:
    world, name = counting_world()
    world.wait(71)
    world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)
    for _ in range(3):
        world.step_run(name)
    assert world.runs[name].status.phase is Phase.JUDGING
    world.wait(29)
    assert world.decide_run(name).effects == ()
    world.wait(2)
    (poll,) = world.decide_run(name).effects
    assert isinstance(poll, PollMetrics)
    world.evidence[name] = replace(world.evidence[name], metrics_polled_at=world.now)
    world.settle(name)
    assert world.runs[name].status.verdict is Verdict.PASS


def test_a_prometheus_that_stays_away_makes_the_run_inconclusive() -> None:
    world, name = counting_world()
    world.wait(71)
    world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)
    for _ in range(3):
        world.step_run(name)
    objectives = {**world.evidence[name].objectives, "availability": ObjectiveEvidence(Tally(), gap=GAP)}
    for _ in range(5):
        world.wait(16)
        found = replace(world.evidence[name], objectives=objectives, metrics_polled_at=world.now)
        world.evidence[name] = found
        decision = world.decide_run(name)
        status = decision.status
        world.runs[name] = world.runs[name].model_copy(update={"status": status})
    assert (status.verdict, status.reason) == (Verdict.INCONCLUSIVE, "PrometheusUnavailable")


@pytest.mark.parametrize(
    ("covered_s", "reason"), [(50, "ObjectivesMet"), (10, "PrometheusUnavailable"), (19, "ObjectivesMet")]
)
def test_counters_of_a_part_of_the_judged_load_are_no_evidence(covered_s: int, reason: str) -> None:
    world, name = counting_world()
    world.wait(71)
    world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)
    for _ in range(3):
        world.step_run(name)
    world.wait(31)
    covered = ObjectiveEvidence(GOOD, covered=timedelta(seconds=covered_s))
    objectives = {**world.evidence[name].objectives, "availability": covered}
    world.evidence[name] = replace(world.evidence[name], objectives=objectives, metrics_polled_at=world.now)
    world.settle(name)
    assert world.runs[name].status.reason == reason
